import { randomBytes } from 'node:crypto';
import type { EngineName } from '../../../src/config/login.js';
import { createMemoryStore } from '../../../src/store/memory.js';
import { ALICE, BOB, startSystem, type System, WITH_CODES } from '../../support/system.js';
import type { Hooks } from '../../../src/login/hooks.js';
import { ASSERTIONS } from '../../support/assertions.js';
import { createGate, type Gate } from './gate.js';
import { openUpstream, type Upstream } from './upstream.js';
import { createHttpClient, type HttpClient } from './http-client.js';
import type { Setup, Who } from './moves.js';
import { buildsOf, openOperators, PLACES, type Servers } from './servers.js';

export const NUMBERS: Record<Who, string> = { alice: ALICE, bob: BOB, eve: '+447700900002' };

export type StoreName = 'redis' | 'memory';

/** The configuration that games run against. */
export interface Field {
  engine: EngineName;
  store: StoreName;
  /** Whether a hook requires a code in addition to the SIM, of every number. */
  stepUp: boolean;
}

/** The rules of the numbers in a game. */
export interface NumberRules {
  /** Whether the SIM alone is not enough. */
  needsCode(number: string): boolean;
  /** Whether no channel is enough. */
  isRefused(number: string): boolean;
  /** Whether its SIM has changed, and the server asks about that. */
  isSwapped(number: string): boolean;
}

/** A server and a sandbox in which games run one after the other. */
export interface Environment extends Field {
  system: System;
  gate: Gate;
  client: HttpClient;
  upstream: Upstream;
  /** The next number in the order of all events. */
  order: () => number;
  /** Whether verifications are chains, which send messages that no request has asked for. */
  chained: boolean;
  rules: NumberRules;
  setup: () => Setup;
  /** Chooses the servers and the rules of a game. */
  arrange(setup: Setup): Promise<void>;
  /** The URL and the headers of requests by operators. */
  operators: { base: string; headers: Record<string, string> };
  /** Advances the clock, and runs the delayed work of the server at its times. */
  turn(seconds: number): Promise<void>;
  /** Messages that the limits counted in this game; `undefined` if the hour has changed since. */
  messagesCounted(): Promise<number | undefined>;
  /** Counts an event that games have to reach ({@link describeAdversary}). */
  reached: (what: string) => void;
  /** Resets store, sandbox and clock; connections stay open. */
  renew(): Promise<void>;
  close(): Promise<void>;
}

/** Few, so that games reach the limit. */
export const MAX_SESSIONS = 2;

const OPERATOR_KEY = randomBytes(32).toString('base64');

/** Nothing but the tested rules may stop the attacker. */
const ENV = {
  ...{ ...WITH_CODES, ...ASSERTIONS },
  LOG_LEVEL: 'silent',
  MAX_SESSIONS: String(MAX_SESSIONS),
  ...{ OPERATOR_KEY, METRICS_PORT: '0' },
};

const HOUR_MS = 3_600_000;

/**
 * More than a game needs. A store allocates memory for all entries, and each game has a new
 * store.
 */
const MOST_ENTRIES = 2000;

/** The longest wait for delayed work to reach Vonage. */
const DELAYED_CALL_MS = 100;

/** The delay between the start of a verification here and at Vonage. */
const LAG_SECONDS = 2;

const PLAIN: Setup = { do: 'setup', place: 'one server', swapped: 'eve', hook: null };

/** The rules of a game as the oracle knows them. */
function rulesOf(setup: () => Setup, stepUp: boolean): NumberRules {
  const asks = (place: Setup['place'], number: string) =>
    setup().place === place && number === NUMBERS[setup().swapped];
  const answers = (answer: 'refuse' | 'stepUp', number: string) => {
    const { hook } = setup();
    return hook?.answer === answer && number === NUMBERS[hook.number];
  };
  const isSteppedUp = (number: string) => asks('a server that asks more of changed SIMs', number);
  const isSimRefused = (number: string) => asks('a server that refuses changed SIMs', number);
  return {
    needsCode: (number) => stepUp || answers('stepUp', number) || isSteppedUp(number),
    isRefused: (number) => answers('refuse', number) || isSimRefused(number),
    isSwapped: (number) => isSteppedUp(number) || isSimRefused(number),
  };
}

const hooksOf = (setup: () => Setup, stepUp: boolean): Hooks => ({
  beforeSession({ phoneNumber, channel }) {
    const { hook } = setup();
    const isOf = hook !== null && NUMBERS[hook.number] === phoneNumber;
    if (isOf && hook.answer === 'refuse') return { refuse: true };
    return channel === 'silent_auth' && (stepUp || isOf) ? { stepUp: true } : { allow: true };
  },
});

