import { hash, randomUUID } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import type { CamaraSettings } from '../config/camara.js';
import { inTime, LoginError } from '../core/errors.js';
import { publicJwk } from '../core/keys.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { nowInSeconds, randomToken } from '../core/world.js';
import { openTransport, type Transport, type TransportDeps } from '../http/transport.js';
import { createNumberVerification } from '../vonage/number-verification.js';
import type { AccessToken } from '../vonage/tokens.js';
import { createSigner } from './jws.js';
import { createSimSwap, SIM_SWAP_API } from './sim-swap.js';
import { createAuthorizationServer, loginErrorOf, tokenRequest } from './server.js';
import type { CamaraDeps, Metadata, Upstream } from './server.js';

/** What only this server knows of an authorization request, until its answer comes. */
export interface Proof {
  /** The PKCE verifier (RFC 7636). */
  verifier: string;
  /** What an ID token has to name. */
  nonce: string;
}

/** The answer of the authorization server at the redirect. */
export interface Authorization {
  code: string;
  /** `iss` (RFC 9207). */
  issuer: string | undefined;
  proof: Proof | undefined;
}

export type Camara = ReturnType<typeof createCamara>;

/** Number Verification of CAMARA by the authorization code flow of its profile. */
export function createCamara(settings: CamaraSettings, deps: TransportDeps & { redirectUri: string }) {
  const { world, redirectUri } = deps;
  // The endpoints belong to one upstream: a pause that one of them asks for ends all logins there.
  // A login may go on without an answer about its SIM (`SIM_SWAP_UNKNOWN`).
  const pause = (api: string, seconds: number) => deps.pause(api === SIM_SWAP_API ? api : 'camara', seconds);
  const calls = openTransport({ ...deps, pause });
  const transport: Transport = (call) =>
    calls({ ...call, headers: { ...settings.headers, ...call.headers } });
  const upstream = { settings, transport, world };
  const server = createAuthorizationServer(upstream);
  const shared = { ...upstream, server, clientAuth: clientAuthOf(upstream), redirectUri };
  return {
    issuer: settings.issuer,
    authorize: createAuthorize(shared),
    exchange: createExchange(shared),
    verify: createNumberVerification({ transport, verifyUrl: settings.verifyUrl }),
    /** @param hours how far back a swap counts, 1 to 2400 */
    askSimSwap: (hours: number) => createSimSwap(shared, hours),
  };
}

/** Signs by the first key of the settings. @param typ of the JWTs (RFC 7519 section 5.1) */
function signerOf({ keys: [key] }: CamaraSettings, typ?: string) {
  if (key === undefined) throw new Error('the settings have no key');
  const signer = publicJwk(key).then(({ kid }) => createSigner({ key, kid }, typ));
  return async (claims: object): Promise<string> => (await signer)(claims);
}

/** How long a JWT of the client is valid; the profile allows 300 s. */
const CLIENT_JWT_TTL_SECONDS = 60;
/** How far our clock may be ahead of the operator's. */
const CLOCK_TOLERANCE_SECONDS = 10;

/** The claims of each JWT of the client (RFC 7523 section 3). */
function claimsFor(aud: string | string[] | undefined, { settings, world }: Upstream) {
  const now = nowInSeconds(world);
  const nbf = now - CLOCK_TOLERANCE_SECONDS;
  const times = { iat: now, nbf, exp: now + CLIENT_JWT_TTL_SECONDS };
  return { iss: settings.clientId, aud, ...times, jti: randomUUID() };
}

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * The audience is the token endpoint (CAMARA profile, "Client Authentication"; RFC 7523 section 3).
 */
function clientAuthOf(upstream: Upstream): oauth.ClientAuth {
  const { clientAuth, clientId, clientSecret } = upstream.settings;
  if (clientAuth === 'client_secret_basic') return oauth.ClientSecretBasic(clientSecret);
  if (clientAuth === 'client_secret_post') return oauth.ClientSecretPost(clientSecret);
  const sign = signerOf(upstream.settings);
  return async (as, _client, body) => {
    const claims = { ...claimsFor(as.token_endpoint, upstream), sub: clientId };
    body.set('client_id', clientId);
    body.set('client_assertion_type', JWT_BEARER);
    body.set('client_assertion', await sign(claims));
  };
}

/**
 * The link for the device. `newState` makes a state, and keeps the proof under it.
 * @throws LoginError `upstream_error`, `upstream_timeout`, `unavailable`
 */
