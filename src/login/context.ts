import type { CodeChannel } from '../config/login.js';
import type { World } from '../core/world.js';
import type { Overload } from '../http/overload.js';
import type { Limits } from '../limits/counters.js';
import type { Caller } from '../limits/limits.js';
import type { CheckSim } from '../limits/sim-swap.js';
import type { Lock, Store } from '../store/store.js';
import type { Engine } from './engines.js';
import type { Rules } from './hooks.js';
import type { Annotate, Journal } from '../observability/journal.js';
import type { LoginSession } from './login.js';
import type { ReadProgress, Reports } from './progress.js';
import type { Tickets } from './tickets.js';
import type { Verifications } from './verification.js';

/** What the steps of a login share. */
export interface LoginContext {
  engine: Engine;
  verifications: Verifications;
  /** The channels of codes that the settings allow, in the order in which they are offered. */
  fallbacks: readonly CodeChannel[];
  /** How many channels one verification goes through (`VERIFY_CHAIN`). */
  maxSteps: number;
  tickets: Tickets;
  reports: Reports;
  readProgress: ReadProgress;
  /** The hooks (docs/hooks.md). */
  rules: Rules;
  /** Absent: nothing is asked about SIMs. */
  checkSim: CheckSim | undefined;
  /** Limits how many logins wait for Vonage at a time. */
  withUpstreamSlot: Overload['withUpstreamSlot'];
  limits: Limits;
  lock: Lock;
  store: Store;
  world: World;
  journal: Journal;
}

/** What a step knows of its request. */
export interface RequestContext {
  caller: Caller;
  /** Our `X-Request-Id`, which Vonage gets as `x-correlator`. */
  requestId: string;
  session: LoginSession;
}

/** The request of a step that is under way. */
export interface StepContext extends RequestContext {
  /** Adds to the log line of the step. */
  annotate: Annotate;
}
