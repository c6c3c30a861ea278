import type { Response } from 'express';
import type { World } from '../world.js';
import { answerProblem } from './problem.js';
import type { InvalidParameter } from './problem.js';

const CONFLICT = 'Conflict';
const SILENCE_FAILED = 'Silent authentication failed';

/** The problems of Verify v2: status, what ends the `type` URL, title, detail. */
const PROBLEMS = {
  invalidCode: [
    400,
    '/verify-v2#invalid-code',
    'Invalid Code',
    'The code you provided does not match the expected value.',
  ],
  jwtExpired: [
    401,
    '#jwt-expired',
    'You did not provide correct credentials.',
    'The JWT provided has expired.',
  ],
  otherNumber: [403, '/verify-v2#msisdn-error', SILENCE_FAILED, 'Device MSISDN does not match.'],
  templatesForbidden: [
    403,
    '/verify-v2#forbidden',
    'Forbidden',
    'Templates management is not enabled for your account',
  ],
  requestNotFound: [404, '#not-found', 'Not Found', 'was not found or it has been verified already.'],
  templateNotFound: [404, '/verify-v2#template-not-found', 'Not Found', 'Template not found'],
  fragmentNotFound: [
    404,
    '/verify-v2#template-fragment-not-found',
    'Not Found',
    'Template Fragment not found',
  ],
  templateExists: [409, '/verify-v2#template-exists', CONFLICT, 'A template with this name already exists'],
  fragmentExists: [
    409,
    '/verify-v2#fragment-exists',
    CONFLICT,
    'A template fragment for this channel and locale already exists',
  ],
  notEmptyTemplate: [
    409,
    '/verify-v2#not-empty-template',
    CONFLICT,
    'The template is not empty and cannot be deleted. Please delete its fragments first',
  ],
  maxTemplates: [
    409,
    '/verify-v2#max-templates',
    CONFLICT,
    'An account can only have a maximum of 10 custom templates',
  ],
  concurrent: [
    409,
    '/verify-v2#concurrent',
    CONFLICT,
    'Concurrent verifications to the same number are not allowed.',
  ],
  noCode: [409, '/verify-v2#no-code', CONFLICT, 'The current Verify workflow step does not support a code.'],
  noEvents: [409, '#conflict', CONFLICT, 'There are no more events left to trigger.'],
  notNow: [
    409,
    '#conflict',
    CONFLICT,
    'The operation cannot be performed at this time. Please try again later.',
  ],
  tooManyCodes: [
    410,
    '/verify-v2#expired',
    'Invalid Code',
    'An incorrect code has been provided too many times. Workflow terminated.',
  ],
  cannotBeCompleted: [
    412,
    '/verify-v2#precondition-failed',
    SILENCE_FAILED,
    'The silent auth verification cannot be completed.',
  ],
  notCellular: [
    412,
    '/verify-v2#precondition-failed',
    SILENCE_FAILED,
    'IP Address does not resolve to a cellular device.',
  ],
  noNetwork: [
    412,
    '/verify-v2#network-error',
    'Network not supported',
    'Device number does not resolve to a supported Mobile Network Operator.',
  ],
  notCovered: [
    412,
    '/verify-v2#precondition-failed',
    'Network not supported',
    'Device number does not resolve to a supported Mobile Network Operator.',
  ],
  invalidParams: [
    422,
    '#invalid-params',
    'Invalid params',
    'The value of one or more parameters is invalid.',
  ],
  throttled: [429, '#throttled', 'Rate Limit Hit', 'Please wait, then retry your request'],
  internalError: [
    500,
    '#internal-error',
    'Internal error',
    'There was an error processing your request in the Platform.',
  ],
} as const;

export type VerifyProblem = keyof typeof PROBLEMS;

export const detailOf = (name: VerifyProblem): string => PROBLEMS[name][3];

/** Answers with a problem, in the words of Verify v2. */
export const sendVerifyProblem = (
  res: Response,
  world: World,
  name: VerifyProblem,
  more: { detail?: string; request_id?: string; invalid_parameters?: InvalidParameter[] } = {},
): void => {
  const [status, end, title, detail] = PROBLEMS[name];
  answerProblem(res, world, status, end, { title, detail, ...more });
};

export const sendRequestNotFound = (res: Response, world: World, id: string): void =>
  sendVerifyProblem(res, world, 'requestNotFound', {
    detail: `Request ${id} ${detailOf('requestNotFound')}`,
  });
