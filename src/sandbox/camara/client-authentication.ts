import type { Request } from 'express';
import { createLocalJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';
import { nowInSeconds } from '../../core/world.js';
import { oauthError, type OAuthError } from '../operator/grants.js';
import type { SandboxState } from '../state/state.js';
import { CLIENT_ID, SIGNING_ALGORITHMS } from './operator.js';

/** The maximum of CAMARA's security profile for JWTs of clients. */
const MAX_LIFETIME_SECONDS = 300;

const invalidLifetime = ({ exp = 0, iat }: JWTPayload, now: number): string | undefined => {
  if (exp > now + MAX_LIFETIME_SECONDS) return 'exp is more than 300 seconds from now.';
  if (iat === undefined) return undefined;
  if (iat > now) return 'iat is in the future.';
  return exp - iat > MAX_LIFETIME_SECONDS ? 'exp is more than 300 seconds after iat.' : undefined;
};

/**
 * Verifies a JWT that the client signed: a client assertion or a request object.
 * @param audience one of them is the audience
 * @returns its claims, or why it is invalid
 */
export const verifyClientJwt = async (
  { camara, world }: SandboxState,
  jwt: string,
  audience: string[],
): Promise<JWTPayload | string> => {
  try {
    const { payload } = await jwtVerify(jwt, createLocalJWKSet(await camara.clientKeys()), {
      algorithms: [...SIGNING_ALGORITHMS],
      issuer: CLIENT_ID,
      audience,
      requiredClaims: ['exp', 'jti'],
      currentDate: new Date(world.now()),
    });
    const { aud, jti } = payload;
    if ([aud].flat().some((each) => !audience.includes(each ?? ''))) return 'aud names another audience too.';
    if (typeof jti !== 'string' || jti === '') return 'jti must be a string.';
    return invalidLifetime(payload, nowInSeconds(world)) ?? payload;
  } catch (error) {
    // `error_description` has no quotation marks (RFC 6749, 5.2).
    return error instanceof errors.JOSEError
      ? `${error.message.replaceAll('"', '')}.`
      : 'it cannot be verified.';
  }
};

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

type Fields = Partial<Record<string, string>>;

/** RFC 7523, 3. Returns why the assertion is invalid. Uses up its `jti`. */
const invalidAssertion = async (state: SandboxState, fields: Fields): Promise<string | undefined> => {
  const { client_id, client_assertion = '', client_assertion_type } = fields;
  if (client_assertion_type !== ASSERTION_TYPE) return `client_assertion_type must be ${ASSERTION_TYPE}.`;
  if (client_id !== undefined && client_id !== CLIENT_ID) return 'client_id is not the client.';
  const { camara } = state;
  const claims = await verifyClientJwt(state, client_assertion, [camara.url('token'), camara.issuer]);
  if (typeof claims === 'string') return `client_assertion: ${claims}`;
  if (claims.sub !== CLIENT_ID) return 'client_assertion: sub is not the client.';
  const { jti = '' } = claims;
  if (camara.usedJwtIds.has(jti)) return 'client_assertion: its jti was used before.';
  camara.usedJwtIds.set(jti, true);
  return undefined;
};

/** The user and password of Basic, which OAuth encodes as forms do (RFC 6749, 2.3.1). */
const basicCredentials = (authorization: string): Fields => {
  const encoded = /^Basic (\S+)$/i.exec(authorization)?.[1] ?? '';
  const [client_id = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':');
  const decode = (text: string): string => new URLSearchParams(`value=${text}`).get('value') ?? '';
  return { client_id: decode(client_id), client_secret: decode(rest.join(':')) };
};

/** Returns why the client is not authenticated (RFC 6749, 5.2). */
export const authenticateClient = async (
  state: SandboxState,
  { headers: { authorization } }: Request,
  fields: Fields,
): Promise<OAuthError | undefined> => {
  const { auth, secret } = state.camara.client;
  const used = [
    ...(authorization === undefined ? [] : ['client_secret_basic']),
    ...('client_assertion' in fields ? ['private_key_jwt'] : []),
    ...('client_secret' in fields ? ['client_secret_post'] : []),
  ];
  const invalid = (reason: string): OAuthError => oauthError('invalid_client', reason);
  if (used.length > 1) return oauthError('invalid_request', 'There is more than one client authentication.');
  if (used[0] !== auth) return invalid(`The client is registered with ${auth}.`);
  if (auth === 'private_key_jwt') {
    const reason = await invalidAssertion(state, fields);
    return reason === undefined ? undefined : invalid(reason);
  }
  const { client_id, client_secret } =
    auth === 'client_secret_basic' ? basicCredentials(authorization ?? '') : fields;
  const isKnown = client_id === CLIENT_ID && client_secret === secret;
  return isKnown ? undefined : invalid('The client or its secret is unknown.');
};
