import { AsyncLocalStorage } from 'node:async_hooks';
import * as openid from 'openid-client';
import type { CamaraSettings } from '../config/camara.js';
import { LoginError } from '../core/errors.js';
import { nowInSeconds, type World } from '../core/world.js';
import type { Answer, Transport } from '../http/transport.js';
import { refusal } from '../vonage/errors.js';
import { readToken, type AccessToken } from '../vonage/tokens.js';

const METADATA_TTL_MS = 3_600_000;

/** Servers publish a key for a while before they sign with it. */
const KEY_SET_TTL_MS = 300_000;

/** A device waits for the last two, and old SDKs give a redirect five seconds. */
const TIMEOUT_MS = { discovery: 2000, token: 2500, jwks: 1500 };

/** The request that an exchange is for. */
export interface ServerRequest {
  requestId: string;
  /** Is called with the token that came, before the library checks the ID token beside it. */
  onToken: (token: AccessToken, hasIdToken: boolean) => void;
}

/**
 * The authorization server, as `openid-client` knows it. Its metadata are fetched when they are
 * first needed, once for all requests that wait for them.
 */
export interface AuthorizationServer {
  /**
   * The configuration of the library. It keeps the keys, so requests share it.
   * @param maxAgeMs metadata that are older are fetched again
   * @throws LoginError `upstream_error`, `upstream_timeout`, `unavailable`
   */
  open(requestId: string, maxAgeMs?: number): Promise<openid.Configuration>;
  /** Runs an exchange; its calls are those of this request. */
  run<T>(request: ServerRequest, exchange: () => Promise<T>): Promise<T>;
  /** Fetches metadata and keys again for the next request. */
  forget(): void;
}

interface Known {
  config: openid.Configuration;
  /** When it was fetched (ms since the epoch). */
  at: number;
  keySet?: { answer: Promise<Answer>; at: number };
}

