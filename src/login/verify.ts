import { createHash, timingSafeEqual } from 'node:crypto';
import type { CodeChannel } from '../config/login.js';
import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { SimDecision } from '../limits/sim-swap.js';
import { ignoreHeldLock } from '../store/store.js';
import type { LoginContext, RequestContext, StepContext } from './context.js';
import { refuseLogin } from './hooks.js';
import {
  CHANGE_TIMEOUT_MS,
  LOGIN_TTL_SECONDS,
  changeLogin,
  isOnSameChannel,
  isOver,
  lock,
  provedBy,
  type Channel,
  type Login,
} from './login.js';
import { codeChannelsOf } from './progress.js';
import { invalidCode, tooManyAttempts, type CodeKind } from './verification.js';
import { checkVerificationCode } from './verification-code.js';

/** A code that came back to the session that began the login. */
interface Attempt {
  code: string;
  kind: CodeKind;
  /** The PKCE verifier. */
  codeVerifier: string | undefined;
  /** The login as the session held it when the code came. */
  login: Login;
}

export type VerifyResult = (
  | { verified: true; phoneNumber: PhoneNumber; channel: Channel }
  | { verified: false; reason: 'number_mismatch'; nextChannels: readonly CodeChannel[] }
) & {
  /** Milliseconds that `/callback` took, for a code that came from there. */
  callbackMs?: number;
};

/**
 * The codes of devices: 43 characters of base64url by us, letters and digits by Vonage. Digits with
 * punctuation are not accepted: a server that ignores the punctuation would read a typed code.
 */
const SILENT_CODE = /^(?:[0-9]{4,200}|(?=.*[A-Za-z])[A-Za-z0-9._~-]{4,200})$/;

/** A code of `/callback`: 256 random bits. */
const CALLBACK_CODE = /^[\w-]{43}$/;

/**
 * The kind of a code. Its form alone decides: no clock and no webhook turns the code of a device
 * into a typed one, or a typed one into the code of a device.
 */
function kindOf(code: string, codeLength: number): CodeKind | undefined {
  if (code.length === codeLength && /^[0-9]+$/.test(code)) return 'typed';
  return SILENT_CODE.test(code) ? 'silent' : undefined;
}

/**
 * PKCE with S256 (RFC 7636 section 4.6). A verifier without a challenge is refused, as OAuth 2.1
 * does.
 */
function answersChallenge(verifier: string | undefined, { codeChallenge }: Login): boolean {
  if (codeChallenge === undefined || verifier === undefined) return codeChallenge === verifier;
  const answer = createHash('sha256').update(verifier).digest();
  return timingSafeEqual(answer, Buffer.from(codeChallenge, 'base64url'));
}

/**
 * Step 5: proves the login of this session with a code: one that `/callback` gave the device, one
 * that Vonage gave the device, or one that the user typed. The first try spends a code of ours;
 * tries of Vonage's codes are counted.
 * @throws LoginError `invalid_code`, `too_many_attempts`, `login_expired`, `silent_auth_failed`,
 * `login_refused`, `step_up_required`, and the errors of upstream
 */
export function createVerify(context: LoginContext) {
  const { engine, journal, verifications } = context;
  return (
    { code, codeVerifier }: { code: string; codeVerifier: string | undefined },
    request: RequestContext,
  ): Promise<VerifyResult> => {
    const { requestId, session } = request;
    return journal.step({ step: 'verify', requestId, login: session.login }, async (annotate) => {
      const { login } = session;
      const kind = kindOf(code, verifications.codeLength);
      if (login === undefined || isOver(login) || kind === undefined) throw invalidCode();
      const attempt = { code, kind, codeVerifier, login };
      const step = { ...request, annotate };
      const isOurs = engine.redirect !== undefined && CALLBACK_CODE.test(code);
      // Once the login has moved on to a message, it has no ticket, and a silent code is rejected
      // without using up a try.
      if (isOurs && login.ticket !== undefined) return verifyCallbackCode(context, attempt, step);
      if (!isOurs && login.verification !== undefined && answersChallenge(codeVerifier, login)) {
        const channel = await checkVerificationCode(context, attempt, step);
        return signIn(context, { login, channel }, step);
      }
      throw invalidCode();
    });
  };
}

