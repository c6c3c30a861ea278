import { LRUCache } from 'lru-cache';
import { MAX_ENTRIES } from './records.js';

/** The status of a step, in the words of the summary; `pending` is the one under way. */
export type StepStatus = 'unused' | 'pending' | 'completed' | 'failed' | 'expired' | 'user_rejected';

/** One step of a workflow. */
export interface Step {
  channel: 'silent_auth' | 'sms' | 'voice';
  /** E.164 with its plus sign, unlike the field of the request. */
  to: string;
  redirectUrl?: string | undefined;
  /** Whether the network was looked up before the 202. */
  coverageCheck: boolean;
  status: StepStatus;
  /** Milliseconds since the epoch; absent while the step is unused. */
  initiatedAt?: number;
  endsAt?: number;
  /** Whether a device opened the check URL, which works once. */
  isOpened: boolean;
  /** The code to check; a silent step has one when its redirects are over. */
  code?: string;
}

/** A Verify v2 request. */
export interface Verification {
  id: string;
  brand: string;
  locale: string;
  channelTimeoutSeconds: number;
  clientRef?: string | undefined;
  codeLength: number;
  /** The customer's own code for the steps that send one. */
  customCode?: string | undefined;
  templateId?: string | undefined;
  /** Milliseconds since the epoch. */
  submittedAt: number;
  steps: Step[];
  wrongCodes: number;
}

/** A verification and its step under way. */
export interface ActiveStep {
  verification: Verification;
  step: Step;
}

/** The first step with this status: the one under way is `pending`, the next one `unused`. */
export const stepWith = (wanted: StepStatus, { steps }: Verification): Step | undefined =>
  steps.find(({ status }) => status === wanted);

/** The verifications under way. Those that are over are removed: Vonage answers 404 for them. */
export class VerificationStore {
  readonly #byNumber = new Map<string, Verification>();
  readonly #byId = new LRUCache<string, Verification>({
    max: MAX_ENTRIES,
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
    // Without a change of the order, which is that of the starts.
    return this.#byId.peek(id);
  }

  /** The verification under way for this number. */
  ofNumber(number: string): Verification | undefined {
    return this.#byNumber.get(number);
  }

  /** In the order in which they were started. */
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
