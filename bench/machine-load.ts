import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';

/**
 * Starts to watch the load of the machine by other programs.
 * @returns a function that reports it; `ours` is the CPU time of the bench's processes (µs)
 */
export function watchMachineLoad(): (ours: number) => string[] {
  const before = read();
  return (ours) => {
    const after = read();
    const whole = after.whole - before.whole;
    const share = (ms: number): string => `${((ms / whole) * 100).toFixed(1)} %`;
    const others = Math.max(0, after.busy - before.busy - ours / 1000);
    return [
      `Other programs used ${share(others)} of the machine, and its hypervisor ${share(after.stolen - before.stolen)} (steal time).`,
      `Load average: ${before.load} before, ${after.load} after.`,
    ];
  };
}

/** Milliseconds of all processors together. */
function read() {
  const times = cpus().map((cpu) => cpu.times);
  const busy = times.reduce((sum, { user, nice, sys, irq }) => sum + user + nice + sys + irq, 0);
  const idle = times.reduce((sum, each) => sum + each.idle, 0);
  return { busy, whole: busy + idle, stolen: stolenMs(), load: (loadavg()[0] ?? 0).toFixed(2) };
}

/** Steal time; Linux alone reports it (proc(5), /proc/stat: the eighth figure, in 1/100 s). */
function stolenMs(): number {
  if (process.platform !== 'linux') return 0;
  const [, ...figures] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/);
  return Number(figures[7]) * 10;
}
