import type { Stage } from './state.js';
import { deliver } from './verify-message.js';
import { sayActionPending, sayEnded, saySummary } from './verify-news.js';
import type { RequestStatus } from './verify-news.js';
import { nextStep, stepUnderWay } from './verify-request.js';
import type { Step, VerifyRequest } from './verify-request.js';

/** A silent step lasts so many seconds, whatever `channel_timeout` says. */
const SILENT_SECONDS = 60;

/** Nothing of the request is under way any more. */
const finish = (stage: Stage, request: VerifyRequest, outcome: RequestStatus): void => {
  stage.state.verifyBook.remove(request);
  saySummary(stage, request, outcome);
};

const initiateSilently = (stage: Stage, request: VerifyRequest, step: Step, at: number): void => {
  // With a coverage check a network without coverage was refused before the 202, and no webhook is needed.
  if (step.coverageCheck) return;
  const { behaviour } = stage.state.subscribers.of(step.to);
  if (behaviour !== 'unsupported') sayActionPending(stage, request, step);
  // The last step waits for its link to be opened: a request that is over has no link that could say why it failed.
  else if (nextStep(request)) endStep(stage, request, step, 'failed', at);
};

/** Begins a step, which was unused until now. */
export const initiate = (stage: Stage, request: VerifyRequest, step: Step, at: number): void => {
  const isSilent = step.channel === 'silent_auth';
  step.status = 'pending';
  step.initiatedAt = at;
  step.endsAt = at + (isSilent ? SILENT_SECONDS : request.channelTimeout) * 1000;
  if (isSilent) initiateSilently(stage, request, step, at);
  else deliver(stage, request, step, at);
};

/** Ends the step under way without success; the next one begins in the same moment, or the request is over. */
export const endStep = (
  stage: Stage,
  request: VerifyRequest,
  step: Step,
  status: 'failed' | 'expired' | 'user_rejected',
  at: number = stage.world.now(),
): void => {
  step.status = status;
  sayEnded(stage, request, step, at);
  const next = nextStep(request);
  if (next) initiate(stage, request, next, at);
  else finish(stage, request, status === 'expired' ? 'expired' : 'failed');
};

/** The code was right. */
export const complete = (stage: Stage, request: VerifyRequest, step: Step): void => {
  step.status = 'completed';
  sayEnded(stage, request, step, stage.world.now());
  finish(stage, request, 'completed');
};

/** Ends the request as it is, whatever steps are left. */
export const terminate = (stage: Stage, request: VerifyRequest, step: Step): void => {
  step.status = 'failed';
  sayEnded(stage, request, step, stage.world.now());
  finish(stage, request, 'failed');
};

/** Does what the clock has made due meanwhile: each step ends when its time was over, not when somebody looked. */
const settle = (stage: Stage, request: VerifyRequest): void => {
  for (;;) {
    const step = stepUnderWay(request);
    if (step?.endsAt === undefined || stage.world.now() < step.endsAt) return;
    endStep(stage, request, step, 'expired', step.endsAt);
  }
};

/** Settles every request. */
export const settleAll = (stage: Stage): void =>
  stage.state.verifyBook.all().forEach((request) => settle(stage, request));

/** A request and its step under way as of now, if it is not over. */
export const underWay = (
  stage: Stage,
  request: VerifyRequest | undefined,
): { request: VerifyRequest; step: Step } | undefined => {
  if (!request) return undefined;
  settle(stage, request);
  const step = stepUnderWay(request);
  return step && { request, step };
};
