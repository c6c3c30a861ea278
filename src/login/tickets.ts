import { randomToken, type World } from '../core/world.js';
import type { Client } from './login.js';
import { hash } from 'node:crypto';
import { z } from 'zod';
import type { PhoneNumber } from '../core/phone-number.js';
import { createRecordFormat, deriveTicketKey, seal, unseal, type RecordFormat } from '../store/seal.js';
import type { Store } from '../store/store.js';

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

/** What a device carries through the redirects as `state`. */
export interface StateTicket {
  loginId: string;
  phoneNumber: PhoneNumber;
  /** Milliseconds since the epoch at which the ticket ends: with its login, or earlier. */
  expiresAt: number;
}

/** What a device brings home as `code`: the same, and the access token it stands for. */
export interface CodeTicket extends StateTicket {
  accessToken: string;
  /** Milliseconds the callback took: nobody but us can measure it, and the page that began shows it. */
  callbackMs: number;
}

interface TicketOf {
  state: StateTicket;
  code: CodeTicket;
}

const State = z.object({
  loginId: z.string(),
  phoneNumber: z.custom<PhoneNumber>((value) => typeof value === 'string'),
  expiresAt: z.number(),
});
const FORMATS = {
  state: createRecordFormat<StateTicket>(1, State),
  code: createRecordFormat<CodeTicket>(1, State.extend({ accessToken: z.string(), callbackMs: z.number() })),
};
const formatOf = <K extends keyof TicketOf>(kind: K) => FORMATS[kind] as unknown as RecordFormat<TicketOf[K]>;

/**
 * Single-use tickets. A ticket lies under the SHA-256 of its secret and is sealed under a key derived from the secret,
 * so the store can neither name nor read what it holds. There is no way to read one without spending it.
 */
export interface Tickets {
  put<K extends keyof TicketOf>(kind: K, secret: string, ticket: TicketOf[K]): Promise<void>;
  /** The ticket, once; `undefined` for unknown, expired and already taken ones alike. */
  take<K extends keyof TicketOf>(kind: K, secret: string): Promise<TicketOf[K] | undefined>;
  /** Makes a state worthless, by its address. */
  cancelState(address: string): Promise<void>;
}

/** Where the ticket of a secret lies: says nothing of the secret. */
export const addressOf = (secret: string): string => hash('sha256', secret, 'base64url');

export function createTickets(store: Store, world: Pick<World, 'now'>): Tickets {
  const place = (kind: string, secret: string) => ({
    at: `${kind}:${addressOf(secret)}`,
    key: deriveTicketKey(secret, `${kind} ticket`),
  });

  return {
    async put(kind, secret, ticket) {
      const { at, key } = place(kind, secret);
      const left = Math.max(1, Math.ceil((ticket.expiresAt - world.now()) / 1000));
      if (!(await store.set(at, seal(key, at, formatOf(kind).write(ticket)), left, 'new')))
        throw new Error('a ticket was not kept');
    },
    async take<K extends keyof TicketOf>(kind: K, secret: string) {
      const { at, key } = place(kind, secret);
      const sealed = await store.take(at);
      const text = sealed === null ? undefined : unseal(key, at, sealed);
      const ticket = text === undefined ? undefined : formatOf(kind).read(text);
      // The store's clock ends a ticket; ours does too, for a store that was set back or restored.
      return ticket && world.now() < ticket.expiresAt ? ticket : undefined;
    },
    async cancelState(address) {
      await store.delete(`state:${address}`);
    },
  };
}
