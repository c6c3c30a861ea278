import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { World } from '../core/world.js';
import type { Limits } from '../limits/limits.js';
import type { Store } from '../store/store.js';
import { ConcurrentVerification, NotCompared, UnusableStart } from '../vonage/errors.js';
import {
  MAX_STEPS,
  NEXT_TIMEOUT_MS,
  SILENT_STEP_SECONDS,
  START_TIMEOUT_MS,
  type VerifyApi,
  type WorkflowStep,
} from '../vonage/verify.js';
import type { Channel, Client, Verification } from './login.js';
import { stepOf, type Reports } from './progress.js';

/**
 * Digits of a code. Six hold the 20 bits that OWASP ASVS 6.5.4 asks for; Vonage's default of four
 * does not.
 */
export const CODE_LENGTH = 6;

/**
 * Seconds that a code by SMS or voice is valid, and after which Vonage goes on to the next step.
 */
const CODE_TTL_SECONDS = 300;

/**
 * Seconds after its start from which Vonage lets a verification be cancelled (Verify v2 reference,
 * "Cancel").
 */
const CANCELLABLE_AFTER_SECONDS = 30;

/**
 * Seconds before the end of its first code at which an unfinished verification is cancelled, before
 * Vonage calls.
 */
const CANCEL_MARGIN_SECONDS = 15;

/** Milliseconds that calls to Vonage take to change the channel: one start, or every next step. */
export const CHANNEL_CHANGE_TIMEOUT_MS = Math.max(START_TIMEOUT_MS, (MAX_STEPS - 1) * NEXT_TIMEOUT_MS);

/**
 * How a code reached the client: a device got it from the redirects, or the user got it in a
 * message.
 */
export type CodeKind = 'silent' | 'typed';

/**
 * Tries of a code for one verification. Vonage counts as well. A silent code comes from a device,
 * which has no reason to be wrong (Verify v2 reference, "Check").
 */
const TRIES = { silent: 1, typed: 3 } as const satisfies Record<CodeKind, number>;

/**
 * Codes that Vonage may refuse to compare, for one verification, before each of them counts as a
 * try.
 */
const UNCOMPARED_TRIES = 10;

/** Longer than any verification lives. */
const TRIES_TTL_SECONDS = 900;

export interface VerificationStart {
  loginId: string;
  phoneNumber: PhoneNumber;
  channels: readonly Channel[];
  client: Client;
  formerVerification: Verification | undefined;
  requestId: string;
}

/**
 * A verification was started that this login cannot use. It is being cancelled, and under way until
 * then.
 */
export class AbandonedVerification extends LoginError {
  constructor(
    readonly verification: Verification,
    { code, detail, fields, upstream }: LoginError,
  ) {
    super(code, detail, { ...fields, upstream });
  }
}

/** The Verify v2 verifications of logins. */
export interface Verifications {
  /**
   * Starts a verification that goes through `channels`. If one of the same number is under way and
   * belongs to this session, it goes on instead, whatever its channels. If Vonage gives no link for
   * the silent step, it has skipped that step, and so does the verification.
   * @throws LoginError `login_in_progress` with `retry_after` if another session's is under way
   * @throws AbandonedVerification if it was started in vain
   */
  start(start: VerificationStart): Promise<Verification>;
  /**
   * Resolves if the code is right. Counts the try before it asks Vonage.
   * @throws LoginError `invalid_code` or `too_many_attempts`, with `upstream` if Vonage compared
   * the code; `login_expired` for a second silent code
   */
  check(verification: Verification, code: { code: string; kind: CodeKind }, requestId: string): Promise<void>;
  /** Goes on to the next step. */
  advance(verification: Verification, requestId: string): Promise<Verification>;
  /** Cancels the verification as soon as Vonage lets it be cancelled. Never fails. */
  cancel(verification: Verification, requestId: string): void;
  /** Milliseconds since the epoch from which Vonage accepts a cancellation. */
  cancellableAt(verification: Verification): number;
}

export interface VerificationDeps {
  verify: VerifyApi;
  store: Store;
  limits: Pick<Limits, 'ready'>;
  world: World;
  reports: Pick<Reports, 'countMessages'>;
  brand: string;
  templateId: string | undefined;
  coverageCheck: boolean;
  /** Where Vonage sends a browser at the end of the silent step. */
  redirectUrl: string;
}

