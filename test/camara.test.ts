import { createHash, generateKeyPairSync, verify, type KeyObject } from 'node:crypto';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import type { EngineName } from '../src/config/login.js';
import { ConfigError, readConfig } from '../src/config/config.js';
import { createSigner } from '../src/camara/jws.js';
import { publicJwk } from '../src/core/keys.js';
import { ASSERTIONS } from './support/assertions.js';
import { credentials } from './support/credentials.js';
import { newKeyPair } from './support/keys.js';
import { walk } from './support/device.js';
import {
  ALICE,
  camaraAt,
  postCode,
  startSystem,
  withSystem,
  WITH_CODES,
  type Recorded,
  type System,
} from './support/system.js';

const ENGINE = { SILENT_AUTH: 'camara' satisfies EngineName };
const NO_CONSENT = '+447700900115';
const OTHER_SIM = '+447700900101';
const SECRET = 'a-secret-of-the-client';

const at = (path: string) => (call: Recorded) => call.path.endsWith(path);
const formOf = ({ body }: Recorded) => body as Record<string, string>;
const begin = (app: ReturnType<System['app']>, phoneNumber = ALICE) =>
  app.post('/login').send({ phone_number: phoneNumber });
const parametersOf = (link: string) => Object.fromEntries(new URL(link).searchParams);

