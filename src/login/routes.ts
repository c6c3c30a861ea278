import { LRUCache } from 'lru-cache';
import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { z } from 'zod';
import { CODE_CHANNELS, isLanguageTag, parseLocale } from '../config/login.js';
import { LoginError, SetupError } from '../core/errors.js';
import {
  mayBeOf,
  numberingOf,
  parsePhoneNumber,
  type Country,
  type PhoneNumber,
} from '../core/phone-number.js';
import { callerOf } from '../http/caller.js';
import { bodyOf, iso, methodNotAllowed, refuseFields, sendJson } from '../http/json.js';
import type { Handler, Overload } from '../http/overload.js';
import { requestIdOf } from '../http/protection.js';
import type { Journal } from '../observability/journal.js';
import type { WebhookReader } from '../vonage/webhook.js';
import type { BeginInput } from './begin.js';
import type { RequestContext } from './context.js';
import type { Flow } from './flow.js';
import type { Visitor } from './hooks.js';
import type { Login, LoginSession, User } from './login.js';
import type { Progress, Reports } from './progress.js';
import type { Verifications } from './verification.js';

/** The sessions of requests: by a cookie of ours, or in the session of another app. */
export interface Sessions {
  /**
   * Loads the session of a request. Each route that uses the functions below has it before its
   * handler.
   */
  load: RequestHandler;
  loginSession(req: Request): LoginSession;
  /** The handle of the session, which names its record; empty without a session. */
  handle(req: Request): string;
  /** The session's user, and when the session expires if it stays idle (ms since the epoch). */
  user(req: Request): (User & { expiresAt: number }) | undefined;
  /**
   * Ends the session that the request names, also by an outdated cookie, and clears the cookie.
   * @returns whether a session ended: false if another request has just ended it
   * @throws SetupError if `load` has not run
   */
  signOut(req: Request, res: Response): Promise<boolean>;
}

const text = z.string({ error: 'Must be a string.' });

const LoginBody = z
  .strictObject({
    phone_number: text.optional(),
    reauthenticate: z.boolean({ error: 'Must be true or false.' }).optional(),
    client: z.enum(['app', 'browser'], { error: 'Must be "app" or "browser".' }).optional(),
    locale: text.refine(isLanguageTag, 'Must be a BCP 47 language tag, like de-AT.').optional(),
    // RFC 7636 section 4.2: the SHA-256 of the verifier in base64url is 43 characters.
    code_challenge: text
      .regex(/^[A-Za-z0-9_-]{43}$/, 'An S256 challenge has 43 characters of base64url.')
      .optional(),
  })
  .refine((body) => body.phone_number !== undefined || body.reauthenticate === true, {
    path: ['phone_number'],
    error: 'Must be a string.',
    // Also where other fields are wrong.
    when: () => true,
  });

const VerifyBody = z.strictObject({
  code: text.max(256, 'At most 256 characters.'),
  // RFC 7636 section 4.1.
  code_verifier: text
    .regex(/^[A-Za-z0-9._~-]{43,128}$/, 'A verifier has 43 to 128 unreserved characters.')
    .optional(),
});

const NextBody = z.strictObject({
  channel: z.enum(CODE_CHANNELS, { error: `Must be one of ${CODE_CHANNELS.join(', ')}.` }).optional(),
  resend: z.boolean({ error: 'Must be true or false.' }).optional(),
  // Android's SMS Retriever: the first 11 characters of a hash in base64.
  app_hash: text.regex(/^[A-Za-z0-9+/]{11}$/, 'A hash has 11 characters of base64.').optional(),
});

export const DOCTOR_USER_AGENT = 'silent-auth-doctor';

/** Longer headers are not those of a browser or an app. */
const MAX_HEADER_LENGTH = 512;

export interface LoginRoutesDeps {
  flow: Flow;
  sessions: Sessions;
  verifications: Omit<Verifications, 'start' | 'check' | 'advance' | 'cancel'>;
  /** The countries whose numbers may log in; none means all. */
  countries: readonly Country[];
  /** Puts the handler of `POST /login` behind the protection from overload. */
  admit: Overload['admit'];
}

