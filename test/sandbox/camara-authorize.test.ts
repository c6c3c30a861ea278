import { generateKeyPairSync } from 'node:crypto';
import { ask, locationOf, REDIRECT_URI, type Answer } from './open-sandbox.js';
import { CLIENT_ID, NUMBER, openCamara, SCOPE, SHARE_SCOPE } from './open-camara.js';
import type { Changes, OpenCamara } from './open-camara.js';

const OTHER = '+447700900555';
const NO_CONSENT = '+447700900115';

let operator: OpenCamara;
beforeAll(async () => (operator = await openCamara()));
afterAll(() => operator.close());
beforeEach(() => operator.control('POST', '/reset'));

const resultOf = (answer: Answer) => Object.fromEntries(locationOf(answer).searchParams);

const expectCode = (answer: Answer, state = 'the-state'): void => {
  expect(answer.status).toBe(302);
  expect(answer.headers.get('location')).toMatch(`${REDIRECT_URI}?code=`);
  const code = expect.stringMatching(/^[\w-]{43}$/) as string;
  expect(resultOf(answer)).toEqual({ code, state, iss: operator.issuer });
};

const expectError = (answer: Answer, error: string): void => {
  expect(answer.status).toBe(302);
  expect(answer.headers.get('location')).toMatch(`${REDIRECT_URI}?`);
  const error_description = expect.stringMatching(/^[ !#-[\]-~]+\.$/) as string;
  expect(resultOf(answer)).toEqual({ error, error_description, state: 'the-state', iss: operator.issuer });
};

const expectPage = (answer: Answer): void => {
  expect(answer.status).toBe(400);
  expect(answer.headers.get('location')).toBeNull();
  expect(answer.headers.get('content-type')).toMatch('text/html');
  expect(answer.headers.get('content-security-policy')).toMatch("default-src 'none'");
};

describe('discovery', () => {
  it.each([
    '/camara-operator/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/camara-operator',
  ])('%s describes the operator', async (path) => {
    const { status, body } = await ask(operator.url + path);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      issuer: operator.issuer,
      authorization_endpoint: `${operator.issuer}/authorize`,
      token_endpoint: `${operator.issuer}/token`,
      jwks_uri: `${operator.issuer}/jwks`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
      request_parameter_supported: true,
      request_uri_parameter_supported: false,
      authorization_response_iss_parameter_supported: true,
    });
  });

  it('publishes two public keys, for ES256 and RS256', async () => {
    const { body } = await ask(`${operator.issuer}/jwks`);
    const { keys } = body as { keys: Record<string, string>[] };
    expect(keys.map(({ alg, use, kid }) => [alg, use, typeof kid])).toEqual([
      ['ES256', 'sig', 'string'],
      ['RS256', 'sig', 'string'],
    ]);
    for (const key of keys) expect(key).not.toHaveProperty('d');
  });
});

