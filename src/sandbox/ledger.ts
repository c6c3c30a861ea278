import type { VerifyRequest } from './verify-request.js';

/** Requests, messages and webhooks kept for reading; the oldest go first. */
export const TAPE_LENGTH = 2_000;

/** Logins under way, codes, tokens and used states kept. A sandbox may run for weeks, or under a load test. */
export const SHELF_LENGTH = 20_000;

/** One request as it came over the wire, secrets and all. `status` is null while it is unanswered, and if it never was answered. */
export interface RecordedRequest {
  at: string;
  from: 'device' | 'server';
  method: string;
  path: string;
  headers: object;
  body: unknown;
  status: number | null;
}

/** One text or call the sandbox delivered to a phone. */
export interface Message {
  to: string;
  channel: string;
  text: string;
  code: string;
  at: string;
}

/** What a device says of itself, in a header of the app or in a cookie of the browser. */
export interface Claim {
  header?: string;
  cookie?: string;
}

/** A login on its way through the device. It moves from shelf to shelf, and each hop takes it from the shelf before. */
export interface Walk {
  number: string;
  scopes: string[];
  /** The customer's own state, given back at the very end. */
  state: string;
  /** Vonage's state, the one that is seen in the chain. */
  wrappedState: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** What the device claims of itself, by where the claim was made. */
  claims: { sim: Claim; network: Claim };
  /** What the operator answered: the query of the hop back to Vonage, without the state. */
  answer: Record<string, string>;
  /** The Verify request whose silent step this walk is; a walk for nobody's request ends at the dashboard's redirect URI. */
  silentStepOf?: VerifyRequest;
}

/** What a code and then a token stand for: who logs in, and which SIM walked (null: nobody knows its number). */
export interface Grant {
  number: string;
  sim: string | null;
  scopes: string[];
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** A code stays after use, so that its second use can revoke the token of the first (RFC 6749, 4.1.2). */
export interface Code extends Grant {
  used: boolean;
  token: string | null;
}

export interface Tape<T> {
  add(item: T): void;
  all(): readonly T[];
  clear(): void;
}

export interface Shelf<T> {
  put(key: string, item: T): void;
  get(key: string): T | undefined;
  has(key: string): boolean;
  remove(key: string): void;
  clear(): void;
}

export const createTape = <T>(): Tape<T> => {
  const items: T[] = [];
  return {
    add: (item) => {
      items.push(item);
      if (items.length > TAPE_LENGTH) items.shift();
    },
    all: () => items,
    clear: () => void items.splice(0),
  };
};

const createShelf = <T>(): Shelf<T> => {
  const items = new Map<string, T>();
  return {
    put: (key, item) => {
      items.set(key, item);
      // A Map keeps the order of insertion: its first key is the oldest.
      const [oldest] = items.keys();
      if (items.size > SHELF_LENGTH && oldest !== undefined) items.delete(oldest);
    },
    get: (key) => items.get(key),
    has: (key) => items.has(key),
    remove: (key) => void items.delete(key),
    clear: () => items.clear(),
  };
};

/** Everything the sandbox remembers, all of it in memory and bounded. */
export const createLedger = () => {
  const ledger = {
    requests: createTape<RecordedRequest>(),
    messages: createTape<Message>(),
    /** The customer's states that were seen: "must be unique for each request". */
    states: createShelf<true>(),
    /** Auth URLs handed out, by wrapped state. */
    handedOut: createShelf<Walk>(),
    /** Devices sent to the operator, by the operator's request id. */
    atOperator: createShelf<Walk>(),
    /** Devices sent back to Vonage, by wrapped state. */
    atVonage: createShelf<Walk>(),
    /** Devices sent on to Verify, by ticket. */
    atVerify: createShelf<Walk>(),
    codes: createShelf<Code>(),
    tokens: createShelf<Grant>(),
  };
  const clear = (): void => Object.values(ledger).forEach((each) => each.clear());
  return { ...ledger, clear };
};

export type Ledger = ReturnType<typeof createLedger>;
