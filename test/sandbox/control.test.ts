import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { APPLICATION_ID, ask, openSandbox } from './open-sandbox.js';
import type { OpenSandbox } from './open-sandbox.js';

const VERIFY = '/camara/number-verification/v031/verify';

let sandbox: OpenSandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
});
afterEach(() => sandbox.close());

interface Recorded {
  path: string;
  from: string;
  body: unknown;
  status: number | null;
}

const requests = async (query = ''): Promise<Recorded[]> =>
  (await sandbox.control('GET', `/requests${query}`)).body as Recorded[];

describe('GET /__sandbox/requests', () => {
  it('lists the requests of the server in order, secrets included', async () => {
    const token = await sandbox.tokenFor();
    await sandbox.verify(token, { phoneNumber: '+447700900000' });
    const recorded = await requests();
    expect(recorded).toMatchObject([
      {
        method: 'POST',
        path: '/v0.1/network-enablement',
        body: { phone_number: '+447700900000' },
        status: 200,
      },
      { method: 'POST', path: '/oauth2/token', body: { grant_type: 'authorization_code' }, status: 200 },
      { method: 'POST', path: VERIFY, headers: { authorization: `Bearer ${token}` }, status: 200 },
    ]);
    expect(recorded[0]).toMatchObject({ at: '2026-03-01T12:00:00.000Z', from: 'server' });
  });

  it('adds the requests of the device with ?all=true', async () => {
    await sandbox.walk(await sandbox.authUrl());
    const all = await requests('?all=true');
    expect(all.map(({ from, status }) => [from, status])).toEqual([
      ['server', 200],
      ['device', 302],
      ['device', 301],
      ['device', 302],
    ]);
    expect(all[1]?.path).toMatch(`/oauth2/auth?client_id=${APPLICATION_ID}`);
    expect(await requests()).toHaveLength(1);
  });

  it('includes refused requests, but none to the control API', async () => {
    await sandbox.post('/v0.1/network-enablement', 'text/plain', 'nonsense', 'bad');
    await ask(`${sandbox.url}/nowhere`);
    await ask(`${sandbox.url}/`);
    expect(await requests()).toMatchObject([
      { path: '/v0.1/network-enablement', body: 'nonsense', status: 401 },
      { path: '/nowhere', body: null, status: 404 },
    ]);
  });

  it('shows a body that is nested too deeply for JSON as text', async () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    await sandbox.post('/nowhere', 'application/json', nested(100));
    await sandbox.post('/nowhere', 'application/json', nested(40_000));
    expect((await requests()).map(({ body }) => typeof body)).toEqual(['object', 'string']);
  });
});

