import type { IRouter, Response } from 'express';
import { silentAuthPath } from '../http/paths.js';
import { detailOf, Problem, requestNotFound, type ProblemName } from '../http/problems.js';
import { answerAfter, handlePath } from '../http/requests.js';
import { behaviourOf, createAuthorization, recordOverrides } from '../operator/redirects.js';
import { simOf, takeAuthorization } from '../operator/redirects.js';
import type { Authorization } from '../state/records.js';
import type { Handler, SandboxState } from '../state/state.js';
import { SLOW_ANSWER_DELAY_MS, type SilentBehaviour } from '../state/subscribers.js';
import type { ActiveStep } from '../state/verifications.js';
import { redirectToOperator } from '../vonage/oauth.js';
import { createSilentCode } from './messages.js';
import { findActiveStep, endStep } from './workflow.js';

const redirectToPage = (res: Response, redirectUrl: string, result: Record<string, string>): void => {
  const fragment = Object.entries(result).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  res
    .set('Cache-Control', 'no-store')
    .redirect(302, `${redirectUrl.replace(/#.*/, '')}#${fragment.join('&')}`);
};

const refuse = (res: Response, redirectUrl: string | undefined, problem: ProblemName): void => {
  if (!redirectUrl) throw new Problem(problem);
  redirectToPage(res, redirectUrl, { error_description: detailOf(problem) });
};

/** The check URL, which works once. */
const openCheckUrl: Handler = (state) => (req, res) => {
  const id = String(req.params.id);
  const verification = findActiveStep(state, id)?.verification;
  const step = verification?.steps[0];
  if (!verification || step?.channel !== 'silent_auth') throw requestNotFound(id);
  const { to: number, redirectUrl } = step;
  const authorization = createAuthorization(state, { number, scopes: [], state: id });
  authorization.silentStep = { verificationId: id, redirectUrl };
  const behaviour = state.subscribers.silentBehaviourOf(number);
  const isUsable = step.status === 'pending' && !step.isOpened;
  if (isUsable) recordOverrides(req, authorization);
  if (behaviour === 'unsupported') {
    // With a coverage check, the start would have failed.
    if (isUsable) endStep(state, { verification, step }, { status: 'failed' });
    refuse(res, redirectUrl, 'noNetwork');
  } else if (!isUsable) {
    refuse(res, redirectUrl, 'cannotBeCompleted');
  } else {
    step.isOpened = true;
    const proceed = (): void => redirectToOperator(state, res, authorization);
    if (behaviour === 'slow') answerAfter(res, SLOW_ANSWER_DELAY_MS, proceed);
    else proceed();
  }
};

const UNCOMPLETABLE: readonly SilentBehaviour[] = [
  'not_mobile',
  'invalid_grant',
  'server_error',
  'rate_limited',
];

const problemOf = (state: SandboxState, authorization: Authorization): ProblemName | undefined => {
  const behaviour = behaviourOf(state, authorization);
  const sim = simOf(state, authorization);
  if (behaviour === 'unsupported') return 'noNetwork';
  if (behaviour === 'wifi') return 'notCellular';
  if (UNCOMPLETABLE.includes(behaviour) || sim === null) return 'cannotBeCompleted';
  if ('error' in authorization.operatorResponse) return 'cannotBeCompleted';
  return sim === authorization.number ? undefined : 'otherNumber';
};

const issueCode = (state: SandboxState, { verification, step }: ActiveStep, res: Response): void => {
  const result = { request_id: verification.id, code: createSilentCode(state.world) };
  step.code = result.code;
  if (state.subscribers.silentBehaviourOf(step.to) === 'garbage') {
    res.type('text/html').send(`<html><body>{"request_id": "${verification.id}", "co`);
  } else if (step.redirectUrl) {
    redirectToPage(res, step.redirectUrl, result);
  } else {
    // Without a charset: the SDKs compare the whole media type.
    res.setHeader('Content-Type', 'application/json');
    res.set('Cache-Control', 'no-store').end(JSON.stringify(result));
  }
};

const complete: Handler = (state) => (req, res) => {
  const authorization = takeAuthorization(state, req, {
    store: state.silentAuthTickets,
    key: req.query.ticket,
    accepts: ({ silentStep }) => silentStep?.verificationId === req.params.id,
  });
  const redirectUrl = authorization.silentStep?.redirectUrl;
  const active = findActiveStep(state, String(req.params.id));
  if (active?.step.channel !== 'silent_auth') {
    refuse(res, redirectUrl, 'cannotBeCompleted');
    return;
  }
  const problem = problemOf(state, authorization);
  if (!problem) {
    issueCode(state, active, res);
    return;
  }
  endStep(state, active, { status: problem === 'otherNumber' ? 'user_rejected' : 'failed' });
  refuse(res, redirectUrl, problem);
};

export const silentAuthRoutes = (state: SandboxState, router: IRouter): void => {
  handlePath(router, silentAuthPath(':id', 'redirect'), { get: [openCheckUrl(state)] });
  handlePath(router, silentAuthPath(':id', 'complete'), { get: [complete(state)] });
};
