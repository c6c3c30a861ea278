import type { RequestHandler, Response } from 'express';
import type { Behaviour } from './subscribers.js';

/**
 * CAMARA's errors. Codes and messages are those of Number Verification 0.3.1; the two it does not define, 422 and 429, are
 * CAMARA's common ones, which operators send all the same.
 */
const ERRORS = {
  invalidArgument: [
    400,
    'INVALID_ARGUMENT',
    'Client specified an invalid argument, request body or query param',
  ],
  unauthenticated: [
    401,
    'UNAUTHENTICATED',
    'Request not authenticated due to missing, invalid, or expired credentials',
  ],
  permissionDenied: [
    403,
    'PERMISSION_DENIED',
    'Client does not have sufficient permissions to perform this action',
  ],
  notMobile: [
    403,
    'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK',
    'Client must authenticate via the mobile network to use this service',
  ],
  noNumber: [
    403,
    'NUMBER_VERIFICATION.INVALID_TOKEN_CONTEXT',
    'Phone number cannot be deducted from access token context',
  ],
  notApplicable: [422, 'SERVICE_NOT_APPLICABLE', 'The service is not available for the provided identifier.'],
  tooManyRequests: [429, 'TOO_MANY_REQUESTS', 'Rate limit reached.'],
  internal: [500, 'INTERNAL', 'Server error'],
} as const;

type CamaraError = keyof typeof ERRORS;

/** The behaviours that Number Verification answers with an error. Some stop a login earlier, unless they are set in between. */
export const ERROR_OF: Partial<Record<Behaviour, CamaraError>> = {
  not_mobile: 'notMobile',
  unsupported: 'notApplicable',
  rate_limited: 'tooManyRequests',
  server_error: 'internal',
};

/** Answers in CAMARA's error shape. */
export const sendCamaraError = (res: Response, name: CamaraError): void => {
  const [status, code, message] = ERRORS[name];
  res.status(status).json({ status, code, message });
};

/** CAMARA's common pattern for `x-correlator`. */
const CORRELATOR = /^[\w:;./<>{}-]{0,256}$/;

/** Gives the correlation id back, or refuses one that is not well formed. */
export const echoCorrelator: RequestHandler = (req, res, next) => {
  const correlator = req.get('x-correlator');
  if (correlator !== undefined && !CORRELATOR.test(correlator)) {
    sendCamaraError(res, 'invalidArgument');
    return;
  }
  if (correlator !== undefined) res.set('x-correlator', correlator);
  next();
};