function createAuthorize(deps: CamaraDeps) {
  const { settings, server, world, redirectUri } = deps;
  const { clientId, scope, prompt, loginHint, signsRequests } = settings;
  // Also beside a request object (CAMARA profile, "Signed Authentication Requests").
  const outer = { client_id: clientId, response_type: 'code', redirect_uri: redirectUri, scope };
  const sign = signsRequests ? signerOf(settings, 'oauth-authz-req+jwt') : undefined;

  /** The parameters of the link: all, or those that stand beside a request object (RFC 9101). */
  const queryOf = async (as: Metadata, inner: Record<string, string>) => {
    if (sign === undefined) return { ...outer, ...inner };
    // The profile recommends the endpoint as audience, and RFC 9101 (section 4) the issuer.
    const audience = [as.authorization_endpoint, as.issuer];
    return { ...outer, request: await sign({ ...outer, ...inner, ...claimsFor(audience, deps) }) };
  };

  return async (
    phoneNumber: PhoneNumber,
    newState: (proof: Proof) => Promise<string>,
    requestId: string,
  ): Promise<{ authUrl: string; state: string }> => {
    const as = await server.open(requestId);
    const proof = { verifier: randomToken(world), nonce: randomToken(world) };
    const state = await newState(proof);
    const inner = {
      ...{ state, nonce: proof.nonce },
      code_challenge: hash('sha256', proof.verifier, 'base64url'),
      code_challenge_method: 'S256',
      ...(prompt !== 'off' && { prompt }),
      ...(loginHint !== 'none' && { login_hint: loginHint === 'tel' ? `tel:${phoneNumber}` : phoneNumber }),
    };
    const query = new URLSearchParams(await queryOf(as, inner)).toString();
    const { authorization_endpoint: endpoint } = as;
    return { authUrl: endpoint + (endpoint.includes('?') ? '&' : '?') + query, state };
  };
}

/** The answer at the redirect, as the library has checked it. */
interface Redirect {
  as: Metadata;
  client: oauth.Client;
  parameters: URLSearchParams;
  proof: Proof;
}

/** An access token lives 300 s at the most (CAMARA Number Verification). */
const MAX_TTL_SECONDS = 300;

/**
 * The timeout of an exchange, in which metadata and keys may be fetched as well. A device waits for
 * it, and old SDKs wait five seconds for a redirect.
 */
const TIMEOUT_MS = 2500;

/**
 * Exchanges the authorization code. Not repeated: a code that was sent is spent.
 * @throws LoginError `silent_auth_failed`, `upstream_error`, `upstream_timeout`, `unavailable`
 */
function createExchange(deps: CamaraDeps) {
  const { settings, server, clientAuth, world, redirectUri } = deps;

  /** Refuses the answer of another issuer, before its code is sent. */
  const readRedirect = (as: Metadata, { code, issuer: iss, proof }: Authorization): Redirect => {
    if (proof === undefined) throw new LoginError('login_expired', 'This link belongs to another engine.');
    // The library takes no clock, only an offset to that of the process.
    const clock = { [oauth.clockSkew]: nowInSeconds(world) - Math.floor(Date.now() / 1000) };
    const client = { client_id: settings.clientId, ...clock };
    const answer = new URLSearchParams({ code, ...(iss !== undefined && { iss }) });
    try {
      return { as, client, parameters: oauth.validateAuthResponse(as, client, answer), proof };
    } catch (error) {
      throw loginErrorOf('authorize', error);
    }
  };

  /** Sends the code, and checks the ID token if there is one. */
  const send = async ({ as, client, parameters, proof }: Redirect, requestId: string) => {
    const { options, result } = tokenRequest(deps, { timeoutMs: TIMEOUT_MS, requestId });
    const request = [as, client, clientAuth, parameters, redirectUri, proof.verifier] as const;
    const response = await oauth.authorizationCodeGrantRequest(...request, options);
    const { token, hasIdToken } = result();
    const expected = hasIdToken ? { expectedNonce: proof.nonce } : {};
    const processed = await oauth.processAuthorizationCodeResponse(as, client, response, expected);
    const { id_token: idToken } = processed;
    if (idToken !== undefined) await server.verifySignature(as, idToken, requestId);
    return token;
  };

  const exchange = async (authorization: Authorization, requestId: string): Promise<AccessToken> => {
    const redirect = readRedirect(await server.open(requestId, Infinity), authorization);
    const token = await send(redirect, requestId).catch((thrown: unknown) => {
      const error = loginErrorOf('token', thrown);
      if (error.code === 'upstream_error') server.forget();
      throw error;
    });
    return { ...token, expiresIn: Math.min(token.expiresIn, MAX_TTL_SECONDS) };
  };

  return (authorization: Authorization, requestId: string) =>
    inTime(exchange(authorization, requestId), { api: 'token', timeoutMs: TIMEOUT_MS });
}
