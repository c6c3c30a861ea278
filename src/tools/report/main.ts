import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { reportOf } from './report.js';
import { readSamples, type Sample } from './samples.js';

const USAGE = `Usage: npm run report -- <source>…
Says how often silence worked, why it did not, and what it saved, by what all processes together counted.

  <source>  the /metrics of one process, as http://127.0.0.1:9464/metrics, or a file of such text; one for each process
  --help    shows this

Exits with 0 when it was told, 1 when a source cannot be read, 2 when it was called wrongly.`;

async function read(source: string): Promise<string> {
  if (!/^https?:/.test(source)) return readFile(source, 'utf8');
  const answer = await fetch(source, { signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(`it answers with ${answer.status}`);
  return answer.text();
}

/** @returns undefined where it cannot be read, which is said */
async function samplesOf(source: string): Promise<Sample[] | undefined> {
  try {
    return readSamples(await read(source));
  } catch (error) {
    const { message, cause } = error as Error;
    console.error(`${source} cannot be read: ${cause instanceof Error ? cause.message : message}`);
    return undefined;
  }
}

/** The command line. @returns what is wrong with it, in words, or undefined where help is asked for */
function sourcesIn(args: string[]): string[] | string | undefined {
  try {
    const { values, positionals } = parseArgs({
      ...{ args, allowPositionals: true, options: { help: { type: 'boolean' } } },
    });
    if (values.help) return undefined;
    return positionals.length > 0 ? positionals : 'A source is wanted.';
  } catch (error) {
    return (error as Error).message;
  }
}

async function run(args: string[]): Promise<0 | 1 | 2> {
  const sources = sourcesIn(args);
  if (typeof sources !== 'object') {
    if (sources === undefined) console.log(USAGE);
    else console.error(`${sources}\n${USAGE}`);
    return sources === undefined ? 0 : 2;
  }
  const told = (await Promise.all(sources.map(samplesOf))).filter((each) => each !== undefined);
  if (told.length < sources.length) return 1;
  process.stdout.write(reportOf(told.flat(), sources.length));
  return 0;
}

process.exitCode = await run(process.argv.slice(2));
