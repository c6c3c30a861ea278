import { readFileSync } from 'node:fs';

/**
 * Reads a PEM (RFC 7468) in any of the forms people keep one in: PEM, PEM with `\n` written out (as in .env files), base64
 * of a PEM (as in CI secrets), or the path of a file.
 */
export function readPem(text: string): string | undefined {
  const isPem = (candidate: string) => candidate.trimStart().startsWith('-----BEGIN');
  if (isPem(text)) return text.replaceAll('\\n', '\n');
  const decoded = Buffer.from(text, 'base64').toString('utf8');
  if (isPem(decoded)) return decoded;
  try {
    const content = readFileSync(text, 'utf8');
    return isPem(content) ? content : undefined;
  } catch {
    return undefined;
  }
}
