import type { Store } from '../store/store.js';
import { nowInSeconds, type World } from '../world.js';
import { Limited, spendBy, windowAt, type Rule, type Window } from './account.js';
import { PACED, type PacedApi } from './limits.js';
import { TEN_MINUTES } from './rates.js';

/** Seconds: Vonage cannot send us away for longer than this. */
const LONGEST_PAUSE = TEN_MINUTES;

/**
 * The speed at which all processes together call Vonage. Turns and pauses stand in the account that logins are counted in, so
 * that a login takes its turn in the same step.
 */
export interface Pace {
  /**
   * Spends `rules`, and with them a turn in calling `api`: in this second, or in the next one, for which it waits. Network
   * Enablement alone has a limit of its own.
   * @throws Limited if both are full, or Vonage asked us to wait
   */
  take<R extends Rule>(rules: readonly R[], api: PacedApi | undefined): ReturnType<typeof spendBy<R>>;
  ready(api: PacedApi): Promise<void>;
  /** Vonage asked not to be called for so many seconds; every process hears of it. */
  pause(api: string, seconds: number): Promise<void>;
}

const accountOf = (now: number): Window => windowAt('logins', TEN_MINUTES, now);

export function createPace(deps: { store: Store; world: World; perSecond: number }): Pace {
  const { store, world, perSecond } = deps;

  const refused = (limit: 'upstream-pause' | 'upstream-per-second', retryAfter: number): Limited => {
    world.meter.refused(limit);
    return new Limited(limit, 'unavailable', 'Vonage is not called this often. Try again.', retryAfter);
  };

  /** Adds nothing: forbids, as long as the entry holds a moment to come (seconds since the epoch). */
  const guard = (api: PacedApi): Rule => ({
    ...{ name: 'pause', entry: `pause:${api}`, by: 0 },
    limit: nowInSeconds(world),
  });
  const turnAt = (second: number): Rule => ({
    name: 'turn',
    entry: `turn:${second}`,
    by: 1,
    limit: perSecond,
  });
  const untilEnd = (total = 0): number => total - nowInSeconds(world);

  const spend = async (rules: readonly Rule[], api: PacedApi | undefined, second: number) => {
    const paced = api === undefined ? [] : [guard(api)];
    if (api === 'network-enablement') paced.push(turnAt(second));
    const outcome = await spendBy<Rule>(store, accountOf(world.now()), [...rules, ...paced]);
    if (outcome.broken?.name === 'pause')
      throw refused('upstream-pause', untilEnd(outcome.totals[rules.length]));
    return outcome;
  };

  return {
    async take(rules, api) {
      const now = world.now();
      const second = Math.floor(now / 1000);
      let outcome = await spend(rules, api, second);
      // The last second of a window has none behind it in this account.
      if (outcome.broken?.name === 'turn' && accountOf(now).left > 1) {
        outcome = await spend(rules, api, second + 1);
        if (outcome.broken === undefined) await world.pause((second + 1) * 1000 - now);
      }
      const { broken, totals } = outcome;
      if (broken?.name === 'turn') throw refused('upstream-per-second', 1);
      return { broken: rules.find((rule) => rule === broken), totals };
    },
    async ready(api) {
      const { broken, totals } = await spendBy(store, accountOf(world.now()), [guard(api)]);
      if (broken !== undefined) throw refused('upstream-pause', untilEnd(totals[0]));
    },
    async pause(api, seconds) {
      if (!PACED.has(api)) return;
      const until = Math.ceil(world.now() / 1000) + Math.min(seconds, LONGEST_PAUSE);
      const accounts = [world.now(), until * 1000].map(accountOf);
      for (const key of new Set(accounts.map((account) => account.key))) {
        await store.note(key, `pause:${api}`, until, LONGEST_PAUSE * 2);
      }
    },
  };
}
