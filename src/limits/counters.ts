import { numberingOf, type PhoneNumber } from '../core/phone-number.js';
import { createNaming } from '../store/seal.js';
import type { Store } from '../store/store.js';
import type { World } from '../core/world.js';
import { HIGHEST_RATE, type LimitSettings, type RateName } from '../config/limits.js';
import {
  DAY,
  HOUR,
  Limited,
  TEN_MINUTES,
  spendBy,
  windowAt,
  type Caller,
  type Limits,
  type Quota,
  type Rule,
  type Window,
} from './limits.js';
import type { Pace } from './pace.js';

/** How many digits of a number, country code included, name the range it is taken from. */
const PREFIX_DIGITS = 7;

/**
 * Characters of a name in an account: 84 bits, so that two of a hundred million names are the same with a probability of one in
 * four billion. A name of more than fourteen takes Redis sixteen bytes more.
 */
const NAME = 14;

/** The messages of one login: an SMS, and a call where it does not come. */
const MESSAGES_OF_A_LOGIN = 2;

/** A rule with the window it counts in. */
interface Rate extends Rule {
  name: RateName | 'send-all';
  window: Window;
}

/** Rates that are counted in one step, and the account they are counted in. */
interface Count {
  account: Window;
  rates: readonly Rate[];
}

/** Messages to a number that a caller asked for. */
interface Asked {
  caller: Caller;
  phoneNumber: PhoneNumber;
  messages: number;
}

type Outcome = Awaited<ReturnType<typeof spendBy<Rate>>>;

/**
 * The limits, counted in the store.
 * @param deps.secret keys the names under which numbers and addresses are counted
 */
export function createLimits(
  deps: LimitSettings & { store: Store; world: World; pace: Pace; secret: string },
): Limits {
  const { store, world, pace } = deps;
  const { ofLogin, ofTurn, ofNumber, ofHour } = createCounts(deps);
  const spend = ({ account, rates }: Count): Promise<Outcome> => spendBy(store, account, rates);

  const refuse = ({ name, window }: Rate): never => {
    world.meter.refused(name);
    const limited = { limit: name, retryAfter: window.left };
    if (name === 'send-all')
      throw new Limited('unavailable', 'No more messages are sent in this hour.', limited);
    throw new Limited('rate_limited', 'This was asked for too often. Try again later.', limited);
  };

  /**
   * Logged by the messages that leave no room for as many more, not by those that are refused: the
   * log grows with no attack.
   */
  const tellBudget = ({ broken, totals }: Outcome, { left }: Window, messages: number): void => {
    const limit = deps.paidSendsPerHour;
    if (broken !== undefined || limit - (totals.at(-1) ?? 0) >= messages) return;
    world.log.error(
      { limit, seconds: left },
      'the messages of this hour are spent: none is sent until it is over',
    );
  };

  return {
    ready: (api) => pace.ready(api),
    async turn(caller, api) {
      const { broken } = await pace.take(ofTurn(caller, world.now()), api);
      if (broken) refuse(broken);
    },
    async login(caller, phoneNumber, api) {
      const rates = ofLogin(caller, phoneNumber, world.now());
      const outcome = await pace.take(rates, api);
      caller.showQuotas(quotasOf(rates, outcome));
      if (outcome.broken) refuse(outcome.broken);
    },
    async send(caller, phoneNumber, messages) {
      // One moment for all of it: what is given back below is given back in the windows it was
      // counted in.
      const now = world.now();
      const asked = { caller, phoneNumber, messages };
      const number = ofNumber(asked, now);
      const { broken } = await spend(number);
      if (broken) refuse(broken);
      const hour = ofHour(asked, now);
      const outcome = await spend(hour);
      caller.showQuotas(quotasOf(hour.rates, outcome).filter(({ name }) => name === 'send-range'));
      tellBudget(outcome, hour.account, messages);
      if (outcome.broken === undefined) return;
      await spend(givenBack(number));
      refuse(outcome.broken);
    },
    async verified(caller, phoneNumber) {
      // More than a count can hold, so that all of it is given back.
      const { account, rates } = ofNumber({ caller, phoneNumber, messages: HIGHEST_RATE }, world.now());
      const ofThisHour = rates.filter(({ name }) => name === 'send-number');
      // The login is complete: that its count could not be given back is no reason to refuse it.
      await spend(givenBack({ account, rates: ofThisHour })).catch(() => undefined);
    },
  };
}

