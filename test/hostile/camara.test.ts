import { generateKeyPairSync, sign as signBytes, type KeyObject } from 'node:crypto';
import { newKeyPair } from '../support/keys.js';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, UnsecuredJWT } from 'jose';
import { createSigner } from '../../src/camara/jws.js';
import { publicJwk } from '../../src/core/keys.js';
import { walk, type Walk } from '../support/device.js';
import { ALICE, postCode, startSystem, type System } from '../support/system.js';
import { until } from '../support/until.js';
import { heapInUse } from './heap.js';

type Claims = Record<string, unknown>;

const newKey = () => newKeyPair('ec').privateKey;
const OPERATOR = newKey();
const STRANGER = newKey();
const RSA = newKeyPair('rsa').privateKey;
const WEAK = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
/**
 * More than the 64 KiB that are read of an answer. The sandbox takes no longer text for a fault.
 */
const TOO_LONG = 'x'.repeat(80_000);

let system: System;
let issuer: string;
beforeAll(async () => {
  system = await startSystem({ env: { SILENT_AUTH: 'camara' } });
  issuer = `${system.sandbox}/camara-operator`;
});
beforeEach(async () => {
  await system.reset();
  // The server forgets metadata and keys of the test before.
  system.world.turn(3601);
});
afterAll(() => system.stop());

const json = (body: unknown, status = 200) => ({ status, body: JSON.stringify(body) });
const falsify = (faults: object) => system.control('faults', faults);
const callsTo = async (path: RegExp) =>
  (await system.upstream()).filter((call) => path.test(call.path)).length;
const EXCHANGE = /\/token$/;
const VERIFICATION = /\/verify$/;

const begin = async () => {
  const app = system.app();
  const { auth_url: link } = (await app.post('/login').send({ phone_number: ALICE }).expect(201)).body as {
    auth_url: string;
  };
  return { app, link, nonce: new URL(link).searchParams.get('nonce') ?? '' };
};

/** Expects that the device got no code, that its link is spent, and that no user is logged in. */
const expectRefused = async (app: ReturnType<System['app']>, home: Walk, exchanges: number) => {
  expect(['upstream_error', 'silent_auth_failed']).toContain(home.json?.['error']);
  expect(home.json).not.toHaveProperty('code');
  const again = await fetch(home.hops.at(-1) ?? '');
  expect(again.status).toBe(410);
  expect([await callsTo(EXCHANGE), await callsTo(VERIFICATION)]).toEqual([exchanges, 0]);
  expect((await app.get('/session')).body).toEqual({ authenticated: false });
};

describe('metadata', () => {
  const correct = () => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
  });

  test.each<[string, () => object]>([
    ['of another issuer', () => json({ ...correct(), issuer: 'https://evil.example' })],
    ['whose issuer has a slash more', () => json({ ...correct(), issuer: `${issuer}/` })],
    [
      'whose issuer is spelled otherwise',
      () => json({ ...correct(), issuer: issuer.replace('host', 'HOST') }),
    ],
    ['without an issuer', () => json({ ...correct(), issuer: undefined })],
    ['without an authorization endpoint', () => json({ ...correct(), authorization_endpoint: undefined })],
    ['without a token endpoint', () => json({ ...correct(), token_endpoint: undefined })],
    [
      'with a token endpoint that is a list',
      () => json({ ...correct(), token_endpoint: [`${issuer}/token`] }),
    ],
    ['with an endpoint over http', () => json({ ...correct(), token_endpoint: 'http://evil.example/token' })],
    ['with an endpoint of another scheme', () => json({ ...correct(), jwks_uri: 'file:///etc/passwd' })],
    ...[
      'javascript:alert(1)',
      'https://user@operator.example/authorize',
      'https://operator.example\\@evil.example/authorize',
      'https://operator.example/authorize#part',
      'https://operator.example/áuthorize',
      'https://operator.example/authorize authorize',
      `https://operator.example/${'a'.repeat(8192)}`,
    ].map((link): [string, () => object] => [
      `whose link would be ${link.slice(0, 50)}`,
      () => json({ ...correct(), authorization_endpoint: link }),
    ]),
    ['of 80 kB', () => json({ ...correct(), x: TOO_LONG })],
    ['behind a redirect', () => ({ status: 302, headers: { location: 'https://evil.example/' } })],
    ['that name a field twice', () => ({ body: `{"issuer":"${issuer}","issuer":"${issuer}"}` })],
    ['that are a page', () => ({ body: '<html>', content_type: 'text/html' })],
    ['that are a list', () => json([])],
    ['that are null', () => json(null)],
    ['that break off', () => ({ drop: 'after' })],
  ])('%s begin no login', async (_what, fault) => {
    await falsify({ 'camara-metadata': fault() });
    const answer = await system.app().post('/login').send({ phone_number: ALICE }).expect(502);
    expect(answer.body.error).toBe('upstream_error');
    expect(JSON.stringify(answer.body)).not.toContain('evil');
    expect(answer.headers['set-cookie']).toBeUndefined();
    await falsify({ 'camara-metadata': null });
    await begin();
  });

  test('whose authorization endpoint has a query keep it in the link', async () => {
    const endpoint = `${issuer}/authorize?tenant=a&lang=en`;
    await falsify({ 'camara-metadata': json({ ...correct(), authorization_endpoint: endpoint }) });
    const { body } = await system.app().post('/login').send({ phone_number: ALICE }).expect(201);
    const link = new URL(body.auth_url as string);
    expect(link.href.startsWith(endpoint)).toBe(true);
    expect(link.searchParams.get('response_type')).toBe('code');
    await falsify({ 'camara-metadata': null });
  });

  test('that do not come in time are a timeout, and the next login asks again', async () => {
    await falsify({ 'camara-metadata': { delay_ms: 4000, times: 1 } });
    const answer = await system.app().post('/login').send({ phone_number: ALICE }).expect(504);
    expect(answer.body.error).toBe('upstream_timeout');
    await begin();
  });
});