export function createVerifications(deps: VerificationDeps): Verifications {
  const { verify, world, reports } = deps;

  const cancelAfter = (seconds: number, { id }: Verification, requestId: string): void =>
    world.later(Math.max(0, seconds), () => {
      verify.cancel(id, requestId).catch(() => {
        const fields = { request_id: requestId };
        world.log.debug(fields, 'a verification that was to be cancelled had ended or gone on');
      });
    });

  const cancel: Verifications['cancel'] = (verification, requestId) => {
    const age = (world.now() - verification.startedAt) / 1000;
    cancelAfter(CANCELLABLE_AFTER_SECONDS - age, verification, requestId);
  };

  const abandon = (verification: Verification, error: LoginError, requestId: string) => {
    cancel(verification, requestId);
    return new AbandonedVerification({ ...verification, cancelled: true }, error);
  };

  return {
    async start(start) {
      const { channels, requestId } = start;
      const begun = await verify.start(requestOf(start, deps), requestId).catch((error: unknown) => {
        if (error instanceof UnusableStart)
          throw abandon(newVerification(error.verificationId, channels, world.now()), error, requestId);
        return resume(error, start.formerVerification, world.now());
      });
      if ('steps' in begun) return begun;
      const verification = newVerification(begun.verificationId, channels, world.now());
      if (begun.checkUrl !== undefined) verification.checkUrl = begun.checkUrl;
      const isSilent = channels[0] === 'silent_auth';
      // With a coverage check, Vonage gives no link where it does not cover the network.
      if (isSilent && deps.coverageCheck && begun.checkUrl === undefined) verification.step = 1;
      if (verification.step >= channels.length) throw abandon(verification, notCovered(), requestId);
      await reports.countMessages(verification.id, [stepOf(verification).channel]);
      // Vonage goes on to voice by itself, which the app has not asked for, so the verification is
      // cancelled before. A process that dies meanwhile does not cancel it.
      if (isSilent || channels.length === 1) return verification;
      const seconds = CODE_TTL_SECONDS - CANCEL_MARGIN_SECONDS;
      cancelAfter(seconds, verification, requestId);
      return { ...verification, stopsAt: verification.startedAt + seconds * 1000 };
    },

    async check({ id }, { code, kind }, requestId) {
      // A try that Vonage is not asked about must not count.
      await deps.limits.ready('verify');
      const key = `limit:otp:${id}:${kind}`;
      const tries = await deps.store.increment(key, TRIES_TTL_SECONDS);
      if (tries > TRIES[kind]) throw kind === 'typed' ? tooManyAttempts() : codeTooLate();
      await verify.check(id, code, requestId).catch(async (error: unknown) => {
        if (error instanceof NotCompared) {
          await giveBackTry(deps.store, key, tries);
          throw invalidCode();
        }
        const isLastTry = kind === 'typed' && tries >= TRIES.typed;
        if (!(error instanceof LoginError && error.code === 'invalid_code' && isLastTry)) throw error;
        throw tooManyAttempts(error);
      });
    },

    async advance(verification, requestId) {
      await verify.next(verification.id, requestId);
      const moved = { ...verification, step: verification.step + 1, since: world.now() };
      await reports.countMessages(moved.id, [stepOf(moved).channel]);
      delete moved.stopsAt;
      return moved;
    },

    cancel,
    cancellableAt: ({ startedAt }) => startedAt + CANCELLABLE_AFTER_SECONDS * 1000,
  };
}

/** The request that starts a verification. */
function requestOf({ loginId, phoneNumber, channels, client }: VerificationStart, deps: VerificationDeps) {
  const { brand, templateId, coverageCheck, redirectUrl } = deps;
  const workflow = channels.map((channel): WorkflowStep => {
    if (channel !== 'silent_auth') return { channel };
    return { channel, coverageCheck, ...(client === 'browser' && { redirectUrl }) };
  });
  return {
    phoneNumber,
    workflow,
    brand,
    channelTimeout: CODE_TTL_SECONDS,
    clientRef: loginId,
    codeLength: CODE_LENGTH,
    // Templates are for SMS alone (Verify v2 reference, `template_id`).
    ...(templateId !== undefined && channels.includes('sms') && { templateId }),
  };
}

/**
 * A verification whose start was just answered. Its clock starts with the answer, not with the
 * call, so that no step ends here before it ends at Vonage.
 */
function newVerification(id: string, channels: readonly Channel[], now: number): Verification {
  const steps = channels.map((channel) => ({
    channel,
    seconds: channel === 'silent_auth' ? SILENT_STEP_SECONDS : CODE_TTL_SECONDS,
  }));
  return { id, steps, step: 0, since: now, startedAt: now };
}

/** Goes on with the verification that is under way, if it belongs to this session. */
function resume(error: unknown, former: Verification | undefined, now: number): Verification {
  if (!(error instanceof ConcurrentVerification)) throw error;
  const isOurs = former !== undefined && former.id === error.verificationId;
  if (isOurs && former.cancelled === undefined) return former;
  const seconds = isOurs
    ? Math.max(1, CANCELLABLE_AFTER_SECONDS + Math.ceil((former.startedAt - now) / 1000))
    : CODE_TTL_SECONDS;
  throw new LoginError(error.code, error.detail, { retry_after: seconds, upstream: error.upstream });
}

/**
 * Gives back a try of which Vonage compared no code. The number of calls to Vonage stays bounded.
 */
async function giveBackTry(store: Store, key: string, tries: number): Promise<void> {
  if ((await store.increment(`${key}:uncompared`, TRIES_TTL_SECONDS)) > UNCOMPARED_TRIES) return;
  await store.replace(key, { from: String(tries), to: String(tries - 1) }, TRIES_TTL_SECONDS);
}

const notCovered = (): LoginError =>
  new LoginError('silent_auth_failed', 'Silent authentication is not possible for this number.', {
    reason: 'number_not_supported',
  });

/** The same answer for a wrong, used, foreign and unknown code, so that it gives nothing away. */
export const invalidCode = (): LoginError =>
  new LoginError('invalid_code', 'The code is wrong, already used, or of another login.');

/** The session is known to hold the login, so the answer may say more than {@link invalidCode}. */
export const tooManyAttempts = ({ upstream }: Partial<Pick<LoginError, 'upstream'>> = {}): LoginError =>
  new LoginError('too_many_attempts', 'Too many wrong codes. Begin a new login.', { upstream });

/** See {@link tooManyAttempts}. */
export const codeTooLate = (): LoginError =>
  new LoginError('login_expired', 'The code is too old. Continue with another channel.');
