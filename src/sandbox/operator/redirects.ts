import { randomUUID } from 'node:crypto';
import type { IRouter, Request, Response } from 'express';
import { randomToken } from '../../core/world.js';
import type { OperatorView } from '../conversation/calls.js';
import { PATHS, withQuery } from '../http/paths.js';
import { Problem } from '../http/problems.js';
import { handlePath } from '../http/requests.js';
import { oauthError, type OAuthError } from './grants.js';
import type { Authorization, Override, Store } from '../state/records.js';
import type { SandboxState } from '../state/state.js';
import { isPhoneNumber, type SilentBehaviour } from '../state/subscribers.js';

const AUTHORIZATION_TTL_MS = 5 * 60_000;

export type LoginRequest = Pick<Authorization, 'number' | 'scopes' | 'state'>;

export const createAuthorization = ({ world }: SandboxState, login: LoginRequest): Authorization => ({
  ...login,
  wrappedState: `v2_${randomUUID()}`,
  expiresAt: world.now() + AUTHORIZATION_TTL_MS,
  overrides: { sim: {}, network: {} },
  operatorResponse: {},
});

const IS_VALID_OVERRIDE: Record<'sim' | 'network', (value: string) => boolean> = {
  sim: isPhoneNumber,
  network: (value) => value === 'cellular' || value === 'wifi',
};

const readOverride = (req: Request, name: keyof typeof IS_VALID_OVERRIDE): Override => {
  const header = req.get(`x-sandbox-${name}`);
  const cookie = new RegExp(`(?:^|;\\s*)sandbox_${name}=([^;]+)`)
    .exec(req.headers.cookie ?? '')?.[1]
    ?.trim()
    .replace(/^%2B/i, '+');
  return { ...(header !== undefined && { header }), ...(cookie !== undefined && { cookie }) };
};

const INVALID_OVERRIDE =
  'x-sandbox-sim and the cookie sandbox_sim must be phone numbers in E.164 format with a leading +, x-sandbox-network and the cookie sandbox_network must be cellular or wifi.';

/** The device's own values for its SIM and network. @throws Problem if one is malformed */
export const readOverrides = (req: Request): Authorization['overrides'] => {
  const overrides = { sim: readOverride(req, 'sim'), network: readOverride(req, 'network') };
  for (const name of ['sim', 'network'] as const) {
    if (Object.values(overrides[name]).every(IS_VALID_OVERRIDE[name])) continue;
    throw new Problem('badRequest', { detail: INVALID_OVERRIDE });
  }
  return overrides;
};

/**
 * Records the overrides of the device. The first value of each is kept: Android sends an app's
 * headers with the first request only, iOS with every request.
 */
export const recordOverrides = (req: Request, authorization: Authorization): void => {
  const overrides = readOverrides(req);
  const { sim, network } = authorization.overrides;
  authorization.overrides = {
    sim: { ...overrides.sim, ...sim },
    network: { ...overrides.network, ...network },
  };
};

const UNKNOWN = 'This authorization request is unknown, expired or already used.';

/** A redirect that a device is to follow. `accepts` checks the rest of its request. */
interface Hop {
  store: Store<Authorization>;
  key: unknown;
  accepts?: (authorization: Authorization) => boolean;
}

/** Takes the authorization request of a hop, once. A refused request does not use it up. */
export const takeAuthorization = (
  { world }: SandboxState,
  req: Request,
  { store, key, accepts = () => true }: Hop,
): Authorization => {
  const found = typeof key === 'string' ? store.get(key) : undefined;
  if (!found || world.now() >= found.expiresAt || !accepts(found)) {
    throw new Problem('badRequest', { detail: UNKNOWN });
  }
  recordOverrides(req, found);
  store.delete(String(key));
  return found;
};

/**
 * Redirects the device. `no-store` keeps browsers from caching a 301 to a URL that works once. With
 * a Content-Length, Vonage's SDK for Android would send the next request over this connection,
 * which it has asked to close.
 */
export const redirect = (res: Response, status: 301 | 302 | 303, url: string): void => {
  res.set('Cache-Control', 'no-store').status(status).location(url);
  res.removeHeader('Content-Length');
  res.end();
};

/** A device that opened a link for a number. */
type Device = Pick<Authorization, 'number' | 'overrides'>;

export const simOf = ({ subscribers }: SandboxState, { overrides, number }: Device): string | null =>
  overrides.sim.header ?? overrides.sim.cookie ?? subscribers.simOf(number);

/** The behaviour of the number, or `wifi` for a device on Wi-Fi, whose SIM no operator sees. */
export const behaviourOf = (
  { subscribers }: SandboxState,
  { overrides, number }: Device,
): SilentBehaviour => {
  const isOnWifi = (overrides.network.header ?? overrides.network.cookie) === 'wifi';
  return isOnWifi ? 'wifi' : subscribers.silentBehaviourOf(number);
};

/** The errors of an operator, which its redirect carries (RFC 6749, 4.1.2.1). */
export const OPERATOR_ERRORS: Partial<Record<SilentBehaviour, OAuthError>> = {
  wifi: oauthError('access_denied', 'IP Address does not resolve to a cellular device.'),
  server_error: oauthError('server_error', 'The operator could not process the request.'),
  no_consent: oauthError('consent_required', 'The subscriber has not consented.'),
};

const identify = (state: SandboxState, req: Request, res: Response): void => {
  const hop = { store: state.operatorRequests, key: req.query.request };
  const authorization = takeAuthorization(state, req, hop);
  const { number, wrappedState } = authorization;
  const behaviour = behaviourOf(state, authorization);
  const network = behaviour === 'wifi' ? 'wifi' : 'cellular';
  res.locals.seen = { number, sim: simOf(state, authorization), network } satisfies OperatorView;
  authorization.operatorResponse = { ...(OPERATOR_ERRORS[behaviour] ?? { code: randomToken(state.world) }) };
  state.operatorResponses.set(wrappedState, authorization);
  const callback = `${state.publicUrl()}${PATHS.vonageCallback}`;
  redirect(res, 301, withQuery(callback, { ...authorization.operatorResponse, state: wrappedState }));
};

/** `GET /operator/authorize`: identifies the SIM, and redirects the device to Vonage. */
export const operatorRoutes = (state: SandboxState, router: IRouter): void =>
  handlePath(router, PATHS.operator, { get: [(req, res) => identify(state, req, res)] });
