import { errors } from 'jose';
import * as oauth from 'oauth4webapi';
import type { CamaraSettings } from '../config/camara.js';
import { isAllowedLink } from '../config/vonage.js';
import { LoginError } from '../core/errors.js';
import type { World } from '../core/world.js';
import type { Answer, Transport } from '../http/transport.js';
import { refusal } from '../vonage/errors.js';
import { readToken, type AccessToken } from '../vonage/tokens.js';
import { signatureChecker, type CheckSignature } from './jws.js';

const METADATA_TTL_MS = 3_600_000;

/** Servers publish a key for a while before they sign with it. */
const KEY_SET_TTL_MS = 300_000;

/** A key that is not in a set of this age may be a new one. */
const KEY_SET_MIN_AGE_MS = 30_000;

/** A device waits for the keys, and old SDKs wait five seconds for a redirect. */
const TIMEOUT_MS = { discovery: 2000, jwks: 1500 };

/** What the metadata of a server name, at least. */
export type Metadata = oauth.AuthorizationServer & { authorization_endpoint: string; token_endpoint: string };

interface Known {
  metadata: Metadata;
  /** When they were fetched (ms since the epoch). */
  at: number;
}

/** What the calls to one upstream share. */
export interface Upstream {
  settings: CamaraSettings;
  transport: Transport;
  world: World;
}

/** What the link, the exchange and the tokens of the client share. */
export interface CamaraDeps extends Upstream {
  server: AuthorizationServer;
  clientAuth: oauth.ClientAuth;
  redirectUri: string;
}

export type AuthorizationServer = ReturnType<typeof createAuthorizationServer>;

/**
 * The metadata of the authorization server and the keys of its ID tokens. They are fetched when
 * they are first needed, once for all requests that wait for them.
 */
export function createAuthorizationServer({ settings, transport, world }: Upstream) {
  const { issuer, endpoints } = settings;
  let known: Known | undefined;
  let fetching: Promise<Known> | undefined;
  let keySet: { check: Promise<CheckSignature>; at: number } | undefined;

  // After the clock was set back, what was fetched in the future is fetched again.
  const isFresh = (at: number, maxAgeMs: number): boolean => world.now() < at + maxAgeMs && world.now() >= at;

  const get = (api: 'discovery' | 'jwks', url: string, requestId: string): Promise<Answer> =>
    transport({ api, method: 'GET', url, timeoutMs: TIMEOUT_MS[api], requestId });

  const discover = async (requestId: string): Promise<oauth.AuthorizationServer> => {
    const url = new URL(issuer);
    const options = sentBy(issuer, async (at: string) =>
      asResponse('discovery', await get('discovery', at, requestId)),
    );
    const response = await oauth.discoveryRequest(url, options).catch((error: unknown) => {
      if (!isAbsent(error)) throw error;
      return oauth.discoveryRequest(url, { ...options, algorithm: 'oauth2' });
    });
    return oauth.processDiscoveryResponse(url, response);
  };

  const fetchMetadata = async (requestId: string): Promise<Known> => {
    const found = endpoints
      ? {
          issuer,
          authorization_endpoint: endpoints.authorizationUrl,
          token_endpoint: endpoints.tokenUrl,
          ...(endpoints.jwksUrl !== undefined && { jwks_uri: endpoints.jwksUrl }),
        }
      : await discover(requestId).catch((error: unknown) => {
          throw loginErrorOf('discovery', error);
        });
    if (!isUsable(found, issuer)) throw unusable({ api: 'discovery' });
    // The algorithms of the profile, whatever else a server offers.
    const metadata = { ...found, id_token_signing_alg_values_supported: ['RS256', 'ES256'] };
    forget();
    return (known = { metadata, at: world.now() });
  };

  const current = (requestId: string, maxAgeMs: number): Promise<Known> => {
    if (known !== undefined && isFresh(known.at, maxAgeMs)) return Promise.resolve(known);
    fetching ??= fetchMetadata(requestId).finally(() => (fetching = undefined));
    return fetching;
  };

  const fetchKeySet = async (url: string, requestId: string): Promise<CheckSignature> =>
    signatureChecker(withoutNulls(objectIn('jwks', await get('jwks', url, requestId))));

  /** @param maxAgeMs keys that are older are fetched again */
  const checker = (url: string, requestId: string, maxAgeMs: number): Promise<CheckSignature> => {
    if (keySet === undefined || !isFresh(keySet.at, maxAgeMs)) {
      const fetched = { check: fetchKeySet(url, requestId), at: world.now() };
      fetched.check.catch(() => (keySet = keySet === fetched ? undefined : keySet));
      keySet = fetched;
    }
    return keySet.check;
  };

  /** Fetches metadata and keys again for the next request. */
  const forget = (): void => void (known = keySet = undefined);

  return {
    /**
     * @param maxAgeMs metadata that are older are fetched again
     * @throws LoginError `upstream_error`, `upstream_timeout`, `unavailable`
     */
    open: async (requestId: string, maxAgeMs = METADATA_TTL_MS): Promise<Metadata> =>
      (await current(requestId, maxAgeMs)).metadata,

    /**
     * Checks the signature of an ID token whose claims and algorithm the library has checked.
     * @throws LoginError as `open`, and errors of jose
     */
    async verifySignature({ jwks_uri: url }: Metadata, idToken: string, requestId: string): Promise<void> {
      if (url === undefined) throw unusable({ api: 'jwks', error: 'no_jwks_uri' });
      const check = async (maxAgeMs: number) => (await checker(url, requestId, maxAgeMs))(idToken);
      const isSigned = await check(KEY_SET_TTL_MS).catch((error: unknown) => {
        if (error instanceof errors.JWKSNoMatchingKey) return check(KEY_SET_MIN_AGE_MS);
        throw error;
      });
      if (!isSigned) throw unusable({ api: 'token', error: 'wrong_signature' });
    },

    forget,
  };
}

