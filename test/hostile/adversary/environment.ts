import type { EngineName } from '../../../src/config/login.js';
import { createMemoryStore } from '../../../src/store/memory.js';
import { buildHouse, type House, WITH_CODES } from '../../support/house.js';
import type { Hooks } from '../../../src/login/hooks.js';
import { createGate, type Gate } from './gate.js';
import { openUpstream, type Upstream } from './upstream.js';
import { createHttpClient, type Wire } from './http-client.js';

export type StoreName = 'redis' | 'memory';

/** What a house is made of. */
export interface Field {
  engine: EngineName;
  store: StoreName;
  /** Whether a hook wants a code on top of the SIM. */
  stepUp: boolean;
}

/** A house that many games are played in, one after the other. */
export interface Environment extends Field {
  house: House;
  gate: Gate;
  wire: Wire;
  upstream: Upstream;
  /** The next place in the one order of everything that happens. */
  order: () => number;
  /**
   * Turns the clock. What the server has put off until then is done in its time, and not all at
   * the end.
   */
  turn(seconds: number): Promise<void>;
  /**
   * How many messages the limits know of by now; `undefined` where the hour has changed since the
   * game began.
   */
  messagesCounted(): Promise<number | undefined>;
  /** Counts how far games got. */
  reached: (what: string) => void;
  /** Makes everything new: store, sandbox, connections aside. */
  renew(): Promise<void>;
  close(): Promise<void>;
}

/**
 * What the house is set to; nothing in it may stand in the way of the attacker but the rules that
 * are under test.
 */
const ENV = {
  ...WITH_CODES,
  LOG_LEVEL: 'silent',
};

const HOUR_MS = 3_600_000;

/**
 * More than a game needs: a store sets memory aside for all of them, and each game has a store of
 * its own.
 */
const MOST_ENTRIES = 2000;

/** Milliseconds that are waited for what was put off to reach Vonage. */
const PUT_OFF_MS = 100;

/** Seconds that Vonage takes to hear of a verification. */
const LAG_SECONDS = 2;

const STEP_UP: Hooks = {
  beforeSession: ({ channel }) => (channel === 'silent_auth' ? { stepUp: true } : { allow: true }),
};

/** The number of somebody who plays no part in any game. */
const BYSTANDER = '+447700900003';

/** @param counts takes how often what was reached */
export async function openEnvironment(field: Field, counts: Map<string, number>): Promise<Environment> {
  const { engine, store, stepUp } = field;
  const [gate, wire] = [createGate(), createHttpClient()];
  const renewed: { store?: ReturnType<typeof createMemoryStore> } = {};
  let [ticks, hour, own] = [0, 0, 0];
  const order = () => ticks++;
  const upstream = await openUpstream({
    pass: gate.pass,
    lag: () => house.world.turn(LAG_SECONDS),
    order,
  });
  const house: House = await buildHouse({
    store,
    env: { ...ENV, SILENT_AUTH: engine },
    hooks: stepUp ? STEP_UP : {},
    between: (sandbox) => upstream.placeBefore(sandbox),
    through: (first) => gate.before(() => renewed.store ?? first),
  });
  const thisHour = () => Math.floor(house.world.now() / HOUR_MS);
  let putOff: { at: number; work: () => void }[] = [];
  house.world.later = (seconds, work) => void putOff.push({ at: house.world.now() + seconds * 1000, work });
  const renew = async (): Promise<void> => {
    await house.reset();
    upstream.forget();
    putOff = [];
    if (store === 'memory') renewed.store = createMemoryStore(house.world, MOST_ENTRIES);
    house.world.turn((HOUR_MS - (house.world.now() % HOUR_MS)) / 1000);
    hour = thisHour();
  };
  await renew();
  own = await countedWith(wire, house, engine);

  return {
    ...field,
    ...{ house, gate, wire, upstream, order, renew },
    async turn(seconds) {
      const end = house.world.now() + seconds * 1000;
      const turnTo = (at: number) => house.world.turn(Math.max(0, at - house.world.now()) / 1000);
      for (;;) {
        const [next] = putOff.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at);
        if (next === undefined) break;
        turnTo(next.at);
        putOff = putOff.filter((each) => each !== next);
        next.work();
        await upstream.nextAnswer(PUT_OFF_MS);
      }
      turnTo(end);
    },
    reached: (what) => void counts.set(what, (counts.get(what) ?? 0) + 1),
    async messagesCounted() {
      const counted = await countedWith(wire, house, engine);
      return hour === thisHour() ? counted - own : undefined;
    },
    async close() {
      wire.close();
      await house.stop();
      upstream.stop();
    },
  };
}

/**
 * How many messages the limits have counted in this hour, with one more login: they tell it with
 * the next message that is counted (`RateLimit`, of the address range that everybody in a game
 * comes from).
 */
async function countedWith(wire: Wire, { base }: House, engine: EngineName): Promise<number> {
  const begun = await wire.ask('POST', `${base}/login`, { body: { phone_number: BYSTANDER } });
  const cookie = begun.cookie ?? undefined;
  const { headers } =
    engine === 'verify' ? begun : await wire.ask('POST', `${base}/login/next`, { cookie, body: {} });
  const read = (name: string, letter: string) =>
    Number(new RegExp(`"send-range";${letter}=(\\d+)`).exec(String(headers[name]))?.[1]);
  const counted = read('ratelimit-policy', 'q') - read('ratelimit', 'r');
  if (Number.isNaN(counted))
    throw new Error(`no limit tells how many messages were counted: ${begun.status}`);
  return counted;
}
