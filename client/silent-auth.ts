/**
 * The client of a silent-auth-bff server: phone-number login for browsers, Node and React Native. One file that needs
 * nothing else, to be imported or copied. It asks each thing once: no request is ever repeated by itself.
 */

/** What carries the proof that the number is in the user's hand. */
export type Channel = 'silent_auth' | 'sms' | 'voice';

/** The channels that carry a code for the user to type. Each message costs the server's operator money. */
export type CodeChannel = Exclude<Channel, 'silent_auth'>;

/** Every error of the server, as its /errors.md explains them. */
export const SERVER_ERRORS = [
  'invalid_request',
  'invalid_phone_number',
  'invalid_code',
  'silent_auth_failed',
  'not_authenticated',
  'invalid_signature',
  'forbidden_origin',
  'wrong_client',
  'login_refused',
  'step_up_required',
  'country_not_allowed',
  'number_not_allowed',
  'not_found',
  'no_login',
  'method_not_allowed',
  'request_timeout',
  'no_more_channels',
  'login_in_progress',
  'login_expired',
  'payload_too_large',
  'unsupported_media_type',
  'too_many_attempts',
  'rate_limited',
  'internal_error',
  'upstream_error',
  'unavailable',
  'upstream_timeout',
] as const;

/**
 * `no_answer`: the server could not be reached, or took longer than 20 seconds. What was asked may have been done.
 * `unknown_answer`: the answer is none of the server's, but a proxy's page, say, or an error newer than this file.
 */
export type ErrorCode = (typeof SERVER_ERRORS)[number] | 'no_answer' | 'unknown_answer';

/** Why silence failed, with `silent_auth_failed`. */
export type SilentFailure = 'not_on_cellular' | 'denied' | 'number_not_supported' | 'operator_error';

/** Why no message came: Vonage's rules against fraud blocked it. */
export type MessageFailure = 'blocked';

interface LoginBase {
  loginId: string;
  /** ISO 8601. */
  expiresAt: string;
  /** ISO 8601: from when on Vonage lets itself be told of a `cancel()`. */
  cancellableAt?: string;
  /** What is left to go on to with `next()`. */
  nextChannels: CodeChannel[];
  reason?: 'silent_auth_unavailable' | MessageFailure;
}

/** Open `authUrl` on the device. It is null while Vonage has not told the link yet: `current()` has it later. */
export interface SilentLogin extends LoginBase {
  channel: 'silent_auth';
  authUrl: string | null;
}

/** A code of so many digits is on its way: let the user type it, and `verify()` it. */
export interface CodeLogin extends LoginBase {
  channel: CodeChannel;
  authUrl: null;
  codeLength: number;
}

/** It cannot be silent, or that was not enough: go on with `next()`. */
export interface OpenLogin extends LoginBase {
  channel: null;
  authUrl: null;
}

/** A login, told apart by `channel`. */
export type Login = SilentLogin | CodeLogin | OpenLogin;

/** The login of this session, as it stands. */
export type CurrentLogin = Login & { status: 'pending' | 'expired' | 'failed' | 'completed' };

export type Verification =
  | { verified: true; phoneNumber: string; channel: Channel }
  | { verified: false; reason: 'number_mismatch'; nextChannels: CodeChannel[] };

/** Times in ISO 8601. `expiresAt` is when the session ends if nobody uses it. */
export type Session =
  | { authenticated: false }
  | {
      authenticated: true;
      phoneNumber: string;
      channel: Channel;
      authenticatedAt: string;
      expiresAt: string;
    };

interface ProblemFields {
  detail?: string;
  requestId?: string;
  retryAfter?: number;
  nextChannels?: CodeChannel[];
  reason?: SilentFailure | MessageFailure;
  errors?: { field: string; message: string }[];
}

/** Whatever did not work, told apart by `error`. The message is for developers. */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly error: ErrorCode;
  /** Of HTTP; 0 where nothing answered. */
  readonly status: number;
  /** Seconds after which to try again. */
  readonly retryAfter: number | undefined;
  readonly nextChannels: readonly CodeChannel[] | undefined;
  /** With `silent_auth_failed`, or with `login_expired` where no message came. */
  readonly reason: SilentFailure | MessageFailure | undefined;
  /** With `invalid_request`: what is wrong with which field. */
  readonly errors: readonly { field: string; message: string }[] | undefined;
  /** What to tell the server's operator, whose log has it too. */
  readonly requestId: string | undefined;

  constructor(error: ErrorCode, status: number, fields: ProblemFields = {}, cause?: unknown) {
    super(fields.detail === undefined ? error : `${error}: ${fields.detail}`, { cause });
    this.error = error;
    this.status = status;
    this.retryAfter = fields.retryAfter;
    this.nextChannels = fields.nextChannels;
    this.reason = fields.reason;
    this.errors = fields.errors;
    this.requestId = fields.requestId;
  }
}

export interface ClientOptions {
  /** The server's origin, as `https://login.example.com`; left out, the page's own. */
  base?: string;
  /** Has to keep cookies. Browsers' and React Native's does; that of Node does not, and has to be given one that does. */
  fetch?: typeof fetch;
  /** `include` where `base` is another origin than the page's, which then has to be listed in `ALLOWED_ORIGINS`. */
  credentials?: 'same-origin' | 'include';
}

