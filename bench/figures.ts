/**
 * The measured cost of one login. All tables of docs/scaling.md are computed from it. After a new
 * measurement, change the figures and run `npm run bench -- scaling --write`.
 */
export const FIGURES = {
  /** `npm run bench -- --at-once 64 --delays 50`, the row of the server. Microseconds per login. */
  serverCpuUs: 2118,
  /** Of Redis, in that row. */
  redisCpuUs: 213,
  redisCommands: 9,
  /**
   * Microseconds of the script that counts a login, by `INFO commandstats` after 20,000 calls, 50
   * at a time.
   */
  scriptCpuUs: 14,
  /** Per login: Network Enablement, token, Number Verification. */
  upstreamCalls: 3,
  /** Milliseconds per call, as in that row. */
  upstreamMs: 50,
  /** `npm run bench -- memory`. Bytes of Redis for a pending login, without its limits. */
  pendingBytes: 842,
  /** Bytes of Redis for a logged-in user. */
  userBytes: 613,
  /**
   * Bytes of Redis for the list of a number with one session, by `used_memory` after 20,000 such
   * lists.
   */
  listBytes: 437,
  /** Bytes of Redis for the limits of a login from its own address range. */
  limitsBytes: 210,
  /** Memory of a process. */
  processMb: 227,
  /** Milliseconds from the start of a process until it listens. */
  startMs: 465,
  /**
   * `npm run bench -- failover`, three times. Milliseconds until the server writes again after the
   * primary was killed: the median of nine, 3440 to 3560.
   */
  failoverMs: 3480,
} as const;

export type Figures = { readonly [name in keyof typeof FIGURES]: number };

/** Lifetimes of records in Redis (docs/architecture.md, "Keys in Redis"). */
export const TTL_SECONDS = {
  /** A session that stays idle. */
  session: 1800,
  /** The counters of logins. */
  limits: 600,
} as const;

/** Planned utilization, from 0 to 1. The rest is a reserve for failures and bursts. */
export const UTILIZATION = {
  /** Of the one core of a process. */
  process: 0.6,
  /** Of the one core of a Redis primary. */
  redis: 0.5,
  /** Of the memory of a primary: the rest is for buffers, and for the copy sent to a replica. */
  memory: 0.6,
  /** Of the calls per second that Vonage allows the account. */
  upstream: 0.8,
} as const;
