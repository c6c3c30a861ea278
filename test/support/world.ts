import { randomBytes } from 'node:crypto';
import { NO_METER, NO_SPAN } from '../../src/core/world.js';
import type { Log, LoopTime, World } from '../../src/core/world.js';

export interface TestWorld extends World {
  /** Advances the clock. */
  turn(seconds: number): void;
  /** Adds to the time that the event loop and the processor have spent (ms). */
  spend(time: LoopTime & { cpu: number }): void;
  /** Everything that was logged, as text. */
  logged(): string;
}

/** A world with a clock that only `turn` advances, and a log that is recorded. */
export function testWorld(meter = NO_METER, span = NO_SPAN): TestWorld {
  let now = Date.now();
  const lines: string[] = [];
  const loop = { active: 0, idle: 0 };
  let cpuTime = 0;
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push(JSON.stringify({ level, ...fields, message }));
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const waiting: { at: number; work: () => void }[] = [];
  return {
    now: () => now,
    random: randomBytes,
    log,
    meter,
    span,
    // The awaited work uses real sockets, so a short pause is enough.
    pause: () => new Promise((resolve) => setTimeout(resolve, 10)),
    later: (seconds, work) => void waiting.push({ at: now + seconds * 1000, work }),
    loopTime: () => ({ ...loop }),
    cpuTime: () => cpuTime,
    spend({ active, idle, cpu }) {
      loop.active += active;
      loop.idle += idle;
      cpuTime += cpu;
    },
    turn(seconds) {
      now += seconds * 1000;
      for (const due of waiting.filter(({ at }) => at <= now)) {
        waiting.splice(waiting.indexOf(due), 1);
        due.work();
      }
    },
    logged: () => lines.join('\n'),
  };
}
