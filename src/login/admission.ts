import { LoginError } from '../errors.js';
import { lockedUp, type Attempt, type Change } from './attempt.js';
import { loginRefused } from './hooks.js';
import type { Channel, Login } from './login.js';
import type { Parts } from './parts.js';

/**
 * The last word before a session, which is the operator's own. A number was proved by `channel`, and its code is spent.
 * @throws LoginError `login_refused`, `step_up_required`, `unavailable`; `login_expired` if the login ended meanwhile
 */
export type Admit = (attempt: Attempt, channel: Channel) => Promise<void>;

export function createAdmission(parts: Parts & { change: Change }): Admit {
  const { rules, progress, change } = parts;

  return async (attempt, channel) => {
    if (rules.beforeSession === undefined) return;
    const { login, holder, correlator } = attempt;
    const { id: loginId, phoneNumber } = login;
    const answer = await rules
      .beforeSession({ loginId, phoneNumber, channel, requestId: correlator })
      .catch(async (error: unknown) => {
        await change(attempt, lockedUp);
        throw error;
      });
    if (answer === 'allow') {
      // Asking took time, in which the login may have been given up.
      await holder.refresh();
      if (holder.login?.id === loginId) return;
      throw new LoginError('login_expired', 'The login ended meanwhile.');
    }
    const { nextChannels } = await progress(leftToCodes(login));
    if (answer === 'refuse' || channel !== 'silent_auth' || nextChannels.length === 0) {
      await change(attempt, lockedUp);
      throw loginRefused();
    }
    await change(attempt, leftToCodes);
    const fields = { next_channels: nextChannels };
    throw new LoginError('step_up_required', 'The SIM was confirmed; a code is wanted as well.', fields);
  };
}

/**
 * The login with its silent way behind it, as where silence was impossible from the start. A Verify request that its
 * silent step completed is over, whatever it had behind that step: codes need a new one.
 */
function leftToCodes(login: Login): Login {
  const left: Login = { ...login, channel: null };
  delete left.run;
  delete left.status;
  return left;
}
