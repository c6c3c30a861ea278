/**
 * The client of a silent-auth-bff server, for browsers, Node and React Native. One file without
 * dependencies, to import or to copy. It never repeats a request.
 */

const CODE_CHANNELS = ['sms', 'rcs', 'whatsapp', 'voice'] as const;

/** Channels for a code that the user types. Each message is paid for by the server's operator. */
export type CodeChannel = (typeof CODE_CHANNELS)[number];

export type Channel = 'silent_auth' | CodeChannel;

/** The errors of the server, described at its `/errors.md`. */
export const SERVER_ERRORS = [
  'invalid_request',
  'invalid_phone_number',
  'invalid_code',
  'silent_auth_failed',
  'not_authenticated',
  'reauthentication_required',
  'invalid_signature',
  'forbidden_origin',
  'wrong_client',
  'wrong_number',
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
 * `no_answer`: the server was unreachable or took longer than 20 seconds. The request may have had
 * its effect. `unknown_answer`: the answer is a proxy's, or an error newer than this file. The
 * effect of the request is unknown.
 */
export type ErrorCode = (typeof SERVER_ERRORS)[number] | 'no_answer' | 'unknown_answer';

const SILENT_FAILURES = [
  ...(['not_on_cellular', 'denied', 'consent_required'] as const),
  ...(['number_not_supported', 'operator_error'] as const),
] as const;

/** The reasons of `silent_auth_failed`. */
export type SilentFailure = (typeof SILENT_FAILURES)[number];

const MESSAGE_FAILURES = ['blocked', 'rejected', 'user_rejected', 'unreachable'] as const;

/**
 * Why a message did not arrive: Vonage's fraud rules blocked it, the network rejected it, the user
 * declined it, or the number was unreachable.
 */
export type MessageFailure = (typeof MESSAGE_FAILURES)[number];

interface LoginBase {
  loginId: string;
  /** ISO 8601. */
  expiresAt: string;
  /** ISO 8601. Before this time, Vonage does not accept a `cancel()`. */
  cancellableAt?: string;
  /** The channels that are left for `next()`. */
  nextChannels: CodeChannel[];
  reason?: 'silent_auth_unavailable' | MessageFailure;
}

/** Open `authUrl` on the device. If it is null, the link is not known yet: poll `current()`. */
export interface SilentLogin extends LoginBase {
  channel: 'silent_auth';
  authUrl: string | null;
}

/** A code of `codeLength` digits was sent. Call `verify()` with what the user types. */
export interface CodeLogin extends LoginBase {
  channel: CodeChannel;
  authUrl: null;
  codeLength: number;
  /** ISO 8601. From this time, `next()` sends another code by this channel with `resend`. */
  resendAt?: string;
  /** How many codes can still be tried; 0 if Vonage failed to check the last one. */
  triesLeft?: number;
}

/** `sent` is false if a code by this channel was under way: call `next()` with `resend` instead. */
export interface NextLogin extends CodeLogin {
  sent: boolean;
}

/** A silent login is impossible, or a code is required as well: continue with `next()`. */
export interface OpenLogin extends LoginBase {
  channel: null;
  authUrl: null;
}

export type Login = SilentLogin | CodeLogin | OpenLogin;

export type CurrentLogin = Login & { status: 'pending' | 'expired' | 'failed' | 'completed' };

export type Verification =
  | { verified: true; phoneNumber: string; channel: Channel }
  | { verified: false; reason: 'number_mismatch'; nextChannels: CodeChannel[] };

/** Times in ISO 8601. The session expires at `expiresAt` if it stays idle. */
export type Session =
  | { authenticated: false }
  | {
      authenticated: true;
      phoneNumber: string;
      channel: Channel;
      /** All channels that verified the number, if there were two: after a step-up. */
      channels?: Channel[];
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

/** Any failure, identified by `error`. The message is for developers. */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly error: ErrorCode;
  /** The HTTP status; 0 without an answer. */
  readonly status: number;
  /** Seconds to wait before the next attempt. */
  readonly retryAfter: number | undefined;
  readonly nextChannels: readonly CodeChannel[] | undefined;
  /** Of `silent_auth_failed`, or of `login_expired` if the message did not arrive. */
  readonly reason: SilentFailure | MessageFailure | undefined;
  readonly errors: readonly { field: string; message: string }[] | undefined;
  /** Identifies the request in the server's log. */
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
  /**
   * The server's base URL: an origin in ASCII (`https://login.example.com`), a path on the page's
   * origin (`/auth`, if an app mounts the routes), or both. Default: the page's origin.
   */
  base?: string;
  /** Must store cookies, as in browsers and React Native. Node's `fetch` does not. */
  fetch?: typeof fetch;
  /** `include` if `base` is another origin. `ALLOWED_ORIGINS` must then list the page's origin. */
  credentials?: 'same-origin' | 'include';
}

export interface Options {
  /** Aborts the request, which rejects with the signal's reason. It may have had its effect. */
  signal?: AbortSignal;
}

export interface LoginOptions extends Options {
  /** What opens the link: a `browser` that navigates to it, or an `app` with Vonage's library. */
  client?: 'app' | 'browser';
  /** PKCE (RFC 7636): base64url of the SHA-256 of the verifier passed to `verify()`. */
  codeChallenge?: string;
  /** The language of messages (BCP 47), such as `de-AT`. Default: `navigator.language`, if any. */
  locale?: string;
  /** Proves the number of the logged-in session again. The user stays logged in meanwhile. */
  reauthenticate?: true;
}

export interface NextOptions extends Options {
  /** Sends another code by the channel that is under way. The former code becomes invalid. */
  resend?: boolean;
  /** The 11 characters by which Android's SMS Retriever finds the app that reads the SMS. */
  appHash?: string;
}

export interface VerifyOptions extends Options {
  /** The preimage of `codeChallenge`. */
  codeVerifier?: string;
}

/** Every method throws `LoginError` if it fails. */
export interface Client {
  /**
   * Starts a login, which only the same session can complete. Sends no message.
   * @param phoneNumber E.164: `+`, country code, number, digits only
   */
  login(phoneNumber: string, options?: LoginOptions): Promise<Login>;
  /** The login of this session; undefined without one. */
  current(options?: Options): Promise<CurrentLogin | undefined>;
  /**
   * Sends a code by this channel, or by the first that is left. With the error `login_in_progress`,
   * nothing was sent: call it again after `retryAfter` seconds.
   */
  next(channel?: CodeChannel, options?: NextOptions): Promise<NextLogin>;
  /** Logs in with a code from `authUrl`, or one that the user typed. */
  verify(code: string, options?: VerifyOptions): Promise<Verification>;
  /** Ends the login of this session, and invalidates its link and its codes. */
  cancel(options?: Options): Promise<void>;
  session(options?: Options): Promise<Session>;
  logout(options?: Options): Promise<void>;
}

/**
 * Creates a client, which has no state: the server stores the login and the session.
 * @throws TypeError if `base` is neither an origin nor a path
 */
export function createClient({
  base = '',
  fetch: send = (...request) => fetch(...request),
  credentials = 'same-origin',
}: ClientOptions = {}): Client {
  const prefix = prefixOf(base);

  const ask = async (route: Route, { signal }: Options, body?: object): Promise<object> => {
    const { method, path } = route;
    const limit = within(REQUEST_TIMEOUT_MS, signal);
    const json = body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
    // A redirect would send the number and the code to another server.
    const request = { method, credentials, redirect: 'error', signal: limit.signal, ...json } as const;
    try {
      const answer = await send(prefix + path, request);
      return readAnswer(route, answer, await answer.text());
    } catch (error) {
      if (error instanceof LoginError || signal?.aborted) throw error;
      throw new LoginError('no_answer', 0, {}, error);
    } finally {
      limit.end();
    }
  };

  return {
    async login(
      phoneNumber,
      { client, codeChallenge, reauthenticate, locale = ownLocale(), ...options } = {},
    ) {
      const body = {
        phone_number: phoneNumber,
        client,
        code_challenge: codeChallenge,
        reauthenticate,
        locale,
      };
      return (await ask(ROUTES.login, options, body)) as Login;
    },
    async current(options = {}) {
      try {
        return { authUrl: null, ...(await ask(ROUTES.current, options)) } as CurrentLogin;
      } catch (error) {
        if (error instanceof LoginError && error.error === 'no_login') return undefined;
        throw error;
      }
    },
    async next(channel, { resend, appHash, ...options } = {}) {
      const body = { channel, resend: resend === true ? true : undefined, app_hash: appHash };
      return (await ask(ROUTES.next, options, body)) as NextLogin;
    },
    async verify(code, { codeVerifier, ...options } = {}) {
      return (await ask(ROUTES.verify, options, { code, code_verifier: codeVerifier })) as Verification;
    },
    async cancel(options = {}) {
      await ask(ROUTES.cancel, options);
    },
    async session(options = {}) {
      return (await ask(ROUTES.session, options)) as Session;
    },
    async logout(options = {}) {
      await ask(ROUTES.logout, options);
    },
  };
}

/**
 * Reads the code that the redirects left in the address of a page. Any site can link to your page
 * with a code of its own, and a wrong code uses up an attempt: verify only what this returns, and
 * remove the fragment from the address. Requires `URLSearchParams`, which React Native lacks.
 * @param fragment `location.hash`
 * @param login what `current()` returns
 * @returns undefined if the code is not for `login`, or `login` is not waiting for its device
 */
export function codeInFragment(fragment: string, login: CurrentLogin | undefined): string | undefined {
  if (login?.channel !== 'silent_auth' || login.status !== 'pending') return undefined;
  const fields = new URLSearchParams(fragment.replace(/^#/, ''));
  const [loginId, verificationId] = [fields.get('login_id'), fields.get('request_id') ?? ''];
  // With `SILENT_AUTH=verify`, Vonage writes the fragment, with the `request_id` of the link.
  const isOfLink = UUID.test(verificationId) && login.authUrl?.includes(`/${verificationId}/`) === true;
  const isOfLogin = loginId === null ? isOfLink : loginId === login.loginId;
  const code = isOfLogin ? fields.get('code') : null;
  return code === null || code === '' ? undefined : code;
}

/** Longer than the server's own timeouts. */
const REQUEST_TIMEOUT_MS = 20_000;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const ORIGIN = /https?:\/\/(?:[a-z0-9][a-z0-9._-]*|\[[0-9a-f:.]+\])(?::\d+)?/;
/** Excludes empty and dot segments, which URL parsers resolve (WHATWG URL, section 4.4). */
const SEGMENT = /\/(?!(?:\.|%2e){1,2}(?:\/|$))[\w~%!$&'()*+,;=:@.-]+/;
const BASE = new RegExp(`^(?:${ORIGIN.source})?(?:${SEGMENT.source})*/?$`, 'i');

/** The prefix of the path of each request. @throws TypeError */
function prefixOf(base: string): string {
  try {
    if (!BASE.test(base)) throw new TypeError('not of the form');
    if (/^http/i.test(base)) new URL(base);
    return base.replace(/\/$/, '');
  } catch (cause) {
    const wanted = 'an origin (https://login.example.com), a path (/auth) or both';
    throw new TypeError(`base has to be ${wanted}, without credentials, query and fragment: ${base}`, {
      cause,
    });
  }
}

/** The language of the browser, if it is one by BCP 47. Chromium may report `en-US@posix`. */
function ownLocale(): string | undefined {
  const { navigator } = globalThis as { navigator?: { language?: string } };
  const locale = navigator?.language ?? '';
  return /^[a-z]{2,8}(?:-[a-z\d]{1,8})*$/i.test(locale) ? locale : undefined;
}

/** A signal that aborts after `ms` or with `outer`. React Native has no `AbortSignal.any`. */
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

type Fields = Record<string, unknown>;

/** @throws LoginError if the answer is an error, or not the server's */
function readAnswer(route: Route, { status, headers }: Response, text: string): object {
  const fields = status === 204 ? {} : parseFields(text);
  const requestId = headers.get('X-Request-Id') ?? undefined;
  // A proxy may answer 204 as well, but without this header.
  const isOurs =
    status === 204 ? UUID.test(requestId ?? '') : route.shapes.some((shape) => fits(fields, shape));
  if (fields && status === route.status && isOurs) return fields;
  const id = requestId === undefined ? {} : { requestId };
  const known = SERVER_ERRORS.find((name) => name === fields?.['error']);
  if (known !== undefined && fits(fields, { type: isText, title: isText, status: is(status) }))
    throw new LoginError(known, status, { ...problemFields(fields), ...id });
  throw new LoginError('unknown_answer', status, { detail: text.slice(0, 200), ...id });
}

function parseFields(text: string): Fields | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
    const fields: Fields = Object.fromEntries(
      Object.entries(json).map(([name, value]) => [camelCase(name), value]),
    );
    const channels = fields['nextChannels'];
    // Ignores the channels of a server newer than this file.
    if (Array.isArray(channels) && channels.every(isText))
      fields['nextChannels'] = channels.filter(isCodeChannel);
    return fields;
  } catch {
    return undefined;
  }
}

const camelCase = (name: string): string =>
  name.replace(/_[a-z]/g, (letter) => letter.charAt(1).toUpperCase());

type Check = (value: unknown) => boolean;
type Shape = Record<string, Check>;

const is =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;
const isTime: Check = (value) =>
  isText(value) && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value));
