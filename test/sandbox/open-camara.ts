import { createHash, createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, SignJWT, type JWTHeaderParameters } from 'jose';
import { ask, field, locationOf, openSandbox, PRIVATE_KEY_PEM, REDIRECT_URI } from './open-sandbox.js';
import type { Answer } from './open-sandbox.js';

export const CLIENT_ID = 'silent-auth-sandbox';
export const SCOPE = 'openid dpv:FraudPreventionAndDetection number-verification:verify';
export const SHARE_SCOPE =
  'openid dpv:FraudPreventionAndDetection number-verification:device-phone-number:read';
export const NUMBER = '+447700900000';
export const VERIFIER = 'v'.repeat(43);
const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** `undefined` leaves a parameter out. */
export type Changes = Record<string, string | number | string[] | undefined>;

const without = (fields: Changes): [string, string][] =>
  Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each): [string, string] => [name, String(each)]),
  );

/** A sandbox, and the requests that the client of its CAMARA operator makes. */
export const openCamara = async (options: Parameters<typeof openSandbox>[0] = {}) => {
  const sandbox = await openSandbox(options);
  const issuer = `${sandbox.url}/camara-operator`;
  const key = createPrivateKey(PRIVATE_KEY_PEM);
  const kid = await calculateJwkThumbprint(await exportJWK(createPublicKey(PRIVATE_KEY_PEM)));

  const sign = (claims: Changes, how: { header?: Partial<JWTHeaderParameters>; key?: typeof key } = {}) =>
    new SignJWT(Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)))
      .setProtectedHeader({ alg: 'RS256', ...(how.key ? {} : { kid }), ...how.header })
      .sign(how.key ?? key);
  const times = () => ({ iat: sandbox.seconds(), exp: sandbox.seconds() + 300, jti: randomUUID() });
  const assertion = (changes: Changes = {}, how?: Parameters<typeof sign>[1]) =>
    sign({ iss: CLIENT_ID, sub: CLIENT_ID, aud: `${issuer}/token`, ...times(), ...changes }, how);

  const parameters = (changes: Changes = {}): Changes => ({
    response_type: 'code',
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    state: 'the-state',
    nonce: 'the-nonce',
    prompt: 'none',
    code_challenge: challengeOf(VERIFIER),
    code_challenge_method: 'S256',
    login_hint: `tel:${NUMBER}`,
    ...changes,
  });
  const requestObject = (changes: Changes = {}, how?: Parameters<typeof sign>[1]) =>
    sign({ ...parameters(), iss: CLIENT_ID, aud: `${issuer}/authorize`, ...times(), ...changes }, how);
  const authorizeWith = (all: Changes, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(`${issuer}/authorize?${new URLSearchParams(without(all)).toString()}`, { headers });
  const authorize = (changes?: Changes, headers?: Record<string, string>) =>
    authorizeWith(parameters(changes), headers);
  const codeFor = async (changes?: Changes, headers?: Record<string, string>) =>
    locationOf(await authorize(changes, headers)).searchParams.get('code') ?? '';
  const postForm = (path: string, fields: Changes, headers: Record<string, string> = {}) =>
    ask(issuer + path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(without(fields)).toString(),
    });
  const codeForm = (code: string): Changes => ({
    grant_type: 'authorization_code',
    code,
    redirect_uri: REDIRECT_URI,
    code_verifier: VERIFIER,
  });
  /** A token request with `private_key_jwt`. */
  const exchange = async (code: string, changes: Changes = {}) =>
    postForm('/token', {
      ...codeForm(code),
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: await assertion(),
      ...changes,
    });
  const tokenFor = async (changes?: Changes, headers?: Record<string, string>) =>
    field((await exchange(await codeFor(changes, headers))).body, 'access_token');
  const verify = (version: number, token: string, body: unknown, headers: Record<string, string> = {}) =>
    ask(`${issuer}/api/number-verification/v${version}/verify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const share = (version: number, token: string, headers: Record<string, string> = {}) =>
    ask(`${issuer}/api/number-verification/v${version}/device-phone-number`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
  return {
    ...sandbox,
    vonageToken: () => sandbox.tokenFor(),
    issuer,
    key,
    kid,
    assertion,
    parameters,
    requestObject,
    authorizeWith,
    authorize,
    codeFor,
    postForm,
    codeForm,
    exchange,
    tokenFor,
    verify,
    share,
  };
};

export type OpenCamara = Awaited<ReturnType<typeof openCamara>>;
