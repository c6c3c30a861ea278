import { pino, type LoggerOptions } from 'pino';

/**
 * The log on stdout: a line of JSON each. On a terminal outside of production it is formatted by
 * `pino-pretty`, if that is installed.
 * @param also adds fields to each line
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