describe('the authorization endpoint', () => {
  it('redirects the device with a code, the state and the issuer', async () => {
    const answer = await operator.authorize();
    expectCode(answer);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('leaves out a state that was not sent', async () => {
    const result = resultOf(await operator.authorize({ state: undefined }));
    expect(Object.keys(result)).toEqual(['code', 'iss']);
  });

  const pages: [string, Changes][] = [
    ['no client_id', { client_id: undefined }],
    ['another client_id', { client_id: 'another' }],
    ['a repeated client_id', { client_id: [CLIENT_ID, CLIENT_ID] }],
    ['no redirect_uri', { redirect_uri: undefined }],
    ['another redirect_uri', { redirect_uri: 'https://evil.example.com/callback' }],
    ['a redirect_uri with a query', { redirect_uri: `${REDIRECT_URI}?x=1` }],
    ['a repeated redirect_uri', { redirect_uri: [REDIRECT_URI, REDIRECT_URI] }],
  ];
  it.each(pages)('shows a page for %s, and does not redirect', async (_, changes) => {
    expectPage(await operator.authorize(changes));
  });

  const errors: [string, Changes, string][] = [
    ['no response_type', { response_type: undefined }, 'invalid_request'],
    ['another response_type', { response_type: 'token' }, 'unsupported_response_type'],
    ['a hybrid response_type', { response_type: 'code id_token' }, 'unsupported_response_type'],
    ['another response_mode', { response_mode: 'fragment' }, 'invalid_request'],
    ['no scope', { scope: undefined }, 'invalid_scope'],
    ['no openid', { scope: 'dpv:FraudPreventionAndDetection number-verification:verify' }, 'invalid_scope'],
    ['no purpose', { scope: 'openid number-verification:verify' }, 'invalid_scope'],
    ['two purposes', { scope: `${SCOPE} dpv:RequestedServiceProvision` }, 'invalid_scope'],
    [
      'two purposes after each other',
      { scope: 'openid dpv:A#number-verification:verify dpv:B#number-verification:verify' },
      'invalid_scope',
    ],
    ['a purpose without a name', { scope: 'openid dpv: number-verification:verify' }, 'invalid_scope'],
    ['a purpose that is none', { scope: 'openid dpv:9 number-verification:verify' }, 'invalid_scope'],
    ['a purpose alone', { scope: 'openid dpv:FraudPreventionAndDetection' }, 'invalid_scope'],
    ['an unknown scope', { scope: `${SCOPE} sim-swap:check` }, 'invalid_scope'],
    ['offline_access', { scope: `${SCOPE} offline_access` }, 'invalid_scope'],
    [
      'an unknown scope of a purpose',
      { scope: 'openid dpv:FraudPreventionAndDetection#sim-swap' },
      'invalid_scope',
    ],
    ['no code_challenge', { code_challenge: undefined }, 'invalid_request'],
    ['a code_challenge that is too short', { code_challenge: 'x'.repeat(42) }, 'invalid_request'],
    ['a code_challenge with other characters', { code_challenge: '='.repeat(43) }, 'invalid_request'],
    ['no code_challenge_method', { code_challenge_method: undefined }, 'invalid_request'],
    ['code_challenge_method plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['an unknown prompt', { prompt: 'silent' }, 'invalid_request'],
    ['an empty prompt', { prompt: '' }, 'invalid_request'],
    ['prompt none with another', { prompt: 'none consent' }, 'invalid_request'],
    ['request_uri', { request_uri: 'https://app.example.com/request.jwt' }, 'request_uri_not_supported'],
    ['a repeated nonce', { nonce: ['a', 'b'] }, 'invalid_request'],
    ['a repeated unknown parameter', { extra: ['a', 'b'] }, 'invalid_request'],
  ];
  it.each(errors)('redirects with an error for %s', async (_, changes, error) => {
    expectError(await operator.authorize(changes), error);
  });

  it.each([
    ['one purpose beside the scope', SCOPE],
    ['the scope after its purpose', 'openid dpv:FraudPreventionAndDetection#number-verification:verify'],
    ['another purpose', 'openid dpv:RequestedServiceProvision number-verification:verify'],
    ['the scope of 0.3.1', 'openid dpv:FraudPreventionAndDetection number-verification-verify-read'],
    ['another order', 'number-verification:verify dpv:FraudPreventionAndDetection openid'],
  ])('accepts as scope %s', async (_, scope) => expectCode(await operator.authorize({ scope })));

  it.each(['none', 'login', 'select_account', undefined])('needs no page for prompt %s', async (prompt) =>
    expectCode(await operator.authorize({ prompt })),
  );

  it.each(['HEAD', 'POST'])('refuses %s', async (method) => {
    expect((await ask(`${operator.issuer}/authorize`, { method })).status).toBe(405);
  });
});

describe('the SIM', () => {
  const rows: [string, string | undefined, Record<string, string>, string][] = [
    ['the number of a tel: hint', `tel:${NUMBER}`, {}, NUMBER],
    ['the number of a hint', NUMBER, {}, NUMBER],
    ['the number of a hint without its plus', NUMBER.slice(1), {}, NUMBER],
    ['the header, before the hint', `tel:${NUMBER}`, { 'x-sandbox-sim': OTHER }, OTHER],
    ['the cookie, before the hint', `tel:${NUMBER}`, { cookie: `sandbox_sim=${OTHER}` }, OTHER],
    ['the header, without a hint', undefined, { 'x-sandbox-sim': OTHER }, OTHER],
    ['the cookie, without a hint', undefined, { cookie: `sandbox_sim=%2B${OTHER.slice(1)}` }, OTHER],
    ['the header, with a hint that is no number', 'operatortoken:x', { 'x-sandbox-sim': OTHER }, OTHER],
    ['that of the table', 'tel:+447700900101', {}, '+447700900999'],
  ];
  it.each(rows)('is %s', async (_, login_hint, headers, sim) => {
    const token = await operator.tokenFor({ login_hint, scope: SHARE_SCOPE }, headers);
    expect((await operator.share(2, token)).body).toEqual({ devicePhoneNumber: sim });
  });

  const unseen: [string, Changes, Record<string, string>, string][] = [
    ['without a hint and a SIM', { login_hint: undefined }, {}, 'access_denied'],
    ['with a hint that is no number', { login_hint: 'me' }, {}, 'access_denied'],
    ['on Wi-Fi', {}, { 'x-sandbox-network': 'wifi' }, 'access_denied'],
    ['of a number on Wi-Fi', { login_hint: 'tel:+447700900103' }, {}, 'access_denied'],
    ['of a number with an error', { login_hint: 'tel:+447700900107' }, {}, 'server_error'],
    ['of a subscriber who has not consented', { login_hint: `tel:${NO_CONSENT}` }, {}, 'consent_required'],
  ];
  it.each(unseen)('%s is refused', async (_, changes, headers, error) => {
    expectError(await operator.authorize(changes, headers), error);
  });

  it('must be a phone number', async () => {
    expect((await operator.authorize({}, { 'x-sandbox-sim': 'alice' })).status).toBe(400);
  });
});

describe('a request object', () => {
  const outer = { client_id: CLIENT_ID };
  const repeated = { response_type: 'code', scope: SCOPE, redirect_uri: REDIRECT_URI, ...outer };

  it.each([
    ['alone', outer],
    ['with the parameters that CAMARA repeats', repeated],
  ])('is accepted %s', async (_, parameters) => {
    expectCode(await operator.authorizeWith({ ...parameters, request: await operator.requestObject() }));
  });

  it('may be for the issuer', async () => {
    const request = await operator.requestObject({ aud: operator.issuer });
    expectCode(await operator.authorizeWith({ ...repeated, request }));
  });

  it('has the only parameters that count', async () => {
    const request = await operator.requestObject({ code_challenge: undefined });
    const outside = operator.parameters({ request });
    expectError(await operator.authorizeWith(outside), 'invalid_request');
    const state = await operator.requestObject({ state: 'inside' });
    const answer = await operator.authorizeWith({ ...outside, request: state, state: 'outside' });
    expect(resultOf(answer)).toMatchObject({ state: 'inside' });
  });

  const now = () => operator.seconds();
  const claims: [string, () => Changes][] = [
    ['another issuer', () => ({ iss: 'another' })],
    ['no issuer', () => ({ iss: undefined })],
    ['another audience', () => ({ aud: 'https://another.example.com' })],
    ['the audience of the token endpoint', () => ({ aud: `${operator.issuer}/token` })],
    ['no audience', () => ({ aud: undefined })],
    ['a second audience', () => ({ aud: [`${operator.issuer}/authorize`, 'https://another.example.com'] })],
    ['a sub', () => ({ sub: CLIENT_ID })],
    ['no iat', () => ({ iat: undefined })],
    ['an iat of the future', () => ({ iat: now() + 1 })],
    ['no exp', () => ({ exp: undefined })],
    ['an exp of the past', () => ({ exp: now() })],
    ['an exp in more than 300 seconds', () => ({ exp: now() + 301 })],
    ['an exp more than 300 seconds after iat', () => ({ iat: now() - 1, exp: now() + 300 })],
    ['no jti', () => ({ jti: undefined })],
    ['an empty jti', () => ({ jti: '' })],
    ['no client_id', () => ({ client_id: undefined })],
    ['another client_id', () => ({ client_id: 'another' })],
    ['another redirect_uri', () => ({ redirect_uri: 'https://evil.example.com' })],
    ['no redirect_uri', () => ({ redirect_uri: undefined })],
    ['another scope', () => ({ scope: SHARE_SCOPE })],
    ['another response_type', () => ({ response_type: 'token' })],
    ['a request object inside', () => ({ request: 'x' })],
    ['a request_uri inside', () => ({ request_uri: 'x' })],
  ];
  it.each(claims)('with %s is invalid', async (_, changes) => {
    const request = await operator.requestObject(changes());
    expectError(
      await operator.authorizeWith({ ...repeated, request, state: 'the-state' }),
      'invalid_request_object',
    );
  });

  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const forged: [string, () => Promise<string>][] = [
    ['text', () => Promise.resolve('nonsense')],
    ['empty', () => Promise.resolve('')],
    ['signed by another key', () => operator.requestObject({}, { key: foreign })],
    ['signed with PS256', () => operator.requestObject({}, { header: { alg: 'PS256' } })],
    ['of another kid', () => operator.requestObject({}, { header: { kid: 'another' } })],
    [
      'not signed',
      async () => {
        const [, payload = ''] = (await operator.requestObject()).split('.');
        return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
      },
    ],
  ];
  it.each(forged)('that is %s is invalid', async (_, request) => {
    const parameters = { ...repeated, request: await request(), state: 'the-state' };
    expectError(await operator.authorizeWith(parameters), 'invalid_request_object');
  });

  it('for another redirect URI gets a page', async () => {
    const request = await operator.requestObject({ redirect_uri: 'https://evil.example.com/' });
    expectPage(await operator.authorizeWith({ ...outer, request }));
  });

  it('with an invalid signature keeps its state in the error', async () => {
    const request = await operator.requestObject({}, { key: foreign });
    expectError(await operator.authorizeWith({ ...outer, request }), 'invalid_request_object');
  });
});

describe('the consent page', () => {
  const hint = { login_hint: `tel:${NO_CONSENT}` };
  const open = async (changes: Changes) => {
    const page = await operator.authorize({ ...hint, prompt: undefined, ...changes });
    const request = /name="request" value="([\w-]{43})"/.exec(page.text)?.[1] ?? '';
    return { page, request };
  };

  it('is a form without script, whose policy allows the redirect of its answer', async () => {
    const { page } = await open({});
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch('text/html');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; form-action 'self' https://app.example.com; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(page.text).toMatch('<form method="post" action="/camara-operator/consent">');
    expect(page.text).toMatch('FraudPreventionAndDetection');
    expect(page.text).not.toMatch(/<script|\son\w+=|\sstyle=/);
  });

  it('gives a code for a consent, which the operator remembers for its purpose', async () => {
    const { request } = await open({});
    const answer = await operator.postForm('/consent', { request, decision: 'allow' });
    expect(answer.status).toBe(303);
    expect(resultOf(answer)).toMatchObject({ state: 'the-state', iss: operator.issuer });
    const { code = '' } = resultOf(answer);
    expect((await operator.exchange(code)).status).toBe(200);
    expectCode(await operator.authorize(hint));
    const scope = 'openid dpv:RequestedServiceProvision number-verification:verify';
    expectError(await operator.authorize({ ...hint, scope }), 'consent_required');
    await operator.control('POST', '/reset');
    expectError(await operator.authorize(hint), 'consent_required');
  });

  it('gives an error for a denial', async () => {
    const { request } = await open({});
    const answer = await operator.postForm('/consent', { request, decision: 'deny' });
    expect(answer.status).toBe(303);
    expect(resultOf(answer)).toMatchObject({
      error: 'access_denied',
      state: 'the-state',
      iss: operator.issuer,
    });
    expectError(await operator.authorize(hint), 'consent_required');
  });

  it('can be answered once, within five minutes', async () => {
    const { request } = await open({});
    await operator.postForm('/consent', { request, decision: 'deny' });
    expectPage(await operator.postForm('/consent', { request, decision: 'allow' }));
    const late = await open({});
    operator.clock.ms += 300_000;
    expectPage(await operator.postForm('/consent', { request: late.request, decision: 'allow' }));
    expectPage(await operator.postForm('/consent', { request: 'unknown', decision: 'allow' }));
    expectPage(await operator.postForm('/consent', {}));
  });

  it('is shown to every subscriber with prompt=consent', async () => {
    expect((await open({ login_hint: `tel:${NUMBER}`, prompt: 'consent' })).page.status).toBe(200);
  });
});
