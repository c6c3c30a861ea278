import { randomUUID } from 'node:crypto';
import { ask, openSandbox, SHARE_SCOPE, VERIFY_SCOPE } from './open-sandbox.js';
import type { OpenSandbox } from './open-sandbox.js';

const PATH = '/v0.1/network-enablement';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let sandbox: OpenSandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
});
afterEach(() => sandbox.close());

describe('the application JWT', () => {
  const refused: [string, () => Promise<string> | string][] = [
    ['is not a JWT', () => 'garbage'],
    ['is signed with another key', () => sandbox.jwt({}, { key: 'other' })],
    ['is signed with HS256', () => sandbox.jwt({}, { alg: 'HS256', key: 'secret' })],
    ['is signed with RS512', () => sandbox.jwt({}, { alg: 'RS512' })],
    ['is of another application', () => sandbox.jwt({ application_id: randomUUID() })],
    ['has no application_id', () => sandbox.jwt({ application_id: undefined })],
    ['has no iat', () => sandbox.jwt({ iat: undefined })],
    ['is from the future', () => sandbox.jwt({ iat: sandbox.seconds() + 31, exp: sandbox.seconds() + 900 })],
    [
      'has no exp, and is 15 minutes old',
      () => sandbox.jwt({ iat: sandbox.seconds() - 900, exp: undefined }),
    ],
    ['has an exp that is a text', () => sandbox.jwt({ exp: `${sandbox.seconds() + 900}` })],
    ['has expired', () => sandbox.jwt({ iat: sandbox.seconds() - 900, exp: sandbox.seconds() })],
    ['is a day old', () => sandbox.jwt({ iat: sandbox.seconds() - 86_400, exp: sandbox.seconds() + 900 })],
    ['has no jti', () => sandbox.jwt({ jti: undefined })],
    ['has an empty jti', () => sandbox.jwt({ jti: '' })],
    ['is not valid yet', () => sandbox.jwt({ nbf: sandbox.seconds() + 60 })],
  ];
  it.each(refused)('is refused when it %s', async (_, token) => {
    const answer = await sandbox.post(PATH, 'application/json', '{}', await token());
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    expect(answer.body).toEqual({
      type: 'https://developer.vonage.com/api-errors#unauthorized',
      title: 'Unauthorized',
      detail: expect.stringMatching(/^You did not provide correct credentials: .+\.$/) as string,
      instance: expect.stringMatching(UUID) as string,
    });
  });

  it('is refused when it is missing, or not a Bearer', async () => {
    const post = { method: 'POST', body: '{}' };
    expect((await ask(sandbox.url + PATH, post)).status).toBe(401);
    const headers = { authorization: `Basic ${await sandbox.jwt()}` };
    expect((await ask(sandbox.url + PATH, { ...post, headers })).status).toBe(401);
  });

  it.each([
    ['without exp', { exp: undefined }, 900],
    ['that says it lives longer than a day', { exp: 9_999_999_999 }, 86_400],
  ])('%s is accepted for as long as Vonage does', async (_, claims, seconds) => {
    const token = await sandbox.jwt(claims);
    const post = () => sandbox.post(PATH, 'application/json', '{}', token);
    sandbox.clock.ms += (seconds - 1) * 1000;
    expect((await post()).status).toBe(422);
    sandbox.clock.ms += 1000;
    expect((await post()).status).toBe(401);
  });

  it('is required by the token endpoint as well', async () => {
    const form = 'application/x-www-form-urlencoded';
    expect((await sandbox.post('/oauth2/token', form, 'a=b', 'garbage')).status).toBe(401);
  });

  it('can be reused until it expires, and may be issued 30 seconds in the future', async () => {
    const iat = sandbox.seconds() + 30;
    const token = await sandbox.jwt({ iat, exp: iat + 870 });
    const post = () => sandbox.post(PATH, 'application/json', '{}', token);
    expect((await post()).status).toBe(422);
    expect((await post()).status).toBe(422);
    sandbox.clock.ms += 900_000;
    expect((await post()).status).toBe(401);
  });
});

