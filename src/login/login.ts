import type { PhoneNumber } from '../core/phone-number.js';

/** What carries the proof that the number is in the user's hand. */
export type Channel = 'silent_auth' | 'sms' | 'voice';

/** The channels that carry a code for the user to type. Each message costs money. */
export type OtpChannel = Exclude<Channel, 'silent_auth'>;

/** Who follows the redirects: a native SDK that reads JSON, or a browser that navigates. Fixed when the login begins. */
export type Client = 'app' | 'browser';

/** A step of a request of Verify v2, and the seconds it lasts. */
export interface RunStep {
  channel: Channel;
  seconds: number;
}

/** A request of Verify v2, which goes through its steps one after the other, by time or when it is told to. */
export interface Run {
  requestId: string;
  steps: readonly RunStep[];
  /** The step it was at when we last knew for certain, and the milliseconds since the epoch at which that step began. */
  step: number;
  since: number;
  startedAt: number;
  /** Milliseconds since the epoch at which we stop it ourselves, unless it went beyond its first step by then. */
  stopsAt?: number;
  /** The link of its silent step, where it is known from the beginning. */
  checkUrl?: string;
  /** Nobody wants it any more, but Vonage may not have let itself be told yet. */
  cancelled?: true;
}

/**
 * A login in progress, as its session holds it.
 *
 *     begin ─▶ pending ─▶ completed   a code came back to this session, and the operator or Verify said yes
 *               │  ▲ └──▶ failed      a code came back, and they said anything else
 *               │  ├──────── next     (from pending, failed and expired: another channel, if there is one)
 *               │  └──────── step-up  (from pending: a hook wants a code on top of the SIM, and the silent way is over)
 *               ├───────▶ (expired)   nothing came back in time: not stored, read off the clock
 *               └───────▶ cancelled   the app gave it up, and a request of it is still under way at Vonage
 */
export interface Login {
  /** 128 random bits. It lives in exactly one session, which is what binds a ticket to that session. */
  id: string;
  phoneNumber: PhoneNumber;
  client: Client;
  /** PKCE challenge (RFC 7636, S256) that whoever proves the login has to answer. */
  codeChallenge?: string;
  /** `null` where silence is impossible for this number, or was not enough. */
  channel: Channel | null;
  /** Absent while it is pending. */
  status?: 'failed' | 'completed' | 'cancelled';
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** The address of this login's state ticket, so that it can be cancelled, and recognised, without keeping the state. */
  ticket?: string;
  /** The Verify request this login runs. */
  run?: Run;
  /** A Verify request that the login before this one, in the same session and for the same number, left under way. */
  formerRun?: Run;
  /** Channels that proved the number already, in their order: the login stepped up. */
  proved?: readonly Channel[];
  /** Too many wrong codes, or refused by a hook: no channel is left to this login. */
  locked?: true;
}

/** The one who is logged in. */
export interface User {
  phoneNumber: PhoneNumber;
  /** The channel that proved the number last. */
  channel: Channel;
  /** Every channel that proved it in this login, in their order: after a step-up there are two. */
  channels: readonly Channel[];
  /** Milliseconds since the epoch. */
  authenticatedAt: number;
}

/** Every channel that proved the number of a login, `channel` the last of them. */
export const provedBy = ({ proved = [] }: Login, channel: Channel): readonly Channel[] => [
  ...proved.filter((each) => each !== channel),
  channel,
];

/** A silent login, and the whole way through the redirects, takes five minutes at the most. */
export const LOGIN_SECONDS = 300;

/** How often a change is worked out again because another request was faster. */
export const MAX_CONFLICTS = 10;

/** The session of the one who asks: the half of the proof that only the one who began the login holds. */
export interface Holder {
  /** The login of this session; absent when there is none, or it was cancelled. */
  readonly login: Login | undefined;
  /** The login as it was kept, cancelled or not. */
  readonly former: Login | undefined;
  /** Gives the session a new id and this login, in place of any other. Who was logged in stays so. */
  begin(login: Login): Promise<void>;
  /** Reads the session anew: another request may have changed its login. */
  refresh(): Promise<void>;
  /**
   * Changes the login as it stands in the store now: `how` is given it, and what it returns
   * replaces it in one step. Returning the login it was given changes nothing; returning
   * `undefined` forgets it. Does nothing where the session holds no login any more.
   * @throws LoginError `login_expired` if the session ended meanwhile
   */
  change(how: (login: Login) => Login | undefined): Promise<void>;
  /** Keeps the login as it now is, or forgets it. @throws LoginError `login_expired` if the session ended meanwhile */
  update(login: Login | undefined): Promise<void>;
  /** Gives the session a new id and its user. @throws LoginError `login_expired` if the session ended meanwhile */
  signIn(user: User, login: Login): Promise<void>;
}
