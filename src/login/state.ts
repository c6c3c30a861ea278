import { randomToken, type World } from '../world.js';
import type { Client } from './login.js';

const PREFIX = { app: 'a', browser: 'b' } as const satisfies Record<Client, string>;
const STATE = /^([ab])[A-Za-z0-9_-]{43}$/;

/**
 * Makes a `state`: 256 random bits, behind a letter for who will read the answer. The letter lets `/callback` answer in
 * the right form, and refuse the wrong client, before it asks the store; changing it makes another, unknown state.
 */
export const newState = (client: Client, world: Pick<World, 'random'>): string =>
  PREFIX[client] + randomToken(world);

/** Who a state says will read the answer; `undefined` for what cannot be a state of ours. */
export function clientOf(state: string): Client | undefined {
  const letter = STATE.exec(state)?.[1];
  if (letter === undefined) return undefined;
  return letter === PREFIX.app ? 'app' : 'browser';
}