describe('SILENT_AUTH=camara', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: { ...ENGINE, ...WITH_CODES } })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const callsTo = async (path: string) => (await system.upstream()).filter(at(path));

  test('an app logs in by a token call and a verification, with the proof that only the server holds', async () => {
    const app = system.app();
    const { auth_url: link } = (await begin(app).expect(201)).body as { auth_url: string };
    const { nonce, state, code_challenge: challenge, ...rest } = parametersOf(link);
    expect(new URL(link).pathname).toBe('/camara-operator/authorize');
    expect(rest).toEqual({
      client_id: 'silent-auth-sandbox',
      response_type: 'code',
      redirect_uri: `${system.base}/callback`,
      scope: 'openid dpv:FraudPreventionAndDetection number-verification:verify',
      prompt: 'none',
      login_hint: `tel:${ALICE}`,
      code_challenge_method: 'S256',
    });
    expect([nonce, state, challenge].map((each) => each?.length)).toEqual([43, 44, 43]);

    const home = await walk(link);
    const answer = await postCode(app, String(home.json?.['code'])).expect(200);
    expect(answer.body).toMatchObject({ verified: true, phone_number: ALICE, channel: 'silent_auth' });

    const [exchange] = await callsTo('/token');
    const form = formOf(exchange as Recorded);
    expect(
      createHash('sha256')
        .update(form['code_verifier'] ?? '')
        .digest('base64url'),
    ).toBe(challenge);
    expect(form).toMatchObject({ grant_type: 'authorization_code', redirect_uri: `${system.base}/callback` });
    const [verification] = await callsTo('/verify');
    expect(verification).toMatchObject({
      path: '/camara-operator/api/number-verification/v2/verify',
      body: { phoneNumber: ALICE },
    });
  });

  test('the client authenticates by a JWT for the token endpoint, of a minute and with a jti of its own', async () => {
    for (let logins = 0; logins < 2; logins++) await system.walkedLogin();
    const assertions = (await callsTo('/token')).map((call) => formOf(call)['client_assertion'] ?? '');
    const claims = assertions.map((each) => decodeJwt(each));
    for (const { iss, sub, aud, iat = 0, exp = 0 } of claims) {
      expect({ iss, sub, aud }).toEqual({
        iss: 'silent-auth-sandbox',
        sub: 'silent-auth-sandbox',
        aud: `${system.sandbox}/camara-operator/token`,
      });
      expect(exp - iat).toBe(60);
    }
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(2);
    const { body } = await system.app().get('/.well-known/jwks.json').expect(200);
    expect(JSON.stringify(body)).toContain(decodeProtectedHeader(assertions[0] ?? '').kid ?? 'no kid');
  });

  test('a browser logs in, and its fragment holds no token and no authorization code', async () => {
    const browser = system.app();
    const headers = { 'Sec-Fetch-Site': 'same-origin', Origin: system.base };
    const begun = await browser.post('/login').set(headers).send({ phone_number: ALICE }).expect(201);
    const { hops } = await walk(begun.body.auth_url, { stopBefore: system.base });
    const callback = new URL(hops.at(-1) ?? '');
    const home = await browser
      .get(callback.pathname + callback.search)
      .set({ 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Site': 'cross-site' })
      .expect(303);
    const fragment = new URLSearchParams(home.headers['location']?.split('#')[1]);
    expect([...fragment.keys()]).toEqual(['login_id', 'code']);
    await browser
      .post('/verify')
      .set(headers)
      .send({ code: fragment.get('code') })
      .expect(200);
  });

  test('metadata are fetched once for all logins, and again after an hour', async () => {
    await Promise.all(Array.from({ length: 5 }, () => begin(system.app()).expect(201)));
    const fetched = async () => (await callsTo('/.well-known/openid-configuration')).length;
    const before = await fetched();
    expect(before).toBeLessThanOrEqual(1);
    system.world.turn(3601);
    await Promise.all(Array.from({ length: 5 }, () => begin(system.app()).expect(201)));
    expect(await fetched()).toBe(before + 1);
  });

  test('an operator without metadata of OpenID Connect has those of RFC 8414', async () => {
    system.world.turn(3601);
    await system.control('faults', { 'camara-metadata': { status: 404, body: '{}' } });
    await begin(system.app()).expect(201);
    expect(await callsTo('/.well-known/oauth-authorization-server/camara-operator')).toHaveLength(1);
  });

  test('the keys of ID tokens are fetched once for all logins', async () => {
    await Promise.all(Array.from({ length: 3 }, () => system.walkedLogin()));
    expect((await callsTo('/jwks')).length).toBeLessThanOrEqual(1);
  });

  test('metadata and keys that were fetched before the clock was set back are fetched again', async () => {
    system.world.turn(86_400);
    await system.walkedLogin();
    const fetched = async () => [
      (await callsTo('/.well-known/openid-configuration')).length,
      (await callsTo('/jwks')).length,
    ];
    const before = await fetched();
    system.world.turn(-86_400);
    await system.walkedLogin();
    expect(await fetched()).toEqual(before.map((count) => count + 1));
  });

  test.each([
    ['expires_in of an hour', { expires_in: 3600 }, 300],
    ['expires_in of 29 s', { expires_in: 29 }, 29],
    ['no expires_in', { expires_in: null }, 300],
  ])('a token with %s is kept for %3$i s at the most', async (_what, token, seconds) => {
    await system.control('token', token);
    await system.walkedLogin();
    const [key = ''] = await system.redis.keys('code:*');
    const kept = await system.redis.ttl(key);
    expect([kept > 0, kept <= seconds]).toEqual([true, true]);
  });

  test('the operator that wants consent first is a reason of its own, and the login goes on to a message', async () => {
    const app = system.app();
    const begun = await begin(app, NO_CONSENT).expect(201);
    const home = await walk(begun.body.auth_url);
    expect(home).toMatchObject({ status: 400, json: { reason: 'consent_required' } });
    expect(await callsTo('/token')).toEqual([]);
    await system.next(app, 'sms');
  });

  test('a SIM of another number logs no user in', async () => {
    const { app, code } = await system.walkedLogin(OTHER_SIM);
    const answer = await postCode(app, code).expect(200);
    expect(answer.body).toMatchObject({ verified: false, reason: 'number_mismatch' });
  });

  test('while the operator is away, the login begins with the other channels', async () => {
    system.world.turn(3601);
    await system.control('faults', { 'camara-metadata': { status: 503, body: '{}' } });
    const answer = await begin(system.app()).expect(201);
    expect(answer.body).toMatchObject({ channel: null, auth_url: null, reason: 'silent_auth_unavailable' });
  });

  test('a 429 of the operator pauses all logins for as long as it says', async () => {
    const app = system.app();
    const begun = await begin(app).expect(201);
    const headers = { 'retry-after': '7' };
    await system.control('faults', { 'camara-token': { status: 429, body: '{}', headers } });
    // Not Vonage alone, which has no part in this login.
    const detail = expect.stringContaining('operator');
    const limited = { status: 503, json: { retry_after: 7, detail } };
    expect(await walk(begun.body.auth_url)).toMatchObject(limited);
    const refused = await begin(system.app()).expect(503);
    expect(refused.body).toMatchObject({ error: 'unavailable', detail });
    // A pause ends at a whole second.
    expect([7, 8]).toContain(refused.body.retry_after);
    await system.control('faults', { 'camara-token': null });
    system.world.turn(8);
    await begin(system.app()).expect(201);
  });

  test('no token, code, verifier or nonce is in the log or in x-correlator', async () => {
    const { app, link, home, code } = await system.walkedLogin();
    await postCode(app, code).expect(200);
    const [exchange] = await callsTo('/token');
    const { code: authorizationCode = '', code_verifier: verifier = '' } = formOf(exchange as Recorded);
    const token = (await callsTo('/verify')).at(-1)?.headers['authorization']?.split(' ')[1] ?? '';
    const secrets = [authorizationCode, verifier, token, parametersOf(link)['nonce'] ?? '', code];
    expect(secrets.every((each) => each.length >= 40)).toBe(true);
    const correlators = (await system.upstream()).map(({ headers }) => headers['x-correlator']).join('\n');
    for (const secret of secrets) {
      expect(system.world.logged()).not.toContain(secret);
      expect(correlators).not.toContain(secret);
    }
    for (const secret of secrets.slice(0, 4)) expect(home.body).not.toContain(secret);
  });
});

