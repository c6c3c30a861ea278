import { silentAuthPath } from '../http/paths.js';
import type { SandboxState } from '../state/state.js';
import { stepWith } from '../state/verifications.js';
import type { ActiveStep, Step, StepStatus, Verification } from '../state/verifications.js';
import { sendMessage } from './messages.js';

/** `channel_timeout` does not apply to silent steps. */
const SILENT_STEP_TIMEOUT_SECONDS = 60;

/** The end of a step without success. `at`: milliseconds since the epoch, by default now. */
type End = { status: Exclude<StepStatus, 'unused' | 'pending' | 'completed'>; at?: number };

const iso = (ms: number): string => new Date(ms).toISOString();

export const checkUrlOf = ({ publicUrl }: SandboxState, { id }: Verification): string =>
  publicUrl() + silentAuthPath(id, 'redirect');

const sendEvent = ({ webhooks }: SandboxState, { verification, step }: ActiveStep, more: object): void =>
  webhooks.send({
    request_id: verification.id,
    triggered_at: iso(step.initiatedAt ?? verification.submittedAt),
    type: 'event',
    channel: step.channel,
    ...more,
    client_ref: verification.asked.client_ref,
  });

/** The statuses that the reference lists for events of all channels. */
const EVENT_STATUSES: readonly StepStatus[] = ['completed', 'failed', 'user_rejected', 'rejected'];

/**
 * Sends the event of a step that ended. Messages have one if their delivery ended them, else only
 * with `message_events`: the reference shows them, but Vonage was seen to send the summary alone.
 */
const sendEndEvent = (state: SandboxState, active: ActiveStep, at: number): void => {
  const { channel, to, status } = active.step;
  const isSent =
    channel === 'silent_auth' ||
    (EVENT_STATUSES.includes(status) &&
      (state.webhooks.options.message_events || state.subscribers.messageEndOf(to, channel) === status));
  if (isSent) sendEvent(state, active, { status, finalized_at: iso(at) });
};

const sendSummary = (state: SandboxState, verification: Verification, status: string): void =>
  state.webhooks.send({
    request_id: verification.id,
    submitted_at: iso(verification.submittedAt),
    status,
    type: 'summary',
    channel_timeout: verification.asked.channel_timeout,
    workflow: verification.steps.map((step) => ({
      channel: step.channel,
      initiated_at: step.initiatedAt && iso(step.initiatedAt),
      status: step.status,
      reason: step.reason,
    })),
    finalized_at: status === 'blocked' ? iso(state.world.now()) : undefined,
    client_ref: verification.asked.client_ref,
  });

export const startStep = (state: SandboxState, active: ActiveStep, at: number): void => {
  const { verification, step } = active;
  const isSilent = step.channel === 'silent_auth';
  const seconds = isSilent ? SILENT_STEP_TIMEOUT_SECONDS : verification.asked.channel_timeout;
  step.status = 'pending';
  step.initiatedAt = at;
  step.endsAt = at + seconds * 1000;
  if (isSilent) reportSilentStep(state, active, at);
  else deliverMessage(state, active, at);
};

/** The reason that Vonage's guide "Verify Anti-Fraud System" shows. */
const BLOCKED = 'Fraudulent traffic detected for your account on network [ 23415 ].';

/** Sends the message of a step, and ends the step if the message does not stay on the phone. */
const deliverMessage = (state: SandboxState, active: ActiveStep, at: number): void => {
  const { verification, step } = active;
  const ofNumber = step.channel !== 'silent_auth' && state.subscribers.messageEndOf(step.to, step.channel);
  const end = ofNumber === 'blocked' && !verification.asked.fraud_check ? undefined : ofNumber;
  if (!end || end === 'user_rejected') sendMessage(state, active, at);
  if (end === 'blocked') step.reason = BLOCKED;
  if (end) endStep(state, active, { status: end, at });
};

export const isCovered = ({ subscribers }: SandboxState, { to }: Step): boolean =>
  subscribers.silentBehaviourOf(to) !== 'unsupported';

/** Sends the check URL by webhook, or fails the step if the network is not supported. */
const reportSilentStep = (state: SandboxState, active: ActiveStep, at: number): void => {
  const action = { type: 'check', check_url: checkUrlOf(state, active.verification) };
  // The reference shows an array in its example, and an object in its OpenAPI description.
  const isObject = state.webhooks.options.action_as_object;
  if (isCovered(state, active.step)) {
    // With a coverage check, the 202 has the link.
    if (active.step.coverageCheck) return;
    sendEvent(state, active, { status: 'action_pending', action: isObject ? action : [action] });
  } else if (stepWith('unused', active.verification)) {
    // Without a next step, the failure waits until the link is opened: it ends the verification.
    endStep(state, active, { status: 'failed', at });
  }
};

/** Ends the current step without success, and starts the next one or ends the verification. */
export const endStep = (state: SandboxState, active: ActiveStep, { status, at }: End): void => {
  const { verification, step } = active;
  const endedAt = at ?? state.world.now();
  step.status = status;
  sendEndEvent(state, active, endedAt);
  const next = stepWith('unused', verification);
  if (next) {
    startStep(state, { verification, step: next }, endedAt);
  } else {
    state.verifications.remove(verification);
    sendSummary(state, verification, status === 'expired' || status === 'blocked' ? status : 'failed');
  }
};

/** Ends the verification, even if unused steps are left. */
export const endVerification = (state: SandboxState, active: ActiveStep, status: 'completed' | 'failed') => {
  active.step.status = status;
  sendEndEvent(state, active, state.world.now());
  state.verifications.remove(active.verification);
  sendSummary(state, active.verification, status);
};

/** Ends the steps that have timed out, each at its own deadline. */
const expireSteps = (state: SandboxState, verification: Verification): void => {
  for (;;) {
    const step = stepWith('pending', verification);
    if (step?.endsAt === undefined || state.world.now() < step.endsAt) return;
    endStep(state, { verification, step }, { status: 'expired', at: step.endsAt });
  }
};

export const expireAllSteps = (state: SandboxState): void =>
  state.verifications.all().forEach((verification) => expireSteps(state, verification));

export const findActiveStep = (state: SandboxState, id: string): ActiveStep | undefined => {
  const verification = state.verifications.get(id);
  if (!verification) return undefined;
  expireSteps(state, verification);
  const step = stepWith('pending', verification);
  return step && { verification, step };
};
