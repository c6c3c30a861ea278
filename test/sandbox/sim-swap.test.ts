import { ask, field } from './open-sandbox.js';
import { openCamara, type Changes, type OpenCamara } from './open-camara.js';

const NUMBER = '+447700900000';
const [SWAPPED, UNKNOWN, NOT_COVERED] = ['+447700900116', '+447700900117', '+447700900118'];

let sandbox: OpenCamara;
beforeAll(async () => (sandbox = await openCamara()));
beforeEach(() => sandbox.control('POST', '/reset'));
afterAll(() => sandbox.close());

const swappedAgo = (hours: number) =>
  sandbox.control('PUT', `/subscribers/${encodeURIComponent(NUMBER)}`, {
    behaviour: 'match',
    sim_swap: hours,
  });

describe('Identity Insights', () => {
  const ASKED = { phone_number: NUMBER, purpose: 'FraudPreventionAndDetection' };
  const post = async (body: object, token?: string) =>
    sandbox.post(
      '/identity-insights/v1/requests',
      'application/json',
      JSON.stringify(body),
      token ?? (await sandbox.jwt()),
    );
  const insightOf = async (phone_number: string, period = 240) => {
    const { status, body } = await post({ ...ASKED, phone_number, insights: { sim_swap: { period } } });
    expect(status).toBe(200);
    return (body as { insights: { sim_swap: Record<string, unknown> } }).insights.sim_swap;
  };

  it('says whether the SIM changed within the period, and when', async () => {
    await swappedAgo(10);
    const at = new Date(sandbox.clock.ms - 10 * 3_600_000).toISOString();
    const status = { code: 'OK', message: 'Success' };
    expect(await insightOf(NUMBER, 10)).toEqual({ latest_sim_swap_at: at, is_swapped: true, status });
    expect(await insightOf(NUMBER.slice(1), 9)).toEqual({
      latest_sim_swap_at: at,
      is_swapped: false,
      status,
    });
    expect(await insightOf('+447700900001')).toEqual({ is_swapped: false, status });
    expect(await insightOf(SWAPPED)).toMatchObject({ is_swapped: true });
  });

  it.each([
    [UNKNOWN, 'SUPPLIER_ERROR'],
    [NOT_COVERED, 'NO_COVERAGE'],
  ])('answers 200 with a code where it knows nothing: %s', async (number, code) => {
    expect(await insightOf(number)).toEqual({ status: { code, message: expect.any(String) } });
  });

  it('requires the purpose of the registry', async () => {
    const { body } = await post({ phone_number: NUMBER, insights: { sim_swap: {} } });
    expect(body).toMatchObject({ insights: { sim_swap: { status: { code: 'INVALID_PURPOSE' } } } });
  });

  it.each<[string, object]>([
    ['no number', { insights: { sim_swap: {} } }],
    ['no insight', { ...ASKED, insights: {} }],
    ['a period of no hours', { ...ASKED, insights: { sim_swap: { period: 0 } } }],
    ['a period that is too long', { ...ASKED, insights: { sim_swap: { period: 2401 } } }],
    ['an unknown insight', { ...ASKED, insights: { sim_swap: {}, weather: {} } }],
  ])('refuses %s', async (_what, body) => {
    expect((await post(body)).status).toBe(422);
  });

  it('requires the JWT of the application', async () => {
    expect((await post({ ...ASKED, insights: { sim_swap: {} } }, 'garbage')).status).toBe(401);
  });
});

describe('CAMARA SIM Swap', () => {
  const SCOPE = 'dpv:FraudPreventionAndDetection sim-swap:check';
  const clientToken = async (changes: Changes = {}) =>
    sandbox.postForm('/token', {
      grant_type: 'client_credentials',
      scope: SCOPE,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await sandbox.assertion(),
      ...changes,
    });
  const check = async (body: unknown, token?: string, headers?: Record<string, string>) =>
    ask(`${sandbox.issuer}/api/sim-swap/v2/check`, {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        authorization: `Bearer ${token ?? field((await clientToken()).body, 'access_token')}`,
      },
      body: JSON.stringify(body),
    });

  it('says whether the SIM changed within maxAge, by a token that serves several requests', async () => {
    await swappedAgo(10);
    const token = field((await clientToken()).body, 'access_token');
    expect((await check({ phoneNumber: NUMBER, maxAge: 10 }, token)).body).toEqual({ swapped: true });
    expect((await check({ phoneNumber: NUMBER, maxAge: 9 }, token)).body).toEqual({ swapped: false });
    expect((await check({ phoneNumber: NUMBER }, token)).body).toEqual({ swapped: true });
  });

  it.each<[string, unknown, number, string]>([
    ['a number without its plus', { phoneNumber: NUMBER.slice(1) }, 400, 'INVALID_ARGUMENT'],
    ['an unknown field', { phoneNumber: NUMBER, number: NUMBER }, 400, 'INVALID_ARGUMENT'],
    ['a maxAge that is too long', { phoneNumber: NUMBER, maxAge: 2401 }, 400, 'OUT_OF_RANGE'],
    ['no number', {}, 422, 'MISSING_IDENTIFIER'],
    ['a number that is not known', { phoneNumber: UNKNOWN }, 404, 'IDENTIFIER_NOT_FOUND'],
    ['an operator without it', { phoneNumber: NOT_COVERED }, 422, 'SERVICE_NOT_APPLICABLE'],
  ])('refuses %s', async (_what, body, status, code) => {
    expect((await check(body)).body).toEqual({ status, code, message: expect.any(String) });
  });

  it('echoes x-correlator with each answer, and refuses a malformed one', async () => {
    const withCorrelator = (token: string, correlator: string) =>
      check({ phoneNumber: NUMBER }, token, { 'x-correlator': correlator });
    const token = field((await clientToken()).body, 'access_token');
    const answers = [await withCorrelator(token, 'abc'), await withCorrelator('unknown', 'abc')];
    expect(answers.map(({ status, headers }) => [status, headers.get('x-correlator')])).toEqual([
      [200, 'abc'],
      [401, 'abc'],
    ]);
    expect((await withCorrelator(token, 'white space')).body).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('refuses tokens that are unknown, over, or for another API', async () => {
    expect((await check({ phoneNumber: NUMBER }, 'unknown')).status).toBe(401);
    const token = field((await clientToken()).body, 'access_token');
    sandbox.clock.ms += 300_000;
    expect((await check({ phoneNumber: NUMBER }, token)).status).toBe(401);
    expect((await check({ phoneNumber: NUMBER }, await sandbox.tokenFor())).status).toBe(403);
  });

  it.each<[string, Changes, string]>([
    ['no scope', { scope: undefined }, 'invalid_scope'],
    [
      'a scope that needs a subscriber',
      { scope: SCOPE.replace('sim-swap:check', 'openid') },
      'invalid_scope',
    ],
    ['two purposes', { scope: `${SCOPE} dpv:Advertising` }, 'invalid_scope'],
    ['no client authentication', { client_assertion: undefined }, 'invalid_client'],
    ['a repeated scope', { scope: [SCOPE, SCOPE] }, 'invalid_request'],
    ['a repeated field', { extra: ['a', 'b'] }, 'invalid_request'],
  ])('gives the client no token with %s', async (_what, changes, error) => {
    expect((await clientToken(changes)).body).toMatchObject({ error });
  });
});