/** A number that is not used in games. No silent step keeps it from getting a message at once. */
const BYSTANDER = '+447700900102';

/** @param counts receives how often each event was reached */
export async function openEnvironment(
  { servers, ...field }: Field & { servers: Servers },
  counts: Map<string, number>,
): Promise<Environment> {
  const { engine, store, stepUp } = field;
  const [gate, client] = [createGate(), createHttpClient()];
  let current = PLAIN;
  const setup = () => current;
  // Both kinds of verifications are played: of one step, and chains.
  const chained = engine === 'verify' && store === 'memory';
  const renewed: { store?: ReturnType<typeof createMemoryStore> } = {};
  let [ticks, hour, own] = [0, 0, 0];
  const order = () => ticks++;
  const upstream = await openUpstream({
    pass: gate.pass,
    lag: () => system.world.turn(LAG_SECONDS),
    order,
    messages: () => system.messages(),
  });
  const system: System = await startSystem({
    store,
    env: { ...ENV, SILENT_AUTH: engine, VERIFY_CHAIN: String(chained) },
    hooks: hooksOf(setup, stepUp),
    builds: buildsOf(servers),
    between: (sandbox) => upstream.placeBefore(sandbox),
    through: (first) => gate.before(() => renewed.store ?? first),
  });
  const operators = await openOperators(servers, system);
  const thisHour = () => Math.floor(system.world.now() / HOUR_MS);
  let delayed: { at: number; work: () => void }[] = [];
  system.world.later = (seconds, work) =>
    void delayed.push({ at: system.world.now() + seconds * 1000, work });
  const renew = async (): Promise<void> => {
    current = PLAIN;
    system.sendTo(...PLACES[PLAIN.place]);
    await system.reset();
    upstream.forget();
    delayed = [];
    if (store === 'memory') renewed.store = createMemoryStore(system.world, MOST_ENTRIES);
    system.world.turn((HOUR_MS - (system.world.now() % HOUR_MS)) / 1000);
    hour = thisHour();
  };
  await renew();
  own = await countedWith(client, system);

  return {
    ...field,
    ...{ system, gate, client, upstream, order, renew, chained, setup },
    rules: rulesOf(setup, stepUp),
    operators: {
      base: `http://localhost:${operators.port}`,
      headers: { authorization: `Bearer ${OPERATOR_KEY}` },
    },
    async arrange(chosen) {
      current = chosen;
      system.sendTo(...PLACES[chosen.place]);
      await system.control(`subscribers/${encodeURIComponent(NUMBERS[chosen.swapped])}`, {
        behaviour: 'match',
        sim_swap: 24,
      });
    },
    async turn(seconds) {
      await webhooksAnswered(system);
      const end = system.world.now() + seconds * 1000;
      const turnTo = (at: number) => system.world.turn(Math.max(0, at - system.world.now()) / 1000);
      for (;;) {
        const [next] = delayed.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at);
        if (next === undefined) break;
        turnTo(next.at);
        delayed = delayed.filter((each) => each !== next);
        next.work();
        await upstream.nextAnswer(DELAYED_CALL_MS);
      }
      turnTo(end);
    },
    reached: (what) => void counts.set(what, (counts.get(what) ?? 0) + 1),
    async messagesCounted() {
      const counted = await countedWith(client, system);
      return hour === thisHour() ? counted - own : undefined;
    },
    async close() {
      client.close();
      await operators.drain(0);
      await system.stop();
      upstream.stop();
    },
  };
}

/**
 * Sends one more message, and reads from its `RateLimit` header how many messages were counted in
 * this hour. All clients of a game have the same address range.
 */
async function countedWith(client: HttpClient, { base }: System): Promise<number> {
  const begun = await client.ask('POST', `${base}/login`, { body: { phone_number: BYSTANDER } });
  const cookie = begun.cookie ?? undefined;
  const { headers } = await client.ask('POST', `${base}/login/next`, { cookie, body: {} });
  const read = (name: string, letter: string) =>
    Number(new RegExp(`"send-range";${letter}=(\\d+)`).exec(String(headers[name]))?.[1]);
  const counted = read('ratelimit-policy', 'q') - read('ratelimit', 'r');
  if (Number.isNaN(counted)) throw new Error(`no RateLimit header counts messages: ${begun.status}`);
  return counted;
}

const WEBHOOKS_TIMEOUT_MS = 500;

/** Waits for the webhooks on their way, which the server would date after a turn of the clock. */
async function webhooksAnswered(system: System): Promise<void> {
  for (const startedAt = performance.now(); performance.now() - startedAt < WEBHOOKS_TIMEOUT_MS;) {
    if ((await system.webhooks()).every(({ status }) => status !== null)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
