import { isDeepStrictEqual } from 'node:util';
import type { IRouter, Request, RequestHandler, Response } from 'express';
import { randomToken } from '../world.js';
import { readDirectRequest } from './direct-request.js';
import type { Walk } from './ledger.js';
import { PATHS, silentAuthPath } from './paths.js';
import { only, sendProblem } from './problem.js';
import { parameter } from './query.js';
import type { Stage } from './state.js';
import { newWalk, noteDevice, refuseDevice, refuseWalk, sendOn, simThatWalked, waitingAt } from './walk.js';

/** How long a code is good, in milliseconds. */
const CODE_LIFE_MS = 60_000;

/** Sends the device to the operator, who says where it goes from there. */
export const toOperator = (stage: Stage, res: Response, walk: Walk): void => {
  const request = randomToken(stage.world);
  stage.state.ledger.atOperator.put(request, walk);
  sendOn(res, 302, `${stage.publicUrl()}${PATHS.operator}`, { request });
};

/** The auth URL that Network Enablement handed out: good once, and only as it was handed out. */
const followAuthUrl = (stage: Stage, req: Request, res: Response): void => {
  const { handedOut } = stage.state.ledger;
  const walk = waitingAt(stage, handedOut, req.query.state);
  const asHandedOut =
    parameter(req, 'response_type') === 'code' && parameter(req, 'scope') === walk?.scopes.join(' ');
  if (!walk || !asHandedOut) {
    refuseWalk(stage, res);
  } else if (!noteDevice(req, walk)) {
    refuseDevice(stage, res);
  } else {
    handedOut.remove(walk.wrappedState);
    toOperator(stage, res, walk);
  }
};

/** The older flow: the customer built this URL, and here it is checked for the first time. */
const beginDirectly = (stage: Stage, req: Request, res: Response): void => {
  const asked = readDirectRequest(stage, req);
  if ('error' in asked) {
    const state = parameter(req, 'state');
    sendOn(res, 302, stage.redirectUri, { ...asked, ...(state === '' ? {} : { state }) });
    return;
  }
  const walk = newWalk(stage, asked);
  if (!noteDevice(req, walk)) {
    refuseDevice(stage, res);
    return;
  }
  stage.state.ledger.states.put(asked.state, true);
  toOperator(stage, res, walk);
};

/** `GET /oauth2/auth`. Nobody is redirected to an address that the application did not register (RFC 6749, 4.1.2.1). */
const authorize =
  (stage: Stage): RequestHandler =>
  (req, res) => {
    const redirectUri = parameter(req, 'redirect_uri');
    if (parameter(req, 'client_id') !== stage.applicationId) {
      sendProblem(res, stage.world, 'badRequest', 'client_id is not the ID of this application.');
    } else if (redirectUri === `${stage.publicUrl()}${PATHS.vonageCallback}`) {
      followAuthUrl(stage, req, res);
    } else if (redirectUri === stage.redirectUri) {
      beginDirectly(stage, req, res);
    } else {
      sendProblem(res, stage.world, 'badRequest', 'redirect_uri is not the one in the dashboard.');
    }
  };

const issueCode = (stage: Stage, walk: Walk): string => {
  const code = randomToken(stage.world);
  stage.state.ledger.codes.put(code, {
    number: walk.number,
    scopes: walk.scopes,
    sim: simThatWalked(stage, walk),
    expiresAt: stage.world.now() + CODE_LIFE_MS,
    used: false,
    token: null,
  });
  return code;
};

const toCustomer = (stage: Stage, res: Response, walk: Walk): void => {
  const outcome = 'error' in walk.answer ? walk.answer : { code: issueCode(stage, walk) };
  sendOn(res, 302, stage.redirectUri, { ...outcome, state: walk.state });
};

/** A walk for Verify ends with Verify, which tells the device itself. */
const toVerify = (stage: Stage, res: Response, walk: Walk, requestId: string): void => {
  const ticket = randomToken(stage.world);
  stage.state.ledger.atVerify.put(ticket, walk);
  sendOn(res, 302, `${stage.publicUrl()}${silentAuthPath(requestId, 'complete')}`, { ticket });
};

/** `GET /camara/oauth/callback`: the operator's answer comes back to Vonage, and Vonage's own goes to the customer. */
const returnToCustomer =
  (stage: Stage): RequestHandler =>
  (req, res) => {
    const { atVonage } = stage.state.ledger;
    const { state, ...answer } = req.query;
    const walk = waitingAt(stage, atVonage, state);
    if (!walk || !isDeepStrictEqual(answer, walk.answer)) {
      refuseWalk(stage, res);
    } else if (!noteDevice(req, walk)) {
      refuseDevice(stage, res);
    } else {
      atVonage.remove(walk.wrappedState);
      if (walk.silentStepOf) toVerify(stage, res, walk, walk.silentStepOf.id);
      else toCustomer(stage, res, walk);
    }
  };

/** Vonage's first and last hop; the operator's own are between them. */
export const authorization = (stage: Stage, router: IRouter): void => {
  only(stage.world, router, 'get', PATHS.authorize, authorize(stage));
  only(stage.world, router, 'get', PATHS.vonageCallback, returnToCustomer(stage));
};
