import { LRUCache } from 'lru-cache';

export const MAX_RECORDS = 2_000;

export const MAX_ENTRIES = 20_000;

/** A list that drops its oldest items. */
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

/** Entries by key. Drops the least recently used. */
export type Store<T extends object | true> = LRUCache<string, T>;

/**
 * Bounds a cache by `maxSize`: `max` would allocate room for all entries at once (13 ms for seven
 * caches).
 */
export const BOUNDED = { maxSize: MAX_ENTRIES, sizeCalculation: () => 1 };

export const createStore = <T extends object | true>(): Store<T> => new LRUCache(BOUNDED);

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

/** The channels whose messages have a code, which the user types. */
export type MessageChannel = 'sms' | 'rcs' | 'whatsapp' | 'voice';

/** A message on a phone. */
export interface Message {
  /** E.164. */
  to: string;
  channel: MessageChannel;
  /** Null for calls: Vonage chooses the number that calls. */
  from: string | null;
  text: string;
  code: string;
  /** ISO 8601. */
  at: string;
  /** The locale of the text. */
  locale: string;
}

/** A device's own value for its SIM or network: an app sends a header, a browser a cookie. */
export type Override = Partial<Record<'header' | 'cookie', string>>;

export interface Authorization {
  /** E.164. */
  number: string;
  scopes: string[];
  /** The customer's `state`, sent with the last redirect. */
  state: string;
  /** Vonage's own `state`, sent with the redirects before. */
  wrappedState: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  overrides: { sim: Override; network: Override };
  /** The query of the operator's redirect to Vonage, without `state`. */
  operatorResponse: Record<string, string>;
  /** Set if the last redirect leads to Verify instead of the customer. */
  silentStep?: { verificationId: string; redirectUrl: string | undefined };
}

export interface Grant {
  number: string;
  /** The number of the SIM; null if it is unknown. */
  sim: string | null;
  scopes: string[];
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export interface AuthorizationCode extends Grant {
  isUsed: boolean;
  /** Revoked if the code is used again (RFC 6749, 4.1.2). */
  token?: string;
  /** Of PKCE. */
  codeChallenge?: string;
  nonce?: string | undefined;
}
