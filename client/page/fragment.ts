import type { FailureName } from './state.js';

/** Vonage's `error_description`, without `error`. It is never shown, because it can be forged. */
const VONAGE_ERRORS = new Map<string, FailureName>([
  ['The silent auth verification cannot be completed.', 'not_completed'],
  ['Device MSISDN does not match.', 'other_number'],
  ['Device number does not resolve to a supported Mobile Network Operator.', 'number_not_supported'],
  ['IP Address does not resolve to a cellular device.', 'not_on_cellular'],
]);

/** The errors and reasons of `/callback`. Any other is shown as unknown. */
const RETURNED = [
  ...(['denied', 'not_on_cellular', 'consent_required', 'number_not_supported', 'operator_error'] as const),
  ...(['login_expired', 'wrong_client', 'no_login', 'upstream_error', 'upstream_timeout'] as const),
  ...(['rate_limited', 'unavailable', 'request_timeout', 'invalid_request'] as const),
] satisfies FailureName[];

/** The step, counted from zero, at which a login failed, by the error in the fragment. */
const FAILED_STEP = new Map([
  ...(['silent_auth_failed', 'login_expired'] as const).map((error) => [error, 2] as const),
  ...(['upstream_error', 'upstream_timeout'] as const).map((error) => [error, 3] as const),
]);

/** What the redirects left in the address, or any site that links here. */
export type Returned =
  | { kind: 'nothing' }
  | { kind: 'code'; mayBeOfALogin: boolean }
  | { kind: 'error'; failure: FailureName; isOfVonage: boolean; step: number | undefined };

const LOGIN_ID = /^[0-9a-f]{32}$/;

/** @param fragment `location.hash` */
export function readFragment(fragment: string): Returned {
  const fields = new URLSearchParams(fragment.replace(/^#/, ''));
  if (fields.has('code')) return { kind: 'code', mayBeOfALogin: LOGIN_ID.test(fields.get('login_id') ?? '') };
  const [error, said] = [fields.get('error'), fields.get('error_description')];
  if (error === null && said === null) return { kind: 'nothing' };
  const ofVonage = error === null ? VONAGE_ERRORS.get(said ?? '') : undefined;
  const named = [fields.get('reason'), error];
  const failure =
    ofVonage ??
    RETURNED.find((name) => named.includes(name)) ??
    (error === 'silent_auth_failed' ? 'not_completed' : 'otherwise');
  const step = ofVonage === undefined ? FAILED_STEP.get(error as 'login_expired') : 2;
  return { kind: 'error', failure, isOfVonage: error === null, step };
}
