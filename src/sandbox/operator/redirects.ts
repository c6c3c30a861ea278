import { randomUUID } from 'node:crypto';
import type { IRouter, Request, Response } from 'express';
import { randomToken } from '../../core/world.js';
import type { Seen } from '../conversation/calls.js';
import { PATHS, withQuery } from '../http/paths.js';
import { sendProblem } from '../http/problems.js';
import { handlePath } from '../http/requests.js';
import type { Authorization, Claim, Store } from '../state/records.js';
import type { SandboxState } from '../state/state.js';
import { isPhoneNumber, type Behaviour } from '../state/subscribers.js';

/** The time from the link to the last redirect. */
const AUTHORIZATION_TTL_MS = 5 * 60_000;

/** A login as the customer requests it. */
export type LoginRequest = Pick<Authorization, 'number' | 'scopes' | 'state'>;

export const createAuthorization = ({ world }: SandboxState, login: LoginRequest): Authorization => ({
  ...login,
  wrappedState: `v2_${randomUUID()}`,
  expiresAt: world.now() + AUTHORIZATION_TTL_MS,
  claims: { sim: {}, network: {} },
  answer: {},
});

/** What a device may state about itself, and how it must be written. */
const CLAIMS: Record<'sim' | 'network', (claim: string) => boolean> = {
  sim: isPhoneNumber,
  network: (claim) => claim === 'cellular' || claim === 'wifi',
};

const readClaim = (req: Request, name: keyof typeof CLAIMS): Claim => {
  const header = req.get(`x-sandbox-${name}`);
  const cookie = new RegExp(`(?:^|;\\s*)sandbox_${name}=([^;]+)`)
    .exec(req.headers.cookie ?? '')?.[1]
    ?.trim()
    .replace(/^%2B/i, '+');
  return { ...(header !== undefined && { header }), ...(cookie !== undefined && { cookie }) };
};

/**
 * Records the claims of the device; returns false if one is malformed. The first one counts:
 * Android sends an app's headers with the first request only, iOS with every one.
 */
export const recordClaims = (req: Request, authorization: Authorization): boolean => {
  const claims = { sim: readClaim(req, 'sim'), network: readClaim(req, 'network') };
  const areValid = (['sim', 'network'] as const).every((name) =>
    Object.values(claims[name] as Record<string, string>).every(CLAIMS[name]),
  );
  if (!areValid) return false;
  const { sim, network } = authorization.claims;
  authorization.claims = { sim: { ...claims.sim, ...sim }, network: { ...claims.network, ...network } };
  return true;
};

export const refuseClaims = (res: Response): void =>
  sendProblem(res, 'badRequest', {
    detail:
      'x-sandbox-sim and the cookie sandbox_sim must be phone numbers in E.164 format with a leading +, x-sandbox-network and the cookie sandbox_network must be cellular or wifi.',
  });

const UNKNOWN = 'This authorization request is unknown, expired or already used.';

/** Where a device waits for its next request, and what that request must bring. */
interface Hop {
  store: Store<Authorization>;
  key: unknown;
  accepts?: (authorization: Authorization) => boolean;
}

/** Takes the authorization request of a hop, which works once. A refusal leaves it in place. */
export const takeAuthorization = (
  { world }: SandboxState,
  { store, key, accepts = () => true }: Hop,
  { req, res }: { req: Request; res: Response },
): Authorization | undefined => {
  const found = typeof key === 'string' ? store.get(key) : undefined;
  if (!found || world.now() >= found.expiresAt || !accepts(found)) {
    sendProblem(res, 'badRequest', { detail: UNKNOWN });
  } else if (!recordClaims(req, found)) {
    refuseClaims(res);
  } else {
    store.delete(String(key));
    return found;
  }
  return undefined;
};

/**
 * Redirects the device. The URL works once, so browsers must not remember where a 301 led. With a
 * Content-Length, Vonage's SDK for Android would send the next request over this connection, which
 * it has asked to close.
 */
export const redirect = (res: Response, status: 301 | 302, url: string): void => {
  res.set('Cache-Control', 'no-store').status(status).location(url);
  res.removeHeader('Content-Length');
  res.end();
};

/** The number of the SIM in the device: the one it states, else the subscriber's. */
export const simOf = ({ subscribers }: SandboxState, { claims, number }: Authorization): string | null =>
  claims.sim.header ?? claims.sim.cookie ?? subscribers.simOf(number);

/** The behaviour of the number. On Wi-Fi no operator sees a SIM, whatever the number. */
export const behaviourOf = ({ subscribers }: SandboxState, { claims, number }: Authorization): Behaviour => {
  const isOnWifi = (claims.network.header ?? claims.network.cookie) === 'wifi';
  return isOnWifi ? 'wifi' : subscribers.of(number).behaviour;
};

/** The errors with which the operator redirects a device that it cannot identify. */
const ERRORS: Partial<Record<Behaviour, { error: string; error_description: string }>> = {
  wifi: { error: 'access_denied', error_description: 'IP Address does not resolve to a cellular device.' },
  server_error: { error: 'server_error', error_description: 'The operator could not process the request.' },
};

const identify = (state: SandboxState, req: Request, res: Response): void => {
  const hop = { store: state.atOperator, key: req.query.request };
  const authorization = takeAuthorization(state, hop, { req, res });
  if (!authorization) return;
  const { number, wrappedState } = authorization;
  const behaviour = behaviourOf(state, authorization);
  const network = behaviour === 'wifi' ? 'wifi' : 'cellular';
  res.locals.seen = { number, sim: simOf(state, authorization), network } satisfies Seen;
  authorization.answer = { ...(ERRORS[behaviour] ?? { code: randomToken(state.world) }) };
  state.returning.set(wrappedState, authorization);
  const callback = `${state.publicUrl()}${PATHS.vonageCallback}`;
  redirect(res, 301, withQuery(callback, { ...authorization.answer, state: wrappedState }));
};

/** `GET /operator/authorize`: identifies the SIM of the device, and redirects it to Vonage. */
export const operatorRoutes = (state: SandboxState, router: IRouter): void =>
  handlePath(router, PATHS.operator, { get: [(req, res) => identify(state, req, res)] });
