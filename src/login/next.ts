import type { CodeChannel } from '../config/login.js';
import { SIM_SWAP_TIMEOUT_MS, type KnownSim } from '../config/limits.js';
import { LoginError } from '../core/errors.js';
import { lockHeld } from '../store/store.js';
import { COMMAND_TIMEOUT_MS } from '../store/options.js';
import type { LoginContext, RequestContext, StepContext } from './context.js';
import { refuseLogin } from './hooks.js';
import {
  CHANGE_TIMEOUT_MS,
  changeLogin,
  isOnSameChannel,
  isOver,
  loginEnded,
  type Login,
  type LoginSession,
  type Verification,
} from './login.js';
import { endOfStep, stepOf, verificationAt, type Progress } from './progress.js';
import { CHANNEL_CHANGE_TIMEOUT_MS, isRefused } from './verification.js';

/** How often, and how far apart, the webhook of a silent step that just failed is looked for. */
const LOOKS = 5;
const LOOK_INTERVAL_MS = 200;

/**
 * Store commands before the change itself, at most: the session (1), the index of its number (1),
 * the session without a login that was revoked (1), the report (1, and 1 for each
 * look), limits and what they give back (7), a pause that Vonage asks for in each of four calls
 * (4), the verification of the number that is under way (5), the count of each message (2), the
 * link (1).
 */
const COMMANDS = 23 + LOOKS;

/** Milliseconds that a change of channel takes at most: the sum of the timeouts in it. */
const NEXT_TIMEOUT_MS =
  LOOKS * LOOK_INTERVAL_MS +
  SIM_SWAP_TIMEOUT_MS +
  CHANNEL_CHANGE_TIMEOUT_MS +
  COMMANDS * COMMAND_TIMEOUT_MS +
  CHANGE_TIMEOUT_MS;

export interface NextInput {
  /** By default the next one that is left. */
  channel?: CodeChannel | undefined;
  /** Sends another code by the channel that the login is on. The former code is then invalid. */
  resend?: boolean | undefined;
  /** The hash of an Android app, 11 characters, that lets it read its SMS. */
  appHash?: string | undefined;
}

/**
 * Moves the login on to a channel: a new verification is started, or the chain under way is moved
 * on. Apart from a chain, only this sends messages, and only when the app asks.
 * @returns `sent`: whether this request sent a message; false if an earlier one did
 * @throws LoginError `no_login`, `no_more_channels`, `login_in_progress`, `rate_limited`,
 * `unavailable`
 */
export function createNext(context: LoginContext) {
  const { tickets, journal, lock } = context;

  const next = async (input: NextInput, step: StepContext): Promise<{ login: Login; sent: boolean }> => {
    const { session, annotate } = step;
    const id = session.login?.id;
    if (id === undefined) throw new LoginError('no_login', 'No login was begun in this session.');
    return lock.hold(id, NEXT_TIMEOUT_MS, async () => {
      await session.refresh();
      const { login } = session;
      if (login?.id !== id) throw loginEnded();
      const progress = await progressOnceSettled(context, login);
      const underWay = progress.verification ?? formerUnderWay(context, login);
      const seen = { login, progress, underWay };
      const again = channelToRepeat(context, input, seen);
      if (again === undefined && progress.verification && isAlreadyOn(input.channel, login, progress)) {
        annotate({ channel: progress.channel });
        return { login: await storeReachedStep(session, login, progress.verification), sent: false };
      }
      const target = again ?? targetOf(input.channel, progress);
      annotate({ channel: target });
      const move = { ...seen, target, isAgain: again !== undefined, appHash: input.appHash };
      const { verification, sent, knownSim } = await moveOn(context, move, step);
      const moved = await storeNewStep(context, { login, verification, knownSim }, step);
      // The link of the silent channel is void from here on.
      if (login.ticket !== undefined) await tickets.cancelState(login.ticket);
      return { login: moved, sent };
    });
  };

  return (input: NextInput, request: RequestContext) => {
    const { requestId, session } = request;
    return journal.step({ step: 'next', requestId, login: session.login }, (annotate) =>
      next(input, { ...request, annotate }),
    );
  };
}

interface SeenLogin {
  login: Login;
  progress: Progress;
  /** The verification of the login, or one that it found under way when it began. */
  underWay: Verification | undefined;
}

const formerUnderWay = ({ world }: LoginContext, { formerVerification }: Login): Verification | undefined =>
  formerVerification && verificationAt(formerVerification, world.now());

/**
 * The channel that sends another code, if the app asks for one and the login is on that channel.
 * @throws LoginError `login_in_progress` with `retry_after` until Vonage lets the former code end
 */
