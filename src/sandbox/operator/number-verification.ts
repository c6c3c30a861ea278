import { createHash } from 'node:crypto';
import type { IRouter, Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { PATHS, SHARE_SCOPE, VERIFY_SCOPE } from '../http/paths.js';
import { bearerToken, answerAfter, handlePath, jsonBody, mediaType } from '../http/requests.js';
import type { Grant } from '../state/records.js';
import type { SandboxState } from '../state/state.js';
import { isPhoneNumber, SLOW_ANSWER_DELAY_MS, type SilentBehaviour } from '../state/subscribers.js';

const NOT_MOBILE = 'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK';
const NO_NUMBER = 'NUMBER_VERIFICATION.INVALID_TOKEN_CONTEXT';

/** The errors of Number Verification 0.3.1, and CAMARA's common errors 422 and 429. */
const ERRORS = {
  INVALID_ARGUMENT: [400, 'Client specified an invalid argument, request body or query param'],
  UNAUTHENTICATED: [401, 'Request not authenticated due to missing, invalid, or expired credentials'],
  PERMISSION_DENIED: [403, 'Client does not have sufficient permissions to perform this action'],
  [NOT_MOBILE]: [403, 'Client must authenticate via the mobile network to use this service'],
  [NO_NUMBER]: [403, 'Phone number cannot be deducted from access token context'],
  SERVICE_NOT_APPLICABLE: [422, 'The service is not available for the provided identifier.'],
  TOO_MANY_REQUESTS: [429, 'Rate limit reached.'],
  INTERNAL: [500, 'Server error'],
} as const;

type ErrorCode = keyof typeof ERRORS;

const sendError = (res: Response, code: ErrorCode): void => {
  const [status, message] = ERRORS[code];
  res.status(status).json({ status, code, message });
};

/** Some of these end a login earlier, unless the behaviour is set during the login. */
const ERROR_OF: Partial<Record<SilentBehaviour, ErrorCode>> = {
  not_mobile: NOT_MOBILE,
  unsupported: 'SERVICE_NOT_APPLICABLE',
  rate_limited: 'TOO_MANY_REQUESTS',
  server_error: 'INTERNAL',
};

const CORRELATOR = /^[\w:;./<>{}-]{0,256}$/;

const echoCorrelator: RequestHandler = (req, res, next) => {
  const correlator = req.get('x-correlator');
  if (correlator !== undefined && !CORRELATOR.test(correlator)) {
    sendError(res, 'INVALID_ARGUMENT');
    return;
  }
  if (correlator !== undefined) res.set('x-correlator', correlator);
  next();
};

const withPlus = (number: string): string => number.replace(/^\+?/, '+');

/** 0.3.1 allows numbers without their plus sign. */
const Body = z.union([
  z.strictObject({ phoneNumber: z.string().refine((number) => isPhoneNumber(withPlus(number))) }),
  z.strictObject({ hashedPhoneNumber: z.string().regex(/^[0-9a-f]{64}$/i) }),
]);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Whether the number in the body is that of the SIM. A hashed number may have no plus sign. */
const isNumberOf = (sim: string, body: z.infer<typeof Body>): boolean =>
  'phoneNumber' in body
    ? withPlus(body.phoneNumber) === sim
    : [sha256(sim), sha256(sim.slice(1))].includes(body.hashedPhoneNumber.toLowerCase());

const tokenOf = ({ headers }: Request): string => bearerToken(headers.authorization) ?? '';

/** Requires a token with this scope, and sets `res.locals.grant`. Does not use up the token. */
const requireToken =
  ({ tokens, world }: SandboxState, scope: string): RequestHandler =>
  (req, res, next) => {
    const grant = tokens.get(tokenOf(req));
    if (!grant || world.now() >= grant.expiresAt) {
      sendError(res, 'UNAUTHENTICATED');
    } else if (!grant.scopes.includes(scope)) {
      sendError(res, 'PERMISSION_DENIED');
    } else {
      res.locals.grant = grant;
      next();
    }
  };

/** Uses up the token, and answers according to the behaviour, by default with `answer`. */
const respond =
  ({ tokens, subscribers }: SandboxState, answer: (sim: string, res: Response) => object): RequestHandler =>
  (req, res) => {
    tokens.delete(tokenOf(req));
    const { number, sim } = res.locals.grant as Grant;
    const behaviour = subscribers.silentBehaviourOf(number);
    const error = ERROR_OF[behaviour];
    if (error) sendError(res, error);
    else if (sim === null) sendError(res, NO_NUMBER);
    else if (behaviour === 'slow') answerAfter(res, SLOW_ANSWER_DELAY_MS, () => res.json(answer(sim, res)));
    else if (behaviour === 'garbage') {
      res.type('text/html').send('<html><body>{"devicePhoneNumberVerified": tr');
    } else res.json(answer(sim, res));
  };

const readBody: RequestHandler = (req, res, next) => {
  const { success, data } = Body.safeParse(jsonBody(req));
  res.locals.body = data;
  if (success && mediaType(req) === 'application/json') next();
  else sendError(res, 'INVALID_ARGUMENT');
};

/** CAMARA Number Verification 0.3.1 at Vonage's paths. A token is valid for one request. */
export const numberVerificationRoutes = (state: SandboxState, router: IRouter): void => {
  const verify = respond(state, (sim, { locals }) => ({
    devicePhoneNumberVerified: isNumberOf(sim, locals.body as z.infer<typeof Body>),
  }));
  const share = respond(state, (sim) => ({ devicePhoneNumber: sim }));
  handlePath(router, PATHS.verify, {
    post: [echoCorrelator, requireToken(state, VERIFY_SCOPE), readBody, verify],
  });
  handlePath(router, PATHS.devicePhoneNumber, {
    get: [echoCorrelator, requireToken(state, SHARE_SCOPE), share],
  });
};
