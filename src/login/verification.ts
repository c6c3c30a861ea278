import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { Concurrent, Unusable } from '../vonage/errors.js';
import {
  MAX_STEPS,
  NEXT_TIMEOUT_MS,
  SILENT_SECONDS,
  START_TIMEOUT_MS,
  type VerifyApi,
  type WorkflowStep,
} from '../vonage/verify.js';
import type { World } from '../core/world.js';
import type { Channel, Client, Run } from './login.js';
import { stepOf, type Reports } from './progress.js';

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

/**
 * A request was started that this login cannot go on with. It is being cancelled, and is still
 * under way until then.
 */
export class Abandoned extends LoginError {
  constructor(
    readonly run: Run,
    base: LoginError,
  ) {
    super(base.code, base.detail, base.fields, base.upstream);
  }
}

/** Requests of Verify v2, as a login runs them. */
export interface Otp {
  /**
   * Starts a request that goes through `channels`. Where one of the same number is under way, it is
   * taken up again if it is this session's own, whatever its channels. The run begins behind a
   * silent step that Vonage gave no link for, since it has gone on then.
   * @throws LoginError `login_in_progress` with `retry_after` if it is not this session's own
   * @throws Abandoned where it was started in vain
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
  reports: Pick<Reports, 'countMessages'>;
  brand: string;
  templateId: string | undefined;
  coverageCheck: boolean;
  /** Where Vonage sends a browser at the end of the silent step. */
  redirectUrl: string;
}): Otp {
  const { verify, world, reports } = deps;
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

  const cancel: Otp['cancel'] = (run, correlator) =>
    cancelAt(run, (run.startedAt - world.now()) / 1000 + CANCEL_AFTER, correlator);
  const abandon = (run: Run, correlator: string, error: LoginError): Abandoned => {
    cancel(run, correlator);
    return new Abandoned({ ...run, cancelled: true }, error);
  };

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
      const steps = channels.map((channel) => ({
        channel,
        seconds: channel === 'silent_auth' ? SILENT_SECONDS : CHANNEL_SECONDS,
      }));
      // Counted from the answer, not from the call: no step ends here while Vonage still runs it,
      // and no code counts for a message that was not sent yet.
      const asRun = (requestId: string): Run => {
        const startedAt = world.now();
        return { requestId, steps, step: 0, since: startedAt, startedAt };
      };
      const begun = await verify.start(start, correlator).catch((error: unknown) => {
        if (error instanceof Unusable) throw abandon(asRun(error.requestId), correlator, error);
        return resume(error, formerRun, world.now());
      });
      if ('steps' in begun) return begun;
      const run = { ...asRun(begun.requestId), ...begun };
      const isSilent = channels[0] === 'silent_auth';
      // Vonage has looked the network up, and gives no link where it does not cover it.
      if (isSilent && deps.coverageCheck && begun.checkUrl === undefined) run.step = 1;
      if (run.step >= steps.length) throw abandon(run, correlator, notCovered());
      await reports.countMessages(run.requestId, [stepOf(run).channel]);
      // Vonage would go on to voice by itself. Where that was not asked for, it is told to stop before; a process that
      // dies meanwhile forgets to.
      if (isSilent || channels.length === 1) return run;
      cancelAt(run, CHANNEL_SECONDS - CANCEL_MARGIN, correlator);
      return { ...run, stopsAt: run.startedAt + (CHANNEL_SECONDS - CANCEL_MARGIN) * 1000 };
    },
    check: (run, code, correlator) => verify.check(run.requestId, code, correlator),
    async advance(run, correlator) {
      await verify.next(run.requestId, correlator);
      const moved = { ...run, step: run.step + 1, since: world.now() };
      await reports.countMessages(moved.requestId, [stepOf(moved).channel]);
      delete moved.stopsAt;
      return moved;
    },
    cancel,
    cancellableAt: ({ startedAt }) => startedAt + CANCEL_AFTER * 1000,
    isVirtual: (phoneNumber) => phoneNumber.startsWith('+990'),
  };
}

const notCovered = (): LoginError =>
  new LoginError('silent_auth_failed', 'Silent authentication is not possible for this number.', {
    reason: 'number_not_supported',
  });

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
