import { z } from 'zod';
import { SIM_SWAPS } from '../config/limits.js';
import { CODE_CHANNELS } from '../config/login.js';
import { LoginError } from '../core/errors.js';
import { E164, type PhoneNumber } from '../core/phone-number.js';
import { COMMAND_TIMEOUT_MS } from '../store/options.js';

const ChannelField = z.enum(['silent_auth', ...CODE_CHANNELS]);
const PhoneNumberField = z.custom<PhoneNumber>((value) => typeof value === 'string' && E164.test(value));

/** How a number is proved. */
export type Channel = z.infer<typeof ChannelField>;

/**
 * A verification of Verify v2. With `VERIFY_CHAIN=true` it may have several steps, and goes through
 * them in order: when the time of a step is over, or when Vonage is asked for the next one.
 */
export const Verification = z.object({
  /** Vonage's `request_id`. */
  id: z.string(),
  /** The steps of the workflow, and how long each lasts. */
  steps: z.array(z.object({ channel: ChannelField, seconds: z.number() })),
  /** The last step that is known to have begun, as an index of `steps`. */
  step: z.number(),
  /** When that step began (ms since the epoch). */
  since: z.number(),
  /** When the verification began (ms since the epoch). */
  startedAt: z.number(),
  /** The link of the silent step, where the answer to the start has one. */
  checkUrl: z.exactOptional(z.string()),
});
export type Verification = z.infer<typeof Verification>;

/**
 * A login as its session stores it.
 *
 *     begin ─▶ pending ─▶ completed   the number is proved
 *               │  ▲ └──▶ failed      a code came back, but the number was not confirmed
 *               │  ├──────── next     (from pending, failed, expired: to another channel)
 *               │  └──────── step-up  (from pending: a code is required on top of the SIM)
 *               └───────▶ (expired)   no code came in time: computed, not stored
 */
export const Login = z.object({
  /**
   * 128 random bits. A login belongs to exactly one session, which binds its tickets to that
   * session.
   */
  id: z.string(),
  phoneNumber: PhoneNumberField,
  /**
   * Who follows the redirects: a native SDK that reads JSON, or a browser. Fixed when the login
   * begins.
   */
  client: z.enum(['app', 'browser']),
  /** The PKCE challenge (RFC 7636, S256). */
  codeChallenge: z.exactOptional(z.string()),
  /** The language of messages (BCP 47). */
  locale: z.exactOptional(z.string()),
  /** `null` where silent authentication is impossible for this number, or a hook asked for more. */
  channel: ChannelField.nullable(),
  /** Absent while the login is pending. */
  status: z.exactOptional(z.enum(['failed', 'completed'])),
  /** Milliseconds since the epoch. */
  expiresAt: z.number(),
  /** Milliseconds since the epoch. Absent where another release began the login. */
  begunAt: z.exactOptional(z.number()),
  /** Proves the number of the session's user anew, and no other number. */
  reauthenticates: z.exactOptional(z.literal(true)),
  /**
   * The key of the state ticket, so that the state can be cancelled and recognised without being
   * stored.
   */
  ticket: z.exactOptional(z.string()),
  verification: z.exactOptional(Verification),
  /** A verification that the former login of this session and number left under way. */
  formerVerification: z.exactOptional(Verification),
  /** Channels that have proved the number before a step-up, in order. */
  proved: z.exactOptional(z.array(ChannelField)),
  /** Whether the SIM of the number changed lately, once that was found out. */
  knownSim: z.exactOptional(z.object({ simSwap: z.enum(['swapped', 'unswapped']), at: z.number() })),
  /** Too many wrong codes, or refused by a hook or for its SIM: no channel is left. */
  locked: z.exactOptional(z.literal(true)),
  /** Begun by `silent-auth doctor`: the metrics of logins leave it out. */
  isProbe: z.exactOptional(z.literal(true)),
});
export type Login = z.infer<typeof Login>;
export type Client = Login['client'];

