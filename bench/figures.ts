/**
 * What one login costs, as it was measured: the one place that docs/scaling.md is printed from. After a new measurement, change
 * these and run `npm run bench -- scaling --write`.
 */
export const FIGURES = {
  /** `npm run bench -- --at-once 64 --delays 50`, the server's row. Microseconds of a login. */
  serverCpuUs: 1429,
  redisCpuUs: 174,
  redisCommands: 8,
  /** Microseconds of the script that counts a login, by `INFO commandstats` after 20,000 of them, fifty at once. */
  scriptCpuUs: 14,
  /** Calls to Vonage for a login: Network Enablement, token, Number Verification. */
  upstreamCalls: 3,
  /** Milliseconds of each, as in that row. */
  upstreamMs: 50,
  /** `npm run bench -- memory`. Bytes of Redis: of a login that was begun, without its limits, and of a user who is logged in. */
  pendingBytes: 842,
  userBytes: 613,
  /** Bytes of Redis for the limits of a login that comes from an address range of its own, by the same command. */
  limitsBytes: 210,
  /** Megabytes of a process, and milliseconds until it listens. */
  processMb: 549,
  startMs: 295,
  /** Milliseconds without service after the primary of deploy/sentinel.conf was killed, logged in through the proxy. */
  failoverMs: 3400,
} as const;

export type Figures = { readonly [name in keyof typeof FIGURES]: number };

/** What follows from the design, in seconds (docs/production.md, "What is stored where"). */
export const LIVES = {
  /** A session that is not used again. */
  session: 1800,
  /** What logins are counted in. */
  account: 600,
} as const;

/** How far anything is meant to be used, so that a part of it may fail and a rush be borne. */
export const USE = {
  /** Of a process, which has one core. */
  process: 0.6,
  /** Of a primary of Redis, which has one core as well. */
  redis: 0.5,
  /** Of its memory: the rest is for buffers, and for a copy being made for a replica. */
  memory: 0.6,
  /** Of the calls a second that Vonage lets the account make. */
  upstream: 0.8,
} as const;
