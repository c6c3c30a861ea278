import type { Request, Response } from 'express';
import { uuid } from './identifiers.js';
import type { Shelf, Walk } from './ledger.js';
import { sendProblem } from './problem.js';
import type { Stage } from './state.js';
import { E164 } from './subscribers.js';

/** How long a device has from the auth URL to the end of the chain, in milliseconds. */
const WALK_MS = 5 * 60_000;

/** A login that starts out with nothing but what the customer said. */
export const newWalk = (stage: Stage, asked: Pick<Walk, 'number' | 'scopes' | 'state'>): Walk => ({
  ...asked,
  wrappedState: `v2_${uuid(stage.world)}`,
  expiresAt: stage.world.now() + WALK_MS,
  claims: {},
  answer: {},
});

/** The walk waiting under this key, if it is still there and in time. Looking does not take it. */
export const waitingAt = (stage: Stage, shelf: Shelf<Walk>, key: unknown): Walk | undefined => {
  const walk = typeof key === 'string' ? shelf.get(key) : undefined;
  return walk && stage.world.now() < walk.expiresAt ? walk : undefined;
};

const cookieSim = (req: Request): string | undefined => {
  const value = /(?:^|;\s*)sandbox_sim=([^;]+)/.exec(req.headers.cookie ?? '')?.[1];
  return value?.trim().replace(/^%2B/i, '+');
};

/**
 * Notes the SIM that the device names at this hop; says false if that is no phone number. The first claim stays:
 * Android sends an app's headers with the first hop only, iOS with every one.
 */
export const noteSim = (req: Request, walk: Walk): boolean => {
  const header = req.get('x-sandbox-sim');
  const cookie = cookieSim(req);
  if ([header, cookie].some((claim) => claim !== undefined && !E164.test(claim))) return false;
  if (header !== undefined) walk.claims.header ??= header;
  if (cookie !== undefined) walk.claims.cookie ??= cookie;
  return true;
};

/** The SIM that walked: what the device said, else what the operator's table says. */
export const simThatWalked = (stage: Stage, { claims, number }: Walk): string | null =>
  claims.header ?? claims.cookie ?? stage.state.subscribers.simOf(number);

/** Sends the device on. These URLs are used once, so no browser may remember where a 301 led. */
export const sendOn = (
  res: Response,
  status: 301 | 302,
  base: string,
  parameters: Record<string, string>,
): void => res.set('Cache-Control', 'no-store').redirect(status, withQuery(base, parameters));

export const refuseWalk = (stage: Stage, res: Response): void =>
  sendProblem(
    res,
    stage.world,
    'badRequest',
    'This authorization request is unknown, expired or already used.',
  );

export const refuseSim = (stage: Stage, res: Response): void =>
  sendProblem(
    res,
    stage.world,
    'badRequest',
    'x-sandbox-sim and the cookie sandbox_sim must be phone numbers in E.164 format with a leading +.',
  );

/** `base` with these parameters added to its query. */
export const withQuery = (base: string, parameters: Record<string, string>): string => {
  const url = new URL(base);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
};