describe('Network Enablement', () => {
  it('answers with a separate auth URL for each scope', async () => {
    const state = 'tests-state-b3977c55';
    const { status, body, headers } = await sandbox.enable({ scopes: [VERIFY_SCOPE, SHARE_SCOPE], state });
    expect(status).toBe(200);
    expect(headers.get('x-ratelimit-limit')).toBe('10, 10;w=1;name="network-enablement-api"');
    const { scopes } = body as { scopes: Record<string, { auth_url: string }> };
    expect(Object.keys(scopes)).toEqual([VERIFY_SCOPE, SHARE_SCOPE]);
    expect(scopes[VERIFY_SCOPE]).toEqual({
      app_url: null,
      auth_url: expect.any(String) as string,
      requires_carrier_network: true,
    });
    const url = new URL(scopes[VERIFY_SCOPE]?.auth_url ?? '');
    expect(url.origin + url.pathname).toBe(`${sandbox.url}/oauth2/auth`);
    expect(url.searchParams.get('state')).toMatch(/^v2_[0-9a-f-]{36}$/);
    expect(url.searchParams.get('redirect_uri')).toBe(`${sandbox.url}/camara/oauth/callback`);
    expect(url.searchParams.get('response_type')).toBe('code');
    expect(url.href).not.toContain(state);
    expect(scopes[SHARE_SCOPE]?.auth_url).not.toBe(url.href);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded'])(
    'refuses the content type %s',
    async (type) => {
      const { status, body } = await sandbox.post(PATH, type, '{}');
      expect(status).toBe(415);
      expect(body).toMatchObject({
        title: 'Unsupported Media Type',
        instance: expect.stringMatching(UUID) as string,
      });
    },
  );

  const invalid: [string, Record<string, unknown>, string][] = [
    ['a number without a plus', { phone_number: '447700900000' }, 'phone_number'],
    ['a number with letters', { phone_number: '+4477009foo' }, 'phone_number'],
    ['a number that begins with 0', { phone_number: '+07700900000' }, 'phone_number'],
    ['a number that is too long', { phone_number: '+1234567890123456' }, 'phone_number'],
    ['a number of no country', { phone_number: '+999770090000' }, 'phone_number'],
    ['a number in another spelling', { phone_number: '+4407700900000' }, 'phone_number'],
    ['a number in the other spelling of Argentina', { phone_number: '+54111523456789' }, 'phone_number'],
    ['a number that is too short', { phone_number: '+44770090' }, 'phone_number'],
    ['no number', { phone_number: undefined }, 'phone_number'],
    ['no scopes', { scopes: [] }, 'scopes'],
    ['scopes in one string', { scopes: VERIFY_SCOPE }, 'scopes'],
    ['a scope that is no string', { scopes: [7] }, 'scopes.0'],
    ['no state', { state: undefined }, 'state'],
    ['a state of 7 characters', { state: '1234567' }, 'state'],
  ];
  it.each(invalid)('refuses %s', async (_, changes, name) => {
    const { status, body } = await sandbox.enable(changes);
    expect(status).toBe(422);
    expect(body).toMatchObject({
      type: 'https://developer.vonage.com/api-errors#invalid-params',
      title: 'Unprocessable Entity',
      invalid_parameters: [{ name, reason: expect.any(String) as string }],
    });
  });

  it.each(['{}', '', '[]', 'not json'])('refuses the body %p', async (text) => {
    expect((await sandbox.post(PATH, 'application/json', text)).status).toBe(422);
  });

  it('refuses a state that a valid request has used', async () => {
    const state = 'a-state-to-repeat';
    expect((await sandbox.enable({ state, scopes: [] })).status).toBe(422);
    expect((await sandbox.enable({ state })).status).toBe(200);
    const again = await sandbox.enable({ state });
    expect(again.status).toBe(422);
    expect(again.body).toMatchObject({
      invalid_parameters: [{ name: 'state', reason: 'must be unique for each request' }],
    });
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE'])('refuses the method %s', async (method) => {
    const answer = await ask(sandbox.url + PATH, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
  });

  it('refuses a single scope inside its 200', async () => {
    const error = {
      title: 'Forbidden',
      instance: expect.stringMatching(UUID) as string,
      detail:
        'The Network API application can only be used with verified phone numbers. Blocked by allowlist.',
      error_type: 'UNAUTHORIZED',
    };
    const mixed = await sandbox.enable({ scopes: [VERIFY_SCOPE, 'dpv:other#scope'] });
    expect(mixed.status).toBe(200);
    expect(mixed.body).toMatchObject({
      scopes: { [VERIFY_SCOPE]: { app_url: null }, 'dpv:other#scope': { error } },
    });
    const unsupported = await sandbox.enable({ phone_number: '+447700900102' });
    expect(unsupported.status).toBe(200);
    expect(unsupported.body).toEqual({ scopes: { [VERIFY_SCOPE]: { error } } });
  });

  it('answers 429 for a number that is rate limited', async () => {
    const { status, headers, body } = await sandbox.enable({ phone_number: '+447700900109' });
    expect(status).toBe(429);
    expect(headers.get('retry-after')).toBe('7');
    expect(body).toMatchObject({
      type: 'https://developer.vonage.com/api-errors#throttled',
      title: 'Rate Limit Hit',
      detail: 'Please wait, then retry your request',
    });
  });
});