/**
 * The options of the library for requests that `fetch` sends. Only a sandbox on localhost may be
 * reached over http (`config/camara.ts`).
 */
const sentBy = <Fetch>(issuer: string, fetch: Fetch) => ({
  [oauth.customFetch]: fetch,
  // oxlint-disable-next-line typescript/no-deprecated -- marked so as to stand out
  [oauth.allowInsecureRequests]: isInsecure(issuer),
});

/**
 * A token request over our transport: options for the library, and the result, once the library
 * has sent it. The library gets no answer without a token: the request fails as `readToken` does.
 */
export function tokenRequest(
  { transport, settings: { issuer } }: Upstream,
  timing: { timeoutMs: number; requestId: string },
) {
  let got: { token: AccessToken; hasIdToken: boolean } | undefined;
  const fetch = async (url: string, request: oauth.CustomFetchOptions<'POST', URLSearchParams>) => {
    const { headers, body } = request;
    const { authorization } = headers;
    const answer = await transport({
      ...{ api: 'token', method: 'POST', url, body, ...timing },
      ...(authorization !== undefined && { headers: { authorization } }),
    });
    const token = readToken(answer);
    const { id_token: idToken } = answer.json as { id_token?: unknown };
    got = { token, hasIdToken: Boolean(idToken) };
    return asResponse('token', answer, (name) => TOKEN_FIELDS.has(name));
  };
  const result = () => {
    if (got === undefined) throw new Error('the library sent nothing');
    return got;
  };
  return { options: sentBy(issuer, fetch), result };
}

/** The library reads these fields; it would also check others. `readToken` reads `expires_in`. */
const TOKEN_FIELDS = new Set(['access_token', 'token_type', 'id_token']);

const isInsecure = (issuer: string): boolean => issuer.startsWith('http:');

/** The library compares issuers as URLs, and the profile to the letter. */
function isUsable(metadata: oauth.AuthorizationServer, issuer: string): metadata is Metadata {
  const { authorization_endpoint: authorization, token_endpoint: token, jwks_uri: jwks } = metadata;
  const urls = [authorization, token, ...(jwks === undefined ? [] : [jwks])];
  return (
    metadata.issuer === issuer &&
    urls.every((url) => isEndpoint(url, issuer)) &&
    isLink(String(authorization))
  );
}

/** Whether a device may open an endpoint. It has no fragment (RFC 6749 section 3.1). */
const isLink = (url: string): boolean => !url.includes('#') && isAllowedLink(url, [new URL(url).host]);

/** @param url from metadata, so it may be anything */
function isEndpoint(url: unknown, issuer: string): boolean {
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (isInsecure(issuer) && protocol === 'http:' && hostname === 'localhost');
}

/** @throws LoginError unless the answer is a JSON object */
function objectIn(api: string, answer: Answer): object {
  const { status, json } = answer;
  if (status !== 200 || typeof json !== 'object' || json === null) throw refusal(api, answer);
  return json;
}

/** The JSON without the members that are null, which some servers send for absent ones. */
const withoutNulls = (json: object): unknown =>
  JSON.parse(JSON.stringify(json), (_name, value: unknown) => value ?? undefined);

/**
 * The answer as the library takes it: a JSON object without the fields that are null or empty,
 * which some servers send for absent ones.
 */
function asResponse(api: string, answer: Answer, isUsed = (_name: string): boolean => true): Response {
  const fields = Object.entries(objectIn(api, answer)).filter(
    ([name, value]) => isUsed(name) && value !== null && value !== '',
  );
  const json = Object.fromEntries(fields);
  // A body would be written to a stream and parsed again, for 30 µs.
  return Object.assign(new Response(), { json: () => Promise.resolve(json) });
}

/** A server without metadata of OpenID Connect may have those of RFC 8414. */
function isAbsent(error: unknown): boolean {
  const { status = 0 } = (error instanceof LoginError && error.upstream) || {};
  return status >= 400 && status < 500 && status !== 429;
}

const unusable = (upstream: { api: string; error?: string }): LoginError =>
  new LoginError('upstream_error', 'The operator returned an unusable answer.', { upstream });

/**
 * The error for what the library threw: ours, or its code. Its message and its cause may hold
 * claims and tokens.
 * @param api `authorize` for the answer at the redirect, which the device brought
 */
export function loginErrorOf(api: 'discovery' | 'authorize' | 'token', error: unknown): LoginError {
  if (error instanceof LoginError) return error;
  const { code } = error as { code?: unknown };
  const upstream = { api, error: typeof code === 'string' ? code : 'unknown' };
  if (api !== 'authorize') return unusable(upstream);
  const detail = 'The link came back from another server than the operator.';
  return new LoginError('silent_auth_failed', detail, { reason: 'operator_error', upstream });
}
