import type { LoginContext, RequestContext } from './context.js';
import { ignoreEndedSession, type Verification } from './login.js';
import { verificationUnderWay } from './progress.js';

/**
 * Cancels the login of the session, if there is one. Its link and its codes are void from then on.
 */
export type Cancel = (request: Omit<RequestContext, 'caller'>) => Promise<void>;

export function createCancel({ verifications, tickets, world, journal }: LoginContext): Cancel {
  return async ({ session, requestId }) => {
    const { login } = session;
    if (login === undefined) return;
    await journal.step({ step: 'cancel', requestId, login }, async (annotate) => {
      annotate({ channel: login.channel });
      if (login.ticket !== undefined) await tickets.cancelState(login.ticket);
      let verification: Verification | undefined;
      const change = session.change((stored) => {
        if (stored.id !== login.id) return stored;
        verification = verificationUnderWay(stored, world.now());
        return undefined;
      });
      await change.catch(ignoreEndedSession);
      if (verification !== undefined) verifications.cancel(verification, requestId);
    });
  };
}
