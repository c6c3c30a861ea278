import { randomUUID } from 'node:crypto';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { ZodError, ZodType } from 'zod';
import type { Log } from '../../core/world.js';

/** A problem with Vonage's texts. Clients match on the fragment of `type`. */
const problem =
  (status: number, type: string, title: string) =>
  (detail = '') => ({ status, type, title, detail });

const verifyProblem = (status: number, name: string, title: string) =>
  problem(status, `/verify-v2#${name}`, title);
const invalidCode = (status: number, name: string) => verifyProblem(status, name, 'Invalid Code');
const verifyNotFound = (name: string) => verifyProblem(404, name, 'Not Found');
const verifyConflict = (name: string) => verifyProblem(409, name, 'Conflict');
const conflict = problem(409, '#conflict', 'Conflict');
const silentAuthFailed = (status: number, name: string) =>
  verifyProblem(status, name, 'Silent authentication failed');
const unmetCondition = silentAuthFailed(412, 'precondition-failed');
const invalidParameters = (title: string) =>
  problem(422, '#invalid-params', title)('The value of one or more parameters is invalid.');
const NO_OPERATOR = 'Device number does not resolve to a supported Mobile Network Operator.';
const networkNotSupported = (name: string) => verifyProblem(412, name, 'Network not supported')(NO_OPERATOR);
const PLATFORM_ERROR = 'There was an error processing your request in the Platform.';
const NO_CREDENTIALS = 'You did not provide correct credentials.';
const TEMPLATES_FORBIDDEN = 'Templates management is not enabled for your account';
const TOO_MANY_CODES = 'An incorrect code has been provided too many times. Workflow terminated.';

/** The problems that all of Vonage's APIs share. Most details are made up by the sandbox. */
const GENERAL = {
  badRequest: problem(400, '#bad-request', 'Bad Request')(),
  unauthorized: problem(401, '#unauthorized', 'Unauthorized')(),
  notFound: problem(404, '#not-found', 'Not Found')(),
  methodNotAllowed: problem(405, '#method-not-allowed', 'Method Not Allowed')(),
  payloadTooLarge: problem(413, '#payload-too-large', 'Payload Too Large')(),
  unsupportedMediaType: problem(415, '#unsupported-media-type', 'Unsupported Media Type')(),
  unprocessable: invalidParameters('Unprocessable Entity'),
  throttled: problem(429, '#throttled', 'Rate Limit Hit')('Please wait, then retry your request'),
  internalError: problem(500, '#internal-error', 'Internal error')(PLATFORM_ERROR),
};

/** The problems of Verify v2 (sources: its reference, and the fixtures of Vonage's SDKs). */
const VERIFY = {
  invalidCode: invalidCode(400, 'invalid-code')('The code you provided does not match the expected value.'),
  jwtExpired: problem(401, '#jwt-expired', NO_CREDENTIALS)('The JWT provided has expired.'),
  templatesForbidden: verifyProblem(403, 'forbidden', 'Forbidden')(TEMPLATES_FORBIDDEN),
  otherNumber: silentAuthFailed(403, 'msisdn-error')('Device MSISDN does not match.'),
  templateNotFound: verifyNotFound('template-not-found')('Template not found'),
  fragmentNotFound: verifyNotFound('template-fragment-not-found')('Template Fragment not found'),
  concurrent: verifyConflict('concurrent')('Concurrent verifications to the same number are not allowed.'),
  fragmentExists: verifyConflict('fragment-exists')(
    'A template fragment for this channel and locale already exists',
  ),
  maxTemplates: verifyConflict('max-templates')('An account can only have a maximum of 10 custom templates'),
  noCode: verifyConflict('no-code')('The current Verify workflow step does not support a code.'),
  noEvents: conflict('There are no more events left to trigger.'),
  notEmptyTemplate: verifyConflict('not-empty-template')(
    'The template is not empty and cannot be deleted. Please delete its fragments first',
  ),
  notNow: conflict('The operation cannot be performed at this time. Please try again later.'),
  templateExists: verifyConflict('template-exists')('A template with this name already exists'),
  tooManyCodes: invalidCode(410, 'expired')(TOO_MANY_CODES),
  cannotBeCompleted: unmetCondition('The silent auth verification cannot be completed.'),
  notCellular: unmetCondition('IP Address does not resolve to a cellular device.'),
  noNetwork: networkNotSupported('network-error'),
  notCovered: networkNotSupported('precondition-failed'),
  invalidParams: invalidParameters('Invalid params'),
};

const PROBLEMS = { ...GENERAL, ...VERIFY };

export type ProblemName = keyof typeof PROBLEMS;

export interface InvalidParameter {
  name: string;
  reason: string;
}

export const invalidParametersOf = (error: ZodError): InvalidParameter[] =>
  error.issues.map(({ path, message }) => ({ name: path.join('.') || 'body', reason: message }));

export const detailOf = (name: ProblemName): string => PROBLEMS[name].detail;

/** Refuses a request. `more` adds members to the problem, or replaces its detail. */
export class Problem extends Error {
  constructor(
    readonly problem: ProblemName,
    readonly more: { detail?: string; request_id?: string; invalid_parameters?: InvalidParameter[] } = {},
  ) {
    super(problem);
  }
}

/** Sends a problem as Vonage does: RFC 9457, with a UUID as `instance`. */
const sendProblem = (res: Response, { problem, more }: Problem): void => {
  const { status, type, title, detail } = PROBLEMS[problem];
  res.status(status).type('application/problem+json');
  const members = { type: `https://developer.vonage.com/api-errors${type}`, title, detail, ...more };
  res.send(JSON.stringify({ ...members, instance: randomUUID() }));
};

/** @throws Problem with the parameters that are invalid */
export const parse = <T>(schema: ZodType<T>, value: unknown, problem: ProblemName): T => {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  throw new Problem(problem, { invalid_parameters: invalidParametersOf(error) });
};

/** Verify v2 does not distinguish requests that are over from unknown ones. */
export const requestNotFound = (id: string): Problem =>
  new Problem('notFound', { detail: `Request ${id} was not found or it has been verified already.` });

export const refusePath: RequestHandler = ({ method, path }) => {
  throw new Problem('notFound', { detail: `There is no ${method} ${path} here.` });
};

/** The last middleware. Errors of the body reader and the router keep their status. */
export const handleError =
  (log: Log): ErrorRequestHandler =>
  (error: Error & { status?: number }, req, res, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    if (error instanceof Problem) {
      sendProblem(res, error);
      return;
    }
    const { status = 500 } = error;
    if (status >= 500) log.error({ err: error, path: req.path }, 'a request to the sandbox failed');
    const names = Object.keys(GENERAL) as (keyof typeof GENERAL)[];
    const name = names.find((each) => GENERAL[each].status === status);
    const problem = name ?? (status < 500 ? 'badRequest' : 'internalError');
    sendProblem(res, new Problem(problem, { detail: error.message }));
  };
