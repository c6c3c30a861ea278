import { NUMBERS, type Environment } from './environment.js';
import { JARS, type Jar, type Who } from './moves.js';
import { createOracle, type Arrival, type Cookie } from './oracle.js';
import type { Answer } from './http-client.js';

interface DeviceVisit {
  on: Who;
  url: string;
  as: 'app' | 'browser' | 'shy';
  /** The most redirects to follow. */
  hops?: number;
}

interface Request {
  method: string;
  path: string;
  body?: object;
}

export type Players = ReturnType<typeof createPlayers>;

/** The cookies, codes and links of the players of one game, and their requests. */
export function createPlayers(environment: Environment) {
  const { system, engine, rules, chained, setup, upstream, client, reached } = environment;
  const { base, world } = system;
  const oracle = createOracle({
    ...{ engine, rules, chained, numbers: NUMBERS, now: () => world.now() },
    verifications: upstream.verifications,
    // The cookie is that of the app around, which forgets it.
    forgetsCookies: () => setup().place === 'routes in an app with a session',
  });
  const jars: Partial<Record<Jar, Cookie | undefined>> = {};
  /** Codes that a player's device or phone received. */
  const hand: Record<Who, string[]> = { alice: [], bob: [], eve: [] };
  /** The links of all logins, and every URL that the attacker's device was redirected to. */
  const links: string[] = [];
  /** All cookies that the attacker has received. */
  const cookies: Cookie[] = [];

  /** All answers that the attacker has received. */
  const received: string[] = [];
  const recordAnswer = (who: Who, answer: Answer): void => {
    if (who === 'eve') received.push(`${JSON.stringify(answer.headers)}\n${answer.text}`);
  };

  /** Sends a request with the cookie of a jar, and stores the new cookie in it. */
  const send = async (jar: Jar, { method, path, body }: Request): Promise<[Answer, Cookie | undefined]> => {
    const asked = jars[jar];
    const answer = await client.ask(method, base + path, { cookie: asked?.value, body });
    const held = oracle.answered(JARS[jar], asked, answer.cookie);
    if (answer.cookie !== undefined) jars[jar] = held;
    if (held && JARS[jar] === 'eve' && !cookies.includes(held)) cookies.push(held);
    recordAnswer(JARS[jar], answer);
    return [answer, held];
  };

  /** Opens a URL on a device and follows redirects. The cookie is sent to our server only. */
  const travel = async ({ on, url: from, as, hops = 9 }: DeviceVisit): Promise<void> => {
    const headers = {
      'x-sandbox-sim': NUMBERS[on],
      ...(as === 'browser' && { 'sec-fetch-dest': 'document', 'sec-fetch-site': 'cross-site' }),
    };
    let url = from;
    for (let hop = 0; hop < hops; hop++) {
      const cookie = as !== 'app' && url.startsWith(base) ? jars[on] : undefined;
      const open = cookie?.session.open ?? [];
      const answer = await client.ask('GET', url, { headers, cookie: cookie?.value });
      recordAnswer(on, answer);
      if (answer.cookie !== undefined) throw new Error('a session was made at the end of a link');
      const location = answer.headers.location;
      const home = location?.includes('#')
        ? Object.fromEntries(new URLSearchParams(location.split('#')[1]))
        : answer.json;
      if (location === undefined || location.includes('#')) {
        const verificationId = String(home?.['request_id']);
        receiveCode({ on, url, isBrowser: as === 'browser', open, verificationId }, home?.['code']);
        return;
      }
      const next = new URL(location, url).href;
      oracle.redirected(url, next, NUMBERS[on]);
      if (on === 'eve') links.push(next);
      url = next;
    }
  };
  const receiveCode = (arrival: Arrival, code: unknown): void => {
    const { on, url } = arrival;
    if (typeof code !== 'string') return;
    oracle.codeReceived(arrival, code);
    hand[on].push(code);
    const by = oracle.meaningOf(url).login?.by;
    if (by === 'eve' && on !== 'eve') reached('codes that a victim received through a link of the attacker');
    if (by !== 'eve' && on === 'eve') reached('codes that the attacker received through a link of a victim');
  };

  /** The ids of sessions in all lists, which the attacker knows as well. */
  const ids: string[] = [];

  return { ids, oracle, jars, hand, links, cookies, received, recordAnswer, send, travel };
}
