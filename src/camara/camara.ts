import { hash } from 'node:crypto';
import { importPKCS8 } from 'jose';
import * as openid from 'openid-client';
import type { CamaraSettings } from '../config/camara.js';
import { isAllowedLink, type ProxySettings } from '../config/vonage.js';
import { LoginError } from '../core/errors.js';
import { algorithmOf, publicJwk } from '../core/keys.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { nowInSeconds, randomToken, type World } from '../core/world.js';
import { createTransport, observed, pausing, type Transport } from '../http/transport.js';
import { createNumberVerification, type VerifyNumber } from '../vonage/number-verification.js';
import type { AccessToken } from '../vonage/tokens.js';
import { createAuthorizationServer, loginErrorOf, type AuthorizationServer } from './server.js';

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

/** Number Verification of CAMARA by the authorization code flow of its profile. */
export interface Camara {
  issuer: string;
  /**
   * The link for the device.
   * @param newState makes a state, and keeps the proof under it
   * @throws LoginError `upstream_error`, `upstream_timeout`, `unavailable`
   */
  authorize: (
    phoneNumber: PhoneNumber,
    newState: (proof: Proof) => Promise<string>,
    requestId: string,
  ) => Promise<{ authUrl: string; state: string }>;
  /**
   * Exchanges the authorization code. Not repeated: a code that was sent is spent.
   * @throws LoginError `silent_auth_failed`, `upstream_error`, `upstream_timeout`, `unavailable`
   */
  exchange: (authorization: Authorization, requestId: string) => Promise<AccessToken>;
  verify: VerifyNumber;
}

/** @param deps `pause` is called when the upstream asks for a pause of so many seconds */
export function createCamara(
  settings: CamaraSettings,
  deps: {
    redirectUri: string;
    world: World;
    proxy?: ProxySettings | undefined;
    pause: (api: string, seconds: number) => Promise<void>;
  },
): Camara {
  const { world, proxy, redirectUri } = deps;
  // One upstream: whichever of its endpoints asks for a pause, no login begins there.
  const pause = (_api: string, seconds: number) => deps.pause('camara', seconds);
  const calls = observed(pausing(createTransport(proxy), pause), world);
  const transport: Transport = (call) =>
    calls({ ...call, headers: { ...settings.headers, ...call.headers } });
  const signingKey = lazily(() => importKey(settings));
  const clientAuth = clientAuthOf(settings, { key: signingKey, world });
  const server = createAuthorizationServer({ settings, clientAuth, transport, world });
  return {
    issuer: settings.issuer,
    authorize: createAuthorize({ settings, server, world, redirectUri, signingKey }),
    exchange: createExchange(server, redirectUri),
    verify: createNumberVerification({ transport, verifyUrl: settings.verifyUrl }),
  };
}

type SigningKey = () => Promise<openid.PrivateKey>;

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

async function importKey({ keys: [key] }: CamaraSettings): Promise<openid.PrivateKey> {
  if (key === undefined) throw new Error('the settings have no key');
  const pem = key.export({ type: 'pkcs8', format: 'pem' }) as string;
  return { key: await importPKCS8(pem, algorithmOf(key)), kid: (await publicJwk(key)).kid };
}

/** How long a JWT of the client is valid; the profile allows 300 s. */
const CLIENT_JWT_TTL_SECONDS = 60;

/** The claims for which the library has other defaults: the audience, and times by our clock. */
const claimsFor =
  (aud: string | string[] | undefined, world: World): openid.ModifyAssertionFunction =>
  (_header, claims) => {
    const now = nowInSeconds(world);
    Object.assign(claims, { aud, iat: now, nbf: now, exp: now + CLIENT_JWT_TTL_SECONDS });
  };

/**
 * The audience is the token endpoint (CAMARA profile, "Client Authentication"; RFC 7523 section 3).
 */
