import { numberingOf, type PhoneNumber } from '../core/phone-number.js';
import { createNaming } from '../store/seal.js';
import type { Store } from '../store/store.js';
import type { World } from '../core/world.js';
import { HIGHEST_RATE, type LimitSettings, type RateName } from '../config/limits.js';
import {
  DAY_SECONDS,
  HOUR_SECONDS,
  Limited,
  LOGINS_SECONDS,
  spendBy,
  windowAt,
  type Caller,
  type PacedApi,
  type Quota,
  type Rule,
  type Window,
} from './limits.js';
import type { Pace } from './pace.js';

/** Digits, country code included, that name the range of a number. */
const PREFIX_DIGITS = 7;

/**
 * Characters of a name in an account: 84 bits. Two of a hundred million names are equal with a
 * probability of one in four billion. Longer names take 16 more bytes of Redis each.
 */
const NAME_CHARACTERS = 14;

/** An SMS, and a call if it does not arrive. */
const MESSAGES_OF_A_LOGIN = 2;

interface Rate extends Rule {
  name: RateName | 'send-all';
  window: Window;
}

/** Rates that are counted in one step, in one account. */
interface Count {
  account: Window;
  rates: readonly Rate[];
}

interface MessageRequest {
  caller: Caller;
  phoneNumber: PhoneNumber;
  messages: number;
}

type Outcome = Awaited<ReturnType<typeof spendBy<Rate>>>;

export type Limits = ReturnType<typeof createLimits>;

/**
 * The limits. Each method counts in one step, before anything is sent or spent. Refused requests
 * are not counted, so that retries do not prolong a refusal.
 *
 * Each method throws {@link Limited} with the seconds to wait.
 * @param deps `secret`: the key for the names of numbers and addresses in the store
 */
export function createLimits(
  deps: LimitSettings & { store: Store; world: World; pace: Pace; secret: string },
) {
  const { store, world, pace } = deps;
  const { ofLogin, ofTurn, ofNumber, ofHour } = createCounts(deps);
  const spend = ({ account, rates }: Count): Promise<Outcome> => spendBy(store, account, rates);

  const refuse = ({ name, window }: Rate): never => {
    world.meter.refused(name);
    const limited = { limit: name, retryAfter: window.left };
    if (name === 'send-all')
      throw new Limited('unavailable', 'No more messages are sent in this hour.', limited);
    throw new Limited('rate_limited', 'A limit was reached. Try again later.', limited);
  };

  /** Logged by the messages that use it up, not by refused ones: no attack fills the log. */
  const logSpentBudget = ({ broken, totals }: Outcome, { left }: Window, messages: number): void => {
    const limit = deps.paidSendsPerHour;
    if (broken !== undefined || limit - (totals.at(-1) ?? 0) >= messages) return;
    world.log.error(
      { limit, seconds: left },
      'the messages of this hour are spent: none is sent until it is over',
    );
  };

  return {
    ready: pace.ready,

    /** Takes a turn for the retry of a call, which counts for the caller's range. */
    async turn(caller: Caller, api: PacedApi | undefined): Promise<void> {
      const { broken } = await pace.take(ofTurn(caller, world.now()), api);
      if (broken) refuse(broken);
    },

    /** Counts a login and takes a turn in calling `api`; may wait for the next second. */
    async login(caller: Caller, phoneNumber: PhoneNumber, api: PacedApi | undefined): Promise<void> {
      const rates = ofLogin(caller, phoneNumber, world.now());
      const outcome = await pace.take(rates, api);
      caller.showQuotas(quotasOf(rates, outcome));
      if (outcome.broken) refuse(outcome.broken);
    },

    /**
     * Counts messages that cost money.
     * @returns gives them back, to be called if none was sent; never fails
     */
    async send(caller: Caller, phoneNumber: PhoneNumber, messages: number): Promise<() => Promise<void>> {
      // Read once, so that messages are given back below in the window in which they were counted.
      const now = world.now();
      const asked = { caller, phoneNumber, messages };
      const number = ofNumber(asked, now);
      const { broken } = await spend(number);
      if (broken) refuse(broken);
      const hour = ofHour(asked, now);
      const outcome = await spend(hour);
      caller.showQuotas(quotasOf(hour.rates, outcome).filter(({ name }) => name === 'send-range'));
      logSpentBudget(outcome, hour.account, messages);
      if (outcome.broken === undefined)
        return async () => {
          // What cannot be given back expires with its window.
          await Promise.all([number, hour].map((each) => spend(givenBack(each)))).catch(() => undefined);
        };
      await spend(givenBack(number));
      return refuse(outcome.broken);
    },

    /**
     * Gives back the messages of this hour of a number that was just verified, in total and of the
     * caller's range. Counts by day, prefix, country and the budget stay, so that verifying does
     * not give a client unlimited messages. Never fails.
     */
    async verified(caller: Caller, phoneNumber: PhoneNumber): Promise<void> {
      // The store takes no entry below zero: all of it is given back.
      const { account, rates } = ofNumber({ caller, phoneNumber, messages: HIGHEST_RATE }, world.now());
      const ofThisHour = rates.filter(({ name }) => name === 'send-number');
      // The login is complete, and does not fail because its count cannot be given back.
      await spend(givenBack({ account, rates: ofThisHour })).catch(() => undefined);
    },
  };
}