describe('the answer at the redirect', () => {
  /** Opens the link up to our callback, whose query `change` falsifies. */
  const returnWith = async (link: string, change: (query: URLSearchParams) => void) => {
    const { hops } = await walk(link, { stopBefore: system.base });
    const callback = new URL(hops.at(-1) ?? '');
    change(callback.searchParams);
    const answer = await fetch(callback);
    const body = (await answer.json()) as Record<string, unknown>;
    return { status: answer.status, json: body, hops: [callback.href] } as unknown as Walk;
  };

  test.each<[string, (query: URLSearchParams) => void]>([
    ['iss is missing', (query) => query.delete('iss')],
    ['iss is empty', (query) => query.set('iss', '')],
    ['iss is foreign', (query) => query.set('iss', 'https://evil.example')],
    ['iss has a slash more', (query) => query.set('iss', `${issuer}/`)],
  ])('whose %s sends no code to the operator', async (_what, change) => {
    const { app, link } = await begin();
    const home = await returnWith(link, change);
    expect(home).toMatchObject({ status: 400, json: { reason: 'operator_error' } });
    await expectRefused(app, home, 0);
  });

  test('with iss twice spends nothing', async () => {
    const { app, link } = await begin();
    const home = await returnWith(link, (query) => query.append('iss', issuer));
    expect(home).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    const { json: body } = await walk(link);
    await postCode(app, String(body?.['code'])).expect(200);
  });

  test('an error of another issuer is not taken for one of the operator', async () => {
    const { app, link } = await begin();
    const home = await returnWith(link, (query) => {
      query.delete('code');
      query.set('error', 'access_denied');
      query.set('iss', 'https://evil.example');
    });
    expect(home.json).toMatchObject({ error: 'silent_auth_failed', reason: 'operator_error' });
    await expectRefused(app, home, 0);
  });

  test('a code of another login is refused by its verifier, and spends both', async () => {
    const [mine, other] = [await begin(), await begin()];
    const { hops } = await walk(other.link, { stopBefore: system.base });
    const stolen = new URL(hops.at(-1) ?? '').searchParams.get('code') ?? '';
    const home = await returnWith(mine.link, (query) => query.set('code', stolen));
    expect(home).toMatchObject({ status: 400, json: { reason: 'operator_error' } });
    await expectRefused(mine.app, home, 1);
  });
});

