import { startEnvironment, type Environment } from './environment.js';

type Measure = (environment: Environment, args: string[]) => Promise<string>;

/** Runs a measurement in an environment of its own. */
async function inEnvironment(measure: Measure): Promise<void> {
  const environment = await startEnvironment();
  try {
    console.log(await measure(environment, process.argv.slice(2)));
  } finally {
    await environment.close();
  }
}

/**
 * `npm run bench -- [<measurement>] [<options>]`: runs one measurement. Its file lists its options.
 * Without a name it compares logins with the floor (`main.ts`).
 */
const MEASUREMENTS = new Map<string, () => Promise<unknown>>([
  ['', async () => inEnvironment((await import('./main.js')).compareLogins)],
  ['two-processes', async () => inEnvironment((await import('./two-processes.js')).compareProcesses)],
  ['scaling', () => import('./scaling.js')],
  ['engines', async () => inEnvironment((await import('./engines.js')).compareEngines)],
  ['memory', () => import('./memory.js')],
  ['micro', () => import('./micro.js')],
  ['profile', async () => inEnvironment((await import('./profile.js')).profileLogins)],
  ['overload', () => import('./overload.js')],
  [
    'failover',
    async () => console.log(await (await import('./failover.js')).measureFailover(process.argv.slice(2))),
  ],
]);

const [, , first = ''] = process.argv;
const name = first.startsWith('-') ? '' : first;
const measurement = MEASUREMENTS.get(name);
if (measurement) {
  // A measurement reads the options that follow its name.
  if (name !== '') process.argv.splice(2, 1);
  await measurement();
} else {
  const names = [...MEASUREMENTS.keys()].filter((each) => each !== '');
  process.stderr.write(`Unknown measurement: ${name}. There are ${names.join(', ')}.\n`);
  process.exitCode = 2;
}
