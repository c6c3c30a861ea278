import { randomUUID } from 'node:crypto';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { ZodError } from 'zod';
import type { Log } from '../../world.js';

/** A problem in Vonage's words. `type` is the end of the URL; clients match on what follows its `#`. */
interface Problem {
  status: number;
  type: string;
  title: string;
  detail: string;
}

const conflict = (type: string, detail: string): Problem => ({
  status: 409,
  type,
  title: 'Conflict',
  detail,
});

const silentAuthFailed = (status: number, fragment: string, detail: string): Problem => ({
  status,
  type: `/verify-v2#${fragment}`,
  title: 'Silent authentication failed',
  detail,
});

const networkNotSupported = (fragment: string): Problem => ({
  status: 412,
  type: `/verify-v2#${fragment}`,
  title: 'Network not supported',
  detail: 'Device number does not resolve to a supported Mobile Network Operator.',
});

const invalidParameters = (title: string): Problem => ({
  status: 422,
  type: '#invalid-params',
  title,
  detail: 'The value of one or more parameters is invalid.',
});

const general = (status: number, title: string, detail = ''): Problem => ({
  status,
  type: `#${title.toLowerCase().replaceAll(' ', '-')}`,
  title,
  detail,
});

/** The problems that all of Vonage's APIs share. The sandbox gives the detail of most of them. */
const GENERAL = {
  badRequest: general(400, 'Bad Request'),
  unauthorized: general(401, 'Unauthorized'),
  notFound: general(404, 'Not Found'),
  methodNotAllowed: general(405, 'Method Not Allowed'),
  payloadTooLarge: general(413, 'Payload Too Large'),
  unsupportedMediaType: general(415, 'Unsupported Media Type'),
  unprocessable: invalidParameters('Unprocessable Entity'),
  throttled: {
    ...general(429, 'Rate Limit Hit', 'Please wait, then retry your request'),
    type: '#throttled',
  },
  internalError: general(
    500,
    'Internal error',
    'There was an error processing your request in the Platform.',
  ),
};

/** The problems of Verify v2 (its reference, and the fixtures of Vonage's SDKs). */
const VERIFY = {
  invalidCode: {
    status: 400,
    type: '/verify-v2#invalid-code',
    title: 'Invalid Code',
    detail: 'The code you provided does not match the expected value.',
  },
  jwtExpired: {
    status: 401,
    type: '#jwt-expired',
    title: 'You did not provide correct credentials.',
    detail: 'The JWT provided has expired.',
  },
  templatesForbidden: {
    status: 403,
    type: '/verify-v2#forbidden',
    title: 'Forbidden',
    detail: 'Templates management is not enabled for your account',
  },
  otherNumber: silentAuthFailed(403, 'msisdn-error', 'Device MSISDN does not match.'),
  templateNotFound: {
    ...general(404, 'Not Found', 'Template not found'),
    type: '/verify-v2#template-not-found',
  },
  fragmentNotFound: {
    ...general(404, 'Not Found', 'Template Fragment not found'),
    type: '/verify-v2#template-fragment-not-found',
  },
  concurrent: conflict(
    '/verify-v2#concurrent',
    'Concurrent verifications to the same number are not allowed.',
  ),
  fragmentExists: conflict(
    '/verify-v2#fragment-exists',
    'A template fragment for this channel and locale already exists',
  ),
  maxTemplates: conflict(
    '/verify-v2#max-templates',
    'An account can only have a maximum of 10 custom templates',
  ),
  noCode: conflict('/verify-v2#no-code', 'The current Verify workflow step does not support a code.'),
  noEvents: conflict('#conflict', 'There are no more events left to trigger.'),
  notEmptyTemplate: conflict(
    '/verify-v2#not-empty-template',
    'The template is not empty and cannot be deleted. Please delete its fragments first',
  ),
  notNow: conflict('#conflict', 'The operation cannot be performed at this time. Please try again later.'),
  templateExists: conflict('/verify-v2#template-exists', 'A template with this name already exists'),
  tooManyCodes: {
    status: 410,
    type: '/verify-v2#expired',
    title: 'Invalid Code',
    detail: 'An incorrect code has been provided too many times. Workflow terminated.',
  },
  cannotBeCompleted: silentAuthFailed(
    412,
    'precondition-failed',
    'The silent auth verification cannot be completed.',
  ),
  notCellular: silentAuthFailed(
    412,
    'precondition-failed',
    'IP Address does not resolve to a cellular device.',
  ),
  noNetwork: networkNotSupported('network-error'),
  notCovered: networkNotSupported('precondition-failed'),
  invalidParams: invalidParameters('Invalid params'),
};

const PROBLEMS = { ...GENERAL, ...VERIFY };

export type ProblemName = keyof typeof PROBLEMS;

/** One entry of `invalid_parameters`. */
export interface InvalidParameter {
  name: string;
  reason: string;
}

export const invalidParametersOf = (error: ZodError): InvalidParameter[] =>
  error.issues.map(({ path, message }) => ({ name: path.join('.') || 'body', reason: message }));

export const detailOf = (name: ProblemName): string => PROBLEMS[name].detail;

/** Sends a problem in Vonage's shape: RFC 9457, with a UUID as `instance`. @param more members to add or replace */
export const sendProblem = (
  res: Response,
  name: ProblemName,
  more: { detail?: string; request_id?: string; invalid_parameters?: InvalidParameter[] } = {},
): void => {
  const { status, type, title, detail } = PROBLEMS[name];
  res.status(status).type('application/problem+json');
  const members = { type: `https://developer.vonage.com/api-errors${type}`, title, detail, ...more };
  res.send(JSON.stringify({ ...members, instance: randomUUID() }));
};

/** The answer of Verify v2 about a request that does not exist, or that is over. */
export const sendRequestNotFound = (res: Response, id: string): void =>
  sendProblem(res, 'notFound', {
    detail: `Request ${id} was not found or it has been verified already.`,
  });

/** The answer to a path that does not exist. */
export const pathNotFound: RequestHandler = (req, res) =>
  sendProblem(res, 'notFound', { detail: `There is no ${req.method} ${req.path} here.` });

const statusOf = (error: unknown): number =>
  typeof error === 'object' && error !== null && 'status' in error && typeof error.status === 'number'
    ? error.status
    : 500;

/** The last middleware: refusals of the body reader and the router keep their status, other errors are a 500. */
export const handleError =
  (log: Log): ErrorRequestHandler =>
  (error: unknown, req, res, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    const status = statusOf(error);
    if (status >= 500) log.error({ err: error, path: req.path }, 'a request to the sandbox failed');
    const names = Object.keys(GENERAL) as (keyof typeof GENERAL)[];
    const name = names.find((each) => GENERAL[each].status === status);
    const detail = error instanceof Error ? error.message : 'The request could not be processed.';
    sendProblem(res, name ?? (status < 500 ? 'badRequest' : 'internalError'), { detail });
  };
