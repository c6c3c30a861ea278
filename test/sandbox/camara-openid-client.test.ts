import { calculateJwkThumbprint, exportJWK, importPKCS8, type CryptoKey } from 'jose';
import * as client from 'openid-client';
import { ask, locationOf, PRIVATE_KEY_PEM, REDIRECT_URI } from './open-sandbox.js';
import { newKeyPair } from '../support/keys.js';
import { CLIENT_ID, NUMBER, openCamara, SCOPE, type OpenCamara } from './open-camara.js';

const SECRET = 'p%20:/+a secret'.replaceAll(' ', '_');

const ec = newKeyPair('ec');

let operator: OpenCamara;
let rsaKey: CryptoKey;
let ecKey: { key: CryptoKey; kid: string };
beforeAll(async () => {
  operator = await openCamara({ startAt: Date.now() });
  rsaKey = await importPKCS8(PRIVATE_KEY_PEM, 'RS256');
  const jwk = await exportJWK(ec.publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  ecKey = {
    key: await importPKCS8(ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'ES256'),
    kid,
  };
});
afterAll(() => operator.close());
beforeEach(async () => {
  // openid-client has the real clock. The sandbox accepts no time of the future.
  operator.clock.ms = Date.now() + 5_000;
  await operator.control('POST', '/reset');
});

const discover = (auth: client.ClientAuth, algorithm: client.DiscoveryRequestOptions['algorithm'] = 'oidc') =>
  client.discovery(new URL(operator.issuer), CLIENT_ID, undefined, auth, {
    algorithm,
    // oxlint-disable-next-line typescript/no-deprecated -- plain http
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });

/** Logs in as an application of openid-client does, and returns its tokens. */
const logIn = async (config: client.Configuration, signingKey?: client.PrivateKey | CryptoKey) => {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const parameters = {
    redirect_uri: REDIRECT_URI,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    login_hint: `tel:${NUMBER}`,
    prompt: 'none',
    ...{ state, nonce },
  };
  const url = signingKey
    ? await client.buildAuthorizationUrlWithJAR(config, parameters, signingKey)
    : client.buildAuthorizationUrl(config, parameters);
  const callback = locationOf(await ask(url.href));
  return client.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
};

describe('openid-client completes a login', () => {
  const es256 = async () => ({ jwks: { keys: [{ ...(await exportJWK(ec.publicKey)), kid: ecKey.kid }] } });
  const basic = { auth: 'client_secret_basic', secret: SECRET };
  const post = { auth: 'client_secret_post', secret: SECRET, id_token_signed_response_alg: 'RS256' };
  const methods = [
    {
      with: 'private_key_jwt, RS256',
      register: {},
      auth: () => client.PrivateKeyJwt(rsaKey),
      key: () => rsaKey,
    },
    {
      with: 'private_key_jwt, ES256',
      register: es256,
      auth: () => client.PrivateKeyJwt(ecKey),
      key: () => ecKey,
    },
    {
      with: 'client_secret_basic',
      register: basic,
      auth: () => client.ClientSecretBasic(SECRET),
      key: () => rsaKey,
    },
    {
      with: 'client_secret_post',
      register: post,
      auth: () => client.ClientSecretPost(SECRET),
      key: () => rsaKey,
    },
  ];
  const rows = methods.flatMap((row) => [
    { ...row, request: 'parameters in the URL' },
    { ...row, request: 'a request object' },
  ]);
  it.each(rows)('with $with and $request', async ({ register, auth, key, request }) => {
    const registration = typeof register === 'function' ? await register() : register;
    expect((await operator.control('PUT', '/camara/client', registration)).status).toBe(200);
    const config = await discover(auth());
    const tokens = await logIn(config, request === 'a request object' ? key() : undefined);
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 300 });
    expect(tokens.refresh_token).toBeUndefined();
    expect(tokens.claims()).toMatchObject({ iss: operator.issuer, aud: CLIENT_ID });
    const answer = await operator.verify(2, tokens.access_token, { phoneNumber: NUMBER });
    expect(answer.body).toEqual({ devicePhoneNumberVerified: true });
  });

  it('by the metadata of RFC 8414', async () => {
    const config = await discover(client.PrivateKeyJwt(rsaKey), 'oauth2');
    expect((await logIn(config)).access_token).toEqual(expect.any(String));
  });
});

it('the subject of the ID token is the same in each login, and not the number', async () => {
  const config = await discover(client.PrivateKeyJwt(rsaKey));
  const [first, second] = [await logIn(config), await logIn(config)];
  expect(first.claims()?.sub).toBe(second.claims()?.sub);
  expect(first.claims()?.sub).toMatch(/^[\w-]{43}$/);
});