describe('/__sandbox/subscribers', () => {
  it('lists the documented numbers', async () => {
    const { body } = await sandbox.control('GET', '/subscribers');
    expect(
      Object.values(body as Record<string, { behaviour: string }>).map(({ behaviour }) => behaviour),
    ).toEqual([
      'match',
      'other_sim',
      'unsupported',
      'wifi',
      'not_mobile',
      'slow',
      'invalid_grant',
      'server_error',
      'garbage',
      'rate_limited',
      'blocked',
      'rejected',
      'user_rejected',
      'unreachable',
      'no_link',
      'no_consent',
      // Their SIMs changed, or nothing is known of that.
      ...['match', 'match', 'match'],
    ]);
  });

  const rules: [string, string][] = [
    ['+447700900101', 'other_sim'],
    ['%2B447700900103', 'wifi'],
    ['+447700900042', 'match'],
    ['+34600111222', 'match'],
    ['+99012345678', 'match'],
    ['+99012345677', 'other_sim'],
    ['+99011111199', 'server_error'],
  ];
  it.each(rules)('%s behaves as %s', async (number, behaviour) => {
    expect((await sandbox.control('GET', `/subscribers/${number}`)).body).toEqual({ behaviour });
  });

  it('keeps a changed subscriber until the reset', async () => {
    const changed = { behaviour: 'other_sim', sim: '+447700900555' };
    const put = await sandbox.control('PUT', '/subscribers/%2B34600111222', changed);
    expect([put.status, put.body]).toEqual([200, changed]);
    expect((await sandbox.control('GET', '/subscribers/+34600111222')).body).toEqual(changed);
    expect((await sandbox.control('GET', '/subscribers')).body).toMatchObject({ '+34600111222': changed });
    await sandbox.control('POST', '/reset');
    expect((await sandbox.control('GET', '/subscribers/+34600111222')).body).toEqual({ behaviour: 'match' });
  });

  const bad: [string, unknown, string][] = [
    ['+447700900000', { behaviour: 'unheard_of' }, 'behaviour'],
    ['+447700900000', { behaviour: 'match', sim: '12' }, 'sim'],
    ['+447700900000', { behaviour: 'match', colour: 'red' }, 'body'],
    ['+447700900000', undefined, 'body'],
    ['+447700900000', { behaviour: 'match', sim: '+999770090000' }, 'sim'],
    ['447700900000', { behaviour: 'match' }, 'number'],
    ['+999770090000', { behaviour: 'match' }, 'number'],
    ['+447700900000', { behaviour: 'match', sim: '+610412345678' }, 'sim'],
    ['+4407700900000', { behaviour: 'match' }, 'number'],
    ['+112015550123', { behaviour: 'match' }, 'number'],
    ['+44770090', { behaviour: 'match' }, 'number'],
  ];
  it.each(bad)('refuses to set %s to %j', async (number, body, name) => {
    const answer = await sandbox.control('PUT', `/subscribers/${number}`, body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    expect(answer.body).toMatchObject({ title: 'Bad Request', invalid_parameters: [{ name }] });
  });

  it('refuses a path that is not a number', async () => {
    expect((await sandbox.control('GET', '/subscribers/nobody')).status).toBe(400);
    expect((await sandbox.control('GET', '/subscribers/%E0%A4%A')).status).toBe(400);
  });
});

describe('reset', () => {
  it('removes requests, messages, states, links, codes and tokens', async () => {
    const [code, token, url] = [await sandbox.codeFor(), await sandbox.tokenFor(), await sandbox.authUrl()];
    await sandbox.enable({ state: 'repeatable' });
    const reset = await sandbox.control('POST', '/reset');
    expect([reset.status, reset.text]).toEqual([204, '']);
    expect(await requests('?all=true')).toEqual([]);
    expect((await sandbox.control('GET', '/messages')).body).toEqual([]);
    expect((await sandbox.exchange(code)).status).toBe(400);
    expect((await sandbox.verify(token, { phoneNumber: '+447700900000' })).status).toBe(401);
    expect((await ask(url)).status).toBe(400);
    expect((await sandbox.enable({ state: 'repeatable' })).status).toBe(200);
  });

  it('restores the token response and removes every fault', async () => {
    await sandbox.control('PUT', '/token', { expires_in: 1 });
    await sandbox.control('PUT', '/faults', { 'network-enablement': { status: 503 } });
    await sandbox.control('POST', '/reset');
    expect((await sandbox.exchange(await sandbox.codeFor())).body).toMatchObject({ expires_in: 300 });
  });
});

describe('an injected fault', () => {
  it('answers in place of the endpoint, as many times as requested', async () => {
    const body = '{"status":503,"code":"UNAVAILABLE","message":"Service unavailable"}';
    const headers = { 'retry-after': '3' };
    await sandbox.control('PUT', '/faults', { verify: { status: 503, body, headers, times: 2 } });
    const answers = [await sandbox.verify('any', {}), await sandbox.verify('any', {})];
    for (const answer of answers) {
      expect([answer.status, answer.text]).toEqual([503, body]);
      expect(answer.headers.get('retry-after')).toBe('3');
      expect(answer.headers.get('content-type')).toBe('application/json');
    }
    expect((await sandbox.verify('any', {})).status).toBe(401);
    expect((await requests()).map(({ status }) => status)).toEqual([503, 503, 401]);
  });

  it('lasts until it is removed, independently of other faults', async () => {
    await sandbox.control('PUT', '/faults', { token: { body: '<html>', content_type: 'text/html' } });
    await sandbox.control('PUT', '/faults', { 'network-enablement': { status: 500 } });
    const answer = await sandbox.exchange('any');
    expect([answer.status, answer.text, answer.headers.get('content-type')]).toEqual([
      200,
      '<html>',
      'text/html',
    ]);
    await sandbox.control('PUT', '/faults', { token: null });
    expect((await sandbox.exchange('any')).body).toMatchObject({ error: 'invalid_grant' });
    expect((await sandbox.enable()).status).toBe(500);
  });

  it('can be only a delay', async () => {
    await sandbox.control('PUT', '/faults', { 'network-enablement': { delay_ms: 200, times: 1 } });
    const begun = Date.now();
    expect((await sandbox.enable()).status).toBe(200);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(190);
  });

  it.each(['before', 'after'])(
    'closes the connection %s the request is read, and the request is recorded',
    async (drop) => {
      await sandbox.control('PUT', '/faults', { verify: { drop, times: 1 } });
      await expect(sandbox.verify('any', { phoneNumber: '+447700900000' })).rejects.toThrow();
      const body = drop === 'before' ? null : { phoneNumber: '+447700900000' };
      expect(await requests()).toMatchObject([{ path: VERIFY, status: null, body }]);
      expect((await sandbox.verify('any', {})).status).toBe(401);
    },
  );

  it('is not sent to a client that has disconnected', async () => {
    await sandbox.control('PUT', '/faults', { verify: { delay_ms: 1000, status: 500, times: 1 } });
    const gone = fetch(sandbox.url + VERIFY, { method: 'POST', signal: AbortSignal.timeout(500) });
    await expect(gone).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await requests()).toMatchObject([{ path: VERIFY, status: null }]);
  });

  const bad: object[] = [
    { nowhere: { status: 500 } },
    { verify: { status: 99 } },
    { verify: { drop: 'never' } },
    { verify: { headers: { 'bad header': 'x' } } },
    { verify: { content_type: 'a\nb' } },
    { verify: { times: 0 } },
  ];
  it.each(bad)('is refused as %j', async (faults) => {
    expect((await sandbox.control('PUT', '/faults', faults)).status).toBe(400);
  });
});

describe('the sandbox', () => {
  it('answers an unknown path with a problem, and does not reveal its framework', async () => {
    const answer = await ask(`${sandbox.url}/nowhere`);
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ title: 'Not Found' });
    expect(answer.headers.get('x-powered-by')).toBeNull();
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it.each(['/OAUTH2/auth', '/oauth2/auth/'])('does not treat %s as another path', async (path) => {
    expect((await ask(sandbox.url + path)).status).toBe(404);
  });

  it('answers requests with an invalid Host header', async () => {
    const asked = request(`${sandbox.url}/nowhere`, { headers: { host: 'a b' } }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(404);
  });

  it('refuses a body of more than 100 kB', async () => {
    const answer = await sandbox.post(VERIFY, 'application/json', 'x'.repeat(102_401));
    expect(answer.status).toBe(413);
    expect(answer.body).toMatchObject({ title: 'Payload Too Large' });
  });
});
