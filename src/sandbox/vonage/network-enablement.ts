import { randomUUID } from 'node:crypto';
import type { IRouter, RequestHandler } from 'express';
import { z } from 'zod';
import { isKnownScope, PATHS, withQuery } from '../http/paths.js';
import { parse, Problem } from '../http/problems.js';
import { handlePath, jsonBody, requireMediaType } from '../http/requests.js';
import { createAuthorization } from '../operator/redirects.js';
import type { Handler, SandboxState } from '../state/state.js';
import { PhoneNumber } from '../state/subscribers.js';
import { requireApplicationJwt } from './application-jwt.js';

export const NUMBER_NOT_ALLOWED =
  'The Network API application can only be used with verified phone numbers. Blocked by allowlist.';

const bodyFor = ({ usedStates }: SandboxState) =>
  z
    .object({
      phone_number: PhoneNumber,
      scopes: z.array(z.string()).min(1, 'must name at least one scope'),
      state: z.string().min(8, 'must have at least 8 characters'),
    })
    .refine(({ state }) => !usedStates.has(state), {
      path: ['state'],
      message: 'must be unique for each request',
    });

type EnablementRequest = z.infer<ReturnType<typeof bodyFor>>;

/** The answer for one scope. The status is 200 even if a scope is refused. */
const answerFor = (state: SandboxState, request: EnablementRequest, scope: string): object => {
  const { phone_number: number } = request;
  if (!isKnownScope(scope) || state.subscribers.silentBehaviourOf(number) === 'unsupported') {
    const error = { title: 'Forbidden', detail: NUMBER_NOT_ALLOWED, error_type: 'UNAUTHORIZED' };
    return { error: { ...error, instance: randomUUID() } };
  }
  const authorization = createAuthorization(state, { number, scopes: [scope], state: request.state });
  state.issuedLinks.set(authorization.wrappedState, authorization);
  const auth_url = withQuery(`${state.publicUrl()}${PATHS.authorize}`, {
    client_id: state.applicationId,
    scope,
    state: authorization.wrappedState,
    redirect_uri: `${state.publicUrl()}${PATHS.vonageCallback}`,
    response_type: 'code',
  });
  return { app_url: null, auth_url, requires_carrier_network: true };
};

const enable: Handler = (state) => (req, res) => {
  const request = parse(bodyFor(state), jsonBody(req), 'unprocessable');
  if (state.subscribers.silentBehaviourOf(request.phone_number) === 'rate_limited') {
    res.set('Retry-After', '7');
    throw new Problem('throttled');
  }
  state.usedStates.set(request.state, true);
  const answers = request.scopes.map((scope) => [scope, answerFor(state, request, scope)] as const);
  res.json({ scopes: Object.fromEntries(answers) });
};

const setRateLimitHeader: RequestHandler = (_req, res, next) => {
  res.set('x-ratelimit-limit', '10, 10;w=1;name="network-enablement-api"');
  next();
};

/** `POST /v0.1/network-enablement`: returns a link for each scope of a number. */
export const networkEnablementRoutes = (state: SandboxState, router: IRouter): void => {
  const jwt = requireApplicationJwt(state);
  const json = requireMediaType('application/json');
  handlePath(router, PATHS.networkEnablement, { post: [setRateLimitHeader, jwt, json, enable(state)] });
};
