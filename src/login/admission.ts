import { LoginError } from '../errors.js';
import type { Holder } from './holder.js';
import { loginRefused } from './hooks.js';
import type { Channel, Login } from './login.js';
import type { Parts } from './parts.js';

/**
 * The last word before a session, which is the operator's own. A number was proved by `channel`, and its code is spent.
 * @throws LoginError `login_refused`, `step_up_required`, `unavailable`; `login_expired` if the login ended meanwhile
 */
export type Admit = (holder: Holder, login: Login, channel: Channel, correlator: string) => Promise<void>;

export function createAdmission(
  parts: Parts & {
    /** Changes the login as it was when it was tried. */
    change: (holder: Holder, tried: Login, how: (login: Login) => Login) => Promise<void>;
  },
): Admit {
  const { rules, progress, change } = parts;
  const end = (holder: Holder, login: Login) =>
    change(holder, login, (current) => ({ ...current, status: 'failed', locked: true }));

  return async (holder, login, channel, correlator) => {
    if (rules.beforeSession === undefined) return;
    const { id: loginId, phoneNumber } = login;
    const answer = await rules
      .beforeSession({ loginId, phoneNumber, channel, requestId: correlator })
      .catch(async (error: unknown) => {
        await end(holder, login);
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
      await end(holder, login);
      throw loginRefused();
    }
    await change(holder, login, leftToCodes);
    const fields = { next_channels: nextChannels };
    throw new LoginError('step_up_required', 'The SIM was confirmed; a code is wanted as well.', fields);
  };
}

/**
 * The login with its silent way behind it, as where silence was impossible from the start. A Verify request that its
 * silent step completed is over, whatever it had behind that step: codes need a new one.
 */
function leftToCodes(login: Login): Login {
  const left: Login = { ...login, channel: null, status: 'pending' };
  delete left.run;
  return left;
}
