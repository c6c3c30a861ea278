import { setTimeout as pause } from 'node:timers/promises';
import { walk } from '../support/device.js';
import { startSystem, WITH_CODES, type System, type SystemOptions } from '../support/system.js';
import { createGate } from './adversary/gate.js';
import { openUpstream } from './adversary/upstream.js';
import { createHttpClient, type Answer } from './adversary/http-client.js';

/** Milliseconds for the other request, unless it waits for the interrupted one. */
const OTHER_REQUEST_MS = 200;

/** A browser whose old cookies are kept, as a thief would keep copies. */
export interface Browser {
  /** All cookies, oldest first. */
  cookies: string[];
  ask(method: string, path: string, body?: object): Promise<Answer>;
  /** Sends a request with a given cookie. */
  askAs(cookie: string | undefined, request: Request): Promise<Answer>;
}

interface Request {
  method: string;
  path: string;
  body?: object | undefined;
}

/** One or two servers whose requests can be interrupted at any command to the store or Vonage. */
export interface Crossing {
  system: System;
  reset(): Promise<void>;
  /** Keeps what Redis holds. @returns a function that resets everything, and puts it back */
  keep(): Promise<() => Promise<void>>;
  /** @param cookies those that it has already, oldest first */
  browser(cookies?: readonly string[]): Browser;
  /** Begins a login and gets its code. @returns the code */
  codeFor(browser: Browser, phoneNumber: string): Promise<string>;
  /**
   * Interrupts one of two requests after some of its commands, and sends the other one meanwhile.
   * @returns whether the request ended before the interruption, and both answers in the order of
   * the requests
   */
  cross(interruption: Interruption): Promise<{ isOver: boolean; answers: [Answer, Answer] }>;
  stop(): Promise<void>;
}

export type Ask = () => Promise<Answer>;

interface Interruption {
  requests: readonly [Ask, Ask];
  /** The index of the request that is interrupted. */
  first: 0 | 1;
  /** How many of its commands pass before. */
  commands: number;
}

export async function openCrossing(engine: string, options: SystemOptions = {}): Promise<Crossing> {
  const [gate, client] = [createGate(), createHttpClient()];
  const upstream = await openUpstream({
    pass: gate.pass,
    lag: () => undefined,
    order: () => 0,
    messages: () => system.messages(),
  });
  const system: System = await startSystem({
    ...options,
    env: { ...WITH_CODES, ...options.env, SILENT_AUTH: engine },
    through: (store) => gate.before(() => store),
    between: (sandbox) => upstream.placeBefore(sandbox),
  });

  const reset = async (): Promise<void> => {
    await system.reset();
    // The gate cannot tell the commands of a webhook from those of the interrupted request.
    await system.control('webhooks', { paused: true });
    upstream.forget();
  };

  return {
    ...{ system, reset },
    async keep() {
      const { redis } = system;
      const keys = await redis.keys('*');
      const kept = await Promise.all(
        keys.map(async (key) => [key, await redis.pttl(key), await redis.dumpBuffer(key)] as const),
      );
      return async () => {
        await reset();
        await Promise.all(kept.map((each) => redis.restore(...each)));
      };
    },
    browser(former = []) {
      const cookies = [...former];
      const askAs: Browser['askAs'] = async (cookie, { method, path, body }) => {
        const answer = await client.ask(method, system.base + path, { cookie, body });
        if (typeof answer.cookie === 'string' && !cookies.includes(answer.cookie))
          cookies.push(answer.cookie);
        return answer;
      };
      return { cookies, askAs, ask: (method, path, body) => askAs(cookies.at(-1), { method, path, body }) };
    },
    async codeFor(browser, phoneNumber) {
      const begun = await browser.ask('POST', '/login', { phone_number: phoneNumber });
      expect(begun.status).toBe(201);
      if (engine !== 'off') return String((await walk(String(begun.json?.['auth_url']))).json?.['code']);
      expect((await browser.ask('POST', '/login/next', { channel: 'sms' })).status).toBe(200);
      return (await system.messages()).findLast(({ to }) => to === phoneNumber)?.code ?? '';
    },
    async cross({ commands, first, requests }) {
      const held = await gate.pauseAfter(commands, requests[first]);
      const meanwhile = requests[first === 0 ? 1 : 0]();
      await Promise.race([meanwhile, pause(OTHER_REQUEST_MS)]);
      const [early, late] = [await held.goOn(), await meanwhile];
      return { isOver: held.isOver, answers: first === 0 ? [early, late] : [late, early] };
    },
    async stop() {
      client.close();
      await system.stop();
      upstream.stop();
    },
  };
}
