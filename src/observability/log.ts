import { pino, type DestinationStream, type LoggerOptions } from 'pino';

/**
 * The log on stdout: a line of JSON each. On a terminal outside of production it is formatted by
 * `pino-pretty`, if that is installed.
 * @param also adds fields to each line
 */
export async function openLog(level: string, production: boolean, also?: () => object): Promise<pino.Logger> {
  const options: LoggerOptions = { level, base: null, ...(also && { mixin: also }) };
  if (production || !process.stdout.isTTY) return pino(options, createOutput());
  const pretty = await import('pino-pretty').then(
    ({ PinoPretty }) => PinoPretty({ translateTime: 'HH:MM:ss.l', singleLine: true }),
    () => undefined,
  );
  return pretty ? pino(options, pretty) : pino(options);
}

/** Below the largest write of pino. A longer text is written at once. */
const BUFFER_BYTES = 15 * 1024;

/**
 * Saves a few percent of a login (decision 0016): writes all lines of one turn of the event loop by
 * one system call, before the loop waits again.
 */
function createOutput(): DestinationStream {
  const stdout = pino.destination({ minLength: BUFFER_BYTES, sync: true });
  let isDue = false;
  const flush = (): void => {
    isDue = false;
    stdout.flushSync();
  };
  process.on('exit', flush);
  return {
    write(line) {
      stdout.write(line);
      if (!isDue) setImmediate(flush);
      isDue = true;
    },
  };
}
