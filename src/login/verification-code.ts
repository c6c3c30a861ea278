import type { CodeChannel } from '../config/login.js';
import { LoginError, type MessageFailure } from '../core/errors.js';
import type { LoginContext, StepContext } from './context.js';
import { changeLogin, isOnSameChannel, lock, type Channel, type Login, type Verification } from './login.js';
import { stepOf } from './progress.js';
import { codeTooLate, invalidCode, type CodeKind } from './verification.js';

/**
 * Checks a code that Vonage gave a device, or that the user typed.
 * @returns the channel that carried it
 * @throws LoginError `invalid_code`, `too_many_attempts`, `login_expired`, and the errors of
 * upstream
 */
export async function checkVerificationCode(
  context: LoginContext,
  attempt: { code: string; kind: CodeKind; login: Login },
  step: StepContext,
): Promise<Channel> {
  const { verifications, reports, readProgress } = context;
  const { code, login } = attempt;
  const { verification, reason, nextChannels } = await readProgress(login);
  if (verification === undefined) throw reason ? messageFailed(reason, nextChannels) : codeTooLate();
  const channel = channelOf(attempt.kind, verification);
  if (channel === undefined) throw invalidCode();
  step.annotate({ channel });
  const kind = channel === 'silent_auth' ? 'silent' : 'typed';
  await verifications.check(verification, { code, kind }, step.requestId).catch(async (error: unknown) => {
    if (error instanceof LoginError && error.upstream !== undefined)
      await storeWrongCode(context, { login, verification, kind, error }, step);
    throw error;
  });
  // A right code shows that its message was sent, even before a webhook reports it.
  await reports.countMessages(verification.id, [channel]);
  return channel;
}

/**
 * The channel of a verification that carried a code of this kind.
 *
 * Vonage may have sent a message before its webhook arrives, so a typed code during the silent step
 * belongs to the message that follows. If none follows, the code came from a device,
 * whatever its form. During the step of a message a silent code is too late, and asking Vonage
 * would use up one of the user's tries.
 * @returns undefined if the current step carries no such code
 */
function channelOf(kind: CodeKind, verification: Verification): Channel | undefined {
  const { channel } = stepOf(verification);
  if (channel !== 'silent_auth') return kind === 'typed' ? channel : undefined;
  return kind === 'silent' ? channel : (verification.steps[verification.step + 1]?.channel ?? channel);
}

/** Stores what a code that Vonage refused means for the login. */
async function storeWrongCode(
  { world }: LoginContext,
  refused: { login: Login; verification: Verification; kind: CodeKind; error: LoginError },
  { session }: StepContext,
): Promise<void> {
  const { login: seen, verification, kind, error } = refused;
  if (error.code === 'too_many_attempts') await changeLogin(session, seen, lock);
  // A silent step has one try, after which Vonage goes on to the next step by itself.
  if (error.code !== 'invalid_code' || kind !== 'silent') return;
  const moved = { ...verification, step: verification.step + 1, since: world.now() };
  await changeLogin(session, seen, (login) =>
    isOnSameChannel(login, seen) ? { ...login, verification: moved } : login,
  );
}

/** The message did not arrive, so no code can be right. */
const messageFailed = (reason: MessageFailure, nextChannels: readonly CodeChannel[]): LoginError =>
  new LoginError('login_expired', 'The message was not delivered. Continue with another channel.', {
    reason,
    next_channels: nextChannels,
  });
