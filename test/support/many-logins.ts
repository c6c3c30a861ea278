import { setTimeout as pause } from 'node:timers/promises';
import { walk } from './device.js';
import type { System } from './system.js';

type App = ReturnType<System['app']>;

/** The results of many logins. */
export interface Crowd {
  /** The completed logins, each with its client and code. */
  loggedIn: { app: App; code: string; phoneNumber: string }[];
  /** Every error answer, such as `503 unavailable`. */
  hitches: string[];
}

/** Errors after an outage or data loss of Redis, which ask to retry or to begin again. */
export const RETRYABLE = ['503 unavailable', '410 login_expired', '404 no_login', '400 invalid_code'];

/**
 * Logs `count` users in, some at a time. After an error a login begins again, as on the page.
 * @param progress receives the number of completed logins after each
 */
export async function manyLogins(
  system: System,
  count: number,
  progress: (done: number) => void = () => undefined,
): Promise<Crowd> {
  const crowd: Crowd = { loggedIn: [], hitches: [] };
  const waiting = Array.from({ length: count }, (_, at) => `+447700${900000 + (at % 90)}`);
  const worker = async () => {
    for (let number = waiting.pop(); number !== undefined; number = waiting.pop()) {
      crowd.loggedIn.push(await logIn(system, number, crowd.hitches));
      progress(crowd.loggedIn.length);
    }
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  return crowd;
}

async function logIn(system: System, phoneNumber: string, hitches: string[]): Promise<Crowd['loggedIn'][0]> {
  for (let tries = 0; tries < 200; tries += 1) {
    const app = system.app();
    const code = await attempt(app, phoneNumber, hitches);
    if (code !== undefined) return { app, code, phoneNumber };
    await pause(250);
  }
  throw new Error(`not logged in after 200 tries: ${hitches.slice(-3).join()}`);
}

/** One complete login. @returns the code, or undefined after an error */
async function attempt(app: App, phoneNumber: string, hitches: string[]): Promise<string | undefined> {
  const hitch = (status: number, body: unknown, retryAfter: unknown) => {
    const { error } = body as { error?: string };
    hitches.push(
      `${status} ${error}${status === 503 && retryAfter === undefined ? ' without Retry-After' : ''}`,
    );
    return undefined;
  };
  const begun = await app.post('/login').send({ phone_number: phoneNumber });
  if (begun.status !== 201) {
    hitch(begun.status, begun.body, begun.headers['retry-after']);
    return;
  }
  const { auth_url: link } = begun.body as { auth_url: string };
  const home = await walk(link);
  if (home.status !== 200) {
    hitch(home.status, home.json, home.headers['retry-after']);
    return;
  }
  const code = String(home.json?.['code']);
  const verified = await app.post('/verify').send({ code });
  if (verified.status !== 200) {
    hitch(verified.status, verified.body, verified.headers['retry-after']);
    return;
  }
  return code;
}
