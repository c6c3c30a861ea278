import { pino, type LoggerOptions } from 'pino';

/**
 * The log, on stdout: JSON, a line each. On a terminal, and not in production, it is made for eyes, if `pino-pretty` is there (production
 * is installed without it).
 * @param also what each line has besides
 */
export async function openLog(level: string, production: boolean, also?: () => object): Promise<pino.Logger> {
  const options: LoggerOptions = { level, base: null, ...(also && { mixin: also }) };
  if (production || !process.stdout.isTTY) return pino(options);
  const pretty = await import('pino-pretty').then(
    ({ PinoPretty }) => PinoPretty({ translateTime: 'HH:MM:ss.l', singleLine: true }),
    () => undefined,
  );
  return pretty ? pino(options, pretty) : pino(options);
}
