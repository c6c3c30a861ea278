import { randomBytes } from 'node:crypto';
import { NO_METER, NO_SPAN, type Meter, type Span } from './telemetry.js';

/** One line of structured log. pino satisfies this; nothing else of a logger is used. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How the event loop of this process spent its time since the process began, in milliseconds. */
export interface LoopTime {
  /** At work, or kept from it by the system, which let others have the processor. */
  active: number;
  /** Waiting for something to do. */
  idle: number;
  /** The time for which it had a processor. */
  cpu: number;
}

/** What the product does not control, and who watches it. All of it comes in through the door (`main`), so tests can turn it. */
export interface World {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Cryptographically strong random bytes. */
  random(bytes: number): Buffer;
  log: Log;
  meter: Meter;
  span: Span;
  /** Resolves in so many milliseconds. */
  pause(ms: number): Promise<void>;
  /** Does something in so many seconds, if the process is still there: nothing may depend on it. */
  later(seconds: number, work: () => void): void;
  loopTime(): LoopTime;
}

export const systemWorld = (log: Log, meter = NO_METER, span = NO_SPAN): World => ({
  now: () => Date.now(),
  random: randomBytes,
  log,
  meter,
  span,
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  later: (seconds, work) => void setTimeout(work, seconds * 1000).unref(),
  loopTime,
});

function loopTime(): LoopTime {
  const { active, idle } = performance.eventLoopUtilization();
  const { user, system } = cpuUsage();
  return { active, idle, cpu: (user + system) / 1000 };
}

/** Of this thread where Node tells it, which is from 23.9 on; before, of the whole process. */
function cpuUsage(): NodeJS.CpuUsage {
  const newer = process as { threadCpuUsage?: () => NodeJS.CpuUsage };
  return newer.threadCpuUsage?.() ?? process.cpuUsage();
}

/** Seconds since the Unix epoch: what JWTs and OAuth count in. */
export const nowInSeconds = (world: Pick<World, 'now'>): number => Math.floor(world.now() / 1000);

/** 256 random bits as 43 characters of base64url. */
export const randomToken = (world: Pick<World, 'random'>): string => world.random(32).toString('base64url');
