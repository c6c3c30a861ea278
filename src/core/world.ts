import { randomFillSync } from 'node:crypto';

/** Counts for metrics. Each text becomes a label, so it is from a closed list and names no user. */
export interface Meter {
  began(): void;
  /** A step of a login ended or was refused. */
  step(step: { step: string; outcome: string; reason: string; status: number; ms: number }): void;
  ended(channel: string, outcome: 'completed' | 'failed', reason: string): void;
  /** A call to Vonage ended. @param status `2xx`, `4xx`, `429`, `5xx`, `timeout` or `connection` */
  called(api: string, status: string, ms: number): void;
  refused(limit: string): void;
  /** Vonage sent, or accepted, a message that costs money. */
  sent(channel: string): void;
  stored(operation: string, failed: boolean, ms: number): void;
}

const nothing = (): void => undefined;

export const NO_METER: Meter = {
  began: nothing,
  step: nothing,
  ended: nothing,
  called: nothing,
  refused: nothing,
  sent: nothing,
  stored: nothing,
};

/** Attributes of a span. None holds a number, a code, a token or a query. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/**
 * Runs `work` as a child span, which has failed if it has the attribute `error.type`
 * (OpenTelemetry, "Recording errors").
 */
export type Span = <T>(
  name: string,
  kind: 'internal' | 'client',
  work: (annotate: (attributes: Attributes) => void) => Promise<T>,
) => Promise<T>;

export const NO_SPAN: Span = (_name, _kind, work) => work(nothing);

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How the event loop has spent its time since the process began (ms). */
export interface LoopTime {
  /** Running, or ready to run while other processes have the processor. */
  active: number;
  idle: number;
}

/** What is outside the process, so that tests can replace it. */
export interface World {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  random(bytes: number): Buffer;
  log: Log;
  meter: Meter;
  span: Span;
  pause(ms: number): Promise<void>;
  /** Calls `work` after `seconds`, but does not keep the process running for it. */
  later(seconds: number, work: () => void): void;
  loopTime(): LoopTime;
  /**
   * The processor time of this thread; before Node 23.9, of the whole process (ms). It takes a
   * system call, which in containers with a sandbox costs up to 40 µs.
   */
  cpuTime(): number;
}

const POOL_BYTES = 4096;
let unused = Buffer.alloc(0);

/**
 * Saves 8 % of a login: random bytes from the CSPRNG of Node, which is asked for 4 KiB at a time
 * (decision 0016). No byte is returned twice.
 */
export function randomBytes(count: number): Buffer {
  if (count > unused.length) unused = randomFillSync(Buffer.allocUnsafeSlow(Math.max(count, POOL_BYTES)));
  const bytes = unused.subarray(0, count);
  unused = unused.subarray(count);
  return bytes;
}

export const systemWorld = (log: Log, meter = NO_METER, span = NO_SPAN): World => ({
  now: () => Date.now(),
  random: randomBytes,
  log,
  meter,
  span,
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  later: (seconds, work) => void setTimeout(work, seconds * 1000).unref(),
  loopTime: () => performance.eventLoopUtilization(),
  cpuTime,
});

function cpuTime(): number {
  const newer = process as { threadCpuUsage?: () => NodeJS.CpuUsage };
  const { user, system } = newer.threadCpuUsage?.() ?? process.cpuUsage();
  return (user + system) / 1000;
}

export const nowInSeconds = (world: Pick<World, 'now'>): number => Math.floor(world.now() / 1000);

/** 256 random bits as 43 characters of base64url. */
export const randomToken = (world: Pick<World, 'random'>): string => world.random(32).toString('base64url');
