import { LoginError } from '../errors.js';
import { changeLogin, isOnSameChannel, lockedUp, type Attempt } from './attempt.js';
import { loginRefused } from './hooks.js';
import { provedBy, type Channel, type Login } from './login.js';
import type { Parts } from './parts.js';

/**
 * The last word before a session, which is the operator's own. A number was proved by `channel`, and its code is spent.
 * @throws LoginError `login_refused`, `step_up_required`, `unavailable`; `login_expired` if the
 * login ended before it could step up
 */
export type Admit = (attempt: Attempt, channel: Channel) => Promise<void>;

export function createAdmission({ rules, progress, fallbacksOf }: Parts): Admit {
  /**
   * Sends the login on to a typed code. A message that it went on to meanwhile stays under way: the
   * hook will be asked about its code.
   */
  const stepUp = async (attempt: Attempt, channel: Channel): Promise<LoginError> => {
    const left = await changeLogin(attempt, (login) => ({
      ...(isOnSameChannel(login, attempt.login) ? leftToCodes(login) : login),
      proved: provedBy(login, channel),
    }));
    if (left === undefined) return new LoginError('login_expired', 'The login ended meanwhile.');
    const { nextChannels } = await progress(left);
    const fields = { next_channels: nextChannels };
    return new LoginError('step_up_required', 'The SIM was confirmed; a code is wanted as well.', fields);
  };

  return async (attempt, channel) => {
    if (rules.beforeSession === undefined) return;
    const { login, correlator } = attempt;
    const { id: loginId, phoneNumber } = login;
    const channels = Object.freeze(provedBy(login, channel));
    const answer = await rules
      .beforeSession({ loginId, phoneNumber, channel, channels, requestId: correlator })
      .catch(async (error: unknown) => {
        await changeLogin(attempt, lockedUp);
        throw error;
      });
    if (answer === 'allow') return;
    const isHighest = channel !== 'silent_auth' || fallbacksOf(phoneNumber).length === 0;
    if (answer === 'stepUp' && !isHighest) throw await stepUp(attempt, channel);
    await changeLogin(attempt, lockedUp);
    throw loginRefused();
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
