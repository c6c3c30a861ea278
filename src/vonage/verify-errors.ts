import { LoginError, type ErrorCode, type ErrorFields } from '../errors.js';
import { refusal, trace } from './refusal.js';
import type { Answer } from './transport.js';
import { readError, VerifyConcurrent } from './wire.js';

type Mapping = readonly [code: ErrorCode, detail: string, fields?: ErrorFields];

const INVALID_CODE: Mapping = ['invalid_code', 'The code is wrong, used, or not of this login.'];
const OVER: Mapping = ['login_expired', 'This verification is over. Begin again.'];
const TOO_MANY: Mapping = ['too_many_attempts', 'A wrong code was sent too often. Begin again.'];
const UNSUPPORTED: Mapping = [
  'silent_auth_failed',
  'Silent authentication is not possible for this number.',
  { reason: 'number_not_supported' },
];
const OUR_SETTINGS: Mapping = [
  'upstream_error',
  'The Vonage account or its templates are not set up for this.',
];

/**
 * What the errors of Verify v2 mean here, by the fragment of `type`. The host in front of it varies, and so do some
 * fragments: those of the document's list come first, those seen in the fixtures of Vonage's SDKs behind them.
 */
const BY_FRAGMENT = new Map<string, Mapping>([
  ['concurrent', ['login_in_progress', 'A verification of this number is still under way.']],
  ['invalid-code', INVALID_CODE],
  ['no-code', INVALID_CODE],
  ['expired', TOO_MANY],
  ['no-events', ['no_more_channels', 'There is no further channel.']],
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

/** Where neither `type` nor its fragment is known: some fixtures leave it out, or say `#bad-request`, `#conflict`. */
const BY_STATUS = new Map<number, Mapping>([
  [400, INVALID_CODE],
  [402, ['unavailable', 'No message can be sent at the moment.']],
  [404, OVER],
  [409, ['no_more_channels', 'This cannot be done at the moment.']],
  [410, TOO_MANY],
  [412, UNSUPPORTED],
]);

/** A verification of the same number that is already under way, with its id where Vonage tells it. */
export class Concurrent extends LoginError {
  constructor(
    readonly requestId: string | undefined,
    base: LoginError,
  ) {
    super(base.code, base.detail, base.fields, base.upstream);
  }
}

/** The error for an answer of Verify v2 that is not the hoped-for one. */
export function verifyRefusal(answer: Answer): LoginError {
  const fragment = readError(answer.json)?.code ?? '';
  const mapping =
    BY_FRAGMENT.get(fragment) ?? (answer.status === 409 ? conflict(answer) : BY_STATUS.get(answer.status));
  if (mapping === undefined) return refusal('verify', answer);
  const [code, detail, fields = {}] = mapping;
  const error = new LoginError(code, detail, fields, trace('verify', answer));
  return code === 'login_in_progress'
    ? new Concurrent(VerifyConcurrent.safeParse(answer.json).data?.request_id, error)
    : error;
}

/** A 409 without a known type: with a `request_id` it is about concurrency, about the step's code, or about the steps. */
function conflict(answer: Answer): Mapping | undefined {
  if (VerifyConcurrent.safeParse(answer.json).success) return BY_FRAGMENT.get('concurrent');
  const detail = String((answer.json as { detail?: unknown } | undefined)?.detail);
  return detail.includes('does not support a code') ? INVALID_CODE : BY_STATUS.get(409);
}
