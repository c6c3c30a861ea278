import { z } from 'zod';
import { parsePhoneNumber } from '../../core/phone-number.js';
import type { MessageChannel } from './records.js';

export const isPhoneNumber = (text: string): boolean => parsePhoneNumber(text) !== undefined;

/** E.164 with a `+`, in canonical form. */
export const PhoneNumber = z.string().refine(isPhoneNumber, 'must be in E.164 format with a leading +');

/** The pattern in CAMARA's specifications. */
export const CamaraPhoneNumber = z.string().regex(/^\+[1-9][0-9]{4,14}$/);

/** For APIs in which the plus sign is optional. */
export const withPlus = (number: string): string => number.replace(/^\+?/, '+');

const DOCUMENTED = {
  '+447700900000': 'match', // the SIM has the number
  '+447700900101': 'other_sim', // the SIM has another number
  '+447700900102': 'unsupported', // Network Enablement refuses the scope inside its 200
  '+447700900103': 'wifi', // the operator does not see the device: error=access_denied
  '+447700900104': 'not_mobile', // Number Verification: 403, not on the mobile network
  '+447700900105': 'slow', // Number Verification answers after SLOW_ANSWER_DELAY_MS
  '+447700900106': 'invalid_grant', // the token endpoint refuses the code
  '+447700900107': 'server_error', // the redirects end in error=server_error
  '+447700900108': 'garbage', // Number Verification answers 200 with a broken page
  '+447700900109': 'rate_limited', // Network Enablement: 429 with Retry-After
  // These are like `unsupported`, so that their logins go on to messages.
  '+447700900110': 'blocked', // Vonage's fraud rules block SMS and calls
  '+447700900111': 'rejected', // the network rejects messages
  '+447700900112': 'user_rejected', // messages arrive, and the user rejects them
  '+447700900113': 'unreachable', // messages fail: the phone cannot be reached
  '+447700900114': 'no_link', // a silent step with others after it: 202 without a link
  // This one fails in the redirects.
  '+447700900115': 'no_consent', // the operator wants consent first: error=consent_required
} as const;

/** What the operator knows of the last change of a SIM: how many hours ago it was, if anything. */
const SimSwap = z.union([z.int().min(0).max(100_000), z.enum(['never', 'unknown', 'not_covered'])]);
export type SimSwap = z.infer<typeof SimSwap>;

/** Otherwise the SIM has the number. */
const DOCUMENTED_SIM_SWAPS = {
  '+447700900116': 1,
  '+447700900117': 'unknown', // the operator returns an error
  '+447700900118': 'not_covered', // the operator does not offer it
} as const satisfies Record<string, SimSwap>;

type Behaviour = (typeof DOCUMENTED)[keyof typeof DOCUMENTED];

/** How messages to a number end, by its behaviour. Other messages wait for their code. */
const MESSAGE_ENDS = {
  blocked: 'blocked',
  rejected: 'rejected',
  user_rejected: 'user_rejected',
  unreachable: 'failed',
  no_link: undefined,
} as const;

/** A behaviour as silent authentication sees it. */
export type SilentBehaviour = Exclude<Behaviour, keyof typeof MESSAGE_ENDS>;

const isAboutMessages = (behaviour: Behaviour): behaviour is keyof typeof MESSAGE_ENDS =>
  behaviour in MESSAGE_ENDS;

export const BEHAVIOURS: Behaviour[] = Object.values(DOCUMENTED);

/**
 * `sim` is the number of the SIM: by default that of the behaviour, null if it is unknown.
 * `sim_swap` is `never` by default.
 */
export const Subscriber = z.strictObject({
  behaviour: z.enum(BEHAVIOURS),
  sim: PhoneNumber.nullable().optional(),
  sim_swap: SimSwap.optional(),
});

export type Subscriber = z.infer<typeof Subscriber>;

/** Longer than the 5 seconds for which a client should wait. */
export const SLOW_ANSWER_DELAY_MS = 6_000;

const OTHER_SIM = '+447700900999';

/** Vonage's Virtual Operator, +990: numbers ending in 99 fail, even ones match, others do not. */
const virtualOperator = (number: string): Subscriber => {
  if (number.endsWith('99')) return { behaviour: 'server_error' };
  return { behaviour: Number(number.at(-1)) % 2 === 1 ? 'other_sim' : 'match' };
};

/** The operator's subscribers. Numbers that are not listed match. */
export class Subscribers {
  readonly #table = new Map<string, Subscriber>();

  constructor() {
    this.clear();
  }

  of(number: string): Subscriber {
    const byRule = number.startsWith('+990') ? virtualOperator(number) : { behaviour: 'match' as const };
    return this.#table.get(number) ?? byRule;
  }

  silentBehaviourOf(number: string): SilentBehaviour {
    const { behaviour } = this.of(number);
    return isAboutMessages(behaviour) ? 'unsupported' : behaviour;
  }

  /** Vonage's network blocks cover SMS and calls (its guide "Verify Anti-Fraud System"). */
  messageEndOf(number: string, channel: MessageChannel): (typeof MESSAGE_ENDS)[keyof typeof MESSAGE_ENDS] {
    const { behaviour } = this.of(number);
    const isExempt = behaviour === 'blocked' && channel !== 'sms' && channel !== 'voice';
    return isExempt || !isAboutMessages(behaviour) ? undefined : MESSAGE_ENDS[behaviour];
  }

  /** The number of the SIM; null if it is unknown. */
  simOf(number: string): string | null {
    const { behaviour, sim } = this.of(number);
    if (sim !== undefined) return sim;
    return behaviour === 'other_sim' ? OTHER_SIM : number;
  }

  simSwapOf(number: string): SimSwap {
    return this.of(number).sim_swap ?? 'never';
  }

  set(number: string, subscriber: Subscriber): void {
    this.#table.set(number, subscriber);
  }

  /** The listed numbers: the documented ones, and those that were set. */
  all(): Record<string, Subscriber> {
    return Object.fromEntries(this.#table);
  }

  clear(): void {
    this.#table.clear();
    for (const [number, behaviour] of Object.entries(DOCUMENTED)) this.set(number, { behaviour });
    for (const [number, sim_swap] of Object.entries(DOCUMENTED_SIM_SWAPS))
      this.set(number, { behaviour: 'match', sim_swap });
  }
}
