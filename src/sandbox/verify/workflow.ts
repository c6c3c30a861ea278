import { silentAuthPath } from '../http/paths.js';
import type { SandboxState } from '../state.js';
import { deliver } from './messages.js';
import { activeStepOf, nextStepOf } from './verifications.js';
import type { ActiveStep, StepStatus, Verification } from './verifications.js';

/** Silent steps ignore `channel_timeout`. */
const SILENT_STEP_SECONDS = 60;

/** How a step ends. `at` is in milliseconds since the epoch, and now by default. */
interface End {
  status: Exclude<StepStatus, 'unused' | 'pending' | 'completed'>;
  at?: number;
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** The URL with which the device begins a silent step. */
export const checkUrlOf = ({ publicUrl }: SandboxState, { id }: Verification): string =>
  publicUrl() + silentAuthPath(id, 'redirect');

const clientRefOf = ({ clientRef }: Verification): object =>
  clientRef === undefined ? {} : { client_ref: clientRef };

/** Sends the event of a silent step. Other steps have none: they are in the summary. */
const sendEvent = (
  { webhooks }: SandboxState,
  { verification, step }: ActiveStep,
  more: { status: string; [field: string]: unknown },
): void => {
  if (step.channel !== 'silent_auth') return;
  webhooks.send({
    request_id: verification.id,
    triggered_at: iso(step.initiatedAt ?? verification.submittedAt),
    type: 'event',
    channel: step.channel,
    ...more,
    ...clientRefOf(verification),
  });
};

const sendActionPending = (state: SandboxState, active: ActiveStep): void => {
  const action = { type: 'check', check_url: checkUrlOf(state, active.verification) };
  // The reference has an array in its example, and an object in its OpenAPI description.
  const isObject = state.webhooks.options.action_as_object;
  sendEvent(state, active, { status: 'action_pending', action: isObject ? action : [action] });
};

const sendSummary = (
  { webhooks }: SandboxState,
  verification: Verification,
  status: 'completed' | 'failed' | 'expired',
): void =>
  webhooks.send({
    request_id: verification.id,
    submitted_at: iso(verification.submittedAt),
    status,
    type: 'summary',
    channel_timeout: verification.channelTimeoutSeconds,
    workflow: verification.steps.map((step) => ({
      channel: step.channel,
      ...(step.initiatedAt !== undefined && { initiated_at: iso(step.initiatedAt) }),
      status: step.status,
    })),
    ...clientRefOf(verification),
  });

/** Starts a step that was unused. */
export const startStep = (state: SandboxState, active: ActiveStep, at: number): void => {
  const { verification, step } = active;
  const isSilent = step.channel === 'silent_auth';
  const seconds = isSilent ? SILENT_STEP_SECONDS : verification.channelTimeoutSeconds;
  step.status = 'pending';
  step.initiatedAt = at;
  step.endsAt = at + seconds * 1000;
  if (!isSilent) deliver(state, active, at);
  // With a coverage check, a network that is not supported was refused before the 202.
  else if (!step.coverageCheck) startWithoutCoverage(state, active, at);
};

const startWithoutCoverage = (state: SandboxState, active: ActiveStep, at: number): void => {
  const isSupported = state.subscribers.of(active.step.to).behaviour !== 'unsupported';
  if (isSupported) sendActionPending(state, active);
  // The last step fails when its link is opened: the link of a verification that is over could not say why.
  else if (nextStepOf(active.verification)) endStep(state, active, { status: 'failed', at });
};

/** Ends the step under way without success. The next step starts at the same time, or the verification is over. */
export const endStep = (state: SandboxState, active: ActiveStep, { status, at }: End): void => {
  const { verification, step } = active;
  const endedAt = at ?? state.world.now();
  step.status = status;
  sendEvent(state, active, { status, finalized_at: iso(endedAt) });
  const next = nextStepOf(verification);
  if (next) {
    startStep(state, { verification, step: next }, endedAt);
  } else {
    state.verifications.remove(verification);
    sendSummary(state, verification, status === 'expired' ? 'expired' : 'failed');
  }
};

/** Ends the whole verification, whatever steps are left. */
export const endVerification = (
  state: SandboxState,
  active: ActiveStep,
  status: 'completed' | 'failed',
): void => {
  active.step.status = status;
  sendEvent(state, active, { status, finalized_at: iso(state.world.now()) });
  state.verifications.remove(active.verification);
  sendSummary(state, active.verification, status);
};

/** Ends the steps whose time is over, each at the time when it was. */
const settle = (state: SandboxState, verification: Verification): void => {
  for (;;) {
    const step = activeStepOf(verification);
    if (step?.endsAt === undefined || state.world.now() < step.endsAt) return;
    endStep(state, { verification, step }, { status: 'expired', at: step.endsAt });
  }
};

/** Ends the steps of all verifications whose time is over. */
export const settleAll = (state: SandboxState): void =>
  state.verifications.all().forEach((verification) => settle(state, verification));

/** The step under way as of now; undefined when the verification is over. */
export const activeStepNow = (
  state: SandboxState,
  verification: Verification | undefined,
): ActiveStep | undefined => {
  if (!verification) return undefined;
  settle(state, verification);
  const step = activeStepOf(verification);
  return step && { verification, step };
};
