import type { IRouter, RequestHandler } from 'express';
import { z } from 'zod';
import { requireApplicationJwt } from './application-jwt.js';
import { parseJson, requireJson } from './body.js';
import { uuid } from './identifiers.js';
import { PATHS } from './paths.js';
import { invalidParameters, only, sendProblem } from './problem.js';
import type { InvalidParameter } from './problem.js';
import { withQuery } from './query.js';
import { isKnownScope, NOT_ALLOWED } from './scopes.js';
import type { Stage } from './state.js';
import { PhoneNumber } from './subscribers.js';
import { newWalk } from './walk.js';

const Body = z.object({
  phone_number: PhoneNumber,
  scopes: z.array(z.string()).min(1, 'must name at least one scope'),
  state: z.string().min(8, 'must have at least 8 characters'),
});

type EnableRequest = z.infer<typeof Body>;

/** What one scope is answered with; a refusal of one scope still comes in a 200. */
const answerFor = (stage: Stage, { phone_number, state }: EnableRequest, scope: string): object => {
  const { ledger, subscribers } = stage.state;
  if (!isKnownScope(scope) || subscribers.of(phone_number).behaviour === 'unsupported') {
    const instance = uuid(stage.world);
    return { error: { title: 'Forbidden', instance, detail: NOT_ALLOWED, error_type: 'UNAUTHORIZED' } };
  }
  const walk = newWalk(stage, { number: phone_number, scopes: [scope], state });
  ledger.handedOut.put(walk.wrappedState, walk);
  const auth_url = withQuery(`${stage.publicUrl()}${PATHS.authorize}`, {
    client_id: stage.applicationId,
    scope,
    state: walk.wrappedState,
    redirect_uri: `${stage.publicUrl()}${PATHS.vonageCallback}`,
    response_type: 'code',
  });
  return { app_url: null, auth_url, requires_carrier_network: true };
};

/** The request, or what is wrong with it. A state counts as seen only once its request was good. */
const read = (stage: Stage, body: unknown): EnableRequest | InvalidParameter[] => {
  const { success, data, error } = Body.safeParse(body);
  if (!success) return invalidParameters(error);
  const repeated = stage.state.ledger.states.has(data.state);
  return repeated ? [{ name: 'state', reason: 'must be unique for each request' }] : data;
};

const enable =
  (stage: Stage): RequestHandler =>
  (req, res) => {
    const { world, state } = stage;
    const asked = read(stage, parseJson(req));
    if (Array.isArray(asked)) {
      const detail = 'The value of one or more parameters is invalid.';
      sendProblem(res, world, 'invalidParams', detail, { invalid_parameters: asked });
    } else if (state.subscribers.of(asked.phone_number).behaviour === 'rate_limited') {
      res.set('Retry-After', '7');
      sendProblem(res, world, 'throttled', 'Please wait, then retry your request');
    } else {
      state.ledger.states.put(asked.state, true);
      const answers = asked.scopes.map((scope) => [scope, answerFor(stage, asked, scope)] as const);
      res.json({ scopes: Object.fromEntries(answers) });
    }
  };

const sayLimits: RequestHandler = (_req, res, next) => {
  res.set('x-ratelimit-limit', '10, 10;w=1;name="network-enablement-api"');
  next();
};

/** `POST /v0.1/network-enablement`: can this number be verified, and where does its device begin? */
export const networkEnablement = (stage: Stage, router: IRouter): void =>
  only(
    stage.world,
    router,
    'post',
    PATHS.networkEnablement,
    sayLimits,
    requireApplicationJwt(stage),
    requireJson(stage),
    enable(stage),
  );
