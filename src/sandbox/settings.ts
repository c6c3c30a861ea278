import { createPublicKey, type KeyObject } from 'node:crypto';
import { parsePrivateKey } from '../core/keys.js';

export interface Settings {
  port: number;
  publicUrl: string;
  redirectUri: string;
  applicationId: string;
  publicKey: KeyObject;
  /** Absent when the account's key and secret are. */
  webhooks?: { url: string; apiKey: string; signatureSecret: string };
}

/** An http(s) URL without its trailing slash. */
const readUrl = (text: string): string => {
  if (!URL.canParse(text) || !/^https?:/i.test(text)) throw new Error('must be an http or https URL');
  return text.replace(/\/+$/, '');
};

const readPort = (text: string): number => {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error('must be a port number, 0 to 65535');
  return port;
};

const required = (text: string | undefined): string => {
  if (!text) throw new Error('is missing: silent-auth sandbox --init .env makes one');
  return text;
};

/** The half that Vonage keeps. The server and the sandbox refuse the same keys. */
const readPublicKey = (text: string): KeyObject => {
  const key = parsePrivateKey(text);
  if (typeof key === 'string') throw new Error(key);
  return createPublicKey(key);
};

/** A signature secret weaker than its hash is refused (RFC 7518, 3.2). */
const readSignatureSecret = (text: string | undefined): string => {
  if (text && Buffer.byteLength(text) < 32) throw new Error('must have at least 32 bytes');
  return text ?? '';
};

/** The key and the secret are of use only together. */
const together = (value: string | undefined, other: string | undefined, name: string): string => {
  if (!value && other) throw new Error(`is missing: without it ${name} has no use`);
  return value ?? '';
};

/** Reads one variable; adds to `problems` what is wrong with it. */
const readerOf =
  (env: NodeJS.ProcessEnv, problems: string[]) =>
  <T>(name: string, parse: (text: string | undefined) => T): T | undefined => {
    try {
      return parse(env[name]);
    } catch (error) {
      problems.push(`${name} ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };

/** Reads the environment, or returns everything that is wrong with it. */
export const readSettings = (env: NodeJS.ProcessEnv): Settings | { problems: string[] } => {
  const problems: string[] = [];
  const read = readerOf(env, problems);
  if (env.NODE_ENV === 'production')
    problems.push('NODE_ENV is production: the sandbox is no place for real users');
  const port = read('SANDBOX_PORT', (text) => readPort(text || '4000'));
  const publicUrl = read('SANDBOX_PUBLIC_URL', (text) => readUrl(text || `http://localhost:${port ?? 4000}`));
  const serverUrl = read('PUBLIC_URL', (text) => readUrl(text || 'http://localhost:3000'));
  const applicationId = read('VONAGE_APPLICATION_ID', required);
  const publicKey = read('VONAGE_PRIVATE_KEY', (text) => readPublicKey(required(text)));
  const apiKey = read('VONAGE_API_KEY', (text) =>
    together(text, env.VONAGE_SIGNATURE_SECRET, 'VONAGE_SIGNATURE_SECRET'),
  );
  const signatureSecret = read('VONAGE_SIGNATURE_SECRET', (text) =>
    together(readSignatureSecret(text), env.VONAGE_API_KEY, 'VONAGE_API_KEY'),
  );
  const webhookUrl = read('SANDBOX_WEBHOOK_URL', (text) =>
    text ? readUrl(text) : `${serverUrl ?? ''}/webhooks/verify`,
  );
  if (port === undefined || !publicUrl || !serverUrl || !applicationId || !publicKey || problems.length > 0) {
    return { problems };
  }
  const hasAccount = webhookUrl && apiKey && signatureSecret;
  const webhooks = hasAccount ? { webhooks: { url: webhookUrl, apiKey, signatureSecret } } : {};
  return { port, publicUrl, redirectUri: `${serverUrl}/callback`, applicationId, publicKey, ...webhooks };
};
