/** What each route may answer: a status and, for an error, its name. README, "The HTTP contract", and docs/errors.md. */
const ALL = ['400 invalid_request', '403 forbidden_origin', '404 not_found', '405 method_not_allowed'];
const BODY = ['413 payload_too_large', '415 unsupported_media_type'];
const VONAGE = ['502 upstream_error', '503 unavailable', '504 upstream_timeout'];
const LIMITS = ['429 rate_limited'];

const ROUTES: Record<string, readonly string[]> = {
  'POST /login': [
    '201',
    '400 invalid_phone_number',
    '403 country_not_allowed',
    '403 number_not_allowed',
    '403 login_refused',
    '409 login_in_progress',
    '410 login_expired',
    ...LIMITS,
    ...VONAGE,
  ],
  'GET /login': ['200', '404 no_login'],
  'HEAD /login': ['200', '404 no_login'],
  'DELETE /login': ['204'],
  'POST /login/next': [
    ...[
      '200',
      '400 silent_auth_failed',
      '404 no_login',
      '409 no_more_channels',
      '409 login_in_progress',
      '410 login_expired',
    ],
    ...LIMITS,
    ...VONAGE,
  ],
  'GET /callback': [
    '200',
    '303',
    '400 silent_auth_failed',
    '403 wrong_client',
    '410 login_expired',
    '429 rate_limited',
    ...VONAGE,
  ],
  'POST /verify': [
    ...[
      '200',
      '400 invalid_code',
      '400 silent_auth_failed',
      '403 login_refused',
      '403 step_up_required',
      '410 login_expired',
      '429 too_many_attempts',
      '429 rate_limited',
    ],
    ...VONAGE,
  ],
  'GET /session': ['200'],
  'HEAD /session': ['200'],
  'POST /logout': ['204'],
  'POST /webhooks/verify': ['204', '401 invalid_signature', '409 login_in_progress', '503 unavailable'],
  'GET /healthz': ['200'],
  'HEAD /healthz': ['200'],
  'GET /readyz': ['200', '503 unavailable'],
  'HEAD /readyz': ['200', '503 unavailable'],
  'GET /errors.md': ['200', '206', '304'],
  'HEAD /errors.md': ['200', '206', '304'],
  'GET /client.js': ['200', '206', '304'],
  'HEAD /client.js': ['200', '206', '304'],
  'GET /vendor/qr.js': ['200', '206', '304'],
  'HEAD /vendor/qr.js': ['200', '206', '304'],
  'GET /': ['200', '206', '304'],
  'HEAD /': ['200', '206', '304'],
};

/** Whether an answer is one that the contract names for this route, or for any. @param outcome `200`, `400 invalid_code` */
export const isDeclared = (method: string, path: string, outcome: string): boolean =>
  [...(ROUTES[`${method} ${path}`] ?? []), ...ALL, ...BODY].includes(outcome);

/** Every error that some route may answer with. */
export const DECLARED_ERRORS = new Set(
  [...Object.values(ROUTES), ALL, BODY].flat().flatMap((outcome) => outcome.split(' ')[1] ?? []),
);
