import type { LimitSettings } from '../config/limits.js';
import {
  Limited,
  PACED,
  LOGINS_SECONDS,
  spendBy,
  windowAt,
  type PacedApi,
  type Rule,
  type Window,
} from './limits.js';
import type { Store } from '../store/store.js';
import { nowInSeconds, type World } from '../core/world.js';

/** A longer pause is cut to this, so that a wrong header does not end service. */
export const MAX_PAUSE_SECONDS = LOGINS_SECONDS;

/** @param now milliseconds since the epoch */
const accountAt = (now: number): Window => windowAt('logins', LOGINS_SECONDS, now);

export type Pace = ReturnType<typeof createPace>;

/**
 * The rate at which all processes together call Vonage. Turns and pauses are entries of the account
 * that counts logins, so that one step counts a login and takes its turn.
 */
export function createPace(deps: LimitSettings & { store: Store; world: World }) {
  const { store, world } = deps;
  /** Pauses that are being written: API, and the end in seconds since the epoch. */
  const beingWritten = new Map<string, number>();

  const refused = (limit: 'upstream-pause' | 'upstream-per-second', retryAfter: number): Limited => {
    world.meter.refused(limit);
    return new Limited('unavailable', 'Too many calls to Vonage or the operator at this time. Try again.', {
      limit,
      retryAfter,
    });
  };

  /** Adds nothing, and refuses while the entry holds a later moment (seconds since the epoch). */
  const pauseRule = (api: PacedApi): Rule => ({
    name: 'pause',
    entry: `pause:${api}`,
    by: 0,
    limit: nowInSeconds(world),
  });
  const turnRule = (second: number): Rule => ({
    name: 'turn',
    entry: `turn:${second}`,
    by: 1,
    limit: deps.upstreamPerSecond,
  });

  /** @throws Limited during a pause, with the seconds left when the rule was made */
  const spend = async (rules: readonly Rule[]) => {
    const outcome = await spendBy(store, accountAt(world.now()), rules);
    const { broken, totals } = outcome;
    if (broken?.name !== 'pause') return outcome;
    throw refused('upstream-pause', (totals[rules.indexOf(broken)] ?? broken.limit) - broken.limit);
  };

  return {
    /**
     * Spends `rules`, and with them a turn in calling `api`: one of this second or, after a wait,
     * one of the next. Only Network Enablement has turns.
     * @returns the rule that refuses, if any, and what each entry holds now
     * @throws Limited if no turn is left, or during a pause
     */
    async take<R extends Rule>(
      rules: readonly R[],
      api: PacedApi | undefined,
    ): ReturnType<typeof spendBy<R>> {
      const now = world.now();
      const pauses = api === undefined ? [] : [pauseRule(api)];
      for (const second of api === 'network-enablement' ? secondsFrom(now) : [undefined]) {
        const turns = second === undefined ? [] : [turnRule(second)];
        const { broken, totals } = await spend([...rules, ...pauses, ...turns]);
        if (broken?.name === 'turn') continue;
        const waitMs = (second ?? 0) * 1000 - now;
        if (broken === undefined && waitMs > 0) await world.pause(waitMs);
        return { broken: rules.find((rule) => rule === broken), totals };
      }
      throw refused('upstream-per-second', 1);
    },

    /** Resolves unless one of these APIs asked for a pause. @throws Limited */
    ready: async (...apis: readonly PacedApi[]): Promise<void> => {
      await spend(apis.map(pauseRule));
    },

    /**
     * Stops all processes from calling an API, as it asked.
     * @param seconds at most `MAX_PAUSE_SECONDS`
     */
    async pause(api: string, seconds: number): Promise<void> {
      const until = Math.ceil(world.now() / 1000) + seconds;
      // All calls under way get the same answer: the first one writes it.
      if (!PACED.has(api) || until <= (beingWritten.get(api) ?? 0)) return;
      beingWritten.set(api, until);
      const keys = new Set([world.now(), until * 1000].map((moment) => accountAt(moment).key));
      const notes = [...keys].map((key) =>
        store.note(key, { name: `pause:${api}`, value: until }, MAX_PAUSE_SECONDS * 2),
      );
      await Promise.all(notes).finally(() => beingWritten.delete(api));
    },
  };
}

/** The seconds whose turns a login may take. An account has none for the next window. */
function secondsFrom(now: number): number[] {
  const second = Math.floor(now / 1000);
  return accountAt(now).left > 1 ? [second, second + 1] : [second];
}
