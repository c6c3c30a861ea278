import type { LoginError } from '../core/errors.js';
import { createLock } from '../store/store.js';
import { createBegin, createCancel } from './begin.js';
import type { LoginContext, RequestContext } from './context.js';
import { createExchange } from './exchange.js';
import type { Refusal } from './hooks.js';
import { createNext } from './next.js';
import { createReadProgress } from './progress.js';
import { createVerify } from './verify.js';

export type Flow = ReturnType<typeof createFlow>;

/** The steps of a login, one file each. */
export function createFlow(deps: Omit<LoginContext, 'lock' | 'readProgress'>) {
  const readProgress = createReadProgress(deps);
  const context = { ...deps, lock: createLock(deps.store, deps.world), readProgress };
  return {
    begin: createBegin(context),
    exchange: createExchange(context),
    verify: reportingRefusals(context, createVerify(context)),
    next: reportingRefusals(context, createNext(context)),
    cancel: createCancel(context),
    readProgress,
  };
}

/**
 * A step that reports refused logins to the hook `onEvent`: once, when the login is locked, or when
 * the SIM has another number.
 */
function reportingRefusals<Input, Result extends object>(
  { rules: { notify } }: LoginContext,
  step: (input: Input, request: RequestContext) => Promise<Result>,
): (input: Input, request: RequestContext) => Promise<Result> {
  if (notify === undefined) return step;
  return async (input, request) => {
    const { session, requestId } = request;
    const { login } = session;
    const report = (reason: Refusal): void => {
      if (login === undefined) return;
      const { id: loginId, phoneNumber } = login;
      notify({ type: 'login_refused', reason, loginId, phoneNumber, requestId });
    };
    try {
      const result = await step(input, request);
      if ('verified' in result && result.verified === false) report('number_mismatch');
      return result;
    } catch (error) {
      const { code } = error as LoginError;
      const isLocked = session.login?.locked && !login?.locked;
      if (isLocked && (code === 'login_refused' || code === 'too_many_attempts')) report(code);
      throw error;
    }
  };
}
