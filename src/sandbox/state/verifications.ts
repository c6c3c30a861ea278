import { LRUCache } from 'lru-cache';
import type { StartBody } from '../verify/bodies.js';
import { BOUNDED, type MessageChannel } from './records.js';

/** The status of a step, as in the summary webhook. `pending` is the current step. */
export type StepStatus =
  | 'unused'
  | 'pending'
  | 'completed'
  | 'failed'
  | 'expired'
  | 'user_rejected'
  | 'rejected'
  | 'blocked';

export interface Step {
  channel: 'silent_auth' | MessageChannel;
  /** E.164 with its plus sign, unlike in the API. */
  to: string;
  /** The sender, as in the request. */
  from?: string | undefined;
  /** Of the Android app that reads the SMS: 11 characters. */
  appHash?: string | undefined;
  redirectUrl?: string | undefined;
  /** Whether the network was checked before the 202. */
  coverageCheck: boolean;
  status: StepStatus;
  /** Why Vonage's fraud rules blocked the message. */
  reason?: string;
  /** Both in milliseconds since the epoch; absent while the step is unused. */
  initiatedAt?: number;
  endsAt?: number;
  /** Whether the check URL was opened, which works once. */
  isOpened: boolean;
  /** The expected code. A silent step has none until its redirects are over. */
  code?: string;
}

export interface Verification {
  id: string;
  asked: StartBody;
  /** Milliseconds since the epoch. */
  submittedAt: number;
  steps: Step[];
  wrongCodes: number;
}

export interface ActiveStep {
  verification: Verification;
  step: Step;
}

export const stepWith = (wanted: StepStatus, { steps }: Verification): Step | undefined =>
  steps.find(({ status }) => status === wanted);

/** The active verifications. Those that are over are removed: Vonage answers 404 for them. */
export class VerificationStore {
  readonly #byNumber = new Map<string, Verification>();
  readonly #byId = new LRUCache<string, Verification>({
    ...BOUNDED,
    dispose: (verification) => {
      for (const { to } of verification.steps) {
        if (this.#byNumber.get(to) === verification) this.#byNumber.delete(to);
      }
    },
  });

  add(verification: Verification): void {
    this.#byId.set(verification.id, verification);
    for (const { to } of verification.steps) this.#byNumber.set(to, verification);
  }

  get(id: string): Verification | undefined {
    // `peek` keeps the order, which is that of the starts.
    return this.#byId.peek(id);
  }

  ofNumber(number: string): Verification | undefined {
    return this.#byNumber.get(number);
  }

  /** In the order of their starts. */
  all(): Verification[] {
    return [...this.#byId.values()].reverse();
  }

  remove({ id }: Verification): void {
    this.#byId.delete(id);
  }

  clear(): void {
    this.#byId.clear();
  }
}
