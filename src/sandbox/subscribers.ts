import { z } from 'zod';
import { parsePhoneNumber } from '../phone.js';

/** Whether this is a phone number in E.164 with its `+`, in its one spelling. */
export const isPhoneNumber = (text: string): boolean => parsePhoneNumber(text) !== undefined;

/** The same in a request to the sandbox. */
export const PhoneNumber = z.string().refine(isPhoneNumber, 'must be in E.164 format with a leading +');

/** What can be asked of a number. */
export const BEHAVIOURS = [
  'match', // the SIM has the number
  'other_sim', // the SIM has another number
  'unsupported', // Network Enablement refuses the scope inside its 200
  'wifi', // the operator does not see the device on its network: error=access_denied
  'not_mobile', // Number Verification: 403, not authenticated by the mobile network
  'slow', // Number Verification answers after SLOW_MS
  'invalid_grant', // the token endpoint refuses the code
  'server_error', // the redirects end in error=server_error
  'garbage', // Number Verification answers 200 with a broken page
  'rate_limited', // Network Enablement: 429 with Retry-After
] as const;

export type Behaviour = (typeof BEHAVIOURS)[number];

/** A number, how it behaves, and the SIM behind it: absent, its own number; null, a SIM whose number nobody knows. */
export interface Subscriber {
  behaviour: Behaviour;
  sim?: string | null | undefined;
}

/** The SIM found where another one was expected and none was named. */
const OTHER_SIM = '+447700900999';

/** How long `slow` takes, in milliseconds: longer than the 5 s any client should wait. */
export const SLOW_MS = 6_000;

const KNOWN: Readonly<Record<string, Subscriber>> = {
  '+447700900000': { behaviour: 'match' },
  '+447700900101': { behaviour: 'other_sim' },
  '+447700900102': { behaviour: 'unsupported' },
  '+447700900103': { behaviour: 'wifi' },
  '+447700900104': { behaviour: 'not_mobile' },
  '+447700900105': { behaviour: 'slow' },
  '+447700900106': { behaviour: 'invalid_grant' },
  '+447700900107': { behaviour: 'server_error' },
  '+447700900108': { behaviour: 'garbage' },
  '+447700900109': { behaviour: 'rate_limited' },
};

/** Vonage's virtual operator, +990: ends 99, an error (asked before odd, which 99 is too); odd, not verified; even, verified. */
const virtualOperator = (number: string): Subscriber => {
  if (number.endsWith('99')) return { behaviour: 'server_error' };
  return { behaviour: Number(number.at(-1)) % 2 === 1 ? 'other_sim' : 'match' };
};

export interface Subscribers {
  of(number: string): Subscriber;
  /** The number in the SIM when the device did not say: null when nobody can tell. */
  simOf(number: string): string | null;
  set(number: string, subscriber: Subscriber): void;
  /** The table and whatever was changed since; every number not in it behaves by rule. */
  all(): Record<string, Subscriber>;
  reset(): void;
}

/** The operator's customers. Numbers that are not in the table match. */
export const createSubscribers = (): Subscribers => {
  const changed = new Map<string, Subscriber>();
  const all = (): Record<string, Subscriber> => ({ ...KNOWN, ...Object.fromEntries(changed) });
  const of = (number: string): Subscriber =>
    changed.get(number) ??
    KNOWN[number] ??
    (number.startsWith('+990') ? virtualOperator(number) : { behaviour: 'match' });
  const simOf = (number: string): string | null => {
    const { behaviour, sim } = of(number);
    if (sim !== undefined) return sim;
    return behaviour === 'other_sim' ? OTHER_SIM : number;
  };
  return {
    of,
    simOf,
    all,
    set: (number, subscriber) => void changed.set(number, subscriber),
    reset: () => changed.clear(),
  };
};
