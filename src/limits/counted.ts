import { numberingOf, type PhoneNumber } from '../phone.js';
import { createNaming } from '../store/seal.js';
import type { Store } from '../store/store.js';
import type { World } from '../world.js';
import { Limited, spendBy, windowAt, type Rule, type Window } from './account.js';
import type { Caller, Limits, Quota } from './limits.js';
import type { Pace } from './pace.js';
import { DAY, HOUR, TEN_MINUTES, type LimitSettings, type RateName } from './rates.js';

/** How many digits of a number, country code included, name the range it is taken from. */
const PREFIX_DIGITS = 7;

/**
 * Characters of a name in an account: 84 bits, so that two of a hundred million names are the same with a probability of one in
 * four billion. A name of more than fourteen takes Redis sixteen bytes more.
 */
const NAME = 14;

/** A rule with the window it counts in. */
interface Rate extends Rule {
  name: RateName | 'send-all';
  window: Window;
}

type Outcome = Awaited<ReturnType<typeof spendBy<Rate>>>;

/** The limits, counted in the store. @param secret keys the names under which numbers and ranges are counted */
export function createLimits(
  deps: LimitSettings & { store: Store; world: World; pace: Pace; secret: string },
): Limits {
  const { store, world, pace, rates } = deps;
  const name = createNaming(deps.secret, 'limits');
  const nameOf = (...words: string[]): string => name(words.join(' ')).slice(0, NAME);
  const rate = (name: RateName, window: Window, entry: string, by = 1): Rate => ({
    name,
    window,
    entry,
    by,
    limit: rates[name],
  });

  const refuse = ({ name, window }: Rate): never => {
    world.meter.refused(name);
    if (name === 'send-all')
      throw new Limited(name, 'unavailable', 'No more messages are sent in this hour.', window.left);
    throw new Limited(name, 'rate_limited', 'This was asked for too often. Try again later.', window.left);
  };

  /** What a number is sent, whoever asks, in one account of its own: by the hour and by the day. */
  const spendOfNumber = (phoneNumber: PhoneNumber, messages: number): Promise<Outcome> => {
    const day = windowAt(`send:${nameOf('number', phoneNumber)}`, DAY, world.now());
    const hour = windowAt('hour', HOUR, world.now());
    const own = [
      rate('send-number-day', day, 'day', messages),
      rate('send-number', hour, hour.key, messages),
    ];
    return spendBy(store, day, own);
  };

  /** What is sent in this hour: one account for all of it, so that a message counts everywhere or nowhere. */
  const spendOfHour = async (
    caller: Caller,
    phoneNumber: PhoneNumber,
    messages: number,
  ): Promise<Outcome> => {
    const hour = windowAt('sends', HOUR, world.now());
    const { country = 'none' } = numberingOf(phoneNumber);
    const limit = deps.paidSendsPerHour;
    const rules: Rate[] = [
      rate('send-range', hour, nameOf('range', caller.range), messages),
      rate('send-prefix', hour, nameOf('prefix', phoneNumber.slice(1, 1 + PREFIX_DIGITS)), messages),
      rate('send-country', hour, `country:${country}`, messages),
      { name: 'send-all', window: hour, entry: 'all', by: messages, limit },
    ];
    const outcome = await spendBy(store, hour, rules);
    caller.told(quotasOf(rules.slice(0, 1), outcome));
    // Exactly one message reaches the limit, so this is told once, however many are refused afterwards.
    if (outcome.broken === undefined && outcome.totals.at(-1) === limit) {
      world.log.error(
        { limit, seconds: hour.left },
        'the messages of this hour are spent: none is sent until it is over',
      );
    }
    return outcome;
  };

  return {
    ready: (api) => pace.ready(api),
    async turn(api) {
      await pace.take([], api);
    },
    async login(caller, phoneNumber, api) {
      const window = windowAt('logins', TEN_MINUTES, world.now());
      const second = windowAt('second', 1, world.now());
      const range = nameOf('range', caller.range);
      const rules = [
        rate('login-number', window, nameOf('number in range', caller.range, phoneNumber)),
        rate('login-range', window, range),
        rate('login-range-second', second, nameOf('range in second', caller.range, second.key)),
      ];
      const outcome = await pace.take(rules, api, Buffer.from(range, 'base64url').readUInt32BE());
      caller.told(quotasOf(rules, outcome));
      if (outcome.broken) refuse(outcome.broken);
    },
    async send(caller, phoneNumber, messages) {
      const ofNumber = await spendOfNumber(phoneNumber, messages);
      if (ofNumber.broken) refuse(ofNumber.broken);
      const ofHour = await spendOfHour(caller, phoneNumber, messages);
      if (ofHour.broken === undefined) return;
      await spendOfNumber(phoneNumber, -messages);
      refuse(ofHour.broken);
    },
  };
}

const quotasOf = (rules: readonly Rate[], { totals }: Outcome): Quota[] =>
  rules.map(({ name, limit, window: { seconds, left } }, at) => ({
    name,
    limit,
    seconds,
    left,
    remaining: Math.max(0, limit - (totals[at] ?? 0)),
  }));
