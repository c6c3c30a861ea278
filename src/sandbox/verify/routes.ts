import { randomUUID } from 'node:crypto';
import type { IRouter, Request, RequestHandler, Response } from 'express';
import { PATHS } from '../http/paths.js';
import { sendProblem, sendRequestNotFound, type ProblemName } from '../http/problems.js';
import { handlePath, jsonBody, requireMediaType } from '../http/requests.js';
import type { SandboxState } from '../state/state.js';
import type { Behaviour } from '../state/subscribers.js';
import { stepWith, type ActiveStep, type Step, type Verification } from '../state/verifications.js';
import { requireApplicationJwt } from '../vonage/application-jwt.js';
import { readCheck, readStart, type StartBody } from './bodies.js';
import { activeStepNow, checkUrlOf, endStep, endVerification, startStep } from './workflow.js';

/** Wrong codes after which a verification ends, over all its steps. */
const MAX_WRONG_CODES = 3;

const CANCELLABLE_AFTER_MS = 30_000;

const stepOf = (asked: StartBody['workflow'][number]): Step => ({
  channel: asked.channel,
  to: `+${asked.to}`,
  status: 'unused',
  isOpened: false,
  coverageCheck: asked.channel === 'silent_auth' && asked.coverage_check !== false,
  redirectUrl: asked.channel === 'silent_auth' ? asked.redirect_url : undefined,
});

const verificationOf = ({ world }: SandboxState, asked: StartBody): Verification => ({
  id: randomUUID(),
  brand: asked.brand,
  locale: asked.locale,
  channelTimeoutSeconds: asked.channel_timeout,
  clientRef: asked.client_ref,
  codeLength: asked.code_length,
  customCode: asked.code,
  templateId: asked.template_id,
  submittedAt: world.now(),
  steps: asked.workflow.map(stepOf),
  wrongCodes: 0,
});

/** The problem with which a start fails. The virtual operator fails later, in the redirects. */
const problemOf = (state: SandboxState, { steps, templateId }: Verification): ProblemName | undefined => {
  const someBehave = (behaviour: Behaviour, among: Step[]): boolean =>
    among.some(({ to }) => state.subscribers.of(to).behaviour === behaviour);
  const real = steps.filter(({ to }) => !to.startsWith('+990'));
  if (templateId !== undefined && !state.templates.get(templateId)) return 'templateNotFound';
  if (someBehave('rate_limited', real)) return 'throttled';
  if (someBehave('server_error', real)) return 'internalError';
  const lookedUp = steps.filter(({ coverageCheck }) => coverageCheck);
  return someBehave('unsupported', lookedUp) ? 'notCovered' : undefined;
};

/** The id of the verification that is under way for one of the numbers. */
const concurrentTo = (state: SandboxState, { steps }: Verification): string | undefined =>
  steps
    .map(({ to }) => state.verifications.ofNumber(to)?.id)
    .find((id) => id !== undefined && activeStepNow(state, id));

const begin = (state: SandboxState, verification: Verification): object => {
  const [first] = verification.steps;
  state.verifications.add(verification);
  if (first) startStep(state, { verification, step: first }, verification.submittedAt);
  const isSilent = first?.channel === 'silent_auth';
  return { request_id: verification.id, check_url: isSilent ? checkUrlOf(state, verification) : undefined };
};

const start =
  (state: SandboxState): RequestHandler =>
  (req, res) => {
    const asked = readStart(jsonBody(req));
    if (Array.isArray(asked)) {
      sendProblem(res, 'invalidParams', { invalid_parameters: asked });
      return;
    }
    const verification = verificationOf(state, asked);
    const problem = problemOf(state, verification);
    const concurrent = concurrentTo(state, verification);
    if (problem === 'throttled') res.set('Retry-After', '7');
    if (problem) sendProblem(res, problem);
    else if (concurrent) sendProblem(res, 'concurrent', { request_id: concurrent });
    else res.status(202).json(begin(state, verification));
  };

/** Answers requests about a verification that is under way. */
const onVerification =
  (state: SandboxState, answer: (active: ActiveStep, req: Request, res: Response) => void): RequestHandler =>
  (req, res) => {
    const id = String(req.params.id);
    const active = activeStepNow(state, id);
    if (active) answer(active, req, res);
    else sendRequestNotFound(res, id);
  };

/** Counts a wrong code, and returns the problem to answer with. A silent step has one try. */
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

const check = (state: SandboxState): RequestHandler =>
  onVerification(state, (active, req, res) => {
    const asked = readCheck(jsonBody(req));
    if (Array.isArray(asked)) {
      sendProblem(res, 'invalidParams', { invalid_parameters: asked });
    } else if (active.step.code === undefined) {
      sendProblem(res, 'noCode');
    } else if (active.step.code !== asked.code) {
      sendProblem(res, countWrongCode(state, active));
    } else {
      endVerification(state, active, 'completed');
      res.json({ request_id: active.verification.id, status: 'completed' });
    }
  });

const next = (state: SandboxState): RequestHandler =>
  onVerification(state, (active, _req, res) => {
    if (!stepWith('unused', active.verification)) {
      sendProblem(res, 'noEvents');
      return;
    }
    // In the summary, a step that was cut short has expired.
    endStep(state, active, { status: 'expired' });
    res.status(200).end();
  });

const isCancellable = ({ world }: SandboxState, { submittedAt, steps }: Verification): boolean => {
  const messages = steps.filter(({ channel, status }) => channel !== 'silent_auth' && status !== 'unused');
  return world.now() - submittedAt >= CANCELLABLE_AFTER_MS && messages.length < 2;
};

const cancel = (state: SandboxState): RequestHandler =>
  onVerification(state, (active, _req, res) => {
    if (!isCancellable(state, active.verification)) {
      sendProblem(res, 'notNow');
      return;
    }
    endVerification(state, active, 'failed');
    res.status(204).end();
  });

/** The requests of a customer to Verify v2: start, check, cancel and next. */
export const verifyRoutes = (state: SandboxState, router: IRouter): void => {
  const base = PATHS.verifyRequests;
  const jwt = requireApplicationJwt(state, 'jwtExpired');
  const json = requireMediaType('application/json');
  handlePath(router, [base, `${base}/`], { post: [jwt, json, start(state)] });
  handlePath(router, `${base}/:id`, { post: [jwt, json, check(state)], delete: [jwt, cancel(state)] });
  handlePath(router, `${base}/:id/next_workflow`, { post: [jwt, next(state)] });
};
