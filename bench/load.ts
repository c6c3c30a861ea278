import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { answering } from './child.js';

/** Logins by so many people at once, for a time or up to a number. */
export interface Crowd {
  base: string;
  /** Where more processes of the same house listen: each request goes to the next one in turn, whoever began the login. */
  alsoAt?: string[];
  atOnce: number;
  /** Milliseconds over which the first login of each begins, evenly: people do not come all at the same moment. */
  spreadMs?: number;
  /** Logins that begin in a second, evenly; as fast as it goes without it. */
  perSecond?: number;
  seconds?: number;
  logins?: number;
  /** Walks away after `POST /login`: all from one address range, or each from one of its own, as `X-Forwarded-For` says. */
  beginOnly?: 'together' | 'apart';
}

export interface CrowdResult {
  /** Milliseconds that each login took, and whose it was. */
  took: number[];
  numbers: string[];
  elapsedMs: number;
}

/** What one person's app and device talk through. */
interface Person {
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

async function post(
  app: Pool,
  path: string,
  body: object,
  expected: number,
  more: Record<string, string> = {},
): Promise<Answered> {
  const headers = { 'content-type': 'application/json', ...more };
  return read(await app.request({ method: 'POST', path, headers, body: JSON.stringify(body) }), expected);
}

const begin = ({ app }: Person, number: string, headers?: Record<string, string>): Promise<Answered> =>
  post(app, '/login', { phone_number: number }, 201, headers);

/** A whole login, with cookies of its own. @throws for any answer but the ones that lead to the end */
async function logIn(next: () => Person, number: string): Promise<void> {
  const begun = await begin(next(), number);
  const state = new URL(String(begun.json['auth_url'])).searchParams.get('state') ?? '';
  // The upstream knows by it whose login this is.
  const code = number.slice(1).padStart(40, 'c');
  const path = `/callback?${new URLSearchParams({ code, state }).toString()}`;
  const home = await read(await next().device.request({ method: 'GET', path }), 200);
  const verified = await post(next().app, '/verify', { code: home.json['code'] }, 200, {
    cookie: begun.cookie,
  });
  if (verified.json['verified'] !== true || verified.cookie === begun.cookie)
    throw new Error('not logged in');
}

let people = 0;
/** A million numbers of a range that is for mobile phones. */
const nextNumber = (): string => `+447400${String(people++ % 1_000_000).padStart(6, '0')}`;

/** A number of the million has a range (/24) of its own. */
const from = (number: string): Record<string, string> => {
  const range = Number(number.slice(-6));
  return { 'x-forwarded-for': `${11 + (range >> 16)}.${(range >> 8) & 255}.${range & 255}.1` };
};

async function run(crowd: Crowd): Promise<CrowdResult> {
  const { base, alsoAt = [], atOnce, spreadMs = 0, perSecond = Infinity, seconds, logins, beginOnly } = crowd;
  const doors: Person[] = [base, ...alsoAt].map((each) => ({
    app: new Pool(each, { connections: atOnce }),
    device: new Pool(each, { connections: atOnce }),
  }));
  let turn = 0;
  const next = (): Person => doors[turn++ % doors.length] as Person;
  const took: number[] = [];
  const numbers: string[] = [];
  const startedAt = performance.now();
  const end = startedAt + (seconds ?? Infinity) * 1000;
  let left = logins ?? Infinity;
  let begun = 0;
  const work = async (_: unknown, person: number): Promise<void> => {
    if (spreadMs > 0) await pause((person * spreadMs) / atOnce);
    while (left-- > 0 && performance.now() < end) {
      const due = startedAt + (begun++ * 1000) / perSecond - performance.now();
      if (due > 0) await pause(due);
      const begunAt = performance.now();
      const number = nextNumber();
      if (beginOnly === undefined) await logIn(next, number);
      else await begin(next(), number, beginOnly === 'apart' ? from(number) : {});
      took.push(performance.now() - begunAt);
      numbers.push(number);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const elapsedMs = performance.now() - startedAt;
  await Promise.all(doors.flatMap(({ app, device }) => [app.destroy(), device.destroy()]));
  return { took, numbers, elapsedMs };
}

answering({ run });
