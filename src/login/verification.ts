import { MAX_CHAIN_STEPS, type VerifySettings } from '../config/login.js';
import { LoginError } from '../core/errors.js';
import type { World } from '../core/world.js';
import type { Limits } from '../limits/counters.js';
import type { Caller } from '../limits/limits.js';
import type { Store } from '../store/store.js';
import {
  ConcurrentVerification,
  INVALID_CODE,
  NotCompared,
  TOO_MANY,
  UNSUPPORTED,
  UnusableStart,
} from '../vonage/errors.js';
import { languageFor } from '../vonage/languages.js';
import { NEXT_TIMEOUT_MS, SILENT_STEP_SECONDS, START_TIMEOUT_MS, type VerifyApi } from '../vonage/verify.js';
import { CANCELLABLE_AFTER_SECONDS, type LiveVerifications } from './live-verifications.js';
import type { Channel, Login, Verification } from './login.js';
import { endOfLastStep, stepOf, triesKey, type Reports } from './progress.js';

/**
 * Milliseconds that a change of channel waits for Vonage at most: for a start, the cancellation of
 * the verification that prevents it, and another start; or for each next step of a chain.
 */
export const CHANNEL_CHANGE_TIMEOUT_MS = Math.max(
  2 * START_TIMEOUT_MS + NEXT_TIMEOUT_MS,
  (MAX_CHAIN_STEPS - 1) * NEXT_TIMEOUT_MS,
);

/**
 * How a code reached the client: a device got it from the redirects, or the user got it in a
 * message.
 */
export type CodeKind = 'silent' | 'typed';

interface Code {
  code: string;
  kind: CodeKind;
}

/**
 * Tries of a code for one verification, which Vonage counts as well. A silent code has one, because
 * a device makes no typing errors (Verify v2 reference, "Check").
 */
const TRIES = { silent: 1, typed: 3 } as const satisfies Record<CodeKind, number>;

/**
 * Codes that Vonage may refuse to compare, for one verification, before each of them counts as a
 * try.
 */
const UNCOMPARED_TRIES = 10;

/** Longer than any verification lives: three steps of at most 900 seconds. */
const TRIES_TTL_SECONDS = 3600;

export interface VerificationStart {
  login: Pick<Login, 'id' | 'phoneNumber' | 'client' | 'locale'>;
  channels: readonly Channel[];
  /**
   * A verification of this number that the session has under way, and that is returned instead of a
   * new one if Vonage still runs it.
   */
  resumes: Verification | undefined;
  /** The id of the login that the session holds when it asks again after a refusal. */
  claimant: string;
  /** The hash of an Android app, 11 characters, that lets it read its SMS. */
  appHash?: string | undefined;
}

interface StartRequest {
  caller: Pick<Caller, 'address'>;
  requestId: string;
}

export interface VerificationDeps extends VerifySettings {
  verify: VerifyApi;
  store: Store;
  limits: Pick<Limits, 'ready'>;
  live: LiveVerifications;
  world: World;
  reports: Pick<Reports, 'countMessages' | 'cancelling' | 'end'>;
  /** Where Vonage sends a browser at the end of the silent step. */
  redirectUrl: string;
}

export type Verifications = ReturnType<typeof createVerifications>;