describe('the token endpoint', () => {
  const token = { access_token: 'a'.repeat(43), token_type: 'Bearer', expires_in: 300 };

  test.each<[string, object]>([
    ['DPoP, which was not asked for', json({ ...token, token_type: 'DPoP' })],
    ['N_A', json({ ...token, token_type: 'N_A' })],
    ['of no type', json({ ...token, token_type: undefined })],
    ['that is a number', json({ ...token, access_token: 7 })],
    ['with a line end', json({ ...token, access_token: 'a\r\nX-Evil: 1' })],
    ['that is absent', json({ token_type: 'Bearer' })],
    ['with a lifetime that is a word', json({ ...token, expires_in: 'soon' })],
    ['with an ID token that is none', json({ ...token, id_token: 'a.b.c' })],
    ['with an ID token that is a number', json({ ...token, id_token: 7 })],
    ['of 80 kB', json({ ...token, access_token: TOO_LONG })],
    ['behind a redirect', { status: 307, headers: { location: 'https://evil.example/' } }],
    ['in a page', { body: '<html>', content_type: 'text/html' }],
    ['for a client that it does not know', json({ error: 'invalid_client' }, 401)],
    ['never', { drop: 'after' }],
  ])('that gives a token %s gives no code', async (_what, fault) => {
    const { app, link } = await begin();
    await falsify({ 'camara-token': fault });
    const home = await walk(link);
    expect(home).toMatchObject({ status: 502, json: { error: 'upstream_error' } });
    await expectRefused(app, home, 1);
  });

  test('that calls the code used is an end of this login alone', async () => {
    const { app, link } = await begin();
    await falsify({ 'camara-token': json({ error: 'invalid_grant' }, 400) });
    const home = await walk(link);
    expect(home).toMatchObject({ status: 400, json: { reason: 'operator_error' } });
    await expectRefused(app, home, 1);
  });
});

