import { newKeyPair } from '../support/keys.js';
import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, jwtVerify, type JSONWebKeySet } from 'jose';
import { ask, field, REDIRECT_URI, type Answer } from './open-sandbox.js';
import { CLIENT_ID, NUMBER, openCamara, VERIFIER, type Changes, type OpenCamara } from './open-camara.js';

const SECRET = 'a:secret+with%20signs';

let operator: OpenCamara;
beforeAll(async () => (operator = await openCamara()));
afterAll(() => operator.close());
beforeEach(() => operator.control('POST', '/reset'));

const expectError = ({ status, body, headers }: Answer, error: string): void => {
  const error_description = expect.stringMatching(/^[ !#-[\]-~]+\.$/) as string;
  expect(body).toEqual({ error, error_description });
  expect(status).toBe(error === 'invalid_client' ? 401 : 400);
  expect(headers.get('cache-control')).toBe('no-store');
};

const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${encodeURIComponent(user)}:${encodeURIComponent(password)}`).toString('base64')}`;

describe('the token endpoint', () => {
  it('gives a token for 300 seconds and an ID token, and no refresh token', async () => {
    const { status, headers, body } = await operator.exchange(await operator.codeFor());
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    const text = expect.any(String) as string;
    expect(body).toEqual({ access_token: text, token_type: 'Bearer', expires_in: 300, id_token: text });
  });

  it.each(['ES256', 'RS256'])('signs the ID token with %s', async (alg) => {
    await operator.control('PUT', '/camara/client', { id_token_signed_response_alg: alg });
    const { body } = await operator.exchange(await operator.codeFor());
    const keys = (await ask(`${operator.issuer}/jwks`)).body as JSONWebKeySet;
    const { payload, protectedHeader } = await jwtVerify(field(body, 'id_token'), createLocalJWKSet(keys), {
      issuer: operator.issuer,
      audience: CLIENT_ID,
      currentDate: new Date(operator.clock.ms),
    });
    expect(protectedHeader.alg).toBe(alg);
    expect(payload).toMatchObject({
      nonce: 'the-nonce',
      iat: operator.seconds(),
      auth_time: operator.seconds(),
      exp: operator.seconds() + 300,
    });
    expect(payload.sub).not.toMatch('447700900000');
  });

  it('leaves out a nonce that was not sent', async () => {
    const { body } = await operator.exchange(await operator.codeFor({ nonce: undefined }));
    const [, claims = ''] = field(body, 'id_token').split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).not.toHaveProperty('nonce');
  });

  it('ignores a DPoP proof, and gives a Bearer token', async () => {
    const form = {
      ...operator.codeForm(await operator.codeFor()),
      client_assertion: await operator.assertion(),
    };
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const answer = await operator.postForm('/token', { ...form, client_assertion_type }, { dpop: 'x.y.z' });
    expect(answer.body).toMatchObject({ token_type: 'Bearer' });
  });

  const rows: [string, Changes, string][] = [
    ['no grant_type', { grant_type: undefined }, 'invalid_request'],
    ['no code', { code: undefined }, 'invalid_request'],
    ['no redirect_uri', { redirect_uri: undefined }, 'invalid_request'],
    ['no code_verifier', { code_verifier: undefined }, 'invalid_request'],
    ['a repeated field', { extra: ['a', 'b'] }, 'invalid_request'],
    ['a repeated client_assertion', { client_assertion: ['a', 'b'] }, 'invalid_request'],
    ['another grant_type', { grant_type: 'refresh_token' }, 'unsupported_grant_type'],
    ['an unknown code', { code: 'unknown' }, 'invalid_grant'],
    ['another redirect_uri', { redirect_uri: `${REDIRECT_URI}/` }, 'invalid_grant'],
    ['another code_verifier', { code_verifier: 'x'.repeat(43) }, 'invalid_grant'],
    ['a code_verifier that is too short', { code_verifier: VERIFIER.slice(1) }, 'invalid_grant'],
  ];
  it.each(rows)('refuses %s', async (_, changes, error) => {
    expectError(await operator.exchange(await operator.codeFor(), changes), error);
  });

  it('refuses a code of a number that behaves as invalid_grant', async () => {
    const code = await operator.codeFor({ login_hint: 'tel:+447700900106' });
    expectError(await operator.exchange(code), 'invalid_grant');
  });

  it('refuses a code after 60 seconds', async () => {
    const code = await operator.codeFor();
    operator.clock.ms += 60_000;
    expectError(await operator.exchange(code), 'invalid_grant');
  });

  it('accepts a code once, and revokes its token when it comes again', async () => {
    const code = await operator.codeFor();
    const token = field((await operator.exchange(code)).body, 'access_token');
    expectError(await operator.exchange(code), 'invalid_grant');
    expect((await operator.verify(2, token, { phoneNumber: NUMBER })).status).toBe(401);
  });

  it('accepts exactly one of many parallel uses', async () => {
    const code = await operator.codeFor();
    const answers = await Promise.all(Array.from({ length: 20 }, () => operator.exchange(code)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it.each([{ code_verifier: 'x'.repeat(43) }, { redirect_uri: 'https://evil.example.com' }])(
    'uses up a code that comes with %j',
    async (changes) => {
      const code = await operator.codeFor();
      await operator.exchange(code, changes);
      expectError(await operator.exchange(code), 'invalid_grant');
    },
  );

  it('refuses the codes of Vonage, and Vonage’s API refuses its tokens', async () => {
    const { end } = await operator.walk(await operator.authUrl());
    const code = new URL(end).searchParams.get('code') ?? '';
    expectError(await operator.exchange(code), 'invalid_grant');
    const answer = await ask(`${operator.url}/camara/number-verification/v031/verify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await operator.tokenFor()}` },
    });
    expect(answer.status).toBe(401);
  });

  it('refuses another media type, and GET', async () => {
    expectError(
      await operator.postForm('/token', {}, { 'content-type': 'application/json' }),
      'invalid_request',
    );
    expect((await ask(`${operator.issuer}/token`)).status).toBe(405);
  });

  it('answers as PUT /__sandbox/token says', async () => {
    await operator.control('PUT', '/token', { expires_in: 3600, refresh_token: 'r', token_type: 'DPoP' });
    const { body } = await operator.exchange(await operator.codeFor());
    expect(body).toMatchObject({ expires_in: 3600, refresh_token: 'r', token_type: 'DPoP' });
  });
});

describe('private_key_jwt', () => {
  const ec = newKeyPair('ec');
  const now = () => operator.seconds();

  const accepted: [string, () => Changes][] = [
    ['the issuer as audience', () => ({ aud: operator.issuer })],
    ['the audience as a list of one', () => ({ aud: [`${operator.issuer}/token`] })],
    ['no iat', () => ({ iat: undefined })],
  ];
  it.each(accepted)('accepts %s', async (_, changes) => {
    const client_assertion = await operator.assertion(changes());
    const answer = await operator.exchange(await operator.codeFor(), { client_assertion });
    expect(answer.status).toBe(200);
  });

  it('accepts a registered ES256 key', async () => {
    const jwk = await exportJWK(ec.publicKey);
    const kid = await calculateJwkThumbprint(jwk);
    await operator.control('PUT', '/camara/client', { jwks: { keys: [{ ...jwk, kid }] } });
    const client_assertion = await operator.assertion(
      {},
      { key: ec.privateKey, header: { alg: 'ES256', kid } },
    );
    expect((await operator.exchange(await operator.codeFor(), { client_assertion })).status).toBe(200);
  });

  const refused: [string, () => Changes][] = [
    ['another issuer', () => ({ iss: 'another' })],
    ['no issuer', () => ({ iss: undefined })],
    ['another subject', () => ({ sub: 'another' })],
    ['no subject', () => ({ sub: undefined })],
    ['another audience', () => ({ aud: 'https://another.example.com/token' })],
    ['the authorization endpoint as audience', () => ({ aud: `${operator.issuer}/authorize` })],
    ['two audiences', () => ({ aud: [`${operator.issuer}/token`, 'https://another.example.com'] })],
    ['no audience', () => ({ aud: undefined })],
    ['no exp', () => ({ exp: undefined })],
    ['an exp of the past', () => ({ exp: now() })],
    ['an exp in more than 300 seconds', () => ({ exp: now() + 301, iat: now() + 1 })],
    ['an exp in more than 300 seconds, without iat', () => ({ exp: now() + 301, iat: undefined })],
    ['an exp more than 300 seconds after iat', () => ({ iat: now() - 1, exp: now() + 300 })],
    ['an iat of the future', () => ({ iat: now() + 1 })],
    ['an nbf of the future', () => ({ nbf: now() + 1 })],
    ['no jti', () => ({ jti: undefined })],
    ['an empty jti', () => ({ jti: '' })],
  ];
  it.each(refused)('refuses %s', async (_, changes) => {
    const client_assertion = await operator.assertion(changes());
    expectError(await operator.exchange(await operator.codeFor(), { client_assertion }), 'invalid_client');
  });

  const other: [string, () => Changes | Promise<Changes>][] = [
    ['no client_assertion', () => ({ client_assertion: undefined })],
    ['an empty client_assertion', () => ({ client_assertion: '' })],
    ['a client_assertion that is no JWT', () => ({ client_assertion: 'nonsense' })],
    ['no client_assertion_type', () => ({ client_assertion_type: undefined })],
    ['another client_assertion_type', () => ({ client_assertion_type: 'urn:x' })],
    ['another client_id', () => ({ client_id: 'another' })],
    [
      'a key that is not registered',
      async () => ({
        client_assertion: await operator.assertion({}, { key: ec.privateKey, header: { alg: 'ES256' } }),
      }),
    ],
    ['PS256', async () => ({ client_assertion: await operator.assertion({}, { header: { alg: 'PS256' } }) })],
    [
      'a request object',
      async () => ({ client_assertion: await operator.requestObject({ aud: operator.issuer }) }),
    ],
    [
      'a secret instead',
      () => ({ client_assertion: undefined, client_id: CLIENT_ID, client_secret: SECRET }),
    ],
  ];
  it.each(other)('refuses %s', async (_, changes) => {
    expectError(await operator.exchange(await operator.codeFor(), await changes()), 'invalid_client');
  });

  it('accepts a jti once', async () => {
    const client_assertion = await operator.assertion();
    const answers = await Promise.all(
      [await operator.codeFor(), await operator.codeFor()].map((code) =>
        operator.exchange(code, { client_assertion }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
  });

  it('refuses a second authentication beside it', async () => {
    const code = await operator.codeFor();
    expectError(await operator.exchange(code, { client_secret: SECRET }), 'invalid_request');
  });

  it('does not use up a code without authentication', async () => {
    const code = await operator.codeFor();
    await operator.exchange(code, { client_assertion: 'nonsense' });
    expect((await operator.exchange(code)).status).toBe(200);
  });
});

describe('a secret', () => {
  const register = (auth: string) => operator.control('PUT', '/camara/client', { auth, secret: SECRET });
  const post = { client_id: CLIENT_ID, client_secret: SECRET };
  const both = 'invalid_request';
  const refused = 'invalid_client';

  const rows: [string, string, Changes, Record<string, string>, string | undefined][] = [
    ['client_secret_basic', 'in the header', {}, { authorization: basic(CLIENT_ID, SECRET) }, undefined],
    ['client_secret_basic', 'that is wrong', {}, { authorization: basic(CLIENT_ID, 'x') }, refused],
    ['client_secret_basic', 'of another client', {}, { authorization: basic('x', SECRET) }, refused],
    [
      'client_secret_basic',
      'that is not encoded as in a form',
      {},
      { authorization: `Basic ${Buffer.from(`${CLIENT_ID}:${SECRET}`).toString('base64')}` },
      refused,
    ],
    ['client_secret_basic', 'as Bearer', {}, { authorization: `Bearer ${SECRET}` }, refused],
    ['client_secret_basic', 'in the body', post, {}, refused],
    ['client_secret_basic', 'in both', post, { authorization: basic(CLIENT_ID, SECRET) }, both],
    ['client_secret_basic', 'in neither', {}, {}, refused],
    ['client_secret_post', 'in the body', post, {}, undefined],
    ['client_secret_post', 'that is wrong', { ...post, client_secret: 'x' }, {}, refused],
    ['client_secret_post', 'of another client', { ...post, client_id: 'x' }, {}, refused],
    ['client_secret_post', 'without client_id', { client_secret: SECRET }, {}, refused],
    ['client_secret_post', 'in the header', {}, { authorization: basic(CLIENT_ID, SECRET) }, refused],
  ];
  it.each(rows)('with %s, %s', async (auth, _, fields, headers, error) => {
    expect((await register(auth)).status).toBe(200);
    const form = { ...operator.codeForm(await operator.codeFor()), ...fields };
    const answer = await operator.postForm('/token', form, headers);
    if (error === undefined) expect(answer.status).toBe(200);
    else expectError(answer, error);
    const challenged = error === refused && headers.authorization !== undefined;
    expect(answer.headers.get('www-authenticate')).toBe(challenged ? 'Basic realm="operator"' : null);
  });

  it('does not replace a client assertion', async () => {
    await register('client_secret_post');
    const answer = await operator.exchange(await operator.codeFor());
    expectError(answer, 'invalid_client');
    expect(field(answer.body, 'error_description')).toMatch('registered with client_secret_post');
  });

  it.each([
    [{ auth: 'none' }, 'auth'],
    [{ auth: 'client_secret_basic' }, 'secret'],
    [{ secret: 'with spaces' }, 'secret'],
    [{ secret: '' }, 'secret'],
    [{ jwks: { keys: [{ kty: 'oct', k: 'x' }] } }, 'jwks.keys.0.kty'],
    [{ jwks: { keys: [{ kty: 'EC', d: 'x' }] } }, 'jwks.keys.0'],
    [{ id_token_signed_response_alg: 'none' }, 'id_token_signed_response_alg'],
    [{ colour: 'red' }, 'body'],
  ])('cannot be registered with %j', async (registration, name) => {
    const { status, body } = await operator.control('PUT', '/camara/client', registration);
    expect(status).toBe(400);
    expect(body).toMatchObject({ invalid_parameters: [{ name }] });
  });
});
