// Loaded into every measured process ahead of its program (`node --import`). Asked over IPC, it tells what the operating
// system has counted for the process, or where its time goes, and leaves the program alone otherwise.
import { Session } from 'node:inspector/promises';
import process from 'node:process';

const answers = {
  usage() {
    globalThis.gc?.();
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    return { cpu: user + system, rss, heapUsed };
  },
  /** Looks every so many microseconds what the program is at, from now until `profile` is asked. */
  async watch({ everyUs }) {
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: everyUs });
    await session.post('Profiler.start');
  },
  async profile() {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    return profile;
  },
};
const session = new Session();

process.on('message', async ({ id, question, input }) => {
  if (Object.hasOwn(answers, question)) process.send({ id, value: await answers[question](input) });
});
// Nothing of a bench outlives it.
process.on('disconnect', () => process.exit());
process.channel.unref();
