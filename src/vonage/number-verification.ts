import { CAMARA_FAILURES, LoginError, type SilentFailure } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { refusal, trace } from './errors.js';
import type { Transport } from '../http/transport.js';
import { readError, VerificationAnswer } from './wire.js';

const API = 'number-verification';

const TIMEOUT_MS = 3000;

/**
 * Asks the operator whether the SIM of the access token has this number (CAMARA Number Verification
 * 0.3 to 2.1). Not repeated: the token is valid for one call.
 * @throws LoginError `silent_auth_failed` if the operator gives a reason, else `upstream_error`,
 * `upstream_timeout`, `unavailable`
 */
export function createNumberVerification(deps: { transport: Transport; verifyUrl: string }) {
  return async (accessToken: string, phoneNumber: PhoneNumber, requestId: string): Promise<boolean> => {
    const answer = await deps.transport({
      api: API,
      method: 'POST',
      url: deps.verifyUrl,
      bearer: accessToken,
      body: { phoneNumber },
      timeoutMs: TIMEOUT_MS,
      requestId,
    });
    const reason = CAMARA_FAILURES.get(readError(answer.json)?.code ?? '');
    if (answer.status >= 400 && reason !== undefined) {
      throw new LoginError('silent_auth_failed', DETAIL[reason], { reason, upstream: trace(API, answer) });
    }
    const verification = answer.status === 200 ? VerificationAnswer.safeParse(answer.json) : undefined;
    if (!verification?.success) throw refusal(API, answer);
    return verification.data.devicePhoneNumberVerified;
  };
}

const DETAIL: Record<SilentFailure, string> = {
  not_on_cellular: 'The link was not opened over the mobile network.',
  operator_error: 'The operator could not tell which number the device has.',
  number_not_supported: 'The operator does not offer this for the number.',
  denied: 'The operator refused.',
  consent_required: 'The operator wants the consent of the user first.',
};
