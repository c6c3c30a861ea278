import { randomUUID } from 'node:crypto';
import type { IRouter, Response } from 'express';
import { z } from 'zod';
import { CAMARA_PATHS, PATHS } from '../http/paths.js';
import { parse } from '../http/problems.js';
import {
  bearerToken,
  echoCorrelator,
  handlePath,
  jsonBody,
  mediaType,
  requireMediaType,
} from '../http/requests.js';
import type { Handler, SandboxState } from '../state/state.js';
import { CamaraPhoneNumber, isPhoneNumber, withPlus, type SimSwap } from '../state/subscribers.js';
import { requireApplicationJwt } from '../vonage/application-jwt.js';

const HOUR_MS = 3_600_000;

/** Hours back, in both APIs. */
const MAX_HOURS = 2400;
const DEFAULT_HOURS = 240;

const isWithin = (hours: number, swap: SimSwap): boolean => typeof swap === 'number' && swap <= hours;

const InsightsRequest = z.strictObject({
  phone_number: z.string().refine((number) => isPhoneNumber(withPlus(number))),
  purpose: z.string().optional(),
  insights: z.strictObject({
    sim_swap: z.strictObject({ period: z.int().min(1).max(MAX_HOURS).default(DEFAULT_HOURS) }),
  }),
});

const INSIGHT_STATUS = {
  unknown: {
    code: 'SUPPLIER_ERROR',
    message: 'The supplier returned an error while processing the request.',
  },
  not_covered: { code: 'NO_COVERAGE', message: 'The country or mobile network is not supported.' },
};

const INVALID_PURPOSE = {
  code: 'INVALID_PURPOSE',
  message: 'The purpose used is not valid or allowed for this Insight.',
};

const insightOf = (
  { subscribers, world }: SandboxState,
  { phone_number, purpose, insights }: z.infer<typeof InsightsRequest>,
): object => {
  if (purpose !== 'FraudPreventionAndDetection') return { status: INVALID_PURPOSE };
  const swap = subscribers.simSwapOf(withPlus(phone_number));
  if (swap === 'unknown' || swap === 'not_covered') return { status: INSIGHT_STATUS[swap] };
  const at = swap === 'never' ? undefined : new Date(world.now() - swap * HOUR_MS).toISOString();
  return {
    ...(at !== undefined && { latest_sim_swap_at: at }),
    is_swapped: isWithin(insights.sim_swap.period, swap),
    status: { code: 'OK', message: 'Success' },
  };
};

/** `POST /identity-insights/v1/requests`. Answers 200 even if it knows nothing of the number. */
const sendInsights: Handler = (state) => (req, res) => {
  const request = parse(InsightsRequest, jsonBody(req), 'unprocessable');
  res.json({ request_id: randomUUID(), insights: { sim_swap: insightOf(state, request) } });
};

/** CAMARA SIM Swap 2.1.0, and the errors of the Commonalities. */
const ERRORS = {
  invalidArgument: [400, 'INVALID_ARGUMENT', 'Client specified an invalid argument.'],
  outOfRange: [400, 'OUT_OF_RANGE', 'Client specified an invalid range.'],
  unauthenticated: [401, 'UNAUTHENTICATED', 'Request not authenticated due to invalid credentials.'],
  permissionDenied: [403, 'PERMISSION_DENIED', 'Client does not have sufficient permissions.'],
  unknown: [404, 'IDENTIFIER_NOT_FOUND', 'Device identifier not found.'],
  not_covered: [422, 'SERVICE_NOT_APPLICABLE', 'The service is not available for the identifier.'],
  missing: [422, 'MISSING_IDENTIFIER', 'The phone number cannot be identified.'],
  unnecessary: [422, 'UNNECESSARY_IDENTIFIER', 'The phone number is already identified by the token.'],
} as const;

const sendError = (res: Response, name: keyof typeof ERRORS): void => {
  const [status, code, message] = ERRORS[name];
  res.status(status).json({ status, code, message });
};

export const SIM_SWAP_SCOPE = 'sim-swap:check';

const CheckRequest = z.strictObject({
  phoneNumber: CamaraPhoneNumber.optional(),
  maxAge: z.int().default(DEFAULT_HOURS),
});

/** `check`. A token of the client is for any number; that of a subscriber, for its own. */
const checkSimSwap: Handler = (state) => (req, res) => {
  const { camara, world, subscribers } = state;
  const grant = camara.tokens.get(bearerToken(req.headers.authorization) ?? '');
  const { success, data } = CheckRequest.safeParse(jsonBody(req));
  if (!grant || world.now() >= grant.expiresAt) sendError(res, 'unauthenticated');
  else if (!grant.scopes.includes(SIM_SWAP_SCOPE)) sendError(res, 'permissionDenied');
  else if (!success || mediaType(req) !== 'application/json') sendError(res, 'invalidArgument');
  else if (data.maxAge < 1 || data.maxAge > MAX_HOURS) sendError(res, 'outOfRange');
  else if (grant.number !== '' && data.phoneNumber !== undefined) sendError(res, 'unnecessary');
  else {
    const number = grant.number || data.phoneNumber;
    const swap = number === undefined ? 'missing' : subscribers.simSwapOf(number);
    if (swap === 'missing' || swap === 'unknown' || swap === 'not_covered') sendError(res, swap);
    else res.json({ swapped: isWithin(data.maxAge, swap) });
  }
};

/** What operators know of changed SIMs: Vonage Identity Insights, and CAMARA SIM Swap. */
export const simSwapRoutes = (state: SandboxState, router: IRouter): void => {
  const json = requireMediaType('application/json');
  handlePath(router, PATHS.identityInsights, {
    post: [requireApplicationJwt(state), json, sendInsights(state)],
  });
  const correlator = echoCorrelator((res) => sendError(res, 'invalidArgument'));
  handlePath(router, CAMARA_PATHS.simSwap, { post: [correlator, checkSimSwap(state)] });
};
