import type { Request, RequestHandler, Router } from 'express';
import { z } from 'zod';
import { LoginError } from '../errors.js';
import { mayBeOf, numberingOf, parsePhoneNumber, type Country, type PhoneNumber } from '../phone.js';
import type { Sessions } from '../session/login-session.js';
import { methodNotAllowed, sendJson } from '../web/answers.js';
import { bodyOf } from '../web/body.js';
import { callerOf } from '../web/caller.js';
import type { Overload } from '../web/overload.js';
import { requestIdOf } from '../web/shield.js';
import type { Flow } from './flow.js';
import type { Visitor } from './hooks.js';
import type { Login } from './login.js';
import { CODE_LENGTH, type Otp } from './otp.js';
import type { Progress } from './progress.js';

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