/** The Verify v2 verifications of logins. */
export function createVerifications(deps: VerificationDeps) {
  const { verify, world, reports, live } = deps;

  /** Cancels the verification as soon as Vonage lets it be cancelled. Never fails. */
  const cancel = ({ id, startedAt }: Verification, requestId: string): void => {
    const seconds = CANCELLABLE_AFTER_SECONDS - (world.now() - startedAt) / 1000;
    const cancelNow = async (): Promise<void> => {
      await reports.cancelling(id);
      await verify.cancel(id, requestId);
    };
    world.later(Math.max(0, seconds), () => {
      cancelNow().catch(() => {
        const fields = { request_id: requestId };
        world.log.debug(fields, 'a verification could not be cancelled: it had ended or moved on');
      });
    });
  };

  /** @throws ConcurrentVerification if another verification of this number is under way */
  const startNew = async (start: VerificationStart, requestId: string): Promise<Verification> => {
    const { login, channels, claimant, appHash } = start;
    const { phoneNumber, locale } = login;
    const newVerification = (id: string) => verificationOf(id, start, deps);
    const redirectUrl = login.client === 'browser' ? deps.redirectUrl : undefined;
    const request = { phoneNumber, channels, clientRef: login.id, locale, redirectUrl, appHash };
    const begun = await verify.start(request, requestId).catch(async (error: unknown) => {
      if (!(error instanceof UnusableStart)) throw error;
      const unusable = newVerification(error.verificationId);
      await live.note(phoneNumber, unusable, claimant);
      cancel(unusable, requestId);
      throw error;
    });
    const verification = newVerification(begun.verificationId);
    await live.note(phoneNumber, verification, claimant);
    if (begun.checkUrl !== undefined) verification.checkUrl = begun.checkUrl;
    // With a coverage check, Vonage gives no link where it does not cover the network.
    if (channels[0] === 'silent_auth' && deps.coverageCheck && begun.checkUrl === undefined)
      verification.step = 1;
    if (verification.step >= channels.length) {
      cancel(verification, requestId);
      throw new LoginError(...UNSUPPORTED);
    }
    await reports.countMessages(verification.id, [stepOf(verification).channel]);
    return verification;
  };

  /** Milliseconds since the epoch from which Vonage accepts a cancellation. */
  const cancellableAt = ({ startedAt }: Verification): number => startedAt + CANCELLABLE_AFTER_SECONDS * 1000;

  return {
    codeLength: deps.codeLength,
    cancel,
    cancellableAt,

    /** Milliseconds since the epoch from which another verification may replace this one. */
    resendableAt(verification: Verification): number {
      // Vonage does not cancel a chain that has gone on.
      return verification.step === 0 ? cancellableAt(verification) : endOfLastStep(verification);
    },

    /** Whether Vonage has texts in a language near this one (BCP 47). */
    hasTexts: (locale: string): boolean =>
      languageFor('sms', locale, { template: deps.templateId !== undefined }) !== undefined,

    /**
     * Starts a verification that goes through `channels`. If one of the same number is under way,
     * whatever session it belongs to, it is cancelled first. If Vonage gives no link for the silent
     * step, it has skipped that step, and so does the verification.
     * @throws LoginError `login_in_progress` with `retry_after` while the one under way cannot be
     * cancelled, or other clients come before
     */
    async start(start: VerificationStart, request: StartRequest): Promise<Verification> {
      try {
        return await startNew(start, request.requestId);
      } catch (error) {
        if (!(error instanceof ConcurrentVerification)) throw error;
        const { resumes } = start;
        if (resumes !== undefined && resumes.id === error.verificationId) return resumes;
        await endConcurrent(error, { ...start, ...request }, deps);
        return startNew(start, request.requestId).catch((again: unknown) => {
          if (again instanceof ConcurrentVerification) throw inProgress(again, CANCELLABLE_AFTER_SECONDS);
          throw again;
        });
      }
    },

    /**
     * Resolves if the code is right. Counts the try before it asks Vonage.
     * @throws LoginError `invalid_code` or `too_many_attempts`, with `upstream` if Vonage compared
     * the code; `login_expired` for a second silent code
     */
    async check({ id }: Verification, { code, kind }: Code, requestId: string): Promise<void> {
      // A try that Vonage is not asked about must not count.
      await deps.limits.ready('verify');
      const key = triesKey(id, kind);
      const tries = await deps.store.increment(key, TRIES_TTL_SECONDS);
      if (tries > TRIES[kind]) throw kind === 'typed' ? tooManyAttempts() : codeTooLate();
      await verify.check(id, code, requestId).catch(async (error: unknown) => {
        if (isUncompared(error)) await giveBackTry(deps.store, key, tries);
        if (error instanceof NotCompared) throw invalidCode();
        const isLastTry = kind === 'typed' && tries >= TRIES.typed;
        if (!(error instanceof LoginError && error.code === 'invalid_code' && isLastTry)) throw error;
        throw tooManyAttempts(error);
      });
    },

    /** Tries that are left to a typed code. */
    async triesLeft({ id }: Verification): Promise<number> {
      const tries = Number(await deps.store.get(triesKey(id, 'typed')));
      return Math.max(0, TRIES.typed - tries);
    },

    /** Goes on to the next step of a chain. */
    async advance(verification: Verification, login: Login, requestId: string): Promise<Verification> {
      await verify.next(verification.id, requestId);
      const moved = { ...verification, step: verification.step + 1, since: world.now() };
      await live.note(login.phoneNumber, moved, login.id);
      await reports.countMessages(moved.id, [stepOf(moved).channel]);
      return moved;
    },
  };
}

