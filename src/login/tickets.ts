import { hash } from 'node:crypto';
import { z } from 'zod';
import type { PhoneNumber } from '../core/phone-number.js';
import { randomToken, type World } from '../core/world.js';
import { createRecordFormat, deriveTicketKey, seal, unseal, type RecordFormat } from '../store/seal.js';
import type { Store } from '../store/store.js';
import type { Client } from './login.js';

const PREFIX = { app: 'a', browser: 'b' } as const satisfies Record<Client, string>;
const STATE = /^([ab])[A-Za-z0-9_-]{43}$/;

/**
 * Makes a `state`: a letter for the client that reads the answer, and 256 random bits. By the
 * letter `/callback` refuses the wrong client before it asks the store. A state with another letter
 * is another, unknown state.
 */
export const newState = (client: Client, world: Pick<World, 'random'>): string =>
  PREFIX[client] + randomToken(world);

/** The client that a state names; `undefined` for what cannot be a state of ours. */
export function clientOf(state: string): Client | undefined {
  const letter = STATE.exec(state)?.[1];
  if (letter === undefined) return undefined;
  return letter === PREFIX.app ? 'app' : 'browser';
}

/** What binds a ticket to a login. */
const Bound = z.object({
  loginId: z.string(),
  phoneNumber: z.custom<PhoneNumber>((value) => typeof value === 'string'),
  /** Milliseconds since the epoch at which the ticket ends: with its login, or earlier. */
  expiresAt: z.number(),
  /** As in the login. */
  isProbe: z.literal(true).optional(),
});

/** The record of a `state`, which a device carries through the redirects. */
const StateTicket = Bound.extend({
  /** What the engine needs when the redirects come back. */
  proof: z.object({ verifier: z.string(), nonce: z.string() }).optional(),
});

/** The record of a `code`, which `/callback` gives the device. */
const CodeTicket = Bound.extend({
  accessToken: z.string(),
  /** Milliseconds that `/callback` took, which the page shows. */
  callbackMs: z.number(),
});

export type StateTicket = z.infer<typeof StateTicket>;

interface TicketOf {
  state: StateTicket;
  code: z.infer<typeof CodeTicket>;
}

const FORMATS = { state: createRecordFormat(1, StateTicket), code: createRecordFormat(1, CodeTicket) };
const formatOf = <K extends keyof TicketOf>(kind: K) => FORMATS[kind] as unknown as RecordFormat<TicketOf[K]>;

/** The part of a ticket's key that is derived from its secret. */
export const addressOf = (secret: string): string => hash('sha256', secret, 'base64url');

export type Tickets = ReturnType<typeof createTickets>;

/**
 * Single-use tickets. The key of a ticket is the SHA-256 of its secret, and the record is sealed
 * with a key derived from the secret, so the store can neither use nor read it. Reading a ticket
 * removes it.
 */
export function createTickets(store: Store, world: Pick<World, 'now'>) {
  const keysOf = (kind: string, secret: string) => ({
    storeKey: `${kind}:${addressOf(secret)}`,
    sealKey: deriveTicketKey(secret, `${kind} ticket`),
  });

  return {
    async put<K extends keyof TicketOf>(kind: K, secret: string, ticket: TicketOf[K]): Promise<void> {
      const { storeKey, sealKey } = keysOf(kind, secret);
      const ttlSeconds = Math.max(1, Math.ceil((ticket.expiresAt - world.now()) / 1000));
      const sealed = seal(sealKey, storeKey, formatOf(kind).write(ticket));
      if (!(await store.add(storeKey, sealed, ttlSeconds))) throw new Error('a ticket was not stored');
    },

    /** Reads and removes a ticket; `undefined` if it is unknown, expired or taken already. */
    async take<K extends keyof TicketOf>(kind: K, secret: string): Promise<TicketOf[K] | undefined> {
      const { storeKey, sealKey } = keysOf(kind, secret);
      const sealed = await store.take(storeKey);
      const text = sealed === null ? undefined : unseal(sealKey, storeKey, sealed);
      const ticket = text === undefined ? undefined : formatOf(kind).read(text);
      // The store ends a ticket by its own clock. This holds for a store that was restored as well.
      return ticket && world.now() < ticket.expiresAt ? ticket : undefined;
    },

    /** Removes a state ticket. @param address {@link addressOf} the state */
    async cancelState(address: string): Promise<void> {
      await store.delete(`state:${address}`);
    },
  };
}
