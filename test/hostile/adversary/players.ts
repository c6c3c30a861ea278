import { ALICE, BOB } from '../../support/house.js';
import type { Environment } from './environment.js';
import { JARS, type Jar, type Who } from './moves.js';
import { createOracle, type Begun, type Cookie } from './oracle.js';
import type { Answer } from './http-client.js';

export const NUMBERS: Record<Who, string> = { alice: ALICE, bob: BOB, eve: '+447700900002' };

/**
 * What falseAnswers on the table in one game: who holds what, and the two ways to speak, by a
 * jar's cookie and by a device.
 */
export function createPlayers({ house, engine, stepUp, upstream, wire, reached }: Environment) {
  const { base, world } = house;
  const { verifications } = upstream;
  const oracle = createOracle({ engine, stepUp, verifications, numbers: NUMBERS, now: () => world.now() });
  const jars: Partial<Record<Jar, Cookie | undefined>> = {};
  /** Codes that came to somebody's device or phone. */
  const hand: Record<Who, string[]> = { alice: [], bob: [], eve: [] };
  /** Links that were handed out, whosever, and every address that crossed the attacker's device. */
  const links: string[] = [];
  /** Cookies that the attacker was ever given. */
  const cookies: Cookie[] = [];

  /** Everything that the attacker was ever answered. */
  const heard: string[] = [];
  const hear = (who: Who, answer: Answer): void => {
    if (who === 'eve') heard.push(`${JSON.stringify(answer.headers)}\n${answer.text}`);
  };

  /** Sends a request with the cookie of a jar, which takes the new one in. */
  const say = async (
    jar: Jar,
    method: string,
    path: string,
    body?: object,
  ): Promise<[Answer, Cookie | undefined]> => {
    const asked = jars[jar];
    const answer = await wire.ask(method, base + path, { cookie: asked?.value, body });
    const held = oracle.answered(JARS[jar], asked, answer.cookie);
    if (answer.cookie !== undefined) jars[jar] = held;
    if (held && JARS[jar] === 'eve' && !cookies.includes(held)) cookies.push(held);
    hear(JARS[jar], answer);
    return [answer, held];
  };

  /**
   * Follows redirects on somebody's device, whose SIM shows at every hop; the cookie goes to our
   * server alone.
   */
  const travel = async (on: Who, from: string, as: 'app' | 'browser' | 'shy', hops = 9): Promise<void> => {
    const headers = {
      'x-sandbox-sim': NUMBERS[on],
      ...(as === 'browser' && { 'sec-fetch-dest': 'document', 'sec-fetch-site': 'cross-site' }),
    };
    let url = from;
    for (let hop = 0; hop < hops; hop++) {
      const cookie = as !== 'app' && url.startsWith(base) ? jars[on] : undefined;
      const open = cookie?.session.open ?? [];
      const answer = await wire.ask('GET', url, { headers, cookie: cookie?.value });
      hear(on, answer);
      if (answer.cookie !== undefined) throw new Error('a session was made at the end of a link');
      const location = answer.headers.location;
      const home = location?.includes('#')
        ? Object.fromEntries(new URLSearchParams(location.split('#')[1]))
        : answer.json;
      if (location === undefined || location.includes('#')) {
        const verificationId = String(home?.['request_id']);
        arrive(on, url, home?.['code'], { isBrowser: as === 'browser', open, verificationId });
        return;
      }
      const next = new URL(location, url).href;
      oracle.led(url, next, NUMBERS[on]);
      if (on === 'eve') links.push(next);
      url = next;
    }
  };
  const arrive = (
    on: Who,
    url: string,
    code: unknown,
    at: { isBrowser: boolean; open: readonly Begun[]; verificationId: string },
  ): void => {
    if (typeof code !== 'string') return;
    oracle.gave(on, url, code, at);
    hand[on].push(code);
    const by = oracle.meaningOf(url).login?.by;
    if (by === 'eve' && on !== 'eve')
      reached('codes that a victim was given at the end of a link of the attacker');
    if (by !== 'eve' && on === 'eve')
      reached('codes that the attacker was given at the end of a link of a victim');
  };

  return { oracle, jars, hand, links, cookies, heard, hear, say, travel };
}