const clientAuthOf =
  ({ clientAuth, clientSecret }: CamaraSettings, { key, world }: { key: SigningKey; world: World }) =>
  async (tokenEndpoint: string | undefined): Promise<openid.ClientAuth> => {
    if (clientAuth === 'client_secret_basic') return openid.ClientSecretBasic(clientSecret);
    if (clientAuth === 'client_secret_post') return openid.ClientSecretPost(clientSecret);
    return openid.PrivateKeyJwt(await key(), { [openid.modifyAssertion]: claimsFor(tokenEndpoint, world) });
  };

function createAuthorize(deps: {
  settings: CamaraSettings;
  server: AuthorizationServer;
  world: World;
  redirectUri: string;
  signingKey: SigningKey;
}): Camara['authorize'] {
  const { settings, server, world, redirectUri, signingKey } = deps;
  const { scope, prompt, loginHint, signsRequests } = settings;

  const build = async (config: openid.Configuration, parameters: Record<string, string>): Promise<URL> => {
    if (!signsRequests) return openid.buildAuthorizationUrl(config, parameters);
    const { authorization_endpoint: endpoint = '', issuer } = config.serverMetadata();
    // The profile recommends the endpoint as audience, and RFC 9101 (section 4) the issuer.
    const claims = { [openid.modifyAssertion]: claimsFor([endpoint, issuer], world) };
    const url = await openid.buildAuthorizationUrlWithJAR(config, parameters, await signingKey(), claims);
    // Beside the request object (CAMARA profile, "Signed Authentication Requests").
    const repeated = { scope, redirect_uri: redirectUri, response_type: 'code' };
    for (const [name, value] of Object.entries(repeated)) url.searchParams.set(name, value);
    return url;
  };

  return async (phoneNumber, newState, requestId) => {
    const config = await server.open(requestId);
    const proof = { verifier: randomToken(world), nonce: randomToken(world) };
    const state = await newState(proof);
    const url = await build(config, {
      ...{ redirect_uri: redirectUri, scope, state, nonce: proof.nonce },
      code_challenge: hash('sha256', proof.verifier, 'base64url'),
      code_challenge_method: 'S256',
      ...(prompt !== 'off' && { prompt }),
      ...(loginHint !== 'none' && { login_hint: loginHint === 'tel' ? `tel:${phoneNumber}` : phoneNumber }),
    });
    if (isAllowedLink(url.href, [url.host])) return { authUrl: url.href, state };
    const detail = 'The operator names an endpoint that may not be opened.';
    throw new LoginError('upstream_error', detail, { upstream: { api: 'discovery' } });
  };
}

/** An access token lives 300 s at the most (CAMARA Number Verification). */
const MAX_TTL_SECONDS = 300;

function createExchange(server: AuthorizationServer, redirectUri: string): Camara['exchange'] {
  return async ({ code, issuer, proof }, requestId) => {
    if (proof === undefined) throw new LoginError('login_expired', 'This link is of another engine.');
    const checks: openid.AuthorizationCodeGrantChecks = { pkceCodeVerifier: proof.verifier };
    let token: AccessToken | undefined;
    const onToken = (got: AccessToken, hasIdToken: boolean) => {
      token = got;
      // An ID token may be missing. The library reads the checks of its answer only now.
      if (hasIdToken) checks.expectedNonce = proof.nonce;
    };
    const url = new URL(redirectUri);
    url.search = new URLSearchParams({ code, ...(issuer !== undefined && { iss: issuer }) }).toString();
    try {
      const config = await server.open(requestId, Infinity);
      await server.run({ requestId, onToken }, () => openid.authorizationCodeGrant(config, url, checks));
    } catch (thrown) {
      // The library refuses an answer of another issuer before it sends the code.
      const error = loginErrorOf(token === undefined ? 'authorize' : 'token', thrown);
      if (error.code === 'upstream_error') server.forget();
      throw error;
    }
    if (token === undefined) throw new Error('the library exchanged nothing');
    return { ...token, expiresIn: Math.min(token.expiresIn, MAX_TTL_SECONDS) };
  };
}
