import { z } from 'zod';
import { parsePhoneNumber } from '../../core/phone-number.js';

export const isPhoneNumber = (text: string): boolean => parsePhoneNumber(text) !== undefined;

/** A phone number in a request: E.164 with its `+`, in its only valid spelling. */
export const PhoneNumber = z.string().refine(isPhoneNumber, 'must be in E.164 format with a leading +');

/** The documented numbers. */
const DOCUMENTED = {
  '+447700900000': 'match', // the SIM has the number
  '+447700900101': 'other_sim', // the SIM has another number
  '+447700900102': 'unsupported', // Network Enablement refuses the scope inside its 200
  '+447700900103': 'wifi', // the operator does not see the device on its network: error=access_denied
  '+447700900104': 'not_mobile', // Number Verification: 403, not authenticated by the mobile network
  '+447700900105': 'slow', // Number Verification answers after SLOW_ANSWER_MS
  '+447700900106': 'invalid_grant', // the token endpoint refuses the code
  '+447700900107': 'server_error', // the redirects end in error=server_error
  '+447700900108': 'garbage', // Number Verification answers 200 with a broken page
  '+447700900109': 'rate_limited', // Network Enablement: 429 with Retry-After
} as const;

export type Behaviour = (typeof DOCUMENTED)[keyof typeof DOCUMENTED];

/** What a number can do. */
export const BEHAVIOURS: Behaviour[] = Object.values(DOCUMENTED);

/** A behaviour, and the SIM: absent for one with the number itself, null for an unknown one. */
export const Subscriber = z.strictObject({
  behaviour: z.enum(BEHAVIOURS),
  sim: PhoneNumber.nullable().optional(),
});

export type Subscriber = z.infer<typeof Subscriber>;

/** Longer than the 5 seconds that a client should wait. */
export const SLOW_ANSWER_MS = 6_000;

/** The SIM of `other_sim`, unless another one is set. */
const OTHER_SIM = '+447700900999';

/** Vonage's Virtual Operator, +990: numbers ending in 99 fail, even ones match, odd ones do not. */
const virtualOperator = (number: string): Subscriber => {
  if (number.endsWith('99')) return { behaviour: 'server_error' };
  return { behaviour: Number(number.at(-1)) % 2 === 1 ? 'other_sim' : 'match' };
};

/** The operator's subscribers. Any other number matches. */
export class Subscribers {
  readonly #table = new Map<string, Subscriber>();

  constructor() {
    this.clear();
  }

  of(number: string): Subscriber {
    const byRule = number.startsWith('+990') ? virtualOperator(number) : { behaviour: 'match' as const };
    return this.#table.get(number) ?? byRule;
  }

  /** The number of the SIM, where the device does not state one; null when it is unknown. */
  simOf(number: string): string | null {
    const { behaviour, sim } = this.of(number);
    if (sim !== undefined) return sim;
    return behaviour === 'other_sim' ? OTHER_SIM : number;
  }

  set(number: string, subscriber: Subscriber): void {
    this.#table.set(number, subscriber);
  }

  /** The documented numbers and those that were set. */
  all(): Record<string, Subscriber> {
    return Object.fromEntries(this.#table);
  }

  clear(): void {
    this.#table.clear();
    for (const [number, behaviour] of Object.entries(DOCUMENTED)) this.set(number, { behaviour });
  }
}