const isNumber: Check = (value) => isText(value) && /^\+[1-9]\d{6,14}$/.test(value);
/** Excludes `javascript:` URLs. */
const isLink: Check = (value) => isText(value) && /^https?:\/\//i.test(value);
const isCodeChannel: Check = is(...CODE_CHANNELS);
const isChannel: Check = is('silent_auth', ...CODE_CHANNELS);
const isChannels: Check = (value) => Array.isArray(value) && value.every(isChannel);
const isCodeChannels: Check = (value) => Array.isArray(value) && value.every(isCodeChannel);

const fits = (value: unknown, shape: Shape): value is Fields =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(shape).every(([name, check]) => check((value as Fields)[name]));

const LOGIN = {
  loginId: isText,
  expiresAt: isTime,
  cancellableAt: optional(isTime),
  nextChannels: isCodeChannels,
  reason: optional(isText),
};
const SILENT_LOGIN = {
  ...LOGIN,
  channel: is('silent_auth'),
  authUrl: (value: unknown) => value === null || isLink(value),
};
const CODE_LOGIN = {
  ...LOGIN,
  channel: isCodeChannel,
  authUrl: is(null),
  codeLength: isCount,
  resendAt: optional(isTime),
  triesLeft: optional((value) => value === 0 || isCount(value)),
};
const NEXT_LOGIN = { ...CODE_LOGIN, sent: is(true, false) };
const OPEN_LOGIN = { ...LOGIN, channel: is(null), authUrl: is(null) };
const LOGINS = [SILENT_LOGIN, CODE_LOGIN, OPEN_LOGIN];
const CURRENT_LOGINS = LOGINS.map((shape) => ({
  ...shape,
  authUrl: optional(shape.authUrl),
  status: is('pending', 'expired', 'failed', 'completed'),
}));
const VERIFICATIONS = [
  { verified: is(true), phoneNumber: isNumber, channel: isChannel },
  { verified: is(false), reason: is('number_mismatch'), nextChannels: isCodeChannels },
];
const USER = {
  phoneNumber: isNumber,
  channel: isChannel,
  channels: optional(isChannels),
  authenticatedAt: isTime,
  expiresAt: isTime,
};
const SESSIONS = [{ authenticated: is(false) }, { authenticated: is(true), ...USER }];

