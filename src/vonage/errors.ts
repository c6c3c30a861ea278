import { LoginError, type ErrorCode, type ErrorFields, type UpstreamTrace } from '../core/errors.js';
import type { Answer } from '../http/transport.js';
import { VerifyConcurrent, readError } from './wire.js';

/** What the log may hold of an unexpected answer: nothing that could name a person. */
export function trace(api: string, answer: Answer): UpstreamTrace {
  const error = readError(answer.json);
  const name = error && SAFE_CODE.test(error.code) ? error.code : undefined;
  return {
    api,
    status: answer.status,
    ...(name !== undefined && { error: name }),
    ...(error?.instance !== undefined && INSTANCE.test(error.instance) && { instance: error.instance }),
  };
}

/**
 * Error codes are words, and instances are ids of 128 bits, which Vonage groups differently.
 * Anything else stays out of the log: an upstream that repeats its input would put a number or a
 * code into it.
 */
const SAFE_CODE = /^[A-Za-z][A-Za-z_.-]{0,63}$/;
const INSTANCE = /^(?:[0-9a-f]-?){31}[0-9a-f]$/i;

/** The error for an answer that has no more specific meaning. */
export function refusal(api: string, answer: Answer): LoginError {
  const upstream = trace(api, answer);
  if (answer.status === 429) {
    const detail = 'Vonage or the operator limits the rate of calls. Try again.';
    return new LoginError('unavailable', detail, { retry_after: answer.retryAfter ?? 1, upstream });
  }
  if (answer.status === 504)
    return new LoginError('upstream_timeout', 'The operator did not answer in time.', { upstream });
  const detail = 'Vonage or the operator returned an unusable answer.';
  return new LoginError('upstream_error', detail, { upstream });
}

export const forbiddenLink = (api: string): LoginError =>
  new LoginError('upstream_error', 'Vonage named a link that may not be opened.', { upstream: { api } });

type Mapping = readonly [code: ErrorCode, detail: string, fields?: ErrorFields];

/** Seconds after which the app may repeat a request that Vonage cannot handle "at this time". */
const BUSY_RETRY_SECONDS = 5;

/** The same for a wrong, used, foreign and unknown code, so that it gives nothing away. */
export const INVALID_CODE: Mapping = [
  'invalid_code',
  'The code is wrong, already used, or of another login.',
];
const NOT_COMPARED: Mapping = ['invalid_code', 'Vonage compared no code.'];
const OVER: Mapping = ['login_expired', 'This verification is over. Begin again.'];
export const TOO_MANY: Mapping = ['too_many_attempts', 'Too many wrong codes. Begin a new login.'];
const NO_MORE: Mapping = ['no_more_channels', 'This cannot be done at the moment.'];
const UNDER_WAY: Mapping = ['login_in_progress', 'A verification of this number is still under way.'];
const BUSY: Mapping = ['login_in_progress', 'Vonage cannot do this at the moment. Try again.'];
export const UNSUPPORTED: Mapping = [
  'silent_auth_failed',
  'Silent authentication is not possible for this number.',
  { reason: 'number_not_supported' },
];
const OUR_SETTINGS: Mapping = [
  'upstream_error',
  'The Vonage account or its templates are not set up for this.',
];

/**
 * What the errors of Verify v2 mean, by the fragment of `type`; its host varies. The fragments that
 * the reference lists come first, those from the fixtures of Vonage's SDKs after them.
 */
const BY_FRAGMENT = new Map<string, Mapping>([
  ['invalid-code', INVALID_CODE],
  ['no-code', NOT_COMPARED],
  ['expired', TOO_MANY],
  ['no-events', ['no_more_channels', 'No channel is left.']],
  ['request-not-found', OVER],
  ['msisdn-error', ['silent_auth_failed', 'The device has another number.', { reason: 'denied' }]],
  ['precondition-failed', UNSUPPORTED],
  ['network-error', UNSUPPORTED],
  ['forbidden', OUR_SETTINGS],
  ['fragment-exists', OUR_SETTINGS],
  ['template-fragment-not-found', OUR_SETTINGS],
  ['template-not-found', OUR_SETTINGS],
  ['template-exists', OUR_SETTINGS],
  ['not-empty-template', OUR_SETTINGS],
  ['max-templates', OUR_SETTINGS],
  ['gone', TOO_MANY],
  ['not-found', OVER],
  ['low-balance', ['unavailable', 'No message can be sent at the moment.']],
]);

