import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createApp } from '../../../src/routes.js';
import { listen } from '../../../src/http/server.js';
import { createMemoryStore } from '../../../src/store/memory.js';
import type { Store } from '../../../src/store/store.js';
import { ASSERTIONS } from '../../support/assertions.js';
import { ALICE, startSystem, WITH_CODES, type System } from '../../support/system.js';
import { walk } from '../../support/device.js';
import { relay, type CorrectAnswer } from '../falsifying-proxy.js';
import { seeded } from '../fuzz.js';
import { addToSummary } from '../summary.js';
import { createGate } from './gate.js';
import { createHttpClient, type Answer } from './http-client.js';

/**
 * Requests of two devices of one user at once: `owner` is logged in, and `late` has the code of its
 * login, which it posts.
 */
type Request = 'post' | 'post again' | 'cancel' | 'log out' | 'end others' | 'end all' | 'assert' | 'list';

/** Which device is logged out after these requests, whatever their order. */
interface Race {
  requests: readonly Request[];
  ends: { owner: boolean; late: boolean };
}

export const RACES: readonly Race[] = [
  { requests: ['post', 'end others', 'post again'], ends: { owner: false, late: true } },
  { requests: ['post', 'end others', 'cancel'], ends: { owner: false, late: true } },
  { requests: ['post', 'end others', 'log out'], ends: { owner: false, late: true } },
  { requests: ['post', 'end all', 'post again'], ends: { owner: true, late: true } },
  { requests: ['post', 'end all', 'end others'], ends: { owner: true, late: true } },
  { requests: ['post', 'log out', 'post again'], ends: { owner: false, late: true } },
  { requests: ['post', 'post again', 'list'], ends: { owner: false, late: false } },
  { requests: ['post', 'end all', 'assert'], ends: { owner: true, late: true } },
];

/** Commands of a race at most, of which each may be the next of three. */
const MOST_COMMANDS = 60;

/** Replays writes, so that every order of a race begins with the same store. */
function createRecordedStore(system: () => System) {
  type Write = readonly [keyof Store, readonly unknown[]];
  const writes: Write[] = [];
  const WRITING = ['set', 'add', 'take', 'delete', 'replace', 'spend', 'register', 'increment', 'expire'];
  const call = (store: Store, [name, args]: Write): unknown =>
    (store[name] as (...all: unknown[]) => unknown).apply(store, [...args]);
  let [current, isRecording]: [Store | undefined, boolean] = [undefined, true];
  return {
    store: (first: Store): Store =>
      new Proxy(first, {
        get:
          (_target, name: keyof Store) =>
          (...args: unknown[]) => {
            if (isRecording && WRITING.includes(name)) writes.push([name, args]);
            return call((current ??= first), [name, args]);
          },
      }),
    async restore(): Promise<void> {
      isRecording = false;
      current = createMemoryStore(system().world, 200);
      for (const write of writes) await call(current, write);
    },
  };
}