/**
 * A verification whose start was just answered. Its clock starts with the answer, not with the
 * call, so that no step ends here before it ends at Vonage.
 */
function verificationOf(
  id: string,
  { channels }: VerificationStart,
  { channelTimeout, world }: VerificationDeps,
): Verification {
  const now = world.now();
  const steps = channels.map((channel) => ({
    channel,
    seconds: channel === 'silent_auth' ? SILENT_STEP_SECONDS : channelTimeout,
  }));
  return { id, steps, step: 0, since: now, startedAt: now };
}

/**
 * Ends the verification that keeps Vonage from starting another of its number.
 * @throws LoginError `login_in_progress` with the seconds until that is possible
 */
async function endConcurrent(
  conflict: ConcurrentVerification,
  { login, claimant, caller, requestId }: VerificationStart & StartRequest,
  { live, verify, reports }: VerificationDeps,
): Promise<void> {
  const { phoneNumber } = login;
  const refused = { phoneNumber, caller, claimant, concurrentId: conflict.verificationId };
  const { concurrentId, seconds } = await live.turnOf(refused);
  if (concurrentId === undefined || seconds > 0) throw inProgress(conflict, seconds);
  await reports.cancelling(concurrentId);
  await verify.cancel(concurrentId, requestId).catch(async (error: unknown) => {
    if (!(error instanceof LoginError)) throw error;
    // It has ended meanwhile.
    if (error.code === 'login_expired') return;
    throw inProgress(conflict, await live.secondsToRetry(phoneNumber, concurrentId));
  });
  await reports.end(concurrentId);
}

/**
 * Whether Vonage has refused a start, so that no message was sent. After a timeout or an error of
 * Vonage's servers, one may have been.
 */
export function isRefused(error: unknown): boolean {
  const status = error instanceof LoginError ? error.upstream?.status : undefined;
  return status !== undefined && status >= 400 && status < 500;
}

const inProgress = ({ code, detail, upstream }: LoginError, seconds: number): LoginError =>
  new LoginError(code, detail, { retry_after: seconds, upstream });

/** Whether Vonage refused to compare a code: for its step or its form, or for now. */
const isUncompared = (error: unknown): boolean =>
  error instanceof NotCompared ||
  (error instanceof LoginError && (error.code === 'login_in_progress' || error.upstream?.status === 429));

/**
 * Gives back a try of which Vonage compared no code. The number of calls to Vonage stays bounded.
 */
async function giveBackTry(store: Store, key: string, tries: number): Promise<void> {
  if ((await store.increment(`${key}:uncompared`, TRIES_TTL_SECONDS)) > UNCOMPARED_TRIES) return;
  await store.replace(key, { from: String(tries), to: String(tries - 1) }, TRIES_TTL_SECONDS);
}

export const invalidCode = (): LoginError => new LoginError(...INVALID_CODE);

/** The session is known to hold the login, so the answer may say more than {@link invalidCode}. */
export const tooManyAttempts = ({ upstream }: Partial<Pick<LoginError, 'upstream'>> = {}): LoginError =>
  new LoginError(TOO_MANY[0], TOO_MANY[1], { upstream });

export const codeTooLate = (): LoginError =>
  new LoginError('login_expired', 'The code is too old. Continue with another channel.');
