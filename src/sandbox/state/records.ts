import { LRUCache } from 'lru-cache';

/** Requests, messages and webhooks that are kept for reading. */
export const MAX_RECORDS = 2_000;

/** Authorizations, codes, tokens and used states that are kept. */
export const MAX_ENTRIES = 20_000;

/** A list that forgets its oldest items. */
export class BoundedList<T> {
  readonly #items: T[] = [];

  add(item: T): void {
    this.#items.push(item);
    if (this.#items.length > MAX_RECORDS) this.#items.shift();
  }

  all(): readonly T[] {
    return this.#items;
  }

  clear(): void {
    this.#items.splice(0);
  }
}

/** Entries by key; the least recently used are forgotten. */
export type Store<T extends object | true> = LRUCache<string, T>;

export const createStore = <T extends object | true>(): Store<T> => new LRUCache({ max: MAX_ENTRIES });

/** A request as it was received, secrets included. `status` is null until the answer is sent. */
export interface RecordedRequest {
  at: string;
  from: 'device' | 'server';
  method: string;
  path: string;
  headers: object;
  body: unknown;
  status: number | null;
}

/** A text or call to a phone. */
export interface Message {
  to: string;
  channel: string;
  text: string;
  code: string;
  at: string;
}

/** What a device states about itself: an app in a header, a browser in a cookie. */
export type Claim = Partial<Record<'header' | 'cookie', string>>;

/** An authorization request that the device carries through the redirects. */
export interface Authorization {
  /** The number that logs in. */
  number: string;
  scopes: string[];
  /** The customer's `state`, returned with the last redirect. */
  state: string;
  /** Vonage's own `state`, used for the redirects before. */
  wrappedState: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  claims: { sim: Claim; network: Claim };
  /** The operator's answer: the query of the redirect to Vonage, without the state. */
  answer: Record<string, string>;
  /** The silent step of Verify that this is for. Others end at the customer. */
  silentStep?: { verificationId: string; redirectUrl: string | undefined };
}

/** What a code and its token stand for. `sim` is null when the number of the SIM is unknown. */
export interface Grant {
  number: string;
  sim: string | null;
  scopes: string[];
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** A code. A second use revokes the token of the first (RFC 6749, 4.1.2). */
export interface AuthorizationCode extends Grant {
  isUsed: boolean;
  token: string | null;
}
