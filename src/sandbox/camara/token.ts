import { createHash } from 'node:crypto';
import type { IRouter, Request } from 'express';
import { SignJWT } from 'jose';
import { nowInSeconds } from '../../core/world.js';
import { CAMARA_PATHS } from '../http/paths.js';
import { handlePath, mediaType } from '../http/requests.js';
import {
  invalidCodeRequest,
  invalidGrant,
  issueToken,
  oauthError,
  redeemCode,
  repeatedField,
  sendOAuthError,
  tokenRequest,
  type OAuthError,
} from '../operator/grants.js';
import { SIM_SWAP_SCOPE } from '../operator/sim-swap.js';
import type { AuthorizationCode } from '../state/records.js';
import type { Handler, SandboxState } from '../state/state.js';
import { authenticateClient } from './client-authentication.js';
import { CLIENT_ID, operatorKeys } from './operator.js';

const ID_TOKEN_TTL_SECONDS = 300;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

type Fields = Partial<Record<string, string>>;

/** PKCE (RFC 7636, 4.6). */
const isVerifierOf = ({ codeChallenge }: AuthorizationCode, { code_verifier = '' }: Fields): boolean =>
  /^[\w.~-]{43,128}$/.test(code_verifier) && sha256(code_verifier) === codeChallenge;

/** OpenID Connect Core, 3.1.3.6. The subject is a pairwise pseudonym. */
const idToken = async (state: SandboxState, { number, sim, nonce }: AuthorizationCode): Promise<string> => {
  const { camara, world } = state;
  const alg = camara.client.id_token_signed_response_alg;
  const { privateKey, jwk } = (await operatorKeys())[alg];
  const now = nowInSeconds(world);
  return new SignJWT({ auth_time: now, ...(nonce !== undefined && { nonce }) })
    .setProtectedHeader({ alg, kid: jwk.kid })
    .setIssuer(camara.issuer)
    .setSubject(sha256(`${camara.salt} ${CLIENT_ID} ${sim ?? number}`))
    .setAudience(CLIENT_ID)
    .setIssuedAt(now)
    .setExpirationTime(now + ID_TOKEN_TTL_SECONDS)
    .sign(privateKey);
};

/** SIM Swap is the only API that a token of the client itself serves (RFC 6749, 4.4). */
const invalidClientScope = ({ scope = '' }: Fields): OAuthError | undefined => {
  const values = scope.split(' ');
  const purposes = values.filter((value) => /^dpv:[A-Z][A-Za-z]*$/.test(value));
  if (values.length === 2 && purposes.length === 1 && values.includes(SIM_SWAP_SCOPE)) return undefined;
  return oauthError('invalid_scope', `scope must be exactly one purpose (dpv:), and ${SIM_SWAP_SCOPE}.`);
};

/** The token response, or why there is none. */
const answerTo = async (state: SandboxState, req: Request): Promise<object | OAuthError> => {
  if (mediaType(req) !== 'application/x-www-form-urlencoded')
    return oauthError('invalid_request', 'The body must be a form.');
  const fields = tokenRequest(req);
  const invalid = repeatedField(req) ?? (await authenticateClient(state, req, fields));
  if (invalid) return invalid;
  const { tokens } = state.camara;
  if (fields.grant_type === 'client_credentials') {
    const ofNoSubscriber = { number: '', sim: null, scopes: [SIM_SWAP_SCOPE] };
    return invalidClientScope(fields) ?? issueToken(state, tokens, ofNoSubscriber);
  }
  const required = ['code', 'redirect_uri', 'code_verifier'];
  const code = invalidCodeRequest(req, required) ?? redeemCode(state, state.camara, fields);
  if ('error' in code) return code;
  if (!isVerifierOf(code, fields)) return invalidGrant('code_verifier is not that of the code_challenge.');
  return { ...issueToken(state, tokens, code), id_token: await idToken(state, code) };
};

const exchange: Handler = (state) => async (req, res) => {
  res.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
  const answer = await answerTo(state, req);
  // RFC 6749, 5.2: in answer to an Authorization header.
  const isOfBasic = 'error' in answer && answer.error === 'invalid_client' && req.headers.authorization;
  if (isOfBasic) res.set('WWW-Authenticate', 'Basic realm="operator"');
  if ('error' in answer) sendOAuthError(res, answer);
  else res.json(answer);
};

export const camaraTokenRoutes = (state: SandboxState, router: IRouter): void =>
  handlePath(router, CAMARA_PATHS.token, { post: [exchange(state)] });
