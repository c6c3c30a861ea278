import { LoginError, type ErrorCode, type ErrorFields } from '../errors.js';
import type { Answer } from './transport.js';
import { readError } from './wire.js';

/** What we know of an answer that was not the hoped-for one, without a word of it that could name a person. */
export function trace(
  api: string,
  answer: Answer,
): { api: string; status: number; error?: string; instance?: string } {
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
 * Error codes are words and instances ids of 128 bits; anything else stays out of the log, since an upstream that repeats
 * what it was sent would have us write down a number or a code.
 */
const SAFE_CODE = /^[A-Za-z][A-Za-z_.-]{0,63}$/;
const INSTANCE = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})$/i;

/** The error for an answer nothing better is known of: too many calls, too slow, or simply wrong. */
export function refusal(api: string, answer: Answer): LoginError {
  const make = (code: ErrorCode, detail: string, fields: ErrorFields = {}) =>
    new LoginError(code, detail, fields, trace(api, answer));
  if (answer.status === 429) {
    return make('unavailable', 'Vonage asks us to slow down.', { retry_after: answer.retryAfter ?? 1 });
  }
  if (answer.status === 504) return make('upstream_timeout', 'The operator did not answer in time.');
  return make('upstream_error', 'Vonage or the operator gave an answer that is of no use.');
}