const newKey = () => newKeyPair('ec');
const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string;

/** Logs in once at a system with these settings. @returns the link, and the calls in order */
const loginWith = async (env: Record<string, string>, client?: object) => {
  let seen: { link: string; calls: Recorded[] } = { link: '', calls: [] };
  await withSystem({ store: 'memory', env: { ...ENGINE, ...env } }, async (system) => {
    if (client) await system.control('camara/client', client);
    const { app, code, link } = await system.walkedLogin();
    await postCode(app, code).expect(200);
    seen = { link, calls: await system.upstream() };
  });
  return seen;
};

describe('the requests to an operator', () => {
  test.each(['client_secret_basic', 'client_secret_post'])('%s authenticates the client', async (auth) => {
    const settings = { CAMARA_CLIENT_AUTH: auth, CAMARA_CLIENT_SECRET: SECRET, CAMARA_PRIVATE_KEY: '' };
    const { calls } = await loginWith(settings, { auth, secret: SECRET });
    const exchange = calls.find(at('/token')) as Recorded;
    const isBasic = exchange.headers['authorization']?.startsWith('Basic ') === true;
    expect([isBasic, formOf(exchange)['client_secret']]).toEqual(
      auth === 'client_secret_basic' ? [true, undefined] : [false, SECRET],
    );
  });

  test('an ES256 key authenticates the client', async () => {
    const { privateKey } = newKey();
    const jwks = { keys: [await publicJwk(privateKey)] };
    const { calls } = await loginWith({ CAMARA_PRIVATE_KEY: pemOf(privateKey) }, { jwks });
    const { client_assertion: assertion = '' } = formOf(calls.find(at('/token')) as Recorded);
    expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: 'ES256' });
  });

  // One signature in 128 has a number that is a byte shorter.
  test('each of many ES256 signatures has 64 bytes and is valid', () => {
    const { publicKey: key, privateKey } = newKey();
    const sign = createSigner({ key: privateKey, kid: 'one' });
    for (let jti = 0; jti < 1500; jti++) {
      const [header, claims, signature = ''] = sign({ jti }).split('.');
      const bytes = Buffer.from(signature, 'base64url');
      expect(bytes).toHaveLength(64);
      const text = Buffer.from(`${header}.${claims}`);
      expect(verify('sha256', text, { key, dsaEncoding: 'ieee-p1363' }, bytes)).toBe(true);
    }
  });

  test('a request object holds the parameters, for the authorization endpoint and without sub', async () => {
    const { link } = await loginWith({ CAMARA_REQUEST_OBJECT: 'true' });
    const { request = '', ...outside } = parametersOf(link);
    expect(Object.keys(outside).sort()).toEqual(['client_id', 'redirect_uri', 'response_type', 'scope']);
    const claims = decodeJwt(request);
    expect(claims).toMatchObject({ ...outside, iss: outside['client_id'], prompt: 'none' });
    const operator = new URL(link).origin + '/camara-operator';
    expect(claims.aud).toEqual([`${operator}/authorize`, operator]);
    expect(claims.sub).toBeUndefined();
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBeLessThanOrEqual(300);
    for (const name of ['state', 'nonce', 'code_challenge', 'login_hint'])
      expect(claims).toHaveProperty(name);
  });

  test.each<[string, Record<string, string>, string | undefined, string | undefined]>([
    ['a bare hint', { CAMARA_LOGIN_HINT: 'plain' }, ALICE, 'none'],
    ['no prompt', { CAMARA_PROMPT: 'off' }, `tel:${ALICE}`, undefined],
  ])('%s', async (_what, env, hint, prompt) => {
    const { link } = await loginWith(env);
    expect(parametersOf(link)['login_hint']).toBe(hint);
    expect(parametersOf(link)['prompt']).toBe(prompt);
  });

  test('without a hint, the operator takes the number of the SIM', () =>
    withSystem({ store: 'memory', env: { ...ENGINE, CAMARA_LOGIN_HINT: 'none' } }, async (system) => {
      const { app, code, link } = await system.walkedLogin(ALICE, { sim: ALICE });
      expect(parametersOf(link)).not.toHaveProperty('login_hint');
      await postCode(app, code).expect(200);
    }));

  test.each(['0', '1', '2'])(
    'version %s of Number Verification is called by CAMARA_API_VERSION',
    async (version) => {
      const { calls } = await loginWith({ CAMARA_API_VERSION: version });
      expect(calls.find(at('/verify'))?.path).toBe(
        `/camara-operator/api/number-verification/v${version}/verify`,
      );
    },
  );

  test('CAMARA_HEADERS go with every call, and never into the log', () =>
    withSystem(
      { store: 'memory', env: { ...ENGINE, CAMARA_HEADERS: `X-Api-Key: ${SECRET};; X-Tenant: a b` } },
      async (system) => {
        const { app, code } = await system.walkedLogin();
        await postCode(app, code).expect(200);
        const calls = await system.upstream();
        expect(calls.length).toBe(4);
        for (const { headers } of calls)
          expect(headers).toMatchObject({ 'x-api-key': SECRET, 'x-tenant': 'a b' });
        expect(system.world.logged()).not.toContain(SECRET);
      },
    ));

  test('CAMARA_HEADERS may name another User-Agent, in any case', () =>
    withSystem(
      { store: 'memory', env: { ...ENGINE, CAMARA_HEADERS: 'USER-Agent: acme/1' } },
      async (system) => {
        await system.walkedLogin();
        const agents = (await system.upstream()).map(({ headers }) => headers['user-agent']);
        expect(new Set(agents)).toEqual(new Set(['acme/1']));
      },
    ));

  test('endpoints stand in for metadata, and CAMARA_VERIFY_URL for root and version', async () => {
    const env: Record<string, string> = { ...ENGINE };
    const between = (sandbox: string) => {
      const operator = `${sandbox}/camara-operator`;
      Object.assign(env, {
        CAMARA_AUTHORIZATION_URL: `${operator}/authorize`,
        CAMARA_TOKEN_URL: `${operator}/token`,
        CAMARA_JWKS_URL: `${operator}/jwks`,
        CAMARA_API_ROOT: '',
        CAMARA_VERIFY_URL: `${operator}/api/number-verification/v1/verify`,
      });
      return sandbox;
    };
    await withSystem({ store: 'memory', env, between }, async (system) => {
      const { app, code } = await system.walkedLogin();
      await postCode(app, code).expect(200);
      expect((await system.upstream()).map(({ path }) => path.replace(/^.*[/]/, ''))).toEqual([
        ...['token', 'jwks', 'verify'],
      ]);
    });
  });

  test('all keys are published beside those of assertions, and the first one signs', async () => {
    const [current, next] = [newKey(), newKey()];
    const keys = [current, next].map(({ privateKey }) => pemOf(privateKey)).join();
    const env = { ...ENGINE, ...ASSERTIONS, CAMARA_PRIVATE_KEY: keys };
    await withSystem({ store: 'memory', env }, async (system) => {
      const { body } = await system.app().get('/.well-known/jwks.json').expect(200);
      expect(body.keys).toHaveLength(3);
      expect(JSON.stringify(body)).not.toContain('"d"');
      await system.control('camara/client', { jwks: { keys: [await publicJwk(current.privateKey)] } });
      const { app, code } = await system.walkedLogin();
      await postCode(app, code).expect(200);
      const [exchange] = (await system.upstream()).filter(at('/token'));
      const assertion = formOf(exchange as Recorded)['client_assertion'] ?? '';
      const { payload } = await jwtVerify(assertion, createLocalJWKSet(body), {
        currentDate: new Date(system.world.now()),
      });
      expect(payload.sub).toBe('silent-auth-sandbox');
    });
  });
});