/** Asks the operator whether the SIM that opened the link has the number of the login. */
async function verifyCallbackCode(
  context: LoginContext,
  attempt: Attempt,
  step: StepContext,
): Promise<VerifyResult> {
  const { engine, tickets, readProgress } = context;
  const { code, codeVerifier, login } = attempt;
  step.annotate({ channel: 'silent_auth' });
  const ticket = await tickets.take('code', code);
  const isBound = ticket?.loginId === login.id && ticket.phoneNumber === login.phoneNumber;
  if (!isBound || !answersChallenge(codeVerifier, login) || engine.redirect === undefined)
    throw await countWrongCode(context, attempt, step);
  const { accessToken, phoneNumber, callbackMs } = ticket;
  const verified = await engine.redirect
    .verify(accessToken, phoneNumber, step.requestId)
    .catch(async (error: unknown) => {
      await markFailed(context, login, step);
      throw error instanceof LoginError ? await withNextChannels(context, login, error) : error;
    });
  if (verified) return { ...(await signIn(context, { login, channel: 'silent_auth' }, step)), callbackMs };
  step.annotate({ outcome: 'number_mismatch' });
  await markFailed(context, login, step);
  const { nextChannels } = await readProgress(login);
  return { verified, reason: 'number_mismatch', nextChannels, callbackMs };
}

/**
 * Wrong codes of `/callback` that lock a login. They cannot be guessed; this limits the work they
 * cause.
 */
const MAX_WRONG_CODES = 100;

async function countWrongCode(
  { store }: LoginContext,
  { login }: Attempt,
  { session }: StepContext,
): Promise<LoginError> {
  const count = await store.increment(`limit:code:${login.id}`, LOGIN_TTL_SECONDS);
  if (count < MAX_WRONG_CODES) return invalidCode();
  await changeLogin(session, login, lock);
  return tooManyAttempts();
}

/** Stores that the silent channel failed, unless another request is moving the login on. */
async function markFailed(
  { lock: loginLock }: LoginContext,
  seen: Login,
  { session }: StepContext,
): Promise<void> {
  const change = () =>
    changeLogin(session, seen, (login) =>
      isOnSameChannel(login, seen) ? { ...login, status: 'failed' } : login,
    );
  await loginLock.hold(seen.id, CHANGE_TIMEOUT_MS, change).catch(ignoreHeldLock);
}

async function withNextChannels(
  { readProgress }: LoginContext,
  login: Login,
  { code, detail, fields, upstream, cause }: LoginError,
): Promise<LoginError> {
  const { nextChannels } = await readProgress(login);
  const left = nextChannels.length > 0 && { next_channels: nextChannels };
  return new LoginError(code, detail, { ...fields, ...left, upstream, cause });
}

/** With `SIM_SWAP_HOURS`, what is known of the SIM. */
type SimFields = Partial<Omit<SimDecision, 'answer'>>;

/** A login whose number `channel` has just proved. */
type ProvedLogin = SimFields & { login: Login; channel: Channel };

/**
 * Gives the session its user, if the SIM and the hook `beforeSession` allow it.
 * @throws LoginError `login_refused`, `step_up_required`, `unavailable`; `login_expired` if the
 * login was cancelled or replaced meanwhile
 */
