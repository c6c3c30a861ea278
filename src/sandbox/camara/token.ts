import { createHash } from 'node:crypto';
import type { IRouter, RequestHandler } from 'express';
import { SignJWT } from 'jose';
import { nowInSeconds } from '../../core/world.js';
import { CAMARA_PATHS } from '../http/paths.js';
import { handlePath, mediaType } from '../http/requests.js';
import {
  invalidCodeRequest,
  issueToken,
  repeatedField,
  sendOAuthError,
  takeCode,
  tokenRequest,
} from '../operator/grants.js';
import type { OAuthError } from '../operator/grants.js';
import { SIM_SWAP_SCOPE } from '../operator/sim-swap.js';
import type { AuthorizationCode } from '../state/records.js';
import type { SandboxState } from '../state/state.js';
import { authenticateClient } from './client-authentication.js';
import { CLIENT_ID, operatorKeys, type CamaraCode } from './operator.js';

const ID_TOKEN_TTL_SECONDS = 300;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

type Fields = Partial<Record<string, string>>;

/** Returns the authorization code, or why it is invalid. Uses it up in either case. */
const redeemCode = (state: SandboxState, fields: Fields): CamaraCode | string => {
  const { camara, subscribers, world, redirectUri } = state;
  const { code: value = '', redirect_uri, code_verifier = '' } = fields;
  const code = takeCode(camara, value, world.now());
  if (typeof code === 'string') return code;
  if (redirect_uri !== redirectUri) return 'redirect_uri is not the one of the authorization request.';
  const isVerifier = /^[\w.~-]{43,128}$/.test(code_verifier) && sha256(code_verifier) === code.codeChallenge;
  if (!isVerifier) return 'code_verifier is not that of the code_challenge.';
  const isRefused = subscribers.silentBehaviourOf(code.number) === 'invalid_grant';
  return isRefused ? 'The authorization code is invalid.' : code;
};

/** OpenID Connect Core, 3.1.3.6. The subject is a pairwise pseudonym. */
const idToken = async (state: SandboxState, { number, sim, nonce }: CamaraCode): Promise<string> => {
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
  return {
    error: 'invalid_scope',
    error_description: `scope must be exactly one purpose (dpv:), and ${SIM_SWAP_SCOPE}.`,
  };
};

/** A grant of no subscriber. */
const clientGrant = (): AuthorizationCode => ({
  ...{ number: '', sim: null, scopes: [SIM_SWAP_SCOPE], expiresAt: 0, isUsed: true, token: null },
});

const exchange =
  (state: SandboxState): RequestHandler =>
  async (req, res) => {
    res.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
    const refuse = (error: OAuthError): void => {
      // RFC 6749, 5.2: in answer to an Authorization header.
      if (error.error === 'invalid_client' && req.headers.authorization) {
        res.set('WWW-Authenticate', 'Basic realm="operator"');
      }
      sendOAuthError(res, error);
    };
    if (mediaType(req) !== 'application/x-www-form-urlencoded') {
      refuse({ error: 'invalid_request', error_description: 'The body must be a form.' });
      return;
    }
    const fields = tokenRequest(req);
    const required = ['code', 'redirect_uri', 'code_verifier'];
    const isOfClient = fields.grant_type === 'client_credentials';
    const invalid =
      repeatedField(req) ??
      (await authenticateClient(state, req, fields)) ??
      (isOfClient ? invalidClientScope(fields) : invalidCodeRequest(req, required));
    if (invalid) {
      refuse(invalid);
      return;
    }
    if (isOfClient) {
      res.json(issueToken(state, state.camara.tokens, clientGrant()));
      return;
    }
    const code = redeemCode(state, fields);
    if (typeof code === 'string') {
      refuse({ error: 'invalid_grant', error_description: code });
      return;
    }
    const response = issueToken(state, state.camara.tokens, code);
    res.json({ ...response, id_token: await idToken(state, code) });
  };

export const camaraTokenRoutes = (state: SandboxState, router: IRouter): void =>
  handlePath(router, CAMARA_PATHS.token, { post: [exchange(state)] });