/** `POST`, `GET`, `DELETE /login`, `POST /login/next` and `POST /verify`. */
export function loginRoutes(router: Router, deps: LoginRoutesDeps): void {
  const { flow, sessions, verifications } = deps;
  const contextOf = (req: Request, res: Response): RequestContext => ({
    caller: callerOf(req, res),
    requestId: requestIdOf(res),
    session: sessions.loginSession(req),
  });

  const localeOf = createLocaleReader((locale) => verifications.hasTexts(locale));

  const begin: Handler = async (req, res) => {
    const { locale, ...input } = readBegin(req, deps.countries, sessions.user(req));
    const { login, authUrl } = await flow.begin(
      { ...input, locale: localeOf(locale, req) },
      contextOf(req, res),
    );
    const progress = await flow.readProgress(login);
    const body = {
      ...describe(login, progress),
      auth_url: authUrl ?? progress.checkUrl ?? null,
      ...(progress.channel !== 'silent_auth' && { reason: 'silent_auth_unavailable' }),
    };
    sendJson(res, { status: 201, body });
  };

  /**
   * The fields of a login. All fields of an answer come from one reading of the progress, which a
   * webhook may change meanwhile.
   */
  const describe = (login: Login, { channel, expiresAt, nextChannels, verification }: Progress) => {
    const isTyped = channel !== null && channel !== 'silent_auth';
    return {
      login_id: login.id,
      channel,
      ...(isTyped && { code_length: verifications.codeLength }),
      expires_at: iso(expiresAt),
      ...(verification && { cancellable_at: iso(verifications.cancellableAt(verification)) }),
      ...(isTyped && verification && { resend_at: iso(verifications.resendableAt(verification)) }),
      next_channels: nextChannels,
    };
  };

  const show: Handler = async (req, res) => {
    const { login } = sessions.loginSession(req);
    if (login === undefined) throw new LoginError('no_login', 'No login was begun in this session.');
    const progress = await flow.readProgress(login);
    const { status, checkUrl, reason, channel, verification } = progress;
    const isTyped = channel !== 'silent_auth' && status === 'pending' && verification !== undefined;
    const body = {
      ...describe(login, progress),
      status,
      ...(isTyped && { tries_left: await verifications.triesLeft(verification) }),
      ...(checkUrl !== undefined && { auth_url: checkUrl }),
      ...(reason !== undefined && { reason }),
    };
    sendJson(res, { status: 200, body });
  };

  const next: Handler = async (req, res) => {
    const { channel, resend, app_hash: appHash } = bodyOf(req, NextBody);
    const { login, sent } = await flow.next({ channel, resend, appHash }, contextOf(req, res));
    const progress = await flow.readProgress(login);
    // A webhook may have said already that the message failed.
    const { verification = login.verification } = progress;
    const body = {
      ...describe(login, { ...progress, ...(verification && { verification }) }),
      sent,
      auth_url: null,
    };
    sendJson(res, { status: 200, body });
  };

  const cancel: Handler = async (req, res) => {
    await flow.cancel(contextOf(req, res));
    res.status(204).end();
  };

  const verify: Handler = async (req, res) => {
    const { code, code_verifier: codeVerifier } = bodyOf(req, VerifyBody);
    const result = await flow.verify({ code, codeVerifier }, contextOf(req, res));
    const body = result.verified
      ? { verified: true, phone_number: result.phoneNumber, channel: result.channel }
      : { verified: false, reason: result.reason, next_channels: result.nextChannels };
    const { callbackMs } = result;
    sendJson(res, { status: 200, body, timing: callbackMs === undefined ? {} : { callback: callbackMs } });
  };

  const { load } = sessions;
  router
    .route('/login')
    .post(load, deps.admit(begin))
    .get(load, show)
    .delete(refuseFields, load, cancel)
    .all(methodNotAllowed('GET, HEAD, POST, DELETE'));
  router.route('/login/next').post(load, next).all(methodNotAllowed('POST'));
  router.route('/verify').post(load, verify).all(methodNotAllowed('POST'));
}

/**
 * @throws LoginError `invalid_request`, `invalid_phone_number`, `number_not_allowed`,
 * `country_not_allowed`; for a re-authentication `not_authenticated`, `wrong_number`
 */
