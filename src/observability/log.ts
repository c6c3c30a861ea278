import { destination, pino, type DestinationStream, type LoggerOptions } from 'pino';

/**
 * The log, on stdout: JSON, a line each. On a terminal, and not in production, it is made for eyes, if `pino-pretty` is there (production
 * is installed without it).
 * @param also what each line has besides
 */
export async function openLog(level: string, production: boolean, also?: () => object): Promise<pino.Logger> {
  const options: LoggerOptions = { level, base: null, ...(also && { mixin: also }) };
  if (production || !process.stdout.isTTY) return pino(options, linesTogether());
  const pretty = await import('pino-pretty').then(
    ({ PinoPretty }) => PinoPretty({ translateTime: 'HH:MM:ss.l', singleLine: true }),
    () => undefined,
  );
  return pretty ? pino(options, pretty) : pino(options, linesTogether());
}

/** Stdout, to which the lines of one turn of the event loop go in one write, since a write costs more than a line. */
function linesTogether(): DestinationStream {
  const stdout = destination({ dest: 1, sync: true, minLength: 8192 });
  let due = false;
  const flush = (): void => {
    due = false;
    stdout.flush();
  };
  // The lines of the turn in which the process ends, of itself or by an error that nobody caught.
  process.once('exit', flush);
  return {
    write(line) {
      stdout.write(line);
      if (due) return;
      due = true;
      setImmediate(flush);
    },
  };
}
