import { setTimeout as pause } from 'node:timers/promises';
import { walk } from '../support/device.js';
import { buildHouse, WITH_CODES, type House, type HouseOptions } from '../support/house.js';
import { createGate } from './adversary/gate.js';
import { openUpstream } from './adversary/upstream.js';
import { createHttpClient, type Answer } from './adversary/http-client.js';

/** Milliseconds for the second of two requests, unless it waits for the first one. */
const SECOND_MS = 200;

/** A browser whose every cookie is kept, as whoever copies them would. */
export interface Browser {
  /** From the first to the one that it has now. */
  cookies: string[];
  ask(method: string, path: string, body?: object): Promise<Answer>;
  /** Asks with one of its cookies, whichever it has now. */
  askAs(cookie: string | undefined, method: string, path: string, body?: object): Promise<Answer>;
}

/** A server, or two on one Redis, whose requests can be held at any command that they send to the store or to Vonage. */
export interface Crossing {
  house: House;
  reset(): Promise<void>;
  browser(): Browser;
  /** Brings a login to where its code can be posted. @returns the code */
  codeFor(browser: Browser, phoneNumber: string): Promise<string>;
  /**
   * Holds one of two requests after so many of its commands, and does the other one in between.
   * @param first which of them is held
   * @returns whether that one was over by then, and both answers, in the order of the requests
   */
  cross(
    commands: number,
    first: 0 | 1,
    asks: readonly [Ask, Ask],
  ): Promise<{ isOver: boolean; answers: [Answer, Answer] }>;
  stop(): Promise<void>;
}

export type Ask = () => Promise<Answer>;

export async function openCrossing(engine: string, options: HouseOptions = {}): Promise<Crossing> {
  const [gate, wire] = [createGate(), createHttpClient()];
  const upstream = await openUpstream({ pass: gate.pass, lag: () => undefined, order: () => 0 });
  const house = await buildHouse({
    ...options,
    env: { ...WITH_CODES, ...options.env, SILENT_AUTH: engine },
    through: (store) => gate.before(() => store),
    between: (sandbox) => upstream.placeBefore(sandbox),
  });

  return {
    house,
    async reset() {
      await house.reset();
      // The commands of a webhook would wait at the gate as well, and could be taken for those of the held request.
      await house.control('webhooks', { paused: true });
      upstream.forget();
    },
    browser() {
      const cookies: string[] = [];
      const askAs: Browser['askAs'] = async (cookie, method, path, body) => {
        const answer = await wire.ask(method, house.base + path, { cookie, body });
        if (typeof answer.cookie === 'string' && !cookies.includes(answer.cookie))
          cookies.push(answer.cookie);
        return answer;
      };
      return { cookies, askAs, ask: (...asked) => askAs(cookies.at(-1), ...asked) };
    },
    async codeFor(browser, phoneNumber) {
      const begun = await browser.ask('POST', '/login', { phone_number: phoneNumber });
      expect(begun.status).toBe(201);
      if (engine !== 'off') return String((await walk(String(begun.json?.['auth_url']))).json?.['code']);
      expect((await browser.ask('POST', '/login/next', { channel: 'sms' })).status).toBe(200);
      return (await house.messages()).findLast(({ to }) => to === phoneNumber)?.code ?? '';
    },
    async cross(commands, first, asks) {
      const held = await gate.pauseAfter(commands, asks[first]);
      const meanwhile = asks[first === 0 ? 1 : 0]();
      await Promise.race([meanwhile, pause(SECOND_MS)]);
      const [early, late] = [await held.goOn(), await meanwhile];
      return { isOver: held.isOver, answers: first === 0 ? [early, late] : [late, early] };
    },
    async stop() {
      wire.close();
      await house.stop();
      upstream.stop();
    },
  };
}
