import type { PhoneNumber } from '../phone.js';

/** What carries the proof that the number is in the user's hand. */
export type Channel = 'silent_auth';

/** Who follows the redirects: a native SDK that reads JSON, or a browser that navigates. Fixed when the login begins. */
export type Client = 'app' | 'browser';

/**
 * A login in progress, as its session holds it.
 *
 *     begin ─▶ pending ─▶ completed   the code came back to this session, and the operator said true
 *                │  └───▶ failed      the code came back, and the operator said anything else
 *                └──────▶ (expired)   nothing came back in time: not stored, read off `expiresAt`
 */
export interface Login {
  /** 128 random bits. It lives in exactly one session, which is what binds a ticket to that session. */
  id: string;
  phoneNumber: PhoneNumber;
  client: Client;
  /** `null` where silence is impossible for this number. */
  channel: Channel | null;
  status: 'pending' | 'failed' | 'completed';
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** Where this login's state ticket lies, so that it can be cancelled, and recognised, without keeping the state. */
  stateAddress?: string;
}

/** The one who is logged in. */
export interface User {
  phoneNumber: PhoneNumber;
  channel: Channel;
  /** Milliseconds since the epoch. */
  authenticatedAt: number;
}

/** A login, and the whole way through the redirects, takes five minutes at the most. */
export const LOGIN_SECONDS = 300;