const givenBack = ({ account, rates }: Count): Count => ({
  account,
  rates: rates.map((rate) => ({ ...rate, by: -rate.by })),
});

/** One range may use up half of a number's messages, but at least the messages of one login. */
const ofOneRange = (limit: number): number =>
  Math.min(limit, Math.max(MESSAGES_OF_A_LOGIN, Math.floor(limit / 2)));

/** The rates of a login, a turn and messages, at a moment in milliseconds since the epoch. */
function createCounts({ rates, paidSendsPerHour, secret }: LimitSettings & { secret: string }) {
  const name = createNaming(secret, 'limits');
  const nameOf = (...words: string[]): string => name(words.join(' ')).slice(0, NAME_CHARACTERS);
  const rate = (name: RateName, window: Window, entry: string): Rate => ({
    ...{ name, window, entry },
    ...{ by: 1, limit: rates[name] },
  });
  /** The rate of the caller's range, and those of the ranges within it. */
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
  /** The rate of the number, and the part of it that the caller's range may use up. */
  const ofNumberIn = (name: 'send-number' | 'send-number-day', window: Window, range: string): Rate[] => [
    rate(name, window, name === 'send-number' ? window.key : 'day'),
    { ...rate(name, window, nameOf('range', range, window.key)), limit: ofOneRange(rates[name]) },
  ];

  return {
    ofTurn: ({ range }: Caller, now: number) => [ofSecond(range, now)],
    ofLogin: (caller: Caller, phoneNumber: PhoneNumber, now: number) => {
      const window = windowAt('logins', LOGINS_SECONDS, now);
      const number = nameOf('number at address', caller.address, phoneNumber);
      return [
        rate('login-number', window, number),
        ...ofRanges('login-range', window, caller),
        ofSecond(caller.range, now),
      ];
    },
    /** Each number has its own account. */
    ofNumber: ({ caller, phoneNumber, messages }: MessageRequest, now: number): Count => {
      const day = windowAt(`send:${nameOf('number', phoneNumber)}`, DAY_SECONDS, now);
      const hour = windowAt('hour', HOUR_SECONDS, now);
      const inBoth = [
        ...ofNumberIn('send-number-day', day, caller.range),
        ...ofNumberIn('send-number', hour, caller.range),
      ];
      return { account: day, rates: inBoth.map((each) => ({ ...each, by: messages })) };
    },
    /** One account an hour, so that a message counts in all of its rates or in none. */
    ofHour: ({ caller, phoneNumber, messages }: MessageRequest, now: number): Count => {
      const hour = windowAt('sends', HOUR_SECONDS, now);
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

/** What remains of each rate; of several ranges with the same rate, the smallest remainder. */
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