interface Route {
  method: string;
  path: string;
  /** The status of success, and the valid shapes of its body. */
  status: number;
  shapes: readonly Shape[];
}

const ROUTES: Record<keyof Client, Route> = {
  login: { method: 'POST', path: '/login', status: 201, shapes: LOGINS },
  current: { method: 'GET', path: '/login', status: 200, shapes: CURRENT_LOGINS },
  next: { method: 'POST', path: '/login/next', status: 200, shapes: [NEXT_LOGIN] },
  verify: { method: 'POST', path: '/verify', status: 200, shapes: VERIFICATIONS },
  cancel: { method: 'DELETE', path: '/login', status: 204, shapes: [] },
  session: { method: 'GET', path: '/session', status: 200, shapes: SESSIONS },
  logout: { method: 'POST', path: '/logout', status: 204, shapes: [] },
};

/** Ignores fields of another type. */
function problemFields(fields: Fields): ProblemFields {
  const isFieldError: Check = (value) => fits(value, { field: isText, message: isText });
  const checks: Record<keyof Omit<ProblemFields, 'requestId'>, Check> = {
    detail: isText,
    retryAfter: isCount,
    nextChannels: isCodeChannels,
    reason: is(...SILENT_FAILURES, ...MESSAGE_FAILURES),
    errors: (value) => Array.isArray(value) && value.every(isFieldError),
  };
  return Object.fromEntries(
    Object.entries(checks).flatMap(([name, check]) => (check(fields[name]) ? [[name, fields[name]]] : [])),
  );
}