async function signIn(
  context: LoginContext,
  { login, channel }: ProvedLogin,
  step: StepContext,
): Promise<VerifyResult> {
  const { rules, limits, world } = context;
  const sim = await requireSim(context, { login, channel }, step);
  if (rules.beforeSession !== undefined) await askHook(context, { login, channel, ...sim }, step);
  const { phoneNumber } = login;
  const channels = provedBy(login, channel);
  const simSwap = sim.simSwap && { simSwap: sim.simSwap };
  const user = { phoneNumber, channel, channels, authenticatedAt: world.now(), ...simSwap };
  const { sessionId, ended } = await step.session.signIn(user, completed(login, channel));
  const about = { phoneNumber, requestId: step.requestId };
  const reauthenticated = login.reauthenticates === true;
  rules.notify?.({ type: 'login', ...about, loginId: login.id, sessionId, channels, reauthenticated });
  if (ended.length > 0) rules.notify?.({ type: 'session_revoked', ...about, sessionIds: ended, by: 'limit' });
  if (login.verification?.steps.some((each) => each.channel !== 'silent_auth'))
    await limits.verified(step.caller, phoneNumber);
  return { verified: true, phoneNumber, channel };
}

/** A completed login keeps only what `GET /login` shows. */
const completed = ({ id, phoneNumber, client, expiresAt }: Login, channel: Channel): Login => ({
  id,
  phoneNumber,
  client,
  channel,
  status: 'completed',
  expiresAt,
});

/**
 * Asks the hook `beforeSession`, once the number is proved and the code spent.
 * @throws LoginError `login_refused`, `step_up_required`, `unavailable`; `login_expired` if the
 * login ended before it could step up
 */
async function askHook(context: LoginContext, proved: ProvedLogin, step: StepContext): Promise<void> {
  const { login, channel, simSwap } = proved;
  const { id: loginId, phoneNumber } = login;
  const { session, requestId } = step;
  const channels = Object.freeze(provedBy(login, channel));
  const answer = await context.rules
    .beforeSession?.({ loginId, phoneNumber, channel, channels, ...(simSwap && { simSwap }), requestId })
    .catch(async (error: unknown) => {
      await changeLogin(session, login, lock);
      throw error;
    });
  if (answer === 'allow') return;
  if (answer === 'stepUp') await stepUp(context, proved, step);
  await refuseLogin(login, session);
}

/**
 * Moves the login on to a typed code, if its SIM alone proved the number and such a code is
 * possible. A message that it has moved on to meanwhile stays under way, and the hook decides again
 * when its code comes.
 * @throws LoginError `step_up_required`; `login_expired` if the login ended meanwhile
 */
async function stepUp(
  { readProgress, fallbacks }: LoginContext,
  { login: seen, channel, knownSim }: ProvedLogin,
  { session }: StepContext,
): Promise<void> {
  if (channel !== 'silent_auth' || codeChannelsOf(seen.phoneNumber, fallbacks).length === 0) return;
  const moved = await changeLogin(session, seen, (login) => ({
    ...(isOnSameChannel(login, seen) ? withoutSilentChannel(login) : login),
    ...(knownSim && { knownSim }),
    proved: provedBy(login, channel),
  }));
  if (moved === undefined) throw new LoginError('login_expired', 'The login ended during the request.');
  const { nextChannels } = await readProgress(moved);
  const fields = { next_channels: nextChannels };
  throw new LoginError('step_up_required', 'The SIM was confirmed; a code is required as well.', fields);
}

/**
 * Asks about the SIM, once the number is proved and before the session has a user.
 * @returns what is known of it, if anything was asked
 * @throws LoginError `login_refused`, `step_up_required`; `login_expired` as `stepUp`
 */
async function requireSim(
  context: LoginContext,
  { login, channel }: ProvedLogin,
  step: StepContext,
): Promise<SimFields> {
  if (context.checkSim === undefined) return {};
  const { answer, ...sim } = await context.checkSim(login, step);
  if (answer === 'allow') return sim;
  if (answer === 'stepUp') {
    if (provedBy(login, channel).length > 1) return sim;
    await stepUp(context, { login, channel, ...sim }, step);
  }
  return refuseLogin(login, step.session);
}

/**
 * The login as if silent authentication had been impossible. A verification that its silent step
 * completed is over, whatever its later steps: a code needs a new one.
 */
function withoutSilentChannel(login: Login): Login {
  const left: Login = { ...login, channel: null };
  delete left.verification;
  delete left.status;
  return left;
}
