import type { Limits } from '../limits/limits.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { Store } from '../store/store.js';
import type { Place } from '../http/overload.js';
import type { World } from '../core/world.js';
import type { Engine } from './engines.js';
import type { Rules } from './hooks.js';
import type { Journal, Told } from './journal.js';
import type { Lock } from '../store/lock.js';
import type { Login, OtpChannel } from './login.js';
import type { Otp } from './verification.js';
import type { Progress, Reports } from './progress.js';
import type { Tickets } from './tickets.js';

/** What the story is given from outside. */
export interface FlowDeps {
  engine: Engine;
  otp: Otp;
  /** The channels of codes to type, in the order they are offered. */
  fallbacks: readonly OtpChannel[];
  tickets: Tickets;
  reports: Reports;
  /** The operator's own. */
  rules: Rules;
  /** Does the part of a beginning that waits for Vonage, as soon as limits have admitted it. */
  place: Place;
  limits: Limits;
  store: Store;
  world: World;
  journal: Journal;
  pseudonym: (number: PhoneNumber) => string;
}

/** What its chapters share. */
export interface Parts extends FlowDeps {
  /** What the journal says of a login that stands. */
  known: (login: Login | undefined) => Told;
  lock: Lock;
  /** The fallbacks this number has: Vonage's Virtual Operator takes no message. */
  fallbacksOf: (number: PhoneNumber) => readonly OtpChannel[];
  /** Where a login stands. */
  progress: (login: Login) => Promise<Progress>;
}
