import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { z } from 'zod';
import { LoginError, SetupError } from '../core/errors.js';
import {
  mayBeOf,
  numberingOf,
  parsePhoneNumber,
  type Country,
  type PhoneNumber,
} from '../core/phone-number.js';
import { methodNotAllowed, sendJson } from '../http/answers.js';
import { bodyOf } from '../http/body.js';
import { callerOf } from '../http/caller.js';
import type { Overload } from '../http/overload.js';
import { requestIdOf } from '../http/protection.js';
import type { Flow } from './flow.js';
import type { Visitor } from './hooks.js';
import type { Holder, Login, User } from './login.js';
import { CODE_LENGTH, type Otp } from './verification.js';
import type { Progress, Reports } from './progress.js';
import type { WebhookReader } from '../vonage/webhook.js';
import type { Journal } from './journal.js';

/**
 * The sessions of requests, whatever carries them: a cookie of ours, or the session of another
 * app.
 */
export interface Sessions {
  /**
   * Loads the session of a request. Every route that uses the functions below has it before itself.
   */
  load: RequestHandler;
  /** The session as the login's story sees it. */
  holder(req: Request): Holder;
  /** The session's user, and when the session expires if it stays idle (ms since the epoch). */
  user(req: Request): (User & { expiresAt: number }) | undefined;
  /**
   * Ends the session that the request names, also by an outdated cookie of it, and takes the cookie
   * back.
   * @throws SetupError where `load` has not run
   */
  signOut(req: Request, res: Response): Promise<void>;
}

const text = z.string({ error: 'A string is wanted.' });

const LoginBody = z.strictObject({
  phone_number: text,
  client: z.enum(['app', 'browser'], { error: '"app" or "browser" is wanted.' }).optional(),
  // RFC 7636 section 4.2: the SHA-256 of the verifier in base64url is 43 characters.
  code_challenge: text
    .regex(/^[A-Za-z0-9_-]{43}$/, 'An S256 challenge has 43 characters of base64url.')
    .optional(),
});

const VerifyBody = z.strictObject({
  code: text.max(256, 'At most 256 characters.'),
  // RFC 7636 section 4.1.
  code_verifier: text
    .regex(/^[A-Za-z0-9._~-]{43,128}$/, 'A verifier has 43 to 128 unreserved characters.')
    .optional(),
});

const NextBody = z.strictObject({
  channel: z.enum(['sms', 'voice'], { error: '"sms" or "voice" is wanted.' }).optional(),
});

const iso = (ms: number): string => new Date(ms).toISOString();

export interface LoginRoutesDeps {
  flow: Flow;
  sessions: Sessions;
  otp: Pick<Otp, 'cancellableAt'>;
  /** Whose numbers may log in; none means all. */
  countries: readonly Country[];
  /** Puts the handler of `POST /login` behind the protection from overload. */
  admit: Overload['admit'];
}

/**
 * `POST`, `GET`, `DELETE /login`, `POST /login/next` and `POST /verify`: words in, outcome out. The
 * story is told in flow.ts.
 */
