/** HTTP status and title of each error (docs/errors.md). Codes may be added, and never change. */
export const ERRORS = {
  invalid_request: [400, 'The request is not valid'],
  invalid_phone_number: [400, 'The phone number is not valid'],
  invalid_code: [400, 'The code is not valid'],
  silent_auth_failed: [400, 'Silent authentication failed'],
  not_authenticated: [401, 'The request is not authenticated'],
  reauthentication_required: [401, 'The number was proved too long ago'],
  invalid_signature: [401, 'The signature is not valid'],
  forbidden_origin: [403, 'The origin is not allowed'],
  wrong_client: [403, 'The link was opened by the wrong client'],
  wrong_number: [403, 'The session is of another number'],
  login_refused: [403, 'The login was refused'],
  step_up_required: [403, 'A second proof of the number is required'],
  country_not_allowed: [403, 'The country is not allowed'],
  number_not_allowed: [403, 'The kind of number is not allowed'],
  not_found: [404, 'There is nothing at this path'],
  no_login: [404, 'The session has no login'],
  method_not_allowed: [405, 'The method is not allowed'],
  request_timeout: [408, 'The request did not arrive in time'],
  no_more_channels: [409, 'No channel is left'],
  login_in_progress: [409, 'Another login is in progress'],
  login_expired: [410, 'The login has ended'],
  payload_too_large: [413, 'The request is too large'],
  unsupported_media_type: [415, 'The media type is not supported'],
  too_many_attempts: [429, 'Too many wrong codes'],
  rate_limited: [429, 'Too many requests'],
  internal_error: [500, 'An internal error occurred'],
  upstream_error: [502, 'The operator or Vonage returned an error'],
  unavailable: [503, 'The service is not available'],
  upstream_timeout: [504, 'The operator or Vonage did not answer in time'],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof ERRORS;

export type SilentFailure =
  | 'not_on_cellular'
  | 'denied'
  /** The operator wants the consent of the user first. */
  | 'consent_required'
  | 'number_not_supported'
  | 'operator_error';

/**
 * What a CAMARA code means for the user. Version 0.3.1 of Number Verification prefixes two of them;
 * 1.0 dropped the prefix of the second. The last three come from the Commonalities and newer
 * versions.
 */
export const CAMARA_FAILURES: ReadonlyMap<string, SilentFailure> = new Map([
  ['NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK', 'not_on_cellular'],
  ['USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK', 'not_on_cellular'],
  ['NUMBER_VERIFICATION.INVALID_TOKEN_CONTEXT', 'operator_error'],
  ['INVALID_TOKEN_CONTEXT', 'operator_error'],
  ['IDENTIFIER_NOT_FOUND', 'number_not_supported'],
  ['SERVICE_NOT_APPLICABLE', 'number_not_supported'],
  ['UNSUPPORTED_IDENTIFIER', 'number_not_supported'],
]);

/**
 * What became of a message that brought no code: `blocked` by Vonage's fraud rules, `rejected` by
 * the operator, `user_rejected` by the user, or the number is `unreachable`.
 */
export const MESSAGE_FAILURES = ['blocked', 'rejected', 'user_rejected', 'unreachable'] as const;
export type MessageFailure = (typeof MESSAGE_FAILURES)[number];

export interface ErrorFields {
  reason?: SilentFailure | MessageFailure;
  /** Seconds. */
  retry_after?: number;
  next_channels?: readonly string[];
  errors?: readonly { field: string; message: string }[];
}

export interface UpstreamTrace {
  api: string;
  status?: number;
  error?: string;
  instance?: string;
}

/** An error to answer with. `detail` is for the developer, `upstream` and `cause` for the log. */
export class LoginError extends Error {
  override readonly name = 'LoginError';

  readonly fields: ErrorFields;
  readonly upstream: UpstreamTrace | undefined;

  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    more: ErrorFields & { upstream?: UpstreamTrace | undefined; cause?: unknown } = {},
  ) {
    const { upstream, cause, ...fields } = more;
    super(`${code}: ${detail}`, { cause });
    this.fields = fields;
    this.upstream = upstream;
  }

  get status(): number {
    return ERRORS[this.code][0];
  }
}

/**
 * Limits the time of all requests to an upstream that one answer takes.
 * @throws LoginError `upstream_timeout` after `timeoutMs`; the requests go on without effect
 */
export async function inTime<T>(
  answer: Promise<T>,
  { api, timeoutMs }: { api: string; timeoutMs: number },
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const upstream = { api, error: 'deadline' };
    // Made only if it is needed: the stack of an error takes 15 µs.
    const giveUp = () => reject(new LoginError('upstream_timeout', 'No answer came in time.', { upstream }));
    timer = setTimeout(giveUp, timeoutMs);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** A mistake in how an app mounts the routes. Its message is logged: it holds no request data. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