export interface Options {
  /** Gives the request up, which then rejects with the signal's reason. The server may have done what was asked. */
  signal?: AbortSignal;
}

export interface LoginOptions extends Options {
  /** Who opens the link: a `browser` that navigates to it, or an `app` with Vonage's library. */
  client?: 'app' | 'browser';
  /** PKCE (RFC 7636): base64url of the SHA-256 of a verifier that only `verify()` will tell. */
  codeChallenge?: string;
}

export interface VerifyOptions extends Options {
  /** What the `codeChallenge` was made of. */
  codeVerifier?: string;
}

/** Each of these throws `LoginError` where it cannot do what it says. */
export interface Client {
  /**
   * Begins a login, and with it the session that has to finish it. Sends no message.
   * @param phoneNumber E.164: `+`, country code, number, digits only
   */
  login(phoneNumber: string, options?: LoginOptions): Promise<Login>;
  /** Where the login of this session stands; undefined without one. */
  current(options?: Options): Promise<CurrentLogin | undefined>;
  /** Has a code sent to the number, by this channel or by the first that is left. */
  next(channel?: CodeChannel, options?: Options): Promise<CodeLogin>;
  /** Logs in with a code, whether the device brought it back from `authUrl` or the user typed it. */
  verify(code: string, options?: VerifyOptions): Promise<Verification>;
  /** Ends the login of this session: its link and its codes are worthless from then on. */
  cancel(options?: Options): Promise<void>;
  /** Who is logged in. */
  session(options?: Options): Promise<Session>;
  logout(options?: Options): Promise<void>;
}

/** Makes a client. It keeps nothing: the login and the session lie in the server, and in the cookie that leads to them. */
export function createClient({
  base = '',
  fetch: send = (...request) => fetch(...request),
  credentials = 'same-origin',
}: ClientOptions = {}): Client {
  const ask = async (method: string, path: string, { signal }: Options, body?: object): Promise<object> => {
    const limit = within(PATIENCE, signal);
    const json = body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
    // A redirect would post number and code to whoever it leads to.
    const request = { method, credentials, redirect: 'error', signal: limit.signal, ...json } as const;
    try {
      const answer = await send(base + path, request);
      return read(answer, await answer.text());
    } catch (error) {
      if (error instanceof LoginError || signal?.aborted) throw error;
      throw new LoginError('no_answer', 0, {}, error);
    } finally {
      limit.end();
    }
  };

  return {
    async login(phoneNumber, { client, codeChallenge, ...options } = {}) {
      const body = { phone_number: phoneNumber, client, code_challenge: codeChallenge };
      return (await ask('POST', '/login', options, body)) as Login;
    },
    async current(options = {}) {
      try {
        return { authUrl: null, ...(await ask('GET', '/login', options)) } as CurrentLogin;
      } catch (error) {
        if (error instanceof LoginError && error.error === 'no_login') return undefined;
        throw error;
      }
    },
    async next(channel, options = {}) {
      return (await ask('POST', '/login/next', options, { channel })) as CodeLogin;
    },
    async verify(code, { codeVerifier, ...options } = {}) {
      return (await ask('POST', '/verify', options, { code, code_verifier: codeVerifier })) as Verification;
    },
    async cancel(options = {}) {
      await ask('DELETE', '/login', options);
    },
    async session(options = {}) {
      return (await ask('GET', '/session', options)) as Session;
    },
    async logout(options = {}) {
      await ask('POST', '/logout', options);
    },
  };
}

/** Milliseconds that an answer may take. The server itself gives up sooner. */
const PATIENCE = 20_000;

/** Aborts after so many milliseconds, or with `outer`. By hand, since React Native has no `AbortSignal.any`. */
function within(ms: number, outer: AbortSignal | undefined): { signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const stop = (): void => controller.abort(outer?.reason);
  const timer = setTimeout(stop, ms);
  outer?.addEventListener('abort', stop);
  if (outer?.aborted) stop();
  const end = (): void => {
    clearTimeout(timer);
    outer?.removeEventListener('abort', stop);
  };
  return { signal: controller.signal, end };
}

/** What an answer says. @throws LoginError if that is an error */
function read({ ok, status, headers }: Response, text: string): object {
  const said = status === 204 ? {} : parse(text);
  if (ok && said !== undefined) return said;
  const id = headers.get('X-Request-Id');
  const fields = id === null ? {} : { requestId: id };
  const problem: ProblemFields & { error?: unknown } = said ?? {};
  const known = SERVER_ERRORS.find((name) => name === problem.error);
  if (known !== undefined) throw new LoginError(known, status, { ...problem, ...fields });
  throw new LoginError('unknown_answer', status, { detail: text.slice(0, 200), ...fields });
}

/** An object of JSON, its names in camel case as in this file; undefined where it is none. */
function parse(text: string): object | undefined {
  try {
    const said: unknown = JSON.parse(text);
    if (typeof said !== 'object' || said === null || Array.isArray(said)) return undefined;
    const entries = Object.entries(said as Record<string, unknown>);
    return Object.fromEntries(entries.map(([name, value]) => [camelCase(name), value]));
  } catch {
    return undefined;
  }
}

const camelCase = (name: string): string =>
  name.replace(/_[a-z]/g, (letter) => letter.charAt(1).toUpperCase());
