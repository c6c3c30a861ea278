import type { LimitSettings } from '../config/limits.js';
import {
  Limited,
  PACED,
  TEN_MINUTES,
  spendBy,
  windowAt,
  type PacedApi,
  type Rule,
  type Window,
} from './limits.js';
import type { Store } from '../store/store.js';
import { nowInSeconds, type World } from '../core/world.js';

/**
 * Turns a second that a part of the account of logins has at least. In ten minutes so many logins leave 300,000 entries, which
 * Redis forgets in a twentieth of a second.
 */
const LEAST_SHARE = 250;

/** Each part is told of a pause by itself. */
const MOST_PARTS = 256;

/**
 * How many parts the account of logins has, each a key of its own, so that no node of a cluster has to count every login. All
 * processes find the same number from the same settings. No part has fewer turns than two address ranges may take at once.
 */
export function partsOf({ upstreamPerSecond, rates }: LimitSettings): number {
  const share = Math.max(LEAST_SHARE, 2 * rates['login-range-second']);
  return Math.min(MOST_PARTS, Math.max(1, Math.floor(upstreamPerSecond / share)));
}

/** The turns of one part: together they have exactly `perSecond`. */
export const shareOf = (perSecond: number, part: number, parts: number): number =>
  Math.floor((perSecond + part) / parts);

/** Seconds: Vonage cannot send us away for longer than this. */
const LONGEST_PAUSE = TEN_MINUTES;

/**
 * The speed at which all processes together call Vonage. Turns and pauses stand in the accounts that logins are counted in, so
 * that a login takes its turn in the same step. Each part of an account has its share of the turns.
 */
export interface Pace {
  /**
   * Spends `rules`, and with them a turn in calling `api`: in this second, or in the next one, for which it waits. Network
   * Enablement alone has a limit of its own.
   * @param caller any number that stays the same for the one who asks: it chooses the part in which `rules` are counted
   * @throws Limited if no turn is left, or Vonage asked us to wait
   */
  take<R extends Rule>(
    rules: readonly R[],
    api: PacedApi | undefined,
    caller?: number,
  ): ReturnType<typeof spendBy<R>>;
  ready(api: PacedApi): Promise<void>;
  /** Vonage asked not to be called for so many seconds; every process hears of it. */
  pause(api: string, seconds: number): Promise<void>;
}

/** A turn in calling Network Enablement: one of those that a part has in a second. */
interface Turn {
  part: number;
  second: number;
}

const accountOf = (part: number, now: number): Window => windowAt(`logins:${part}`, TEN_MINUTES, now);

export function createPace(deps: LimitSettings & { store: Store; world: World }): Pace {
  const { store, world } = deps;
  const parts = partsOf(deps);
  const draw = (choices: number): number => world.random(4).readUInt32BE() % choices;
  /** What all parts are being told: until when an API is to be left alone (seconds since the epoch). */
  const telling = new Map<string, number>();

  const refused = (limit: 'upstream-pause' | 'upstream-per-second', retryAfter: number): Limited => {
    world.meter.refused(limit);
    return new Limited('unavailable', 'Vonage is not called this often. Try again.', { limit, retryAfter });
  };
  /** For the time from the moment that the guard was asked at, not from now: by now the pause may be over. */
  const paused = ({ limit: asked }: Rule, until = asked): Limited => refused('upstream-pause', until - asked);

  /** Adds nothing: forbids, as long as the entry holds a moment to come (seconds since the epoch). */
  const guard = (api: PacedApi): Rule => ({
    name: 'pause',
    entry: `pause:${api}`,
    by: 0,
    limit: nowInSeconds(world),
  });
  const costOf = ({ part, second }: Turn): Rule => ({
    name: 'turn',
    entry: `turn:${second}`,
    by: 1,
    limit: shareOf(deps.upstreamPerSecond, part, parts),
  });

  /** Spends in the caller's own part, and the turn where it is: what another part lends is taken first. */
  const spend = async (
    rules: readonly Rule[],
    { own, api, turn }: { own: number; api: PacedApi | undefined; turn: Turn | undefined },
  ) => {
    const now = world.now();
    if (turn !== undefined && turn.part !== own) {
      const lent = await spendBy<Rule>(store, accountOf(turn.part, now), [costOf(turn)]);
      if (lent.broken !== undefined) return lent;
    }
    const paced = api === undefined ? [] : [guard(api)];
    if (turn?.part === own) paced.push(costOf(turn));
    const outcome = await spendBy<Rule>(store, accountOf(own, now), [...rules, ...paced]);
    if (outcome.broken?.name === 'pause') throw paused(outcome.broken, outcome.totals[rules.length]);
    return outcome;
  };

  /** The turns there may be for a caller, the best first. The last second of a window has none behind it in its account. */
  const turnsOf = (own: number, now: number): Turn[] => {
    const second = Math.floor(now / 1000);
    const other = parts === 1 ? own : (own + 1 + draw(parts - 1)) % parts;
    const lent = parts === 1 ? [] : [{ part: other, second }];
    const later = accountOf(own, now).left > 1 ? [{ part: other, second: second + 1 }] : [];
    return [{ part: own, second }, ...lent, ...later];
  };

  return {
    async take(rules, api, caller) {
      const now = world.now();
      const own = caller === undefined ? draw(parts) : caller % parts;
      const turns = api === 'network-enablement' ? turnsOf(own, now) : [undefined];
      for (const turn of turns) {
        const { broken, totals } = await spend(rules, { own, api, turn });
        if (broken?.name === 'turn') continue;
        if (broken === undefined && turn !== undefined && turn.second * 1000 > now) {
          await world.pause(turn.second * 1000 - now);
        }
        return { broken: rules.find((rule) => rule === broken), totals };
      }
      throw refused('upstream-per-second', 1);
    },
    async ready(api) {
      const { broken, totals } = await spendBy(store, accountOf(draw(parts), world.now()), [guard(api)]);
      if (broken !== undefined) throw paused(broken, totals[0]);
    },
    async pause(api, seconds) {
      const until = Math.ceil(world.now() / 1000) + Math.min(seconds, LONGEST_PAUSE);
      // Every call under way hears the same: it is passed on once.
      if (!PACED.has(api) || until <= (telling.get(api) ?? 0)) return;
      telling.set(api, until);
      const keys = [world.now(), until * 1000].flatMap((moment) =>
        Array.from({ length: parts }, (_, part) => accountOf(part, moment).key),
      );
      const notes = [...new Set(keys)].map((key) =>
        store.note(key, { name: `pause:${api}`, value: until }, LONGEST_PAUSE * 2),
      );
      await Promise.all(notes).finally(() => telling.delete(api));
    },
  };
}
