import type { Request, Response } from 'express';
import type { Seen } from './conversation/call.js';
import type { LoginRequest } from './direct-request.js';
import { uuid } from './identifiers.js';
import type { Claim, Shelf, Walk } from './ledger.js';
import { sendProblem } from './problem.js';
import { withQuery } from './query.js';
import type { Stage } from './state.js';
import { isPhoneNumber } from './subscribers.js';
import type { Behaviour } from './subscribers.js';

/** How long a device has from the auth URL to the end of the chain, in milliseconds. */
const WALK_MS = 5 * 60_000;

/** A login that starts out with nothing but what the customer said. */
export const newWalk = (stage: Stage, asked: LoginRequest): Walk => ({
  ...asked,
  wrappedState: `v2_${uuid(stage.world)}`,
  expiresAt: stage.world.now() + WALK_MS,
  claims: { sim: {}, network: {} },
  answer: {},
});

/** The walk waiting under this key, if it is still there and in time. Looking does not take it. */
export const waitingAt = (stage: Stage, shelf: Shelf<Walk>, key: unknown): Walk | undefined => {
  const walk = typeof key === 'string' ? shelf.get(key) : undefined;
  return walk && stage.world.now() < walk.expiresAt ? walk : undefined;
};

const CLAIMS = {
  sim: { header: 'x-sandbox-sim', cookie: /(?:^|;\s*)sandbox_sim=([^;]+)/, isValid: isPhoneNumber },
  network: {
    header: 'x-sandbox-network',
    cookie: /(?:^|;\s*)sandbox_network=([^;]+)/,
    isValid: (claim: string) => claim === 'cellular' || claim === 'wifi',
  },
};

const read = (req: Request, name: keyof Walk['claims']): Claim => {
  const { header, cookie } = CLAIMS[name];
  const said = req.get(header);
  const kept = cookie
    .exec(req.headers.cookie ?? '')?.[1]
    ?.trim()
    .replace(/^%2B/i, '+');
  return { ...(said !== undefined && { header: said }), ...(kept !== undefined && { cookie: kept }) };
};

/**
 * Notes the SIM and the network that the device names at this hop; says false if that is nonsense. The first claim stays:
 * Android sends an app's headers with the first hop only, iOS with every one.
 */
export const noteDevice = (req: Request, walk: Walk): boolean => {
  const claims = { sim: read(req, 'sim'), network: read(req, 'network') };
  const isWellFormed = (name: keyof Walk['claims']): boolean =>
    Object.values(claims[name]).every((claim) => CLAIMS[name].isValid(claim as string));
  if (!isWellFormed('sim') || !isWellFormed('network')) return false;
  walk.claims.sim = { ...claims.sim, ...walk.claims.sim };
  walk.claims.network = { ...claims.network, ...walk.claims.network };
  return true;
};

/** The SIM that walked: what the device said, else what the operator's table says. */
export const simThatWalked = (stage: Stage, { claims: { sim }, number }: Walk): string | null =>
  sim.header ?? sim.cookie ?? stage.state.subscribers.simOf(number);

const isOnWifi = ({ claims: { network } }: Walk): boolean => (network.header ?? network.cookie) === 'wifi';

/** What the operator knows of the device that walks. */
export const seenOn = (stage: Stage, walk: Walk): Seen => ({
  number: walk.number,
  sim: simThatWalked(stage, walk),
  network: behaviourOnWalk(stage, walk) === 'wifi' ? 'wifi' : 'cellular',
});

/** How the number behaves on this walk: on Wi-Fi no operator sees a SIM, whatever the number is. */
export const behaviourOnWalk = (stage: Stage, walk: Walk): Behaviour =>
  isOnWifi(walk) ? 'wifi' : stage.state.subscribers.of(walk.number).behaviour;

/**
 * Sends the device on. These URLs are used once, so no browser may remember where a 301 led. There is no Content-Length:
 * with one, Vonage's SDK for Android asks the next hop over this very connection, which it has asked to be closed, and here
 * all hops are on one host.
 */
export const sendOn = (
  res: Response,
  status: 301 | 302,
  base: string,
  parameters: Record<string, string>,
): void => {
  res.set('Cache-Control', 'no-store').status(status).location(withQuery(base, parameters));
  res.removeHeader('Content-Length');
  res.end();
};

export const refuseWalk = (stage: Stage, res: Response): void =>
  sendProblem(
    res,
    stage.world,
    'badRequest',
    'This authorization request is unknown, expired or already used.',
  );

export const refuseDevice = (stage: Stage, res: Response): void =>
  sendProblem(
    res,
    stage.world,
    'badRequest',
    'x-sandbox-sim and the cookie sandbox_sim must be phone numbers in E.164 format with a leading +, x-sandbox-network and the cookie sandbox_network must be cellular or wifi.',
  );
