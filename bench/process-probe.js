// Loaded into every process of the bench before its program (`node --import`). Over IPC it reports
// the resources that the process has used, and records CPU profiles.
import { Session } from 'node:inspector/promises';
import process from 'node:process';

const answers = {
  usage() {
    globalThis.gc?.();
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    return { cpu: user + system, rss, heapUsed };
  },
  /** Starts a CPU profile that takes a sample every `everyUs` microseconds. */
  async startProfile({ everyUs }) {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: everyUs });
    await session.post('Profiler.start');
  },
  async stopProfile() {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    return profile;
  },
};
const session = new Session();

process.on('message', async ({ id, question, input }) => {
  if (Object.hasOwn(answers, question)) process.send({ id, value: await answers[question](input) });
});
// A child process ends with the bench.
process.on('disconnect', () => process.exit());
process.channel.unref();
