import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { answering } from './child.js';

/** A fixed number of clients, each of which begins a login when its last one is complete. */
export interface Load {
  base: string;
  /** Further processes of the same server. Each request goes to the next process in turn. */
  alsoAt?: string[];
  atOnce: number;
  /** Milliseconds over which the first logins of the clients are evenly spread. */
  spreadMs?: number;
  /** Logins to begin per second, evenly spread; unlimited by default. */
  perSecond?: number;
  /** Ends the run; so does `logins`. */
  seconds?: number;
  logins?: number;
  /**
   * Sends `POST /login` alone, from one address range or each from its own (`X-Forwarded-For`).
   */
  beginOnly?: 'one range' | 'own range';
}

export interface LoadResult {
  /** Milliseconds of each login. */
  took: number[];
  /** The phone number of each login. */
  numbers: string[];
  elapsedMs: number;
}

/** The connections of a client to one process: those of its app and those of its device. */
interface Connections {
  app: Pool;
  device: Pool;
}

interface Answered {
  json: Record<string, unknown>;
  cookie: string;
}

async function read(answer: Awaited<ReturnType<Pool['request']>>, expected: number): Promise<Answered> {
  const text = await answer.body.text();
  if (answer.statusCode !== expected) throw new Error(`${answer.statusCode} instead of ${expected}: ${text}`);
  const cookies = [answer.headers['set-cookie'] ?? ''].flat();
  return { json: JSON.parse(text) as Record<string, unknown>, cookie: cookies[0]?.split(';')[0] ?? '' };
}

interface Post {
  path: string;
  body: object;
  /** The status of the answer. */
  expected: number;
  headers?: Record<string, string> | undefined;
}

async function post(app: Pool, { path, body, expected, headers }: Post): Promise<Answered> {
  const answer = await app.request({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return read(answer, expected);
}

const begin = ({ app }: Connections, number: string, headers?: Record<string, string>): Promise<Answered> =>
  post(app, { path: '/login', body: { phone_number: number }, expected: 201, headers });

/** A whole login in a session of its own. @throws for any unexpected answer */
async function logIn(next: () => Connections, number: string): Promise<void> {
  const begun = await begin(next(), number);
  const { searchParams } = new URL(String(begun.json['auth_url']));
  const [state = '', nonce] = ['state', 'nonce'].map((name) => searchParams.get(name) ?? undefined);
  // The upstream finds the number in the code, and adds its delay to that login; and the nonce.
  const code = (nonce === undefined ? '' : `cn${nonce}`) + number.slice(1).padStart(40, 'c');
  const path = `/callback?${new URLSearchParams({ code, state }).toString()}`;
  const callback = await read(await next().device.request({ method: 'GET', path }), 200);
  const verified = await post(next().app, {
    path: '/verify',
    body: { code: callback.json['code'] },
    expected: 200,
    headers: { cookie: begun.cookie },
  });
  if (verified.json['verified'] !== true || verified.cookie === begun.cookie)
    throw new Error('not logged in');
}

let numbersUsed = 0;
/** One of a million numbers in a range of mobile phones. */
const nextNumber = (): string => `+447400${String(numbersUsed++ % 1_000_000).padStart(6, '0')}`;

/** An address in a range (/24) that belongs to this number alone. */
const addressOf = (number: string): Record<string, string> => {
  const range = Number(number.slice(-6));
  return { 'x-forwarded-for': `${11 + (range >> 16)}.${(range >> 8) & 255}.${range & 255}.1` };
};

async function run(load: Load): Promise<LoadResult> {
  const { base, alsoAt = [], atOnce, spreadMs = 0, perSecond = Infinity, seconds, logins, beginOnly } = load;
  const processes: Connections[] = [base, ...alsoAt].map((each) => ({
    app: new Pool(each, { connections: atOnce }),
    device: new Pool(each, { connections: atOnce }),
  }));
  let turn = 0;
  const next = (): Connections => processes[turn++ % processes.length] as Connections;
  const took: number[] = [];
  const numbers: string[] = [];
  const startedAt = performance.now();
  const end = startedAt + (seconds ?? Infinity) * 1000;
  let left = logins ?? Infinity;
  let begun = 0;
  const work = async (_: unknown, client: number): Promise<void> => {
    if (spreadMs > 0) await pause((client * spreadMs) / atOnce);
    while (left-- > 0 && performance.now() < end) {
      const due = startedAt + (begun++ * 1000) / perSecond - performance.now();
      if (due > 0) await pause(due);
      const begunAt = performance.now();
      const number = nextNumber();
      if (beginOnly === undefined) await logIn(next, number);
      else await begin(next(), number, beginOnly === 'own range' ? addressOf(number) : {});
      took.push(performance.now() - begunAt);
      numbers.push(number);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const elapsedMs = performance.now() - startedAt;
  await Promise.all(processes.flatMap(({ app, device }) => [app.destroy(), device.destroy()]));
  return { took, numbers, elapsedMs };
}

answering({ run });