/** For answers whose `type` is missing or unknown: some fixtures have `#bad-request`. */
const BY_STATUS = new Map<number, Mapping>([
  [400, INVALID_CODE],
  [402, ['unavailable', 'No message can be sent at the moment.']],
  [404, OVER],
  [410, TOO_MANY],
  [412, UNSUPPORTED],
]);

class VerificationError<Id extends string | undefined> extends LoginError {
  constructor(
    readonly verificationId: Id,
    { code, detail, fields, upstream }: LoginError,
  ) {
    super(code, detail, { ...fields, upstream });
  }
}

/** A verification of the same number is under way. Its id is known if Vonage names it. */
export class ConcurrentVerification extends VerificationError<string | undefined> {}

/** A verification was started, but its answer cannot be used. */
export class UnusableStart extends VerificationError<string> {}

/**
 * Vonage compared no code: the current step takes none, or this one does not have the form of a
 * code.
 */
export class NotCompared extends LoginError {}

/** A code belongs to a check, and at a start nothing can be over. */
const CALLS_OF = new Map<Mapping, readonly string[]>([
  [INVALID_CODE, ['check']],
  [TOO_MANY, ['check', 'next']],
  [OVER, ['check', 'next']],
]);

/** What a conflict without a known cause means, by the call. */
const UNCLEAR_CONFLICT = { start: UNDER_WAY, check: INVALID_CODE, next: NO_MORE } as const;

/**
 * The error for an unexpected answer of Verify v2.
 * @param call the call; a cancellation counts as `next`
 */
export function verifyRefusal(answer: Answer, call: keyof typeof UNCLEAR_CONFLICT = 'next'): LoginError {
  const name = readError(answer.json)?.code.toLowerCase() ?? '';
  const rival = VerifyConcurrent.safeParse(answer.json).data?.request_id;
  const mapping = isConflict(answer.status, name)
    ? (byDetail(answer.json) ??
      (rival !== undefined || name === 'concurrent' ? UNDER_WAY : UNCLEAR_CONFLICT[call]))
    : call === 'check' && name === 'invalid-params'
      ? NOT_COMPARED // The code is the only parameter of a check (Verify v2 reference, "Check").
      : (BY_FRAGMENT.get(name) ?? BY_STATUS.get(answer.status));
  if (mapping === undefined || CALLS_OF.get(mapping)?.includes(call) === false)
    return refusal('verify', answer);
  const [code, detail, fields = {}] = mapping;
  const waits = code === 'login_in_progress' && { retry_after: answer.retryAfter ?? BUSY_RETRY_SECONDS };
  const upstream = trace('verify', answer);
  if (mapping === NOT_COMPARED) return new NotCompared(code, detail, { upstream });
  const error = new LoginError(code, detail, { ...fields, ...waits, upstream });
  const isConcurrent = waits && (rival !== undefined || mapping === UNDER_WAY);
  return isConcurrent ? new ConcurrentVerification(rival, error) : error;
}

/**
 * A conflict is a 409 in the reference, and a 422 named `concurrent` or `conflict` in fixtures of
 * Vonage's SDKs. A 409 with an unknown name is one as well.
 */
const isConflict = (status: number, name: string): boolean =>
  status === 409 ? !BY_FRAGMENT.has(name) : ['concurrent', 'conflict'].includes(name);

/**
 * A `#conflict` gives its cause only in `detail` (Verify v2 reference, and fixtures of the SDKs).
 */
const BY_DETAIL: readonly (readonly [RegExp, Mapping])[] = [
  [/concurrent/i, UNDER_WAY],
  [/not support a code/i, NOT_COMPARED],
  [/no more events/i, NO_MORE],
  [/at this time|try again/i, BUSY],
];

function byDetail(json: unknown): Mapping | undefined {
  const detail = String((json as { detail?: unknown } | null | undefined)?.detail);
  return BY_DETAIL.find(([words]) => words.test(detail))?.[1];
}