export function createAuthorizationServer(deps: {
  settings: CamaraSettings;
  /** Authenticates the client at the token endpoint. */
  clientAuth: (tokenEndpoint: string | undefined) => Promise<openid.ClientAuth>;
  transport: Transport;
  world: World;
}): AuthorizationServer {
  const { settings, clientAuth, transport, world } = deps;
  const { clientId } = settings;
  let known: Known | undefined;
  let fetching: Promise<Known> | undefined;
  const requests = new AsyncLocalStorage<ServerRequest>();

  const get = (api: 'discovery' | 'jwks', url: string, requestId: string): Promise<Answer> =>
    transport({ api, method: 'GET', url, timeoutMs: TIMEOUT_MS[api], requestId });

  const discover = async (requestId: string): Promise<openid.ServerMetadata> => {
    const find = (algorithm: 'oidc' | 'oauth2') =>
      openid.discovery(new URL(settings.issuer), clientId, undefined, undefined, {
        algorithm,
        [openid.customFetch]: async (url) => asResponse('discovery', await get('discovery', url, requestId)),
        ...(isInsecure(settings.issuer) && { execute: [allowHttp] }),
      });
    const found = await find('oidc').catch((error: unknown) => {
      if (!isAbsent(loginErrorOf('discovery', error))) throw error;
      return find('oauth2');
    });
    const metadata: openid.ServerMetadata = found.serverMetadata();
    const { authorization_endpoint: authorization, token_endpoint: token, jwks_uri: jwks } = metadata;
    const urls = [authorization, token, ...(jwks === undefined ? [] : [jwks])];
    // The library compares issuers as URLs, and the profile to the letter.
    const isUsable =
      metadata.issuer === settings.issuer && urls.every((url) => isEndpoint(url, settings.issuer));
    if (!isUsable) throw new LoginError('upstream_error', UNUSABLE, { upstream: { api: 'discovery' } });
    return metadata;
  };

  const fetchMetadata = async (requestId: string): Promise<Known> => {
    const { issuer, endpoints } = settings;
    const metadata = endpoints
      ? {
          issuer,
          authorization_endpoint: endpoints.authorizationUrl,
          token_endpoint: endpoints.tokenUrl,
          ...(endpoints.jwksUrl !== undefined && { jwks_uri: endpoints.jwksUrl }),
        }
      : await discover(requestId).catch((error: unknown) => {
          throw loginErrorOf('discovery', error);
        });
    // The library knows no clock of ours, but an offset to that of the process.
    const clock = { [openid.clockSkew]: nowInSeconds(world) - Math.floor(Date.now() / 1000) };
    // The algorithms of the profile, whatever else a server offers.
    const supported = { ...metadata, id_token_signing_alg_values_supported: ['RS256', 'ES256'] };
    const auth = await clientAuth(metadata.token_endpoint);
    const config = new openid.Configuration(supported, clientId, clock, auth);
    if (isInsecure(issuer)) allowHttp(config);
    openid.enableNonRepudiationChecks(config);
    const server: Known = { config, at: world.now() };
    config[openid.customFetch] = fetchFor(server);
    known = server;
    return server;
  };

  const fetchKeySet = (server: Known, url: string, requestId: string): Promise<Answer> => {
    const now = world.now();
    if (server.keySet === undefined || now >= server.keySet.at + KEY_SET_TTL_MS) {
      server.keySet = { answer: get('jwks', url, requestId), at: now };
      server.keySet.answer.catch(() => delete server.keySet);
    }
    return server.keySet.answer;
  };

  const current = (requestId: string, maxAgeMs: number): Promise<Known> => {
    if (known !== undefined && world.now() < known.at + maxAgeMs) return Promise.resolve(known);
    fetching ??= fetchMetadata(requestId).finally(() => (fetching = undefined));
    return fetching;
  };

  const fetchFor =
    (server: Known): openid.CustomFetch =>
    async (url, { method, headers: { authorization }, body }) => {
      const { requestId = '', onToken } = requests.getStore() ?? {};
      if (method === 'GET') return asResponse('jwks', await fetchKeySet(server, url, requestId));
      const answer = await transport({
        ...{ api: 'token', method: 'POST', url, timeoutMs: TIMEOUT_MS.token, requestId },
        body: body as URLSearchParams,
        ...(authorization !== undefined && { headers: { authorization } }),
      });
      onToken?.(readToken(answer), 'id_token' in (answer.json as object));
      return asResponse('token', answer);
    };

  return {
    open: async (requestId, maxAgeMs = METADATA_TTL_MS) => (await current(requestId, maxAgeMs)).config,
    run: (request, exchange) => requests.run(request, exchange),
    forget: () => (known = undefined),
  };
}

/** Only a sandbox on localhost may be reached over http (`config/camara.ts`). */
// eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so as to stand out
const allowHttp: (config: openid.Configuration) => void = openid.allowInsecureRequests;
const isInsecure = (issuer: string): boolean => issuer.startsWith('http:');

/** @param url from metadata, so it may be anything */
function isEndpoint(url: unknown, issuer: string): boolean {
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (isInsecure(issuer) && protocol === 'http:' && hostname === 'localhost');
}

/** The answer as the library takes it; only a JSON object is one. */
function asResponse(api: string, answer: Answer): Response {
  const { status, json } = answer;
  if (status !== 200 || typeof json !== 'object' || json === null) throw refusal(api, answer);
  return Response.json(json);
}

/** A server without metadata of OpenID Connect may have those of RFC 8414. */
function isAbsent({ upstream }: LoginError): boolean {
  const { status = 0 } = upstream ?? {};
  return status >= 400 && status < 500 && status !== 429;
}

const UNUSABLE = 'The operator gave an answer that is of no use.';

/**
 * The error for what the library threw: ours, or its code. Its message and its cause may hold
 * claims and tokens.
 * @param api `authorize` for the answer at the redirect, which the device brought
 */
export function loginErrorOf(api: 'discovery' | 'authorize' | 'token', error: unknown): LoginError {
  for (let each = error; each instanceof Error; each = each.cause)
    if (each instanceof LoginError) return each;
  const { code } = error as { code?: unknown };
  const upstream = { api, error: typeof code === 'string' ? code : 'unknown' };
  if (api !== 'authorize') return new LoginError('upstream_error', UNUSABLE, { upstream });
  const detail = 'The link came back from another server than the operator.';
  return new LoginError('silent_auth_failed', detail, { reason: 'operator_error', upstream });
}