describe('an ID token', () => {
  const sign = async (
    claims: Claims,
    how: { key?: KeyObject | Uint8Array; alg?: string; kid?: string } = {},
  ) => {
    const { key = OPERATOR, alg = 'ES256', kid = (await publicJwk(OPERATOR)).kid } = how;
    return new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key);
  };
  const correct = (nonce: string): Claims => {
    const iat = Math.floor(system.world.now() / 1000);
    return { iss: issuer, sub: 'x', aud: 'silent-auth-sandbox', iat, exp: iat + 300, nonce };
  };
  const publish = async (...keys: KeyObject[]) =>
    falsify({ 'camara-jwks': json({ keys: await Promise.all(keys.map(publicJwk)) }) });
  const give = (idToken: string) =>
    falsify({
      'camara-token': json({ access_token: 'a'.repeat(43), token_type: 'Bearer', id_token: idToken }),
    });

  /** Logs in with this ID token, up to the callback. */
  const returnWith = async (make: (claims: Claims) => Promise<string> | string) => {
    const { app, link, nonce } = await begin();
    await give(await make(correct(nonce)));
    return { app, home: await walk(link) };
  };

  /** The token with its signature as ECDSA signatures are outside of JWS. */
  const withAsn1 = async (signed: Promise<string>): Promise<string> => {
    const text = (await signed).replace(/\.[^.]*$/, '');
    return `${text}.${signBytes('sha256', Buffer.from(text), OPERATOR).toString('base64url')}`;
  };
  const withClaims = (token: string, claims: Claims): string =>
    token.replace(/\.[^.]*\./, `.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`);

  beforeEach(() => publish(OPERATOR));

  test('that is right gives a code', async () => {
    const { home } = await returnWith((claims) => sign(claims));
    expect(home).toMatchObject({ status: 200, json: { code: expect.any(String) } });
  });

  test.each([
    {},
    { id_token: null, refresh_token: null, scope: null, expires_in: null },
    { id_token: '', refresh_token: '', scope: '' },
    { refresh_token: { value: 'x' }, scope: ['openid'], expires_in: -1, authorization_details: [{ a: [] }] },
  ])('may be missing, and fields that are not read may have any form: %j', async (others) => {
    const { link } = await begin();
    const token = { access_token: 'a'.repeat(43), token_type: 'Bearer', ...others };
    await falsify({ 'camara-token': json(token) });
    expect((await walk(link)).status).toBe(200);
  });

  test('whose keys are slow as well as the token is a timeout before an SDK gives up', async () => {
    const { link } = await begin();
    await falsify({ 'camara-token': { delay_ms: 2000 }, 'camara-jwks': { delay_ms: 1200 } });
    expect(await walk(link)).toMatchObject({ status: 504, json: { error: 'upstream_timeout' } });
  });

  test.each<[string, (claims: Claims) => Promise<string> | string]>([
    ['another nonce', (claims) => sign({ ...claims, nonce: 'n'.repeat(43) })],
    ['no nonce', (claims) => sign({ ...claims, nonce: undefined })],
    ['another audience', (claims) => sign({ ...claims, aud: 'another-client' })],
    [
      'a foreign audience beside ours',
      (claims) => sign({ ...claims, aud: ['silent-auth-sandbox', 'other'] }),
    ],
    ['another issuer', (claims) => sign({ ...claims, iss: 'https://evil.example' })],
    ['an issuer with a slash more', (claims) => sign({ ...claims, iss: `${issuer}/` })],
    ['an end in the past', (claims) => sign({ ...claims, exp: Number(claims['iat']) - 60 })],
    ['no end', (claims) => sign({ ...claims, exp: undefined })],
    ['a beginning in the future', (claims) => sign({ ...claims, nbf: Number(claims['iat']) + 600 })],
    ['no signature', (claims) => new UnsecuredJWT(claims).encode()],
    ['a symmetric signature', (claims) => sign(claims, { alg: 'HS256', key: Buffer.from('x'.repeat(32)) })],
    ['a signature of another key', (claims) => sign(claims, { key: STRANGER })],
    ['an unknown key', (claims) => sign(claims, { key: STRANGER, kid: 'unknown' })],
    [
      'the type of an access token',
      async (claims) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: (await publicJwk(OPERATOR)).kid })
          .sign(OPERATOR),
    ],
    [
      'a key of its own',
      async (claims) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'ES256', jwk: await publicJwk(STRANGER) })
          .sign(STRANGER),
    ],
    [
      'the address of its keys',
      (claims) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'ES256', jku: 'https://evil.example/jwks', kid: 'unknown' })
          .sign(STRANGER),
    ],
    ['an empty signature', async (claims) => (await sign(claims)).replace(/[^.]*$/, '')],
    ['half a signature', async (claims) => (await sign(claims)).slice(0, -43)],
    ['a signature of zeros', async (claims) => (await sign(claims)).replace(/[^.]*$/, 'A'.repeat(86))],
    ['an ASN.1 signature', (claims) => withAsn1(sign(claims))],
    ['the key of another algorithm', (claims) => sign(claims, { alg: 'RS256', key: RSA })],
    ['claims that were changed', async (claims) => withClaims(await sign(claims), { ...claims, sub: 'y' })],
    ['a part too many', async (claims) => `${await sign(claims)}.AAAA`],
    [
      'an extension that is critical',
      (claims) =>
        new SignJWT(claims).setProtectedHeader({ alg: 'ES256', b64: true, crit: ['b64'] }).sign(OPERATOR),
    ],
    ['an algorithm that the profile does not have', (claims) => sign(claims, { alg: 'PS256', key: RSA })],
  ])('with %s gives no code, and the access token is never used', async (_what, make) => {
    const { app, home } = await returnWith(make);
    expect(home).toMatchObject({ status: 502, json: { error: 'upstream_error' } });
    await expectRefused(app, home, 1);
  });

  test.each<[string, object]>([
    ['of 80 kB', json({ keys: [], x: TOO_LONG })],
    ['without keys', json({})],
    ['whose keys are texts', json({ keys: ['x'] })],
    ['behind a redirect', { status: 302, headers: { location: 'https://evil.example/' } }],
    ['that is a page', { body: '<html>', content_type: 'text/html' }],
    ['that never comes', { drop: 'after' }],
  ])('is refused where the key set is one %s', async (_what, fault) => {
    await falsify({ 'camara-jwks': fault });
    const { app, home } = await returnWith((claims) => sign(claims));
    expect(home).toMatchObject({ status: 502, json: { error: 'upstream_error' } });
    await expectRefused(app, home, 1);
  });

  test('of a key that replaced the one before is refused once, and then believed; one of the former no more', async () => {
    const ofStranger = async (claims: Claims) =>
      sign(claims, { key: STRANGER, kid: (await publicJwk(STRANGER)).kid });
    expect((await returnWith((claims) => sign(claims))).home.status).toBe(200);
    await publish(STRANGER);
    expect((await returnWith(ofStranger)).home.status).toBe(502);
    expect((await returnWith(ofStranger)).home.status).toBe(200);
    expect((await returnWith((claims) => sign(claims))).home.status).toBe(502);
  });

  test.each([
    ['2048', 'gives a code', RSA, 200],
    ['1024', 'gives none', WEAK, 502],
  ])('of an RSA key of %s bits %s', async (_bits, _outcome, key, status) => {
    await publish(key);
    const { kid } = await publicJwk(key);
    const { app, home } = await returnWith(createSigner({ key, kid }));
    expect(home.status).toBe(status);
    if (status !== 200) await expectRefused(app, home, 1);
  });

  test('is checked with a key whose unused fields are null', async () => {
    const unused = { use: null, alg: null, key_ops: null, x5c: null };
    const own = { ...(await publicJwk(OPERATOR)), ...unused };
    await falsify({ 'camara-jwks': json({ keys: [own], next: null }) });
    expect((await returnWith((claims) => sign(claims))).home.status).toBe(200);
  });

  test('of a new key is believed at once where the known keys are half a minute old', async () => {
    expect((await returnWith((claims) => sign(claims))).home.status).toBe(200);
    await publish(OPERATOR, STRANGER);
    system.world.turn(31);
    const kid = (await publicJwk(STRANGER)).kid;
    const { home } = await returnWith((claims) => sign(claims, { key: STRANGER, kid }));
    expect(home.status).toBe(200);
  });
});

