import { ask, field } from './open-sandbox.js';
import { CLIENT_ID, NUMBER, openCamara, type OpenCamara } from './open-camara.js';

let operator: OpenCamara;
beforeAll(async () => (operator = await openCamara()));
afterAll(() => operator.close());
beforeEach(() => operator.control('POST', '/reset'));

interface Drawn {
  number: string;
  ending: { tone: string; says: string };
  seen: object | null;
  steps: { step: string; title: string; calls: { from: string; to: string; heard: { says: string } }[] }[];
}

const drawn = async (): Promise<Drawn[]> =>
  ((await operator.control('GET', '/conversation')).body as { logins: Drawn[] }).logins;

/** A login as a client without a recording proxy plays it. */
const logIn = async (number: string, headers: Record<string, string> = {}) => {
  const code = await operator.codeFor({ login_hint: `tel:${number}` }, headers);
  if (code === '') return;
  const token = field((await operator.exchange(code)).body, 'access_token');
  if (token !== 'undefined') await operator.verify(2, token, { phoneNumber: number });
};

describe('the record of requests', () => {
  it('has the calls of the server, and with ?all=true those of the device', async () => {
    await ask(`${operator.issuer}/.well-known/openid-configuration`);
    await logIn(NUMBER);
    await ask(`${operator.issuer}/jwks`);
    const { body: server } = await operator.control('GET', '/requests');
    expect(server).toMatchObject([
      { path: '/camara-operator/.well-known/openid-configuration', from: 'server', status: 200 },
      { path: '/camara-operator/token', body: { grant_type: 'authorization_code' }, status: 200 },
      {
        path: '/camara-operator/api/number-verification/v2/verify',
        body: { phoneNumber: NUMBER },
        status: 200,
      },
      { path: '/camara-operator/jwks', status: 200 },
    ]);
    const { body: all } = await operator.control('GET', '/requests?all=true');
    expect((all as unknown[])[1]).toMatchObject({ from: 'device', method: 'GET', status: 302 });
    expect(all).toHaveLength(5);
  });
});

describe('a fault', () => {
  const rows: [string, string, () => Promise<{ status: number; text: string }>][] = [
    ['camara-metadata', '', () => ask(`${operator.issuer}/.well-known/openid-configuration`)],
    ['camara-jwks', '', () => ask(`${operator.issuer}/jwks`)],
    ['camara-token', '', () => operator.postForm('/token', {})],
    ['camara-verify', 'v0', () => operator.verify(0, '', '')],
    ['camara-verify', 'v1', () => operator.verify(1, '', '')],
    ['camara-verify', 'v2', () => operator.verify(2, '', '')],
  ];
  it.each(rows)('at %s %s replaces the answer', async (name, _, request) => {
    const fault = { status: 200, body: '{"fault":true}', times: 1 };
    expect((await operator.control('PUT', '/faults', { [name]: fault })).status).toBe(200);
    expect((await request()).text).toBe('{"fault":true}');
    expect((await request()).text).not.toBe('{"fault":true}');
  });
});

describe('the registration of the client', () => {
  it('keeps what a later registration leaves out, until the reset', async () => {
    await operator.control('PUT', '/camara/client', { auth: 'client_secret_post', secret: 'secret' });
    const { body } = await operator.control('PUT', '/camara/client', {
      id_token_signed_response_alg: 'RS256',
    });
    expect(body).toEqual({
      auth: 'client_secret_post',
      secret: 'secret',
      id_token_signed_response_alg: 'RS256',
    });
    await operator.control('POST', '/reset');
    expect((await operator.control('PUT', '/camara/client', {})).body).toEqual({
      auth: 'private_key_jwt',
      id_token_signed_response_alg: 'ES256',
    });
  });
});

describe('the diagram', () => {
  it('shows the calls of device and server to the operator, and none to Vonage', async () => {
    await logIn(NUMBER);
    const [login] = await drawn();
    expect(login).toMatchObject({
      number: NUMBER,
      seen: { number: NUMBER, sim: NUMBER, network: 'cellular' },
      ending: { tone: 'good', says: expect.stringContaining(`has the number ${NUMBER}`) as string },
    });
    const arrows = login?.steps.flatMap(({ step, calls }) => calls.map(({ from, to }) => [step, from, to]));
    expect(arrows).toEqual([
      ['3', 'device', 'operator'],
      ['4', 'server', 'operator'],
      ['5', 'server', 'operator'],
    ]);
    expect(login?.steps[1]?.title).toBe('The server builds the link itself, without a request');
  });

  it('assigns a login with a request object to its number', async () => {
    const request = await operator.requestObject();
    await operator.authorizeWith({ client_id: CLIENT_ID, request });
    expect(await drawn()).toMatchObject([{ number: NUMBER }]);
  });

  it('shows the answer to the consent page', async () => {
    const login_hint = 'tel:+447700900115';
    const { text } = await operator.authorize({ login_hint, prompt: undefined });
    expect((await drawn())[0]?.ending.says).toMatch('asks for consent');
    const request = /name="request" value="([^"]+)"/.exec(text)?.[1];
    await operator.postForm('/consent', { request, decision: 'deny' });
    const [login] = await drawn();
    expect(login?.steps.flatMap(({ calls }) => calls.map(({ heard }) => heard.says))).toEqual([
      'The operator shows a page, which asks the user for consent.',
      'The operator redirects the device to the server with an error: access_denied.',
    ]);
  });

  const endings: [string, Record<string, string>, string][] = [
    [NUMBER, { 'x-sandbox-sim': '+447700900555' }, 'the SIM that opened the link is +447700900555'],
    ['+447700900101', {}, 'the SIM that opened the link is +447700900999'],
    ['+447700900102', {}, 'the operator does not support this number'],
    ['+447700900103', {}, 'the operator did not see a SIM'],
    ['+447700900104', {}, 'did not use its mobile network'],
    ['+447700900106', {}, 'Vonage or the operator returned an error'],
    ['+447700900107', {}, 'Vonage or the operator returned an error'],
    ['+447700900108', {}, 'the server accepts only a clear confirmation'],
    ['+447700900109', {}, 'limits the rate of requests'],
    ['+447700900115', {}, 'the operator wants the user’s consent first'],
  ];
  it.each(endings)('says for %s with %j why it failed', async (number, headers, why) => {
    await logIn(number, headers);
    expect((await drawn())[0]?.ending).toEqual({ tone: 'bad', says: expect.stringContaining(why) as string });
  });
});