export function loginRoutes(
  router: Router,
  { flow, sessions, otp, countries, admit }: LoginRoutesDeps,
): void {
  const begin = admit(async (req, res) => {
    const body = bodyOf(req, LoginBody);
    const request = {
      phoneNumber: phoneNumberOf(body.phone_number, countries),
      client: body.client ?? defaultClient(req),
      codeChallenge: body.code_challenge,
      visitor: () => visitorOf(req),
    };
    const { login, authUrl } = await flow.begin(
      request,
      callerOf(req, res),
      sessions.holder(req),
      requestIdOf(res),
    );
    const progress = await flow.progress(login);
    sendJson(res, 201, {
      ...describe(login, progress),
      auth_url: authUrl ?? progress.checkUrl ?? null,
      ...(progress.channel !== 'silent_auth' && { reason: 'silent_auth_unavailable' }),
    });
  });

  /** An answer tells one reading of the progress: a webhook may come between two. */
  const describe = (login: Login, { channel, expiresAt, nextChannels, run }: Progress) => {
    const typed = channel === 'sms' || channel === 'voice';
    return {
      login_id: login.id,
      channel,
      ...(typed && { code_length: CODE_LENGTH }),
      expires_at: iso(expiresAt),
      ...(run && { cancellable_at: iso(otp.cancellableAt(run)) }),
      next_channels: nextChannels,
    };
  };

  const show: RequestHandler = async (req, res) => {
    const { login } = sessions.holder(req);
    if (login === undefined) throw new LoginError('no_login', 'No login was begun in this session.');
    const progress = await flow.progress(login);
    const { status, checkUrl, reason } = progress;
    sendJson(res, 200, {
      ...describe(login, progress),
      status,
      ...(checkUrl !== undefined && { auth_url: checkUrl }),
      ...(reason !== undefined && { reason }),
    });
  };

  const next: RequestHandler = async (req, res) => {
    const { channel } = bodyOf(req, NextBody);
    const login = await flow.next(channel, callerOf(req, res), sessions.holder(req), requestIdOf(res));
    sendJson(res, 200, { ...describe(login, await flow.progress(login)), auth_url: null });
  };

  const cancel: RequestHandler = async (req, res) => {
    await flow.cancel(sessions.holder(req), requestIdOf(res));
    res.status(204).end();
  };

  const verify: RequestHandler = async (req, res) => {
    const body = bodyOf(req, VerifyBody);
    const proof = { code: body.code, codeVerifier: body.code_verifier, caller: callerOf(req, res) };
    const outcome = await flow.verify(proof, sessions.holder(req), requestIdOf(res));
    const answer = outcome.verified
      ? { verified: true, phone_number: outcome.phoneNumber, channel: outcome.channel }
      : { verified: false, reason: outcome.reason, next_channels: outcome.nextChannels };
    const { callbackMs } = outcome;
    sendJson(res, 200, answer, callbackMs === undefined ? {} : { timing: { callback: callbackMs } });
  };

  const { load } = sessions;
  router
    .route('/login')
    .post(load, begin)
    .get(load, show)
    .delete(load, cancel)
    .all(methodNotAllowed('GET, HEAD, POST, DELETE'));
  router.route('/login/next').post(load, next).all(methodNotAllowed('POST'));
  router.route('/verify').post(load, verify).all(methodNotAllowed('POST'));
}

/** @throws LoginError `invalid_phone_number`, `number_not_allowed`, `country_not_allowed` */
function phoneNumberOf(input: string, countries: readonly Country[]): PhoneNumber {
  const number = parsePhoneNumber(input);
  if (number === undefined) {
    const detail =
      'Send the number in E.164: "+", country code, number, digits only, without a national prefix.';
    throw new LoginError('invalid_phone_number', detail);
  }
  if (!numberingOf(number).personal) {
    throw new LoginError('number_not_allowed', 'This range is not for phones that people carry.');
  }
  if (countries.length > 0 && !mayBeOf(countries, number)) {
    throw new LoginError('country_not_allowed', 'Numbers of this country are not served.');
  }
  return number;
}

/** What hooks are never given: it admits somebody, here or elsewhere. */
const SECRET_HEADERS = ['cookie', 'authorization', 'proxy-authorization'];

/** Who sent a request, for hooks. */
function visitorOf(req: Request): Visitor {
  const told = Object.entries(req.headers).filter(([name]) => !SECRET_HEADERS.includes(name));
  const headers = Object.freeze(Object.fromEntries(told.map(([name, value]) => [name, String(value)])));
  return { headers, ...(req.ip !== undefined && { ip: req.ip }) };
}

/** Only browsers say where a request comes from. */
const defaultClient = (req: Request) => (req.headers['sec-fetch-site'] === undefined ? 'app' : 'browser');

/** An app that mounts the routes behind a parser of bodies has thrown away the bytes that were signed. */
const BODY_IS_GONE = 'the body of a webhook was parsed before: mount createSilentAuth before express.json()';

/**
 * `POST /webhooks/verify`. It notes how far a verification got, and can do no more: no webhook logs anyone in.
 * @param reader absent where no signature secret is set; then none can be believed
 */
export function webhookRoutes(
  router: Router,
  reader: WebhookReader | undefined,
  reports: Reports,
  journal: Pick<Journal, 'step'>,
): void {
  router
    .route('/webhooks/verify')
    .post(express.raw({ type: () => true, limit: '16kb', inflate: false }), async (req, res) => {
      await journal.step('webhook', requestIdOf(res), {}, async (tell) => {
        if (reader === undefined) throw new LoginError('unavailable', 'VONAGE_SIGNATURE_SECRET is not set.');
        const read: unknown = req.body;
        if (read !== undefined && !Buffer.isBuffer(read)) throw new SetupError(BODY_IS_GONE);
        const body = read ?? Buffer.alloc(0);
        const { jti, news } = await reader.read(req.headers.authorization, body);
        const { loginId, kind, blocked } = news;
        tell({ login_id: loginId, news: kind, ...(kind === 'over' && { channel: news.channel }) });
        const isNew = await reports.add(news, jti);
        if (isNew && blocked) tell({ reason: 'blocked', ...blocked });
      });
      res.status(204).end();
    })
    .all(methodNotAllowed('POST'));
}
