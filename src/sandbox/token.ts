import type { IRouter, Request, RequestHandler, Response } from 'express';
import { randomToken } from '../world.js';
import { requireApplicationJwt } from './application-jwt.js';
import { mediaType, parseForm } from './body.js';
import type { Code } from './ledger.js';
import { PATHS } from './paths.js';
import { only, sendProblem } from './problem.js';
import type { Stage } from './state.js';

/** How long a token is good, in seconds: CAMARA allows no more than this. */
const TOKEN_LIFE = 300;

const refuse = (res: Response, error: string, error_description: string): void =>
  void res.status(400).json({ error, error_description });

/** The code, spent by asking; or why it is worth nothing. Even a request that is wrong in another way spends it. */
const spend = (stage: Stage, name: string, redirectUri: string): Code | string => {
  const { ledger, subscribers } = stage.state;
  const code = ledger.codes.get(name);
  if (!code) return 'The authorization code is unknown.';
  if (code.used) {
    if (code.token !== null) ledger.tokens.remove(code.token);
    return 'The authorization code was already used; the token it gave is revoked.';
  }
  code.used = true;
  if (stage.world.now() >= code.expiresAt) return 'The authorization code has expired.';
  if (redirectUri !== stage.redirectUri) return 'redirect_uri is not the one of the authorization request.';
  const refused = subscribers.of(code.number).behaviour === 'invalid_grant';
  return refused ? 'The authorization code is invalid.' : code;
};

/** As long as the answer promises; the usual life when it promises nothing that can be counted. */
const lifeOf = (expiresIn: number | string | null | undefined): number => {
  const seconds = Number(expiresIn ?? TOKEN_LIFE);
  return Number.isFinite(seconds) ? seconds : TOKEN_LIFE;
};

const issueToken = (stage: Stage, code: Code): object => {
  const { tokenAnswer, ledger } = stage.state;
  const { expires_in = TOKEN_LIFE, ...others } = tokenAnswer;
  const access_token = randomToken(stage.world);
  const expiresAt = stage.world.now() + lifeOf(expires_in) * 1000;
  ledger.tokens.put(access_token, { number: code.number, sim: code.sim, scopes: code.scopes, expiresAt });
  code.token = access_token;
  return { access_token, token_type: 'Bearer', ...(expires_in === null ? {} : { expires_in }), ...others };
};

const exchange =
  (stage: Stage): RequestHandler =>
  (req, res) => {
    res.set('Cache-Control', 'no-store');
    const { fields, hasRepeats } = parseForm(req);
    const { grant_type, code: name, redirect_uri } = fields;
    if (grant_type && grant_type !== 'authorization_code') {
      refuse(res, 'unsupported_grant_type', 'grant_type must be authorization_code.');
    } else if (!grant_type || !name || !redirect_uri || hasRepeats) {
      refuse(res, 'invalid_request', 'grant_type, code and redirect_uri are required, each once.');
    } else {
      const code = spend(stage, name, redirect_uri);
      if (typeof code === 'string') refuse(res, 'invalid_grant', code);
      else res.json(issueToken(stage, code));
    }
  };

const isForm = (req: Request): boolean => mediaType(req) === 'application/x-www-form-urlencoded';

const requireForm =
  ({ world }: Stage): RequestHandler =>
  (req, res, next) => {
    if (isForm(req)) next();
    else
      sendProblem(
        res,
        world,
        'unsupportedMediaType',
        'Content-Type must be application/x-www-form-urlencoded.',
      );
  };

/** `POST /oauth2/token`: a code for an access token, once. */
export const token = (stage: Stage, router: IRouter): void =>
  only(
    stage.world,
    router,
    'post',
    PATHS.token,
    requireApplicationJwt(stage),
    requireForm(stage),
    exchange(stage),
  );
