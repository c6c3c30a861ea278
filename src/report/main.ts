import { readFile } from 'node:fs/promises';
import { reportOf } from './report.js';
import { readSamples } from './samples.js';

/** `npm run report -- <url>…`: what the `/metrics` of all processes tell of silence. A file of such text does as well. */
const USAGE =
  'Say where what was counted is told: npm run report -- http://127.0.0.1:9464/metrics, once for each process.';

async function read(source: string): Promise<string> {
  if (!/^https?:/.test(source)) return readFile(source, 'utf8');
  const answer = await fetch(source, { signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(`it answers with ${answer.status}`);
  return answer.text();
}

const sources = process.argv.slice(2);
if (sources.length === 0) {
  console.error(USAGE);
  process.exit(2);
}
const told = await Promise.all(
  sources.map(async (source) => {
    try {
      return readSamples(await read(source));
    } catch (error) {
      const { message, cause } = error as Error;
      console.error(`${source} cannot be read: ${cause instanceof Error ? cause.message : message}`);
      process.exit(1);
    }
  }),
);
process.stdout.write(reportOf(told.flat(), sources.length));
