import { LoginError } from '../core/errors.js';
import type { Caller } from '../limits/limits.js';
import { COMMAND_TIMEOUT_MS } from '../store/options.js';
import { CHANGE_TIMEOUT_MS, changeLogin, isOnSameChannel, isOver, type Attempt } from './attempt.js';
import type { Holder } from './login.js';
import type { Tell } from './journal.js';
import { beingMoved } from '../store/lock.js';
import type { Login, OtpChannel, Run } from './login.js';
import { Abandoned, CHANNEL_CHANGE_TIMEOUT_MS } from './verification.js';
import type { Parts } from './context.js';
import { endOfStep, stepOf, type Progress } from './progress.js';

/** How often, and how far apart, we look for the webhook of a silent step that just failed. */
const LOOKS = 5;
const LOOK_INTERVAL_MS = 200;

/**
 * Commands of the store ahead of the change itself, at the most: the session (1), the report (1,
 * and 1 for each look), limits (4), a pause that Vonage asks for in each of two calls (2), the
 * count of each message (2), the link (1).
 */
const COMMANDS = 11 + LOOKS;

/** Milliseconds that a change of channel takes at the most: the sum of the deadlines in it. */
const LONGEST_MS =
  LOOKS * LOOK_INTERVAL_MS + CHANNEL_CHANGE_TIMEOUT_MS + COMMANDS * COMMAND_TIMEOUT_MS + CHANGE_TIMEOUT_MS;

/**
 * Goes on to `channel`, or to the next one there is: the Verify request that is under way is moved on, or a new one is
 * started. But for the chain of the engine `verify`, this alone sends messages, and only because the app asked.
 * @throws LoginError `no_login`, `no_more_channels`, `login_in_progress`, `rate_limited`, `unavailable`
 */
export type NextChannel = (
  channel: OtpChannel | undefined,
  caller: Caller,
  holder: Holder,
  correlator: string,
) => Promise<Login>;

