/**
 * `npm run bench -- [<measurement>] [<options>]`: runs one measurement. Its file lists its options.
 * Without a name it compares logins with the floor (`main.ts`).
 */
const MEASUREMENTS = new Map<string, () => Promise<unknown>>([
  ['two-processes', () => import('./two-processes.js')],
  ['scaling', () => import('./scaling.js')],
  ['engines', () => import('./engines.js')],
  ['memory', () => import('./memory.js')],
  ['micro', () => import('./micro.js')],
  ['profile', () => import('./profile.js')],
  ['overload', () => import('./overload.js')],
  ['failover', () => import('./failover.js')],
]);

const [, , name = ''] = process.argv;
const measurement = MEASUREMENTS.get(name);
if (measurement) {
  // A measurement reads the options that follow its name.
  process.argv.splice(2, 1);
  await measurement();
} else if (name === '' || name.startsWith('-')) {
  await import('./main.js');
} else {
  process.stderr.write(`Unknown measurement: ${name}. There are ${[...MEASUREMENTS.keys()].join(', ')}.\n`);
  process.exitCode = 2;
}