describe('Number Verification', () => {
  const verified = async (fault: object) => {
    const { app, link } = await begin();
    const home = await walk(link);
    await falsify({ 'camara-verify': fault });
    const answer = await postCode(app, String(home.json?.['code']));
    await postCode(app, String(home.json?.['code'])).expect(400);
    expect(await callsTo(VERIFICATION)).toBe(1);
    expect((await app.get('/session')).body).toEqual({ authenticated: false });
    return answer;
  };

  test.each<[string, object]>([
    ['"true"', json({ devicePhoneNumberVerified: 'true' })],
    ['1', json({ devicePhoneNumberVerified: 1 })],
    ['an object', json({ devicePhoneNumberVerified: {} })],
    ['true itself', json(true)],
    ['true in a list', json([{ devicePhoneNumberVerified: true }])],
    ['true with status 201', json({ devicePhoneNumberVerified: true }, 201)],
    ['true twice', { body: '{"devicePhoneNumberVerified":false,"devicePhoneNumberVerified":true}' }],
    ['true as text', { body: '{"devicePhoneNumberVerified":true}', content_type: 'text/plain' }],
  ])('that answers %s logs no user in', async (_what, fault) => {
    expect((await verified(fault)).body).toMatchObject({ status: 502, error: 'upstream_error' });
  });

  const camara = (status: number, code: string) => json({ status, code, message: 'x' }, status);
  const failed = (reason: string) => ({ status: 400, error: 'silent_auth_failed', reason });
  const broken = { status: 502, error: 'upstream_error' };
  test.each<[string, object, object]>([
    ['400 INVALID_ARGUMENT', camara(400, 'INVALID_ARGUMENT'), broken],
    ['401 UNAUTHENTICATED', camara(401, 'UNAUTHENTICATED'), broken],
    ['401 AUTHENTICATION_REQUIRED', camara(401, 'AUTHENTICATION_REQUIRED'), broken],
    ['403 PERMISSION_DENIED', camara(403, 'PERMISSION_DENIED'), broken],
    [
      '403 of 0.3 and 2',
      camara(403, 'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK'),
      failed('not_on_cellular'),
    ],
    ['403 of 1', camara(403, 'USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK'), failed('not_on_cellular')],
    [
      '403 INVALID_TOKEN_CONTEXT',
      camara(403, 'NUMBER_VERIFICATION.INVALID_TOKEN_CONTEXT'),
      failed('operator_error'),
    ],
    ['404 IDENTIFIER_NOT_FOUND', camara(404, 'IDENTIFIER_NOT_FOUND'), failed('number_not_supported')],
    ['422 SERVICE_NOT_APPLICABLE', camara(422, 'SERVICE_NOT_APPLICABLE'), failed('number_not_supported')],
    ['422 UNSUPPORTED_IDENTIFIER', camara(422, 'UNSUPPORTED_IDENTIFIER'), failed('number_not_supported')],
    ['422 MISSING_IDENTIFIER', camara(422, 'MISSING_IDENTIFIER'), broken],
    ['422 UNNECESSARY_IDENTIFIER', camara(422, 'UNNECESSARY_IDENTIFIER'), broken],
    ['429 QUOTA_EXCEEDED', camara(429, 'QUOTA_EXCEEDED'), { status: 503, error: 'unavailable' }],
    ['429 TOO_MANY_REQUESTS', camara(429, 'TOO_MANY_REQUESTS'), { status: 503, error: 'unavailable' }],
    ['500 INTERNAL', camara(500, 'INTERNAL'), broken],
    ['503 UNAVAILABLE', camara(503, 'UNAVAILABLE'), broken],
    ['504 TIMEOUT', camara(504, 'TIMEOUT'), { status: 504, error: 'upstream_timeout' }],
    [
      'the requestError of Infobip',
      json({ requestError: { serviceException: { messageId: 'UNAUTHORIZED', text: 'x' } } }, 401),
      broken,
    ],
  ])('%s is an error of its own, and its code is in the log', async (what, fault, error) => {
    expect((await verified(fault)).body).toMatchObject(error);
    const code = what.startsWith('the') ? 'UNAUTHORIZED' : (/[A-Z_]{6,}$/.exec(what)?.[0] ?? '');
    expect(system.world.logged()).toContain(code);
  });
});

