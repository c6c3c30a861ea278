import { randomBytes } from 'node:crypto';

/**
 * What is told to whoever counts. Words come from closed lists, and none of them names a person: each becomes a label, and a
 * label with many values costs whoever keeps them.
 */
export interface Meter {
  /** A login began. */
  began(): void;
  /** A step of a login is over, refused ones among them. */
  step(step: string, outcome: string, reason: string, status: number, ms: number): void;
  /** What a login tried by `channel` came to its end. */
  ended(channel: string, outcome: 'completed' | 'failed', reason: string): void;
  /** An answer of Vonage, by the class of its status (`2xx`); or that none came (`timeout`, `connection`). */
  called(api: string, status: string, ms: number): void;
  /** Something was refused by a limit. */
  refused(limit: string): void;
  /**
   * Vonage took an order for a message that costs money, or sent one by itself in a chain that was
   * ordered.
   */
  sent(channel: string): void;
  /** The store answered, or failed to. */
  stored(operation: string, failed: boolean, ms: number): void;
}

const nothing = (): void => undefined;

/** Nobody counts. */
export const NO_METER: Meter = {
  began: nothing,
  step: nothing,
  ended: nothing,
  called: nothing,
  refused: nothing,
  sent: nothing,
  stored: nothing,
};

/** What a trace may know: neither number nor code nor token, and no address with a query. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/**
 * Does `work` as one span of a trace, within the one it is called from. What is told with `error.type` in it has failed (OpenTelemetry,
 * "Recording errors").
 */
export type Span = <T>(
  name: string,
  kind: 'internal' | 'client',
  work: (tell: (attributes: Attributes) => void) => Promise<T>,
) => Promise<T>;

/** Nobody traces. */
export const NO_SPAN: Span = (_name, _kind, work) => work(nothing);

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
