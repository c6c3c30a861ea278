import { createHash } from 'node:crypto';
import type { IRouter, Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import {
  answerAfter,
  bearerToken,
  echoCorrelator,
  handlePath,
  jsonBody,
  mediaType,
} from '../http/requests.js';
import type { Grant, Store } from '../state/records.js';
import type { SandboxState } from '../state/state.js';
import { CamaraPhoneNumber, isPhoneNumber, SLOW_ANSWER_DELAY_MS, withPlus } from '../state/subscribers.js';
import type { SilentBehaviour } from '../state/subscribers.js';

type Version = '0.3' | '1.0' | '2.1';

/** Number Verification as one operator offers it. A token has to have one of the scopes. */
interface NumberVerification {
  version: Version;
  tokens: Store<Grant>;
  root: string;
  verifyScopes: readonly string[];
  shareScopes: readonly string[];
}

const error = (status: number, code: string, message: string) => ({ status, code, message });

const UNAUTHENTICATED = 'Request not authenticated due to missing, invalid, or expired credentials';
const NOT_PERMITTED = 'Client does not have sufficient permissions to perform this action';
const INVALID = 'Client specified an invalid argument, request body or query param';
const NOT_MOBILE = 'Client must authenticate via the mobile network to use this service';
const NO_NUMBER = 'Phone number cannot be deducted from access token context';
const NOT_APPLICABLE = 'The service is not available for the provided identifier.';

/** The errors of Number Verification 0.3.1, and CAMARA's common errors 422 and 429. */
const ERRORS_OF_0_3 = {
  invalidArgument: error(400, 'INVALID_ARGUMENT', INVALID),
  unauthenticated: error(401, 'UNAUTHENTICATED', UNAUTHENTICATED),
  expired: error(401, 'UNAUTHENTICATED', UNAUTHENTICATED),
  permissionDenied: error(403, 'PERMISSION_DENIED', NOT_PERMITTED),
  notMobile: error(403, 'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK', NOT_MOBILE),
  noNumber: error(403, 'NUMBER_VERIFICATION.INVALID_TOKEN_CONTEXT', NO_NUMBER),
  notApplicable: error(422, 'SERVICE_NOT_APPLICABLE', NOT_APPLICABLE),
  tooManyRequests: error(429, 'TOO_MANY_REQUESTS', 'Rate limit reached.'),
  internal: error(500, 'INTERNAL', 'Server error'),
};

type ErrorName = keyof typeof ERRORS_OF_0_3;

const permissionDenied = error(403, 'PERMISSION_DENIED', `${NOT_PERMITTED}.`);
const asksAgain = error(401, 'UNAUTHENTICATED', `${UNAUTHENTICATED}. A new authentication is required.`);

/** Those of 2.1 are from its specification, and from CAMARA's Commonalities 0.6. */
const ERRORS: Record<Version, typeof ERRORS_OF_0_3> = {
  '0.3': ERRORS_OF_0_3,
  '1.0': {
    ...ERRORS_OF_0_3,
    unauthenticated: error(401, 'UNAUTHENTICATED', `${UNAUTHENTICATED}.`),
    expired: error(401, 'AUTHENTICATION_REQUIRED', 'New authentication is required.'),
    permissionDenied,
    noNumber: error(403, 'INVALID_TOKEN_CONTEXT', NO_NUMBER),
  },
  '2.1': {
    ...ERRORS_OF_0_3,
    unauthenticated: asksAgain,
    expired: asksAgain,
    permissionDenied,
    noNumber: error(422, 'MISSING_IDENTIFIER', 'The device cannot be identified.'),
    internal: error(500, 'INTERNAL', 'Unknown server error. Typically a server bug.'),
  },
};

const sendError = (res: Response, { version }: NumberVerification, name: ErrorName): void => {
  const body = ERRORS[version][name];
  if (name === 'tooManyRequests') res.set('Retry-After', '7');
  res.status(body.status).json(body);
};

/** Some of these end a login earlier, unless the behaviour is set during the login. */
const ERROR_OF: Partial<Record<SilentBehaviour, ErrorName>> = {
  not_mobile: 'notMobile',
  unsupported: 'notApplicable',
  rate_limited: 'tooManyRequests',
  server_error: 'internal',
};

const bodyWith = (phoneNumber: z.ZodType<string>) =>
  z.union([
    z.strictObject({ phoneNumber }),
    z.strictObject({ hashedPhoneNumber: z.string().regex(/^[0-9a-f]{64}$/i) }),
  ]);

/** 0.3.1 allows numbers without their plus sign. */
const BodyOf03 = bodyWith(z.string().refine((number) => isPhoneNumber(withPlus(number))));
const Body = bodyWith(CamaraPhoneNumber);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Whether the number in the body is that of the SIM. */
const isNumberOf = (sim: string, body: z.infer<typeof Body>, version: Version): boolean => {
  if ('phoneNumber' in body) return withPlus(body.phoneNumber) === sim;
  const spellings = version === '0.3' ? [sim, sim.slice(1)] : [sim];
  return spellings.map(sha256).includes(body.hashedPhoneNumber.toLowerCase());
};

const tokenOf = ({ headers }: Request): string => bearerToken(headers.authorization) ?? '';

/** Requires a token with one of the scopes, for `res.locals.grant`. Does not use up the token. */
const requireToken =
  ({ world }: SandboxState, api: NumberVerification, scopes: readonly string[]): RequestHandler =>
  (req, res, next) => {
    const grant = api.tokens.get(tokenOf(req));
    if (!grant) sendError(res, api, 'unauthenticated');
    else if (world.now() >= grant.expiresAt) sendError(res, api, 'expired');
    else if (!grant.scopes.some((scope) => scopes.includes(scope))) sendError(res, api, 'permissionDenied');
    else {
      res.locals.grant = grant;
      next();
    }
  };

type Answer = (sim: string, res: Response) => object;

/** Uses up the token, and answers according to the behaviour, by default with `answer`. */
const respond =
  ({ subscribers }: SandboxState, api: NumberVerification, answer: Answer): RequestHandler =>
  (req, res) => {
    api.tokens.delete(tokenOf(req));
    const { number, sim } = res.locals.grant as Grant;
    const behaviour = subscribers.silentBehaviourOf(number);
    const name = ERROR_OF[behaviour];
    if (name) sendError(res, api, name);
    else if (sim === null) sendError(res, api, 'noNumber');
    else if (behaviour === 'slow') answerAfter(res, SLOW_ANSWER_DELAY_MS, () => res.json(answer(sim, res)));
    else if (behaviour === 'garbage') {
      res.type('text/html').send('<html><body>{"devicePhoneNumberVerified": tr');
    } else res.json(answer(sim, res));
  };

const readBody =
  (api: NumberVerification): RequestHandler =>
  (req, res, next) => {
    const { success, data } = (api.version === '0.3' ? BodyOf03 : Body).safeParse(jsonBody(req));
    res.locals.body = data;
    if (success && mediaType(req) === 'application/json') next();
    else sendError(res, api, 'invalidArgument');
  };

/** CAMARA Number Verification. A token is valid for one request. */
export const numberVerificationRoutes = (
  state: SandboxState,
  router: IRouter,
  api: NumberVerification,
): void => {
  const verify = respond(state, api, (sim, { locals }) => ({
    devicePhoneNumberVerified: isNumberOf(sim, locals.body as z.infer<typeof Body>, api.version),
  }));
  const share = respond(state, api, (sim) => ({ devicePhoneNumber: sim }));
  const correlator = echoCorrelator((res) => sendError(res, api, 'invalidArgument'));
  handlePath(router, `${api.root}/verify`, {
    post: [correlator, requireToken(state, api, api.verifyScopes), readBody(api), verify],
  });
  handlePath(router, `${api.root}/device-phone-number`, {
    get: [correlator, requireToken(state, api, api.shareScopes), share],
  });
};
