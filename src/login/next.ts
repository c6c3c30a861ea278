import { LoginError } from '../errors.js';
import type { Holder, FlowDeps } from './flow.js';
import type { Journal } from './journal.js';
import type { Lock } from './lock.js';
import type { Login, OtpChannel, Run } from './login.js';
import { endOfStep, type Progress } from './progress.js';

/**
 * Goes on to `channel`, or to the next one there is: the Verify request that is under way is moved on, or a new one is
 * started. Only here is a message sent that costs money, and only because the app asked.
 * @throws LoginError `no_login`, `no_more_channels`, `login_in_progress`
 */
export type NextChannel = (
  channel: OtpChannel | undefined,
  holder: Holder,
  correlator: string,
) => Promise<Login>;

export interface Parts extends FlowDeps {
  journal: Journal;
  lock: Lock;
  progress: (login: Login) => Promise<Progress>;
}

export function createNext({ otp, tickets, fallbacks, journal, lock, progress }: Parts): NextChannel {
  const moveOn = async (
    login: Login,
    target: OtpChannel,
    now: Progress,
    correlator: string,
  ): Promise<Run> => {
    const behind = now.run?.steps[now.run.step + 1]?.channel;
    if (now.run !== undefined && behind === target) return otp.advance(now.run, correlator);
    if (behind !== undefined)
      throw new LoginError('invalid_request', `The next channel of this login is ${behind}.`);
    const channels = fallbacks
      .slice(fallbacks.indexOf(target))
      .filter((each) => now.nextChannels.includes(each));
    const { id: loginId, phoneNumber, client, formerRun } = login;
    return otp.start({ loginId, phoneNumber, channels, client, formerRun, correlator });
  };

  return async (channel, holder, correlator) => {
    const id = holder.login?.id;
    if (id === undefined) throw new LoginError('no_login', 'No login was begun in this session.');
    return lock.hold(id, async () => {
      await holder.refresh();
      const login = holder.login;
      if (login?.id !== id) throw new LoginError('no_login', 'The login ended meanwhile.');
      const now = await progress(login);
      const target = channel ?? now.nextChannels[0];
      if (target === undefined || !now.nextChannels.includes(target)) {
        const fields = { next_channels: now.nextChannels };
        throw new LoginError('no_more_channels', 'This login has no such channel left.', fields);
      }
      const run = await journal(correlator, id, { channel: target })('next', () =>
        moveOn(login, target, now, correlator),
      );
      // From here on the silent way is closed: its link makes no call any more.
      const { stateAddress, ...rest } = login;
      if (stateAddress !== undefined) await tickets.cancelState(stateAddress);
      const reached = run.steps[run.step]?.channel ?? target;
      const moved: Login = { ...rest, status: 'pending', channel: reached, run, expiresAt: endOfStep(run) };
      await holder.update(moved);
      return moved;
    });
  };
}
