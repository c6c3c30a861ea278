import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';

/** Begins to listen. @returns what the machine did until then, in words; `ours`: microseconds of all our processes */
export function listenForNoise(): (ours: number) => string[] {
  const before = look();
  return (ours) => {
    const after = look();
    const whole = after.whole - before.whole;
    const share = (ms: number): string => `${((ms / whole) * 100).toFixed(1)} %`;
    const others = Math.max(0, after.busy - before.busy - ours / 1000);
    return [
      `Other programs used ${share(others)} of the machine meanwhile, and its host took ${share(after.stolen - before.stolen)} away.`,
      `Load average: ${before.load} before, ${after.load} after.`,
    ];
  };
}

/** Milliseconds of all processors together. */
function look() {
  const times = cpus().map((cpu) => cpu.times);
  const busy = times.reduce((sum, { user, nice, sys, irq }) => sum + user + nice + sys + irq, 0);
  const idle = times.reduce((sum, each) => sum + each.idle, 0);
  return { busy, whole: busy + idle, stolen: stolenMs(), load: (loadavg()[0] ?? 0).toFixed(2) };
}

/** What a hypervisor took from this machine, where the system tells (Linux, proc(5): the eighth figure, in hundredths of a second). */
function stolenMs(): number {
  if (process.platform !== 'linux') return 0;
  const [, ...figures] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/);
  return Number(figures[7]) * 10;
}
