import { LoginError } from '../core/errors.js';
import { lockHeld } from '../store/lock.js';
import { COMMAND_TIMEOUT_MS } from '../store/options.js';
import type { LoginContext, RequestContext, StepContext } from './context.js';
import {
  CHANGE_TIMEOUT_MS,
  changeLogin,
  isOnSameChannel,
  isOver,
  loginEnded,
  type CodeChannel,
  type Login,
  type LoginSession,
  type Verification,
} from './login.js';
import { endOfStep, stepOf, type Progress } from './progress.js';
import { AbandonedVerification, CHANNEL_CHANGE_TIMEOUT_MS } from './verification.js';

/** How often, and how far apart, the webhook of a silent step that just failed is looked for. */
const LOOKS = 5;
const LOOK_INTERVAL_MS = 200;

/**
 * Store commands before the change itself, at most: the session (1), the report (1, and 1 for each
 * look), limits (4), a pause that Vonage asks for in each of two calls (2), the count of each
 * message (2), the link (1).
 */
const COMMANDS = 11 + LOOKS;

/** Milliseconds that a change of channel takes at most: the sum of the timeouts in it. */
const NEXT_TIMEOUT_MS =
  LOOKS * LOOK_INTERVAL_MS + CHANNEL_CHANGE_TIMEOUT_MS + COMMANDS * COMMAND_TIMEOUT_MS + CHANGE_TIMEOUT_MS;

/**
 * Moves the login on to `channel`, or to the next one that is left: the verification under way is
 * moved on, or a new one is started. Apart from a chain of the `verify` engine, only this sends
 * messages, and only when the app asks.
 * @throws LoginError `no_login`, `no_more_channels`, `login_in_progress`, `rate_limited`,
 * `unavailable`
 */
export type NextChannel = (channel: CodeChannel | undefined, request: RequestContext) => Promise<Login>;

export function createNext(context: LoginContext): NextChannel {
  const { tickets, journal, lock } = context;

  const next = async (channel: CodeChannel | undefined, step: StepContext): Promise<Login> => {
    const { session, annotate } = step;
    const id = session.login?.id;
    if (id === undefined) throw new LoginError('no_login', 'No login was begun in this session.');
    return lock.hold(id, NEXT_TIMEOUT_MS, async () => {
      await session.refresh();
      const { login } = session;
      if (login?.id !== id) throw loginEnded();
      const progress = await progressOnceSettled(context, login);
      if (progress.verification !== undefined && isAlreadyOn(channel, login, progress)) {
        annotate({ channel: progress.channel });
        return storeReachedStep(session, login, progress.verification);
      }
      const target = targetOf(channel, progress);
      annotate({ channel: target });
      const verification = await moveOn(context, { login, target, progress }, step).catch(
        async (error: unknown) => {
          await storeAbandoned(session, login, error);
          throw error;
        },
      );
      const moved = await storeNewStep(context, { login, verification }, step);
      // The link of the silent channel is void from here on.
      if (login.ticket !== undefined) await tickets.cancelState(login.ticket);
      return moved;
    });
  };

  return (channel, request) => {
    const { requestId, session } = request;
    return journal.step({ step: 'next', requestId, login: session.login }, (annotate) =>
      next(channel, { ...request, annotate }),
    );
  };
}

/**
 * The progress of a login. The webhook of a silent step that just failed gets a second to arrive:
 * Vonage has moved on by itself then, and asking it to move on would skip a channel.
 */
async function progressOnceSettled({ readProgress, world }: LoginContext, login: Login): Promise<Progress> {
  let progress = await readProgress(login);
  for (let looks = 0; looks < LOOKS && isSilentStepOfChain(progress); looks++) {
    await world.pause(LOOK_INTERVAL_MS);
    progress = await readProgress(login);
  }
  return progress;
}

const isSilentStepOfChain = ({ channel, verification }: Progress): boolean =>
  channel === 'silent_auth' &&
  verification !== undefined &&
  verification.steps.length > verification.step + 1;

