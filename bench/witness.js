// Loaded into every measured process ahead of its program (`node --import`). Asked over IPC, it tells what the operating
// system has counted for the process, and leaves the program alone otherwise.
import process from 'node:process';

process.on('message', ({ id, question }) => {
  if (question !== 'usage') return;
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  process.send({ id, value: { cpu: user + system, rss, heapUsed } });
});
// Nothing of a bench outlives it.
process.on('disconnect', () => process.exit());
process.channel.unref();
