import type { IRouter, Request, RequestHandler, Response } from 'express';
import { requireApplicationJwt } from './application-jwt.js';
import { parseJson, requireJson } from './body.js';
import { PATHS, silentAuthPath } from './paths.js';
import { allow, only } from './problem.js';
import { beginWalk, endWalk } from './silent-auth.js';
import type { Stage } from './state.js';
import { readCheck } from './verify-body.js';
import { sendRequestNotFound, sendVerifyProblem } from './verify-problem.js';
import { nextStep } from './verify-request.js';
import type { Step, VerifyRequest } from './verify-request.js';
import { start } from './verify-start.js';
import { complete, endStep, terminate, underWay } from './verify-workflow.js';

/** How many codes may be wrong, whichever steps they were sent by. */
const MOST_WRONG_CODES = 3;

/** When cancelling begins to be possible, in milliseconds after the start. */
const CANCELLABLE_AFTER_MS = 30_000;

/** Answers about a request that is under way. */
const about =
  (
    stage: Stage,
    answer: (live: { request: VerifyRequest; step: Step }, req: Request, res: Response) => void,
  ): RequestHandler =>
  (req, res) => {
    const id = String(req.params.id);
    const live = underWay(stage, stage.state.verifyBook.get(id));
    if (live) answer(live, req, res);
    else sendRequestNotFound(res, stage.world, id);
  };

const refuseCode = (stage: Stage, res: Response, request: VerifyRequest, step: Step): void => {
  request.wrongCodes += 1;
  if (step.channel === 'silent_auth') {
    endStep(stage, request, step, 'failed');
    sendVerifyProblem(res, stage.world, 'invalidCode');
  } else if (request.wrongCodes >= MOST_WRONG_CODES) {
    terminate(stage, request, step);
    sendVerifyProblem(res, stage.world, 'tooManyCodes');
  } else {
    sendVerifyProblem(res, stage.world, 'invalidCode');
  }
};

const check = (stage: Stage): RequestHandler =>
  about(stage, ({ request, step }, req, res) => {
    const asked = readCheck(parseJson(req));
    if (Array.isArray(asked)) {
      sendVerifyProblem(res, stage.world, 'invalidParams', { invalid_parameters: asked });
    } else if (step.code === undefined) {
      sendVerifyProblem(res, stage.world, 'noCode');
    } else if (step.code !== asked.code) {
      refuseCode(stage, res, request, step);
    } else {
      complete(stage, request, step);
      res.json({ request_id: request.id, status: 'completed' });
    }
  });

const next = (stage: Stage): RequestHandler =>
  about(stage, ({ request, step }, _req, res) => {
    if (!nextStep(request)) {
      sendVerifyProblem(res, stage.world, 'noEvents');
      return;
    }
    // What was cut short had its time, in the words of the summary.
    endStep(stage, request, step, 'expired');
    res.status(200).end();
  });

const mayCancel = ({ world }: Stage, { submittedAt, steps }: VerifyRequest): boolean => {
  const messages = steps.filter(({ channel, status }) => channel !== 'silent_auth' && status !== 'unused');
  return world.now() - submittedAt >= CANCELLABLE_AFTER_MS && messages.length < 2;
};

const cancel = (stage: Stage): RequestHandler =>
  about(stage, ({ request, step }, _req, res) => {
    if (!mayCancel(stage, request)) {
      sendVerifyProblem(res, stage.world, 'notNow');
      return;
    }
    terminate(stage, request, step);
    res.status(204).end();
  });

/** The requests of Verify v2: start, check, cancel, next, and the silent step that the device walks. */
export const verifyRequests = (stage: Stage, router: IRouter): void => {
  const { world } = stage;
  const base = PATHS.verifyRequests;
  const jwt = requireApplicationJwt(stage, (res) => sendVerifyProblem(res, world, 'jwtExpired'));
  const json = requireJson(stage);
  allow(world, router, [base, `${base}/`], { post: [jwt, json, start(stage)] });
  allow(world, router, `${base}/:id`, { post: [jwt, json, check(stage)], delete: [jwt, cancel(stage)] });
  only(world, router, 'post', `${base}/:id/next_workflow`, jwt, next(stage));
  only(world, router, 'get', silentAuthPath(':id', 'redirect'), beginWalk(stage));
  only(world, router, 'get', silentAuthPath(':id', 'complete'), endWalk(stage));
};