function readBegin(req: Request, countries: readonly Country[], user: User | undefined): BeginInput {
  const body = bodyOf(req, LoginBody);
  const reauthenticates = body.reauthenticate === true;
  if (reauthenticates && user === undefined)
    throw new LoginError('not_authenticated', 'The session is not logged in.');
  const phoneNumber = phoneNumberOf(body.phone_number ?? user?.phoneNumber ?? '', countries);
  if (reauthenticates && phoneNumber !== user?.phoneNumber)
    throw new LoginError('wrong_number', 'The session is logged in with another number.');
  return {
    phoneNumber,
    reauthenticates,
    client: body.client ?? defaultClient(req),
    codeChallenge: body.code_challenge,
    locale: body.locale,
    isProbe: req.get('user-agent') === DOCTOR_USER_AGENT,
    visitor: () => visitorOf(req),
  };
}

/**
 * The language that the app names, else the first of the client's languages in which Vonage has
 * texts. Known headers are kept, which saves 15 µs of a login: clients send few different ones.
 */
function createLocaleReader(hasTexts: (locale: string) => boolean) {
  const known = new LRUCache<string, { locale: string | undefined }>({ max: 500 });
  const preferred = (req: Request, header: string): string | undefined => {
    if (header.length > MAX_HEADER_LENGTH) return undefined;
    const { locale } = known.get(header) ?? {
      locale: req
        .acceptsLanguages()
        .map(parseLocale)
        .find((tag) => tag !== undefined && hasTexts(tag)),
    };
    known.set(header, { locale });
    return locale;
  };
  return (named: string | undefined, req: Request): string | undefined =>
    named === undefined ? preferred(req, req.get('accept-language') ?? '*') : parseLocale(named);
}

function phoneNumberOf(input: string, countries: readonly Country[]): PhoneNumber {
  const number = parsePhoneNumber(input);
  if (number === undefined) {
    const detail =
      'Send the number in E.164: "+", country code, number, digits only, without a national prefix.';
    throw new LoginError('invalid_phone_number', detail);
  }
  if (!numberingOf(number).personal) {
    throw new LoginError(
      'number_not_allowed',
      'The number belongs to a range that is not used for mobile phones.',
    );
  }
  if (countries.length > 0 && !mayBeOf(countries, number)) {
    throw new LoginError(
      'country_not_allowed',
      'ALLOWED_COUNTRIES does not list the country of this number.',
    );
  }
  return number;
}

/** Hooks do not get credentials. */
const SECRET_HEADERS = ['cookie', 'authorization', 'proxy-authorization'];

function visitorOf(req: Request): Visitor {
  const shown = Object.entries(req.headers).filter(([name]) => !SECRET_HEADERS.includes(name));
  const headers = Object.freeze(Object.fromEntries(shown.map(([name, value]) => [name, String(value)])));
  return { headers, ...(req.ip !== undefined && { ip: req.ip }) };
}

/** Only browsers send `Sec-Fetch-Site`. */
const defaultClient = (req: Request) => (req.headers['sec-fetch-site'] === undefined ? 'app' : 'browser');

/** Behind a body parser of the app, the signed bytes are gone. */
const BODY_IS_GONE = 'the body of a webhook was parsed before: mount createSilentAuth before express.json()';

/**
 * `POST /webhooks/verify`: stores how far a verification got. No webhook logs a user in.
 * @param deps `reader` is absent if no signature secret is set; then no webhook is accepted
 */
export function webhookRoutes(
  router: Router,
  { reader, reports, journal }: { reader: WebhookReader | undefined; reports: Reports; journal: Journal },
): void {
  const receive: Handler = async (req, res) => {
    await journal.step({ step: 'webhook', requestId: requestIdOf(res) }, async (annotate) => {
      if (reader === undefined) throw new LoginError('unavailable', 'VONAGE_SIGNATURE_SECRET is not set.');
      const read: unknown = req.body;
      if (read !== undefined && !Buffer.isBuffer(read)) throw new SetupError(BODY_IS_GONE);
      const { jti, news } = await reader.read(req.headers.authorization, read ?? Buffer.alloc(0));
      const { loginId, kind, failure } = news;
      annotate({ login_id: loginId, news: kind, ...(kind === 'over' && { channel: news.channel }) });
      const isNew = await reports.add(news, jti);
      if (isNew && failure) annotate(failure);
    });
    res.status(204).end();
  };
  const rawBody = express.raw({ type: () => true, limit: '16kb', inflate: false });
  router.route('/webhooks/verify').post(rawBody, receive).all(methodNotAllowed('POST'));
}
