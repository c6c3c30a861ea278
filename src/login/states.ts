import type { Caller } from '../limits/limits.js';
import type { Login } from './login.js';
import type { Parts } from './parts.js';
import { newState } from './state.js';
import { addressOf } from './tickets.js';

/** The states that are made for one login, of which at most one is used. */
interface States {
  /** Makes a state and puts its ticket. A further one is for a further call of Vonage, and waits for its turn. */
  make: () => Promise<string>;
  /** Makes all but this one worthless. */
  keepOnly: (used?: string) => Promise<unknown>;
}

export const createStates =
  ({ engine, tickets, limits, world }: Parts) =>
  ({ id: loginId, phoneNumber, client, expiresAt }: Login, caller: Caller): States => {
    const made: string[] = [];
    return {
      make: async () => {
        if (made.length > 0) await limits.turn(caller, engine.asks);
        const state = newState(client, world);
        await tickets.put('state', state, { loginId, phoneNumber, expiresAt });
        made.push(state);
        return state;
      },
      keepOnly: (used) => {
        const unused = made.filter((state) => state !== used);
        return Promise.all(unused.map((state) => tickets.cancelState(addressOf(state))));
      },
    };
  };