const givenBack = ({ account, rates }: Count): Count => ({
  account,
  rates: rates.map((rate) => ({ ...rate, by: -rate.by })),
});

/**
 * How much of what a number has one range may use up: half, so that a stranger leaves the rest, but
 * one login at least.
 */
const ofOneRange = (limit: number): number =>
  Math.min(limit, Math.max(MESSAGES_OF_A_LOGIN, Math.floor(limit / 2)));

/** What a login, a turn and messages are counted by, at a moment (milliseconds since the epoch). */
function createCounts({ rates, paidSendsPerHour, secret }: LimitSettings & { secret: string }) {
  const name = createNaming(secret, 'limits');
  const nameOf = (...words: string[]): string => name(words.join(' ')).slice(0, NAME);
  const rate = (name: RateName, window: Window, entry: string): Rate => ({
    ...{ name, window, entry },
    ...{ by: 1, limit: rates[name] },
  });
  /** One rate for the caller's range, and one for each range within it, which has its share. */
  const ofRanges = (name: RateName, window: Window, { range, within }: Caller): Rate[] => [
    rate(name, window, nameOf('range', range)),
    ...within.map(({ range, share }) => ({
      ...rate(name, window, nameOf('range', range)),
      limit: Math.ceil(rates[name] * share),
    })),
  ];
  const ofSecond = (range: string, now: number): Rate => {
    const second = windowAt('second', 1, now);
    return rate('login-range-second', second, nameOf('range in second', range, second.key));
  };
  /** What the number has in a window, and what of it the caller's range may use up. */
  const ofNumberIn = (name: 'send-number' | 'send-number-day', window: Window, range: string): Rate[] => [
    rate(name, window, name === 'send-number' ? window.key : 'day'),
    { ...rate(name, window, nameOf('range', range, window.key)), limit: ofOneRange(rates[name]) },
  ];

  return {
    ofTurn: ({ range }: Caller, now: number) => [ofSecond(range, now)],
    ofLogin: (caller: Caller, phoneNumber: PhoneNumber, now: number) => {
      const window = windowAt('logins', TEN_MINUTES, now);
      const number = nameOf('number at address', caller.address, phoneNumber);
      return [
        rate('login-number', window, number),
        ...ofRanges('login-range', window, caller),
        ofSecond(caller.range, now),
      ];
    },
    /** In one account for each number, by the hour and by the day. */
    ofNumber: ({ caller, phoneNumber, messages }: Asked, now: number): Count => {
      const day = windowAt(`send:${nameOf('number', phoneNumber)}`, DAY, now);
      const hour = windowAt('hour', HOUR, now);
      const own = [
        ...ofNumberIn('send-number-day', day, caller.range),
        ...ofNumberIn('send-number', hour, caller.range),
      ];
      return { account: day, rates: own.map((each) => ({ ...each, by: messages })) };
    },
    /**
     * In one account for all messages of the hour, so that a message counts everywhere or nowhere.
     */
    ofHour: ({ caller, phoneNumber, messages }: Asked, now: number): Count => {
      const hour = windowAt('sends', HOUR, now);
      const { country = 'none' } = numberingOf(phoneNumber);
      const all = [
        ...ofRanges('send-range', hour, caller),
        rate('send-prefix', hour, nameOf('prefix', phoneNumber.slice(1, 1 + PREFIX_DIGITS))),
        rate('send-country', hour, `country:${country}`),
        { name: 'send-all', window: hour, entry: 'all', limit: paidSendsPerHour } as const,
      ];
      return { account: hour, rates: all.map((each) => ({ ...each, by: messages })) };
    },
  };
}

/**
 * What is left of each rate; where several ranges are counted for it, in the one that has the
 * least.
 */
function quotasOf(rates: readonly Rate[], { totals }: Outcome): Quota[] {
  const tightest = new Map<string, Quota>();
  for (const [at, { name, limit, window }] of rates.entries()) {
    const remaining = Math.max(0, limit - (totals[at] ?? 0));
    if (remaining >= (tightest.get(name)?.remaining ?? Infinity)) continue;
    const { seconds, left } = window;
    tightest.set(name, { name, limit, seconds, left, remaining });
  }
  return [...tightest.values()];
}