describe('an answer of 1 MB', () => {
  const MEGABYTE = 1024 * 1024;
  const REPEATS = 5;
  let large: string;
  let isChunked: boolean;
  let closed = 0;
  let idToken: string;
  let operator: string;
  const upstream = createServer((req, res) => {
    const { pathname } = new URL(req.url ?? '', 'http://localhost');
    const api = pathname.split('/').at(-1) ?? '';
    const answers: Record<string, object> = {
      'openid-configuration': {
        issuer: operator,
        authorization_endpoint: `${operator}/authorize`,
        token_endpoint: `${operator}/token`,
        jwks_uri: `${operator}/jwks`,
      },
      token: { access_token: 'a'.repeat(43), token_type: 'Bearer', id_token: idToken },
      jwks: { keys: [] },
    };
    const body = JSON.stringify({ ...answers[api], ...(api === large && { x: 'x'.repeat(MEGABYTE) }) });
    if (api === large) req.socket.once('close', () => closed++);
    res.setHeader('content-type', 'application/json');
    if (!isChunked) res.setHeader('content-length', body.length);
    for (let at = 0; at < body.length; at += 16_384) res.write(body.slice(at, at + 16_384));
    res.end();
  });
  let own: System;
  beforeAll(async () => {
    await once(upstream.listen(0), 'listening');
    operator = `http://localhost:${(upstream.address() as AddressInfo).port}`;
    const env = { SILENT_AUTH: 'camara', CAMARA_ISSUER: operator, CAMARA_API_ROOT: operator };
    own = await startSystem({ store: 'memory', env });
  });
  afterAll(async () => {
    await own.stop();
    upstream.close();
    upstream.closeAllConnections();
  });

  /** Begins a login, and comes back with a code, as far as the answers lead. */
  const logIn = async () => {
    const begun = await own.app().post('/login').send({ phone_number: ALICE });
    if (begun.status !== 201) return begun;
    const { nonce, state } = Object.fromEntries(new URL(String(begun.body.auth_url)).searchParams);
    const iat = Math.floor(own.world.now() / 1000);
    const claims = { iss: operator, sub: 'x', aud: 'silent-auth-sandbox', iat, exp: iat + 300, nonce };
    idToken = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'x' }).sign(OPERATOR);
    return own.app().get('/callback').query({ code: 'c', state, iss: operator });
  };
  const held = () => heapInUse() + process.memoryUsage().arrayBuffers / MEGABYTE;

  const apis = ['openid-configuration', 'token', 'jwks'];
  test.each(apis.flatMap((api) => [false, true].map((chunked) => [api, chunked] as const)))(
    'to %s (chunked: %s) is cut off at once, and nothing of it is kept',
    async (api, chunked) => {
      [large, isChunked, closed] = [api, chunked, 0];
      const refuse = async () => {
        own.world.turn(3601);
        const startedAt = performance.now();
        expect((await logIn()).body).toMatchObject({ status: 502, error: 'upstream_error' });
        expect(performance.now() - startedAt).toBeLessThan(1500);
      };
      // The first one also loads code.
      await refuse();
      const before = held();
      for (let each = 0; each < REPEATS; each++) await refuse();
      await until(() => Promise.resolve(closed === REPEATS + 1), 4);
      expect(held() - before).toBeLessThan(REPEATS / 2);
    },
  );
});