export function createNext({ otp, tickets, limits, fallbacks, ...parts }: Parts): NextChannel {
  const { world, journal, lock, progress } = parts;

  const moveOn = async (
    login: Login,
    target: OtpChannel,
    now: Progress,
    caller: Caller,
    correlator: string,
  ): Promise<Run> => {
    const steps = stepsTo(target, now.run);
    await limits.ready('verify');
    // All messages of a chain were counted before its silent step began.
    const isCounted = now.run?.steps[0]?.channel === 'silent_auth';
    const messages = steps === 0 ? 1 : isCounted ? 0 : steps;
    if (messages > 0) await limits.send(caller, login.phoneNumber, messages);
    if (now.run !== undefined && steps > 0) {
      // A chain has no way around a step: who wants to be called at once is sent the SMS as well.
      let run = now.run;
      while (stepOf(run).channel !== target) run = await otp.advance(run, correlator);
      return run;
    }
    const channels = fallbacks
      .slice(fallbacks.indexOf(target))
      .filter((each) => now.nextChannels.includes(each));
    // Verify has one request a number under way. One that does not come to `target` has to end
    // first.
    if (now.run !== undefined) otp.cancel(now.run, correlator);
    const formerRun: Run | undefined = now.run ? { ...now.run, cancelled: true } : login.formerRun;
    const { id: loginId, phoneNumber, client } = login;
    return otp.start({ loginId, phoneNumber, channels, client, formerRun, correlator });
  };

  /** Keeps in mind a request that was started in vain: the next one of this number will meet it. */
  const remember = async (holder: Holder, login: Login, error: unknown): Promise<never> => {
    if (error instanceof Abandoned) {
      const { run: formerRun } = error;
      await holder
        .change((stored) => (stored.id === login.id ? { ...stored, formerRun } : stored))
        .catch(() => undefined);
    }
    throw error;
  };

  /**
   * A silent step that just failed is told of by webhook at the same moment as to the device. That one gets a second to
   * arrive: Vonage has gone on by itself then, and to tell it to go on would skip a channel.
   */
  const settled = async (login: Login): Promise<Progress> => {
    let now = await progress(login);
    for (let looks = 0; looks < LOOKS && isSilentInChain(now); looks++) {
      await world.pause(LOOK_INTERVAL_MS);
      now = await progress(login);
    }
    return now;
  };

  /** Notes that Vonage went on by itself, unless another request changed the login meanwhile. */
  const noteStep = async (holder: Holder, seen: Login, run: Run): Promise<Login> => {
    const stands = await changeLogin({ holder, login: seen }, (login) =>
      isOnSameChannel(login, seen) ? { ...login, channel: stepOf(run).channel, run } : login,
    );
    return onStep(stands, run);
  };

  /**
   * Puts a login on the step of `run` that was just begun for it, and keeps what another request
   * changed meanwhile. If the login ended meanwhile, the run is cancelled.
   */
  const keep = async (
    from: Pick<Attempt, 'holder' | 'login'>,
    run: Run,
    correlator: string,
  ): Promise<Login> => {
    try {
      const stands = await changeLogin(from, (login) => {
        const moved: Login = { ...login, channel: stepOf(run).channel, run, expiresAt: endOfStep(run) };
        delete moved.ticket;
        delete moved.status;
        return moved;
      });
      return onStep(stands, run);
    } catch (error) {
      otp.cancel(run, correlator);
      throw error;
    }
  };

  const next = async (
    channel: OtpChannel | undefined,
    [caller, holder, correlator]: [Caller, Holder, string],
    tell: Tell,
  ): Promise<Login> => {
    const id = holder.login?.id;
    if (id === undefined) throw new LoginError('no_login', 'No login was begun in this session.');
    return lock.hold(id, LONGEST_MS, async () => {
      await holder.refresh();
      const login = holder.login;
      if (login?.id !== id) throw ended();
      const now = await settled(login);
      if (now.run !== undefined && isThereAlready(login, now, channel)) {
        tell({ channel: now.channel });
        return noteStep(holder, login, now.run);
      }
      const target = targetOf(channel, now);
      tell({ channel: target });
      const run = await moveOn(login, target, now, caller, correlator).catch((error: unknown) =>
        remember(holder, login, error),
      );
      const moved = await keep({ holder, login }, run, correlator);
      // From here on the silent way is closed: its link makes no call any more.
      if (login.ticket !== undefined) await tickets.cancelState(login.ticket);
      return moved;
    });
  };

  return (channel, caller, holder, correlator) =>
    journal.step('next', correlator, parts.known(holder.login), (tell) =>
      next(channel, [caller, holder, correlator], tell),
    );
}

/** The channel to go on to: the one that was asked for, or the first that is left. */
function targetOf(asked: OtpChannel | undefined, { nextChannels }: Progress): OtpChannel {
  const target = asked ?? nextChannels[0];
  if (target !== undefined && nextChannels.includes(target)) return target;
  throw noMoreChannels(nextChannels);
}

const noMoreChannels = (left: readonly OtpChannel[]): LoginError =>
  new LoginError('no_more_channels', 'This login has no such channel left.', { next_channels: left });

/** The login, if it is on this step. @throws LoginError with what it came to instead */
function onStep(login: Login | undefined, run: Run): Login {
  if (login === undefined) throw ended();
  if (login.run?.requestId === run.requestId && login.run.step === run.step) return login;
  throw isOver(login) ? noMoreChannels([]) : beingMoved();
}

const ended = (): LoginError => new LoginError('no_login', 'The login ended meanwhile.');

/** How many steps of the request that is under way lead to `target`; 0 where it does not come to it. */
const stepsTo = (target: OtpChannel, run: Run | undefined): number =>
  1 + (run?.steps.slice(run.step + 1).findIndex(({ channel }) => channel === target) ?? -1);

const isSilentInChain = ({ channel, run }: Progress): boolean =>
  channel === 'silent_auth' && run !== undefined && run.steps.length > run.step + 1;

/**
 * Whether the message that is asked for went out already: the channel is the one under way, or Vonage went on to one by
 * itself, and the app, which names none, was not told so by us before. Nothing is sent twice.
 */
const isThereAlready = (login: Login, { channel }: Progress, asked: OtpChannel | undefined): boolean =>
  asked === undefined ? channel !== login.channel : asked === channel;