describe('the settings', () => {
  const GOOD = {
    SESSION_SECRET: credentials.sessionSecret,
    VONAGE_APPLICATION_ID: credentials.applicationId,
    VONAGE_PRIVATE_KEY: credentials.privateKeyPem,
    BRAND: 'ACME',
    ...ENGINE,
    ...camaraAt('https://operator.example.com'),
  };
  const problemsOf = (env: Record<string, string>): readonly string[] => {
    try {
      readConfig(env);
      return [];
    } catch (error) {
      return (error as ConfigError).problems;
    }
  };

  test('are read only where the engine is chosen', () => {
    expect(problemsOf({ ...GOOD, SILENT_AUTH: 'verify', CAMARA_CLIENT_AUTH: 'magic' })).toEqual([]);
    expect(readConfig({ ...GOOD, SILENT_AUTH: 'verify' }).camara).toBeUndefined();
    expect(problemsOf(GOOD)).toEqual([]);
  });

  test('report every problem at once, each with its setting', () => {
    const { SESSION_SECRET, VONAGE_APPLICATION_ID, VONAGE_PRIVATE_KEY, BRAND } = GOOD;
    const bare = { SESSION_SECRET, VONAGE_APPLICATION_ID, VONAGE_PRIVATE_KEY, BRAND, ...ENGINE };
    const names = ['ISSUER', 'SCOPE', 'CLIENT_ID', 'PRIVATE_KEY', 'API_ROOT'].map((name) => `CAMARA_${name}`);
    const problems = problemsOf(bare);
    expect(problems).toHaveLength(names.length);
    for (const name of names) expect(problems.join('\n')).toContain(name);
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  test.each<[string, Record<string, string>, RegExp]>([
    ['an issuer over http', { CAMARA_ISSUER: 'http://operator.example.com' }, /CAMARA_ISSUER .*https/],
    ['an issuer without a scheme', { CAMARA_ISSUER: 'operator.example.com' }, /CAMARA_ISSUER must be a URL/],
    ['an issuer with an empty fragment', { CAMARA_ISSUER: 'https://c.example#' }, /without .* a fragment/],
    ['an issuer with other letters', { CAMARA_ISSUER: 'https://c.example/á' }, /CAMARA_ISSUER .* ASCII/],
    ['an issuer with a password', { CAMARA_ISSUER: 'https://a:b@c.example' }, /CAMARA_ISSUER must be a URL/],
    [
      'http on localhost in production',
      { CAMARA_ISSUER: 'http://localhost:4000', NODE_ENV: 'production' },
      /CAMARA_ISSUER .*https/,
    ],
    ['half of the endpoints', { CAMARA_TOKEN_URL: 'https://a.example/t' }, /belong together/],
    ['a scope with two spaces', { CAMARA_SCOPE: 'openid  dpv:X' }, /CAMARA_SCOPE/],
    ['an unknown authentication', { CAMARA_CLIENT_AUTH: 'none' }, /^CAMARA_CLIENT_AUTH must be one of.*$/],
    [
      'a secret that is missing',
      { CAMARA_CLIENT_AUTH: 'client_secret_basic' },
      /CAMARA_CLIENT_SECRET is miss/,
    ],
    ['a secret without effect', { CAMARA_CLIENT_SECRET: SECRET }, /CAMARA_CLIENT_SECRET has no effect/],
    ['a short RSA key', { CAMARA_PRIVATE_KEY: pemOf(rsa) }, /2048 bits/],
    ['a key of another curve', { CAMARA_PRIVATE_KEY: pemOf(p384) }, /P-256/],
    ['both URLs of verify', { CAMARA_VERIFY_URL: 'https://a.example/v' }, /either CAMARA_API_ROOT/],
    ['a version that does not exist', { CAMARA_API_VERSION: '3' }, /CAMARA_API_VERSION/],
    ['a header without a value', { CAMARA_HEADERS: 'X-Key' }, /CAMARA_HEADERS must be pairs/],
    ['a header of ours', { CAMARA_HEADERS: `authorization: ${SECRET}` }, /must not name authorization/],
    ['a value with a line end', { CAMARA_HEADERS: `X-Key: a\rX: ${SECRET}\u0001` }, /must be pairs/],
  ])('refuse %s', (_what, env, problem) => {
    const problems = problemsOf({ ...GOOD, ...env }).join('\n');
    expect(problems).toMatch(problem);
    if (!env['CAMARA_CLIENT_SECRET']) expect(problems).not.toContain(SECRET);
  });
});
