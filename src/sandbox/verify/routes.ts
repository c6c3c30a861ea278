import { randomUUID } from 'node:crypto';
import type { IRouter, Request } from 'express';
import { PATHS } from '../http/paths.js';
import { Problem, requestNotFound, type ProblemName } from '../http/problems.js';
import { handlePath, jsonBody, requireMediaType } from '../http/requests.js';
import type { Handler, SandboxState } from '../state/state.js';
import type { SilentBehaviour } from '../state/subscribers.js';
import { stepWith, type ActiveStep, type Step, type Verification } from '../state/verifications.js';
import { requireApplicationJwt } from '../vonage/application-jwt.js';
import { readCheck, readStart, type StartBody } from './bodies.js';
import { findActiveStep, checkUrlOf, endStep, endVerification, isCovered, startStep } from './workflow.js';

/** Over all steps of a verification. */
const MAX_WRONG_CODES = 3;

const CANCELLABLE_AFTER_MS = 30_000;

const stepOf = (asked: StartBody['workflow'][number]): Step => ({
  channel: asked.channel,
  to: `+${asked.to}`,
  status: 'unused',
  isOpened: false,
  coverageCheck: asked.channel === 'silent_auth' && asked.coverage_check !== false,
  redirectUrl: asked.channel === 'silent_auth' ? asked.redirect_url : undefined,
  from: 'from' in asked ? asked.from : undefined,
  appHash: asked.channel === 'sms' ? asked.app_hash : undefined,
});

const verificationOf = ({ world }: SandboxState, asked: StartBody): Verification => ({
  id: randomUUID(),
  asked,
  submittedAt: world.now(),
  steps: asked.workflow.map(stepOf),
  wrongCodes: 0,
});

/** The problem that prevents a start. The virtual operator fails later, in the redirects. */
const startProblem = (state: SandboxState, { steps, asked }: Verification): ProblemName | undefined => {
  const real = steps.filter(({ to }) => !to.startsWith('+990'));
  const anyBehaves = (behaviour: SilentBehaviour): boolean =>
    real.some(({ to }) => state.subscribers.silentBehaviourOf(to) === behaviour);
  if (asked.template_id !== undefined && !state.templates.get(asked.template_id)) return 'templateNotFound';
  if (anyBehaves('rate_limited')) return 'throttled';
  if (anyBehaves('server_error')) return 'internalError';
  const [first] = steps;
  if (!first?.coverageCheck || isCovered(state, first)) return undefined;
  // The reference has both answers: the error, and the next channel instead of a link.
  const isSkipped = state.subscribers.of(first.to).behaviour === 'no_link' && steps.length > 1;
  return isSkipped ? undefined : 'notCovered';
};

const concurrentVerificationId = (state: SandboxState, { steps }: Verification): string | undefined =>
  steps
    .map(({ to }) => state.verifications.ofNumber(to)?.id)
    .find((id) => id !== undefined && findActiveStep(state, id));

const addVerification = (state: SandboxState, verification: Verification): object => {
  const [first] = verification.steps;
  state.verifications.add(verification);
  if (first) startStep(state, { verification, step: first }, verification.submittedAt);
  const hasLink = first?.channel === 'silent_auth' && (!first.coverageCheck || isCovered(state, first));
  return { request_id: verification.id, check_url: hasLink ? checkUrlOf(state, verification) : undefined };
};

const start: Handler = (state) => (req, res) => {
  const verification = verificationOf(state, readStart(jsonBody(req)));
  const problem = startProblem(state, verification);
  const concurrent = concurrentVerificationId(state, verification);
  if (problem === 'throttled') res.set('Retry-After', '7');
  if (problem) throw new Problem(problem);
  if (concurrent) throw new Problem('concurrent', { request_id: concurrent });
  res.status(202).json(addVerification(state, verification));
};

/** @throws Problem if the verification in the path is unknown or over */
const activeStepOf = (state: SandboxState, { params }: Request): ActiveStep => {
  const id = String(params.id);
  const active = findActiveStep(state, id);
  if (!active) throw requestNotFound(id);
  return active;
};

/** Counts a wrong code, and returns the problem to answer with. A silent step has one attempt. */
const countWrongCode = (state: SandboxState, active: ActiveStep): ProblemName => {
  const { verification, step } = active;
  verification.wrongCodes += 1;
  if (step.channel === 'silent_auth') {
    endStep(state, active, { status: 'failed' });
  } else if (verification.wrongCodes >= MAX_WRONG_CODES) {
    endVerification(state, active, 'failed');
    return 'tooManyCodes';
  }
  return 'invalidCode';
};

const check: Handler = (state) => (req, res) => {
  const active = activeStepOf(state, req);
  const { code } = readCheck(jsonBody(req));
  if (active.step.code === undefined) throw new Problem('noCode');
  if (active.step.code !== code) throw new Problem(countWrongCode(state, active));
  endVerification(state, active, 'completed');
  res.json({ request_id: active.verification.id, status: 'completed' });
};

const next: Handler = (state) => (req, res) => {
  const active = activeStepOf(state, req);
  if (!stepWith('unused', active.verification)) throw new Problem('noEvents');
  // The summary reports a skipped step as expired.
  endStep(state, active, { status: 'expired' });
  res.status(200).end();
};

const isCancellable = ({ world }: SandboxState, { submittedAt, steps }: Verification): boolean => {
  const messages = steps.filter(({ channel, status }) => channel !== 'silent_auth' && status !== 'unused');
  return world.now() - submittedAt >= CANCELLABLE_AFTER_MS && messages.length < 2;
};

const cancel: Handler = (state) => (req, res) => {
  const active = activeStepOf(state, req);
  if (!isCancellable(state, active.verification)) throw new Problem('notNow');
  endVerification(state, active, 'failed');
  res.status(204).end();
};

export const verifyRoutes = (state: SandboxState, router: IRouter): void => {
  const base = PATHS.verifyRequests;
  const jwt = requireApplicationJwt(state, 'jwtExpired');
  const json = requireMediaType('application/json');
  handlePath(router, [base, `${base}/`], { post: [jwt, json, start(state)] });
  handlePath(router, `${base}/:id`, { post: [jwt, json, check(state)], delete: [jwt, cancel(state)] });
  handlePath(router, `${base}/:id/next_workflow`, { post: [jwt, next(state)] });
};
