import { createHash } from 'node:crypto';
import type { IRouter, Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { bearerIn } from './bearer.js';
import { mediaType, parseJson } from './body.js';
import { echoCorrelator, ERROR_OF, sendCamaraError } from './camara.js';
import { later } from './later.js';
import type { Grant } from './ledger.js';
import { PATHS } from './paths.js';
import { only } from './problem.js';
import { SHARE_SCOPE, VERIFY_SCOPE } from './scopes.js';
import type { Stage } from './state.js';
import { isPhoneNumber, SLOW_MS } from './subscribers.js';

const withPlus = (number: string): string => number.replace(/^\+?/, '+');

/** Exactly one of the two, and nothing else. 0.3.1 lets the plus sign be left out. */
const Body = z.union([
  z.strictObject({ phoneNumber: z.string().refine((number) => isPhoneNumber(withPlus(number))) }),
  z.strictObject({ hashedPhoneNumber: z.string().regex(/^[0-9a-f]{64}$/i) }),
]);

type Body = z.infer<typeof Body>;

const tokenOf = ({ headers }: Request): string => bearerIn(headers.authorization) ?? '';

/** What the token allows, or the answer is already a refusal. Looking at a token does not spend it. */
const admit = (stage: Stage, req: Request, res: Response, scope: string): Grant | undefined => {
  const grant = stage.state.ledger.tokens.get(tokenOf(req));
  if (!grant || stage.world.now() >= grant.expiresAt) {
    sendCamaraError(res, 'unauthenticated');
  } else if (!grant.scopes.includes(scope)) {
    sendCamaraError(res, 'permissionDenied');
  } else {
    return grant;
  }
  return undefined;
};

const spend = (stage: Stage, req: Request): void => stage.state.ledger.tokens.remove(tokenOf(req));

/** Answers as this number behaves; `say` gives the answer proper, which needs the number of the SIM. */
const behave = (stage: Stage, res: Response, { number, sim }: Grant, say: (sim: string) => object): void => {
  const { behaviour } = stage.state.subscribers.of(number);
  const refused = ERROR_OF[behaviour];
  if (refused) sendCamaraError(res, refused);
  else if (sim === null) sendCamaraError(res, 'noNumber');
  else if (behaviour === 'slow') later(res, SLOW_MS, () => res.json(say(sim)));
  else if (behaviour === 'garbage')
    res.type('text/html').send('<html><body>{"devicePhoneNumberVerified": tr');
  else res.json(say(sim));
};

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Whether the body names the number of the SIM. The hash may be that of the number without its plus sign, too. */
const isSame = (sim: string, body: Body): boolean =>
  'phoneNumber' in body
    ? withPlus(body.phoneNumber) === sim
    : [hash(sim), hash(sim.slice(1))].includes(body.hashedPhoneNumber.toLowerCase());

const verify =
  (stage: Stage): RequestHandler =>
  (req, res) => {
    const grant = admit(stage, req, res, VERIFY_SCOPE);
    if (!grant) return;
    const { success, data } = Body.safeParse(parseJson(req));
    if (!success || mediaType(req) !== 'application/json') {
      sendCamaraError(res, 'invalidArgument');
      return;
    }
    spend(stage, req);
    behave(stage, res, grant, (sim) => ({ devicePhoneNumberVerified: isSame(sim, data) }));
  };

const share =
  (stage: Stage): RequestHandler =>
  (req, res) => {
    const grant = admit(stage, req, res, SHARE_SCOPE);
    if (!grant) return;
    spend(stage, req);
    behave(stage, res, grant, (sim) => ({ devicePhoneNumber: sim }));
  };

/** CAMARA Number Verification 0.3.1 at Vonage's paths. A token answers one call that could be understood. */
export const numberVerification = (stage: Stage, router: IRouter): void => {
  only(stage.world, router, 'post', PATHS.verify, echoCorrelator, verify(stage));
  only(stage.world, router, 'get', PATHS.devicePhoneNumber, echoCorrelator, share(stage));
};
