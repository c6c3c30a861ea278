import { Router } from 'express';
import type { RequestHandler } from 'express';
import { randomToken } from '../world.js';
import { noteSeen } from './conversation/watch.js';
import type { Walk } from './ledger.js';
import { numberVerification } from './number-verification.js';
import { PATHS } from './paths.js';
import { only } from './problem.js';
import type { Stage } from './state.js';
import type { Behaviour } from './subscribers.js';
import { behaviourOnWalk, noteDevice, refuseDevice, refuseWalk, sendOn, seenOn, waitingAt } from './walk.js';

/** Why the operator sends a device back without having identified it. */
const REFUSALS: Partial<Record<Behaviour, { error: string; error_description: string }>> = {
  wifi: { error: 'access_denied', error_description: 'IP Address does not resolve to a cellular device.' },
  server_error: { error: 'server_error', error_description: 'The operator could not process the request.' },
};

const answerTo = (stage: Stage, walk: Walk): Record<string, string> => {
  return { ...(REFUSALS[behaviourOnWalk(stage, walk)] ?? { code: randomToken(stage.world) }) };
};

/** `GET /operator/authorize`: the operator looks who is on the line, and sends the device back to Vonage. */
const identify =
  (stage: Stage): RequestHandler =>
  (req, res) => {
    const { atOperator, atVonage } = stage.state.ledger;
    const { request } = req.query;
    const walk = waitingAt(stage, atOperator, request);
    if (typeof request !== 'string' || !walk) {
      refuseWalk(stage, res);
    } else if (!noteDevice(req, walk)) {
      refuseDevice(stage, res);
    } else {
      atOperator.remove(request);
      walk.answer = answerTo(stage, walk);
      noteSeen(res, seenOn(stage, walk));
      atVonage.put(walk.wrappedState, walk);
      const callback = `${stage.publicUrl()}${PATHS.vonageCallback}`;
      sendOn(res, 301, callback, { ...walk.answer, state: walk.wrappedState });
    }
  };

/** The operator's side of the sandbox: who is on the line, and CAMARA Number Verification. */
export const operator = (stage: Stage): Router => {
  const router = Router({ caseSensitive: true, strict: true });
  only(stage.world, router, 'get', PATHS.operator, identify(stage));
  numberVerification(stage, router);
  return router;
};