/** Passes calls to the sandbox, which answers each question about a token once. */
async function openReplay(pass: <T>(work: () => Promise<T>) => Promise<T>) {
  const answers = new Map<string, Promise<CorrectAnswer>>();
  let sandbox = '';
  const server = createServer((req, res) => {
    void buffer(req)
      .then((body) => {
        const key = `${req.url} ${req.headers.authorization} ${body.toString()}`;
        const isRepeated = req.url?.includes('/number-verification/') === true;
        const known = isRepeated ? answers.get(key) : undefined;
        const answer = known ?? relay(sandbox, req, body);
        answers.set(key, answer);
        return pass(() => answer);
      })
      .then((answer) => res.writeHead(answer.status, answer.headers).end(answer.body));
  });
  await new Promise<void>((listening) => server.listen(0, listening));
  return {
    placeBefore(at: string): string {
      sandbox = at;
      return `http://localhost:${(server.address() as AddressInfo).port}`;
    },
    stop(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}

export interface OrdersOptions {
  races: readonly Race[];
  /** How many orders to play. Some occur again. */
  orders: number;
  seed: number;
  /** Receives the orders. */
  seen: Set<string>;
}

/** @returns the first broken rule, and how to reproduce it */
async function playOrders({ races, orders, seed, seen }: OrdersOptions): Promise<string | undefined> {
  const [gate, client, random] = [createGate(), createHttpClient(), seeded(seed)];
  const recorded = createRecordedStore(() => system);
  const replay = await openReplay(gate.pass);
  let app: RequestListener = () => undefined;
  const system: System = await startSystem({
    store: 'memory',
    env: { ...WITH_CODES, ...ASSERTIONS, LOG_LEVEL: 'silent' },
    through: (first) => {
      const store = recorded.store(first);
      return gate.before(() => store);
    },
    between: (sandbox) => replay.placeBefore(sandbox),
    builds: [
      (deps) => {
        const built = createApp(deps);
        app = built as RequestListener;
        return built;
      },
    ],
  });
  // Without the comparison of each answer with openapi.yaml, which takes longer than the request.
  const direct = await listen(app, { port: 0, docsUrl: 'errors' });
  const ask = (method: string, path: string, { cookie, body }: { cookie?: string; body?: object } = {}) =>
    client.ask(method, `http://localhost:${direct.port}${path}`, { cookie, body });
  const begin = async () => {
    const { cookie, json } = await ask('POST', '/login', { body: { phone_number: ALICE } });
    const { json: home } = await walk(String(json?.['auth_url']));
    return { cookie: String(cookie), code: String(home?.['code']) };
  };
  const isAuthenticated = async (cookie: string) =>
    (await ask('GET', '/session', { cookie })).json?.['authenticated'] === true;

  const openRaces = async () => {
    const { cookie, code: first } = await begin();
    const owner = String((await ask('POST', '/verify', { cookie, body: { code: first } })).cookie);
    system.world.turn(1);
    const { cookie: late, code } = await begin();
    const post = () => ask('POST', '/verify', { cookie: late, body: { code } });
    const REQUESTS: Record<Request, () => Promise<Answer>> = {
      post,
      'post again': post,
      cancel: () => ask('DELETE', '/login', { cookie: late }),
      'log out': () => ask('POST', '/logout', { cookie: late }),
      'end others': () => ask('DELETE', '/sessions', { cookie: owner }),
      'end all': () => ask('DELETE', '/sessions?all=true', { cookie: owner }),
      assert: () => ask('POST', '/session/assertion', { cookie: owner, body: {} }),
      list: () => ask('GET', '/sessions', { cookie: owner }),
    };
    const problemsOf = async (
      answers: readonly Answer[],
      { owner: endsOwner, late: endsLate }: Race['ends'],
    ) => {
      const cookies = [late, ...answers.flatMap((answer) => answer.cookie ?? [])];
      const lates = (await Promise.all(cookies.map(isAuthenticated))).filter(Boolean).length;
      const verified = answers.filter(({ json }) => json?.['verified'] === true).length;
      return [
        ...(answers.some(({ status }) => status >= 500) ? ['a request failed'] : []),
        ...(verified > 1 ? ['a code was accepted twice'] : []),
        ...(lates > (endsLate ? 0 : 1) ? ['a session that ended is authenticated'] : []),
        ...((await isAuthenticated(owner)) === endsOwner ? ['the owner is in the wrong state'] : []),
      ].join(', ');
    };
    return { REQUESTS, problemsOf };
  };

  try {
    const { REQUESTS, problemsOf } = await openRaces();
    for (let at = 0; at < orders; at++) {
      const { requests, ends } = races[at % races.length] as Race;
      const drawn = Array.from({ length: MOST_COMMANDS }, () => Math.floor(random() * 6));
      const answers: Answer[] = [];
      await recorded.restore();
      const tasks = requests.map((each) => async () => void answers.push(await REQUESTS[each]()));
      const passed = (await gate.race(tasks, drawn)).join('');
      seen.add(`${at % races.length} ${passed}`);
      const problems = await problemsOf(answers, ends);
      if (problems !== '') return `${problems}: ${requests.join(', ')} in the order ${passed} (seed ${seed})`;
    }
    return undefined;
  } finally {
    client.close();
    await direct.drain(0);
    await system.stop();
    replay.stop();
  }
}

/** A system keeps what it has logged, so each plays no more than these. */
const ORDERS_OF_A_SYSTEM = 5000;

/** @param orders how many orders of the races are played */
export function describeOrders({ races, orders, seed }: Omit<OrdersOptions, 'seen'>): void {
  test(
    `${orders} orders of requests of two devices at once: what was ended stays ended (seed ${seed})`,
    async () => {
      const seen = new Set<string>();
      const startedAt = performance.now();
      let broken: string | undefined;
      let played = 0;
      for (let batch = 0; played < orders && broken === undefined; batch++) {
        const next = Math.min(ORDERS_OF_A_SYSTEM, orders - played);
        broken = await playOrders({ races, orders: next, seed: seed + batch, seen });
        played += next;
      }
      const perHour = Math.round((played / (performance.now() - startedAt)) * 3_600_000);
      process.stderr.write(`${played} orders, of which ${seen.size} differ, ${perHour} an hour\n`);
      addToSummary({ 'interleavings tried': played, 'invariant breaks': broken === undefined ? 0 : 1 });
      expect(broken).toBeUndefined();
    },
    60_000 + orders * 200,
  );
}