/** The user of a session. */
export const User = z.object({
  phoneNumber: PhoneNumberField,
  /** The channel that proved the number last. */
  channel: ChannelField,
  /** All channels that proved the number in this login, in order: two after a step-up. */
  channels: z.array(ChannelField),
  /** Milliseconds since the epoch. */
  authenticatedAt: z.number(),
  /** Absent where nothing was asked about the SIM. */
  simSwap: z.exactOptional(z.enum(SIM_SWAPS)),
});
export type User = z.infer<typeof User>;

/** All channels that have proved the number of a login, `channel` last. */
export const provedBy = ({ proved = [] }: Login, channel: Channel): Channel[] => [
  ...proved.filter((each) => each !== channel),
  channel,
];

/** Seconds from the beginning of a silent login to its end. */
export const LOGIN_TTL_SECONDS = 300;

/**
 * How often a change of a login is repeated when another request has changed the session meanwhile.
 */
export const MAX_CONFLICTS = 10;

/** The session of a request, as the login sees it. */
export interface LoginSession {
  readonly login: Login | undefined;
  /** Gives the session a new id and this login in place of any other. Its user stays logged in. */
  begin(login: Login): Promise<void>;
  /**
   * Reads the session again.
   * @throws LoginError `login_expired` if the login can lead to no session any more: the session
   * ended meanwhile, the sessions of this number did since the login began, or a login that proves
   * the number again has no user any more
   */
  refresh(): Promise<void>;
  /**
   * Replaces the stored login by `how(login)` in one step. Returning the same login changes
   * nothing; returning `undefined` removes it. Does nothing if the session holds no login any more.
   * @throws LoginError `login_expired` if the session ended meanwhile
   */
  change(how: (login: Login) => Login | undefined): Promise<void>;
  /**
   * Registers the session, and gives it a new id and its user.
   * @returns the public id of the session, and those of older sessions that it ended, since there
   * were too many
   * @throws LoginError `login_expired` if the session ended meanwhile, or the sessions of this
   * number did since the login began
   */
  signIn(user: User, login: Login): Promise<{ sessionId: string; ended: readonly string[] }>;
}

/** Milliseconds that {@link changeLogin} takes at most: a write, and a read after each conflict. */
export const CHANGE_TIMEOUT_MS = 2 * (1 + MAX_CONFLICTS) * COMMAND_TIMEOUT_MS;

/**
 * Changes `seen`, a login that was read from `session` earlier, as it is stored now. Needs no lock:
 * changes of other requests are kept. A login that was cancelled, replaced, locked or completed
 * meanwhile does not change.
 * @returns the login as it is stored afterwards; undefined if the session holds it no longer
 */
export async function changeLogin(
  session: LoginSession,
  seen: Login,
  how: (login: Login) => Login,
): Promise<Login | undefined> {
  try {
    await session.change((login) => (login.id === seen.id && !isOver(login) ? how(login) : login));
  } catch (error) {
    ignoreEndedSession(error);
    return undefined;
  }
  return session.login?.id === seen.id ? session.login : undefined;
}

/** Whether a login is still on the channel that it was on when it was read as `seen`. */
export const isOnSameChannel = (login: Login, seen: Login): boolean =>
  login.ticket === seen.ticket &&
  login.verification?.id === seen.verification?.id &&
  login.verification?.step === seen.verification?.step;

/** Whether a login is completed or locked, so that nothing changes it any more. */
export const isOver = (login: Login): boolean => login.status === 'completed' || login.locked === true;

/** The login with no code and no channel left. */
export const lock = (login: Login): Login => ({ ...login, status: 'failed', locked: true });

/** An ended session holds no login that could be changed. Rethrows any other error. */
export function ignoreEndedSession(error: unknown): void {
  if (!(error instanceof LoginError && error.code === 'login_expired')) throw error;
}

export const loginEnded = (): LoginError => new LoginError('no_login', 'The login ended during the request.');