/** Moves on to `target`. @returns the verification, which is at the step of `target` */
async function moveOn(
  { verifications, limits, fallbacks }: LoginContext,
  { login, target, progress }: { login: Login; target: CodeChannel; progress: Progress },
  { caller, requestId }: RequestContext,
): Promise<Verification> {
  const { id: loginId, phoneNumber, client } = login;
  const underWay = progress.verification;
  const steps = stepsTo(target, underWay);
  await limits.ready('verify');
  // All messages of a chain were counted before its silent step began.
  const isCounted = underWay?.steps[0]?.channel === 'silent_auth';
  const messages = steps === 0 ? 1 : isCounted ? 0 : steps;
  if (messages > 0) await limits.send(caller, phoneNumber, messages);
  if (underWay !== undefined && steps > 0) {
    // A chain skips no step: a user who asks for a call at once gets the SMS as well.
    let moved = underWay;
    while (stepOf(moved).channel !== target) moved = await verifications.advance(moved, requestId);
    return moved;
  }
  const channels = fallbacks
    .slice(fallbacks.indexOf(target))
    .filter((each) => progress.nextChannels.includes(each));
  // Verify allows one verification per number: one that does not lead to `target` has to end first.
  if (underWay !== undefined) verifications.cancel(underWay, requestId);
  const formerVerification = underWay ? { ...underWay, cancelled: true as const } : login.formerVerification;
  return verifications.start({ loginId, phoneNumber, channels, client, formerVerification, requestId });
}

/** How many steps of the verification lead to `target`; 0 if it does not lead there. */
const stepsTo = (target: CodeChannel, verification: Verification | undefined): number =>
  1 + (verification?.steps.slice(verification.step + 1).findIndex(({ channel }) => channel === target) ?? -1);

/** The channel that was asked for, or the first that is left. */
function targetOf(asked: CodeChannel | undefined, { nextChannels }: Progress): CodeChannel {
  const target = asked ?? nextChannels[0];
  if (target !== undefined && nextChannels.includes(target)) return target;
  throw noMoreChannels(nextChannels);
}

/**
 * Whether the message was sent already: the login is on the channel that was asked for, or, if none
 * was named, Vonage has moved on to one that the app does not know of yet. Nothing is sent twice.
 */
const isAlreadyOn = (asked: CodeChannel | undefined, login: Login, { channel }: Progress): boolean =>
  asked === undefined ? channel !== login.channel : asked === channel;

/**
 * Stores that Vonage has moved on by itself, unless another request has changed the login
 * meanwhile.
 */
async function storeReachedStep(
  session: LoginSession,
  seen: Login,
  verification: Verification,
): Promise<Login> {
  const stored = await changeLogin(session, seen, (login) =>
    isOnSameChannel(login, seen) ? { ...login, channel: stepOf(verification).channel, verification } : login,
  );
  return requireStep(stored, verification);
}

/**
 * Stores the step that was just begun, and keeps the changes of other requests. If the login has
 * ended meanwhile, the verification is cancelled.
 */
async function storeNewStep(
  { verifications }: LoginContext,
  { login: seen, verification }: { login: Login; verification: Verification },
  { session, requestId }: RequestContext,
): Promise<Login> {
  try {
    const stored = await changeLogin(session, seen, (login) => {
      const channel = stepOf(verification).channel;
      const moved: Login = { ...login, channel, verification, expiresAt: endOfStep(verification) };
      delete moved.ticket;
      delete moved.status;
      return moved;
    });
    return requireStep(stored, verification);
  } catch (error) {
    verifications.cancel(verification, requestId);
    throw error;
  }
}

/**
 * Stores a verification that was started in vain: Vonage refuses the next one of this number until
 * it ends.
 */
async function storeAbandoned(session: LoginSession, seen: Login, error: unknown): Promise<void> {
  if (!(error instanceof AbandonedVerification)) return;
  const { verification: formerVerification } = error;
  await session
    .change((login) => (login.id === seen.id ? { ...login, formerVerification } : login))
    .catch(() => undefined);
}

/**
 * The login, if it is on the step of `verification`.
 * @throws LoginError for what it came to instead
 */
function requireStep(login: Login | undefined, { id, step }: Verification): Login {
  if (login === undefined) throw loginEnded();
  if (login.verification?.id === id && login.verification.step === step) return login;
  throw isOver(login) ? noMoreChannels([]) : lockHeld();
}

const noMoreChannels = (left: readonly CodeChannel[]): LoginError =>
  new LoginError('no_more_channels', 'This channel is not left for the login.', { next_channels: left });
