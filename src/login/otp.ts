import { LoginError } from '../errors.js';
import type { PhoneNumber } from '../phone.js';
import { Concurrent } from '../vonage/verify-errors.js';
import {
  MAX_STEPS,
  NEXT_TIMEOUT_MS,
  SILENT_SECONDS,
  START_TIMEOUT_MS,
  type VerifyApi,
  type WorkflowStep,
} from '../vonage/verify.js';
import type { World } from '../world.js';
import type { Channel, Client, Run } from './login.js';
import { stepOf } from './progress.js';

/** Digits of a code. Six hold the 20 bits that OWASP ASVS 6.5.4 asks for; Vonage's default of four does not. */
export const CODE_LENGTH = 6;

/** Seconds a code by SMS or voice is good for, and after which Vonage goes on to the next step by itself. */
const CHANNEL_SECONDS = 300;

/** Seconds after the start of a request from which Vonage lets it be cancelled (Verify v2 reference, "Cancel"). */
const CANCEL_AFTER = 30;

/** Seconds before its first code ends at which a request that nobody finished is cancelled, lest it rings somebody. */
const CANCEL_MARGIN = 15;

/** Milliseconds that calls to Vonage take to change the channel: one start, or every next step. */
export const CHANNEL_CHANGE_TIMEOUT_MS = Math.max(START_TIMEOUT_MS, (MAX_STEPS - 1) * NEXT_TIMEOUT_MS);

export interface OtpStart {
  loginId: string;
  phoneNumber: PhoneNumber;
  channels: readonly Channel[];
  client: Client;
  formerRun: Run | undefined;
  correlator: string;
}

/** Requests of Verify v2, as a login runs them. */
export interface Otp {
  /**
   * Starts a request that goes through `channels`. Where one of the same number is under way, it is taken up again if
   * it is this session's own, whatever its channels.
   * @throws LoginError `login_in_progress` with `retry_after` if it is not
   */
  start(start: OtpStart): Promise<Run>;
  check(run: Run, code: string, correlator: string): Promise<void>;
  /** Goes on to the step behind the one that is under way. */
  advance(run: Run, correlator: string): Promise<Run>;
  /** Tells Vonage that nobody wants this any more, as soon as it lets itself be told. Never fails. */
  cancel(run: Run, correlator: string): void;
  /** Milliseconds since the epoch from which Vonage accepts a cancellation. */
  cancellableAt(run: Run): number;
  /** Vonage's Virtual Operator answers silently alone: a number of it has nothing behind (Verify guides). */
  isVirtual(phoneNumber: PhoneNumber): boolean;
}

export function createOtp(deps: {
  verify: VerifyApi;
  world: World;
  brand: string;
  templateId: string | undefined;
  coverageCheck: boolean;
  /** Where Vonage sends a browser at the end of the silent step. */
  redirectUrl: string;
}): Otp {
  const { verify, world } = deps;
  const asStep = (channel: Channel, client: Client): WorkflowStep =>
    channel === 'silent_auth'
      ? {
          channel,
          coverageCheck: deps.coverageCheck,
          ...(client === 'browser' && { redirectUrl: deps.redirectUrl }),
        }
      : { channel };
  const cancelAt = (run: Run, seconds: number, correlator: string): void =>
    world.later(Math.max(0, seconds), () => {
      verify.cancel(run.requestId, correlator).catch(() => {
        world.log.debug(
          { request_id: correlator },
          'a verification that was to be cancelled had ended or gone on',
        );
      });
    });

  return {
    async start({ loginId, phoneNumber, channels, client, formerRun, correlator }) {
      const start = {
        phoneNumber,
        workflow: channels.map((channel) => asStep(channel, client)),
        brand: deps.brand,
        channelTimeout: CHANNEL_SECONDS,
        clientRef: loginId,
        codeLength: CODE_LENGTH,
        // Templates are for SMS alone (Verify v2 reference, `template_id`).
        ...(deps.templateId !== undefined && channels.includes('sms') && { templateId: deps.templateId }),
      };
      const begun = await verify
        .start(start, correlator)
        .catch((error: unknown) => resume(error, formerRun, world.now()));
      if ('steps' in begun) return begun;
      // Counted from the answer, not from the call: no step ends here while Vonage still runs it,
      // and no code counts for a message that was not sent yet.
      const startedAt = world.now();
      const steps = channels.map((channel) => ({
        channel,
        seconds: channel === 'silent_auth' ? SILENT_SECONDS : CHANNEL_SECONDS,
      }));
      const run: Run = { ...begun, steps, step: 0, since: startedAt, startedAt };
      if (channels[0] !== undefined && channels[0] !== 'silent_auth') world.meter.sent(channels[0]);
      // Vonage would go on to voice by itself. Where that was not asked for, it is told to stop before; a process that
      // dies meanwhile forgets to.
      const unasked = channels[0] !== 'silent_auth' && channels.length > 1;
      if (!unasked) return run;
      cancelAt(run, CHANNEL_SECONDS - CANCEL_MARGIN, correlator);
      return { ...run, stopsAt: startedAt + (CHANNEL_SECONDS - CANCEL_MARGIN) * 1000 };
    },
    check: (run, code, correlator) => verify.check(run.requestId, code, correlator),
    async advance(run, correlator) {
      await verify.next(run.requestId, correlator);
      const moved = { ...run, step: run.step + 1, since: world.now() };
      world.meter.sent(stepOf(moved).channel);
      delete moved.stopsAt;
      return moved;
    },
    cancel: (run, correlator) =>
      cancelAt(run, (run.startedAt - world.now()) / 1000 + CANCEL_AFTER, correlator),
    cancellableAt: ({ startedAt }) => startedAt + CANCEL_AFTER * 1000,
    isVirtual: (phoneNumber) => phoneNumber.startsWith('+990'),
  };
}

/** Takes up the request that is in the way, when it is our own. */
function resume(error: unknown, former: Run | undefined, now: number): Run {
  if (!(error instanceof Concurrent)) throw error;
  const ours = former !== undefined && former.requestId === error.requestId;
  if (ours && former.cancelled === undefined) return former;
  const seconds = ours
    ? Math.max(1, CANCEL_AFTER + Math.ceil((former.startedAt - now) / 1000))
    : CHANNEL_SECONDS;
  throw new LoginError(error.code, error.detail, { retry_after: seconds }, error.upstream);
}
