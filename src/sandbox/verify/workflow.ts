import { silentAuthPath } from '../http/paths.js';
import type { SandboxState } from '../state/state.js';
import { stepWith } from '../state/verifications.js';
import type { ActiveStep, Verification } from '../state/verifications.js';
import { deliver } from './messages.js';

/** Silent steps ignore `channel_timeout`. */
const SILENT_STEP_SECONDS = 60;

/** How a step ends without success. `at` is in milliseconds since the epoch, and now by default. */
type End = { status: 'failed' | 'expired' | 'user_rejected'; at?: number };

const iso = (ms: number): string => new Date(ms).toISOString();

/** The URL with which the device begins a silent step. */
export const checkUrlOf = ({ publicUrl }: SandboxState, { id }: Verification): string =>
  publicUrl() + silentAuthPath(id, 'redirect');

/** Sends the event of a silent step. Other steps have none: they are in the summary. */
const sendEvent = ({ webhooks }: SandboxState, { verification, step }: ActiveStep, more: object): void => {
  if (step.channel !== 'silent_auth') return;
  webhooks.send({
    request_id: verification.id,
    triggered_at: iso(step.initiatedAt ?? verification.submittedAt),
    type: 'event',
    channel: step.channel,
    ...more,
    client_ref: verification.clientRef,
  });
};

const sendSummary = ({ webhooks }: SandboxState, verification: Verification, status: string): void =>
  webhooks.send({
    request_id: verification.id,
    submitted_at: iso(verification.submittedAt),
    status,
    type: 'summary',
    channel_timeout: verification.channelTimeoutSeconds,
    workflow: verification.steps.map((step) => ({
      channel: step.channel,
      initiated_at: step.initiatedAt && iso(step.initiatedAt),
      status: step.status,
    })),
    client_ref: verification.clientRef,
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
  else if (!step.coverageCheck) reportSilentStep(state, active, at);
};

/** Sends the check URL by webhook as well, or the failure of a network that is not supported. */
const reportSilentStep = (state: SandboxState, active: ActiveStep, at: number): void => {
  const action = { type: 'check', check_url: checkUrlOf(state, active.verification) };
  // The reference has an array in its example, and an object in its OpenAPI description.
  const isObject = state.webhooks.options.action_as_object;
  const isSupported = state.subscribers.of(active.step.to).behaviour !== 'unsupported';
  if (isSupported) {
    sendEvent(state, active, { status: 'action_pending', action: isObject ? action : [action] });
  } else if (stepWith('unused', active.verification)) {
    // The last step fails when its link is opened, while the verification is still known.
    endStep(state, active, { status: 'failed', at });
  }
};

/** Ends the step under way without success. The next step starts at once, if there is one. */
export const endStep = (state: SandboxState, active: ActiveStep, { status, at }: End): void => {
  const { verification, step } = active;
  const endedAt = at ?? state.world.now();
  step.status = status;
  sendEvent(state, active, { status, finalized_at: iso(endedAt) });
  const next = stepWith('unused', verification);
  if (next) {
    startStep(state, { verification, step: next }, endedAt);
  } else {
    state.verifications.remove(verification);
    sendSummary(state, verification, status === 'expired' ? 'expired' : 'failed');
  }
};

/** Ends the whole verification, whatever steps are left. */
export const endVerification = (state: SandboxState, active: ActiveStep, status: 'completed' | 'failed') => {
  active.step.status = status;
  sendEvent(state, active, { status, finalized_at: iso(state.world.now()) });
  state.verifications.remove(active.verification);
  sendSummary(state, active.verification, status);
};

/** Ends the steps whose time is over, each at the time when it was. */
const settle = (state: SandboxState, verification: Verification): void => {
  for (;;) {
    const step = stepWith('pending', verification);
    if (step?.endsAt === undefined || state.world.now() < step.endsAt) return;
    endStep(state, { verification, step }, { status: 'expired', at: step.endsAt });
  }
};

/** Ends the steps of all verifications whose time is over. */
export const settleAll = (state: SandboxState): void =>
  state.verifications.all().forEach((verification) => settle(state, verification));

/** The step of a verification that is under way as of now; undefined when it is over. */
export const activeStepNow = (state: SandboxState, id: string): ActiveStep | undefined => {
  const verification = state.verifications.get(id);
  if (!verification) return undefined;
  settle(state, verification);
  const step = stepWith('pending', verification);
  return step && { verification, step };
};
