import { randomBytes } from 'node:crypto';
import { NO_METER, NO_SPAN, type Meter, type Span } from './telemetry.js';

/** One line of structured log. pino satisfies this; nothing else of a logger is used. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Milliseconds of the event loop of this process. */
export interface LoopTime {
  busy: number;
  /** Waiting for something to do. */
  idle: number;
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
  /** How the event loop spent its time since the process began. */
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
  loopTime: () => {
    const { active, idle } = performance.eventLoopUtilization();
    return { busy: active, idle };
  },
});

/** Seconds since the Unix epoch: what JWTs and OAuth count in. */
export const nowInSeconds = (world: Pick<World, 'now'>): number => Math.floor(world.now() / 1000);

/** 256 random bits as 43 characters of base64url. */
export const randomToken = (world: Pick<World, 'random'>): string => world.random(32).toString('base64url');