function channelToRepeat(
  { verifications, world }: LoginContext,
  { channel, resend }: NextInput,
  { login, progress, underWay }: SeenLogin,
): CodeChannel | undefined {
  const current = underWay ? stepOf(underWay).channel : progress.channel;
  const isCurrent = channel === undefined || channel === current;
  if (!resend || !isCurrent || current === null || current === 'silent_auth' || isOver(login))
    return undefined;
  const wait = underWay ? verifications.resendableAt(underWay) - world.now() : 0;
  if (wait <= 0) return current;
  throw new LoginError('login_in_progress', 'The last code was sent too recently.', {
    retry_after: Math.ceil(wait / 1000),
  });
}

/**
 * The progress of a login. The webhook of a silent step that just failed gets a second to arrive:
 * Vonage then moves on by itself, and asking it to move on would skip a channel.
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

interface Move extends SeenLogin {
  target: CodeChannel;
  /** Whether the login is on that channel, and its verification is replaced. */
  isAgain: boolean;
  appHash: string | undefined;
}

/** Moves on to `target`. @returns the verification, which is at the step of `target` */
async function moveOn(
  context: LoginContext,
  move: Move,
  step: StepContext,
): Promise<{ verification: Verification; sent: boolean; knownSim: KnownSim | undefined }> {
  const { caller, requestId } = step;
  const { verifications, limits } = context;
  const { login, target, progress, underWay, isAgain, appHash } = move;
  await limits.ready('verify');
  if (progress.verification !== undefined && leadsTo(target, progress.verification)) {
    // All messages of a chain were counted before it began. It skips no step: a user who asks for a
    // call at once gets the SMS as well.
    let verification = progress.verification;
    while (stepOf(verification).channel !== target)
      verification = await verifications.advance(verification, login, requestId);
    return { verification, sent: true, knownSim: login.knownSim };
  }
  const channels = channelsFrom(context, move);
  const isOnTarget = underWay !== undefined && stepOf(underWay).channel === target;
  const resumes = isOnTarget && !isAgain ? underWay : undefined;
  const giveBack = await limits.send(caller, login.phoneNumber, channels.length);
  // After the limits, so that they bound these questions too: each costs money.
  const knownSim = await requireSim(context, login, step).catch(async (error: unknown) => {
    await giveBack();
    throw error;
  });
  const start = { login, channels, resumes, claimant: login.id, appHash };
  const verification = await verifications
    .start(start, { caller, requestId })
    .catch(async (error: unknown) => {
      if (isRefused(error)) await giveBack();
      // The client asks again, and the answer about the SIM was paid for.
      if (knownSim !== undefined && knownSim !== login.knownSim)
        await changeLogin(step.session, login, (now) => ({ ...now, knownSim }));
      throw error;
    });
  const sent = verification.id !== resumes?.id;
  if (!sent) await giveBack();
  return { verification, sent, knownSim };
}

/**
 * Asks about the SIM before a message is paid for. If one channel is not enough, a message helps
 * only after silent authentication.
 * @throws LoginError `login_refused`
 */
async function requireSim(
  { checkSim }: LoginContext,
  login: Login,
  step: StepContext,
): Promise<KnownSim | undefined> {
  if (checkSim === undefined) return undefined;
  const { knownSim, answer } = await checkSim(login, step);
  if (answer === 'allow' || (answer === 'stepUp' && login.proved !== undefined)) return knownSim;
  return refuseLogin(login, step.session);
}

/** The channels of a new verification: `target`, and in a chain those that are left after it. */
function channelsFrom({ maxSteps, fallbacks }: LoginContext, { target, progress }: Move): CodeChannel[] {
  const left = fallbacks.slice(fallbacks.indexOf(target) + 1);
  const behind = left.filter((each) => progress.nextChannels.includes(each));
  return [target, ...behind].slice(0, maxSteps);
}

const leadsTo = (target: CodeChannel, { steps, step }: Verification): boolean =>
  steps.slice(step + 1).some(({ channel }) => channel === target);

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
  {
    login: seen,
    verification,
    knownSim,
  }: { login: Login; verification: Verification; knownSim: KnownSim | undefined },
  { session, requestId }: RequestContext,
): Promise<Login> {
  try {
    const stored = await changeLogin(session, seen, (login) => {
      const channel = stepOf(verification).channel;
      const moved: Login = { ...login, channel, verification, expiresAt: endOfStep(verification) };
      if (knownSim !== undefined) moved.knownSim = knownSim;
      delete moved.ticket;
      delete moved.status;
      delete moved.formerVerification;
      return moved;
    });
    return requireStep(stored, verification);
  } catch (error) {
    verifications.cancel(verification, requestId);
    throw error;
  }
}

/**
 * The login, if it is on the step of `verification`.
 * @throws LoginError that says why it is not
 */
function requireStep(login: Login | undefined, { id, step }: Verification): Login {
  if (login === undefined) throw loginEnded();
  if (login.verification?.id === id && login.verification.step === step) return login;
  throw isOver(login) ? noMoreChannels([]) : lockHeld();
}

const noMoreChannels = (left: readonly CodeChannel[]): LoginError =>
  new LoginError('no_more_channels', 'This channel is not available for this login.', {
    next_channels: left,
  });
