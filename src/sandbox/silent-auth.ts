import type { RequestHandler, Response } from 'express';
import { toOperator } from './authorize.js';
import { later } from './later.js';
import type { Walk } from './ledger.js';
import type { Stage } from './state.js';
import { SLOW_MS } from './subscribers.js';
import type { Behaviour } from './subscribers.js';
import { drawSilentCode } from './verify-message.js';
import { detailOf, sendRequestNotFound, sendVerifyProblem } from './verify-problem.js';
import type { VerifyProblem } from './verify-problem.js';
import type { Step, VerifyRequest } from './verify-request.js';
import { endStep, underWay } from './verify-workflow.js';
import {
  behaviourOnWalk,
  newWalk,
  noteDevice,
  refuseDevice,
  refuseWalk,
  simThatWalked,
  waitingAt,
} from './walk.js';

/** Sends the device to the customer's page, with what there is to say behind the `#`. */
const sendHome = (res: Response, redirectUrl: string, said: Record<string, string>): void => {
  const fragment = Object.entries(said).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  res
    .set('Cache-Control', 'no-store')
    .redirect(302, `${redirectUrl.replace(/#.*/, '')}#${fragment.join('&')}`);
};

const refuse = (stage: Stage, res: Response, step: Step | undefined, problem: VerifyProblem): void => {
  if (step?.redirectUrl) sendHome(res, step.redirectUrl, { error_description: detailOf(problem) });
  else sendVerifyProblem(res, stage.world, problem);
};

/** The silent step of a request; it can only be the first. */
const silentStepOf = ({ steps: [first] }: VerifyRequest): Step | undefined =>
  first?.channel === 'silent_auth' ? first : undefined;

/** `GET /v2/verify/:id/silent-auth/redirect`, the check URL: good once, while its step is under way. */
export const beginWalk =
  (stage: Stage): RequestHandler =>
  (req, res) => {
    const id = String(req.params.id);
    const request = underWay(stage, stage.state.verifyBook.get(id))?.request;
    const step = request && silentStepOf(request);
    if (!request || !step) {
      sendRequestNotFound(res, stage.world, id);
      return;
    }
    const walk = newWalk(stage, { number: step.to, scopes: [], state: id });
    walk.silentStepOf = request;
    const { behaviour } = stage.state.subscribers.of(step.to);
    const isUnderWay = step.status === 'pending' && !step.walked;
    if (isUnderWay && !noteDevice(req, walk)) {
      refuseDevice(stage, res);
    } else if (behaviour === 'unsupported') {
      // Without a coverage check this is where the link fails.
      if (isUnderWay) endStep(stage, request, step, 'failed');
      refuse(stage, res, step, 'noNetwork');
    } else if (!isUnderWay) {
      refuse(stage, res, step, 'cannotBeCompleted');
    } else {
      step.walked = true;
      if (behaviour === 'slow') later(res, SLOW_MS, () => toOperator(stage, res, walk));
      else toOperator(stage, res, walk);
    }
  };

/** The behaviours that end a silent step. What the operator itself refuses comes in its answer. */
const REFUSAL_OF: Partial<Record<Behaviour, VerifyProblem>> = {
  unsupported: 'noNetwork',
  wifi: 'notCellular',
  not_mobile: 'cannotBeCompleted',
  invalid_grant: 'cannotBeCompleted',
  server_error: 'cannotBeCompleted',
  rate_limited: 'cannotBeCompleted',
};

const refusalOf = (stage: Stage, walk: Walk): VerifyProblem | undefined => {
  const refusal = REFUSAL_OF[behaviourOnWalk(stage, walk)];
  if (refusal) return refusal;
  const sim = simThatWalked(stage, walk);
  if (sim === null || 'error' in walk.answer) return 'cannotBeCompleted';
  return sim === walk.number ? undefined : 'otherNumber';
};

const giveCode = (stage: Stage, res: Response, request: VerifyRequest, step: Step): void => {
  const code = drawSilentCode(stage.world);
  step.code = code;
  const said = { request_id: request.id, code };
  if (stage.state.subscribers.of(step.to).behaviour === 'garbage') {
    res.type('text/html').send(`<html><body>{"request_id": "${request.id}", "co`);
  } else if (step.redirectUrl) {
    sendHome(res, step.redirectUrl, said);
  } else {
    // Without a charset: the SDKs compare the media type to the letter.
    res.setHeader('Content-Type', 'application/json');
    res.set('Cache-Control', 'no-store').end(JSON.stringify(said));
  }
};

/** The last hop: the device gets a code, or hears why not, and then the next step begins. */
export const endWalk =
  (stage: Stage): RequestHandler =>
  (req, res) => {
    const { atVerify } = stage.state.ledger;
    const { ticket } = req.query;
    const walk = waitingAt(stage, atVerify, ticket);
    const request = walk?.silentStepOf;
    if (typeof ticket !== 'string' || !walk || !request || request.id !== req.params.id) {
      refuseWalk(stage, res);
      return;
    }
    if (!noteDevice(req, walk)) {
      refuseDevice(stage, res);
      return;
    }
    atVerify.remove(ticket);
    const step = silentStepOf(request);
    if (!step || underWay(stage, request)?.step !== step) {
      refuse(stage, res, step, 'cannotBeCompleted');
      return;
    }
    const refusal = refusalOf(stage, walk);
    if (!refusal) {
      giveCode(stage, res, request, step);
      return;
    }
    endStep(stage, request, step, refusal === 'otherNumber' ? 'user_rejected' : 'failed');
    refuse(stage, res, step, refusal);
  };
