/** Every error the product can answer with: its HTTP status and its title. Extended, never renamed (docs/errors.md). */
export const ERRORS = {
  invalid_request: [400, 'The request is not valid'],
  invalid_phone_number: [400, 'The phone number is not valid'],
  invalid_code: [400, 'The code is not valid'],
  silent_auth_failed: [400, 'Silent authentication failed'],
  not_authenticated: [401, 'Nobody is logged in'],
  invalid_signature: [401, 'The signature is not valid'],
  forbidden_origin: [403, 'This origin may not call'],
  wrong_client: [403, 'The link was opened by the wrong client'],
  login_refused: [403, 'The login was refused'],
  step_up_required: [403, 'Another proof is wanted'],
  country_not_allowed: [403, 'This country is not served'],
  number_not_allowed: [403, 'This kind of number is not served'],
  not_found: [404, 'There is nothing here'],
  no_login: [404, 'There is no login'],
  method_not_allowed: [405, 'The method is not allowed'],
  request_timeout: [408, 'The request took too long to arrive'],
  no_more_channels: [409, 'There is no further channel'],
  login_in_progress: [409, 'Another login is under way'],
  login_expired: [410, 'The login is over'],
  payload_too_large: [413, 'The request is too large'],
  unsupported_media_type: [415, 'The media type is not supported'],
  too_many_attempts: [429, 'Too many wrong codes'],
  rate_limited: [429, 'Too many requests'],
  internal_error: [500, 'Something went wrong here'],
  upstream_error: [502, 'The operator or Vonage answered with an error'],
  unavailable: [503, 'The service is not available'],
  upstream_timeout: [504, 'The operator or Vonage did not answer in time'],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof ERRORS;

/** Why silence failed, in words an app can act on. */
export type SilentFailure = 'not_on_cellular' | 'denied' | 'number_not_supported' | 'operator_error';

/**
 * Why a message came to nothing, in words an app can act on: `blocked` by the rules against fraud
 * that Vonage has.
 */
export type MessageFailure = 'blocked';

export interface ErrorFields {
  reason?: SilentFailure | MessageFailure;
  /** Seconds. */
  retry_after?: number;
  next_channels?: readonly string[];
  errors?: readonly { field: string; message: string }[];
}

/** What the log may know of an upstream answer: no body, no header, no number. */
export interface UpstreamTrace {
  api: string;
  status?: number;
  error?: string;
  instance?: string;
}

/** The one error class: a code of the closed table, words for the app's developer, and the cause for the log. */
export class LoginError extends Error {
  override readonly name = 'LoginError';

  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    readonly fields: ErrorFields = {},
    readonly upstream?: UpstreamTrace,
    cause?: unknown,
  ) {
    super(`${code}: ${detail}`, { cause });
  }

  get status(): number {
    return ERRORS[this.code][0];
  }
}

/** A mistake of whoever built the product in, in words for him: they hold nothing of any request, and go into the log. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
