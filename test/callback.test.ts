import { request as httpRequest } from 'node:http';
import { walk } from './support/device.js';
import { ALICE, startSystem, postCode, type System } from './support/system.js';

/** The headers that a current browser sends when it navigates. */
const BROWSER = {
  'sec-fetch-dest': 'document',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-site': 'cross-site',
};

interface Answered {
  status: number;
  location: string | undefined;
  cookie: unknown;
  type: string | undefined;
  vary: string | undefined;
  body: string;
}

describe('GET /callback', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem()));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  /** Sends the request unchanged, and follows no redirect. */
  const send = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<Answered>((resolve, reject) => {
      const request = httpRequest(`${system.base}${path}`, { method, headers }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => {
          const { location, vary, 'set-cookie': cookie, 'content-type': type } = response.headers;
          resolve({ status: response.statusCode ?? 0, location, cookie, type, vary, body });
        });
      });
      request.on('error', reject).end();
    });
  const tokenCalls = async () =>
    (await system.upstream()).filter(({ path }) => path === '/oauth2/token').length;

  /** A login whose device has not requested `/callback` yet. */
  const beforeCallback = async (client: 'app' | 'browser') => {
    const app = system.app();
    const begun = await app.post('/login').send({ phone_number: ALICE, client }).expect(201);
    const { hops } = await walk(begun.body.auth_url, { stopBefore: system.base });
    const { pathname, search, searchParams } = new URL(hops.at(-1) ?? '');
    const cookie = String(begun.headers['set-cookie']?.[0]).split(';')[0] ?? '';
    return {
      app,
      path: pathname + search,
      cookie,
      state: searchParams.get('state') ?? '',
      code: searchParams.get('code') ?? '',
    };
  };

  test('refuses a browser login without its session or with another one', async () => {
    const pending = await beforeCallback('browser');
    const other = await beforeCallback('browser');
    for (const cookie of ['', other.cookie, 'sid=s%3Aplanted.signature']) {
      const refused = await send(pending.path, { ...BROWSER, cookie });
      expect(refused.status).toBe(303);
      expect(refused.location).toMatch(/^\/#error=wrong_client&error_description=/);
      expect(refused.cookie).toBeUndefined();
    }
    expect(await tokenCalls()).toBe(0);
    const own = await send(pending.path, { ...BROWSER, cookie: pending.cookie });
    expect(own.location).toMatch(/^\/#login_id=[0-9a-f]{32}&code=[\w-]{43}$/);
    expect(own.cookie).toBeUndefined();
  });

  test.each([
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { 'sec-purpose': 'prefetch;anonymous-client-ip' },
    { purpose: 'prefetch' },
    { 'x-moz': 'prefetch' },
    { 'x-purpose': 'preview' },
  ])('refuses a prefetch (%j), and the visit that follows can still use the link', async (ahead) => {
    for (const client of ['app', 'browser'] as const) {
      const pending = await beforeCallback(client);
      const headers = client === 'browser' ? { ...BROWSER, cookie: pending.cookie } : {};
      const early = await send(pending.path, { ...headers, ...ahead });
      expect([early.status, early.body]).toEqual([403, expect.stringContaining('wrong_client')]);
      const visit = await send(pending.path, headers);
      expect(`${visit.location ?? ''}${visit.body}`).toMatch(/code/);
    }
    expect(await tokenCalls()).toBe(2);
  });

  test('refuses an authorization code of more than 8,192 characters', async () => {
    const pending = await beforeCallback('app');
    const withCode = (length: number) => `/callback?state=${pending.state}&code=${'x'.repeat(length)}`;
    expect((await send(withCode(8193))).status).toBe(400);
    expect(await tokenCalls()).toBe(0);
    // The operator rejects the code, but was asked.
    expect(JSON.parse((await send(withCode(8192))).body)).toMatchObject({ error: 'silent_auth_failed' });
    expect(await tokenCalls()).toBe(1);
  });

  test('refuses a replay, and exchanges the authorization code once', async () => {
    const app = await beforeCallback('app');
    await send(app.path);
    expect((await send(app.path)).status).toBe(410);
    const browser = await beforeCallback('browser');
    await send(browser.path, { ...BROWSER, cookie: browser.cookie });
    const again = await send(browser.path, { ...BROWSER, cookie: browser.cookie });
    expect(again.location).toMatch(/^\/#error=login_expired/);
    expect(await tokenCalls()).toBe(2);
  });

  test('recognises a browser without Sec-Fetch headers by its session', async () => {
    const pending = await beforeCallback('browser');
    expect((await send(pending.path, { cookie: pending.cookie })).location).toMatch(/^\/#login_id=/);
  });

  test('shows a person who opens the link of an app a page, and the app can still use the link', async () => {
    const pending = await beforeCallback('app');
    const refused = await send(pending.path, { ...BROWSER, cookie: pending.cookie });
    expect([refused.status, refused.type]).toEqual([403, 'text/html; charset=utf-8']);
    expect(refused.body).toContain('<h1>This link belongs to an app</h1>');
    expect(refused.body).not.toMatch(new RegExp(`${pending.state}|${pending.code}`));
    expect(refused.cookie).toBeUndefined();
    expect(await tokenCalls()).toBe(0);
    expect((await send(pending.path)).status).toBe(200);
  });

  test.each<[string, string, number, string, string]>([
    ['no state', '/callback', 400, 'invalid_request', 'This link is not complete'],
    [
      'a foreign state',
      '/callback?code=x&state=v2_840e17a8',
      400,
      'invalid_request',
      'This link is not complete',
    ],
    [
      'an app that is gone',
      `/callback?code=x&state=a${'A'.repeat(43)}`,
      403,
      'wrong_client',
      'belongs to an app',
    ],
  ])('%s is a problem for programs and a page for people', async (_what, path, status, error, heading) => {
    for (const accept of ['text/html', '*/*', 'application/json']) {
      const problem = await send(path, { accept });
      expect(problem.type).toBe('application/problem+json');
      expect(problem.vary).toBeUndefined();
      const page = await send(path, { ...BROWSER, accept });
      expect([page.status, page.type]).toEqual([status, 'text/html; charset=utf-8']);
      expect(page.body).toContain(heading);
      expect(page.body).toContain(error);
    }
  });

  test('ignores Accept and User-Agent', async () => {
    const pending = await beforeCallback('app');
    const answer = await send(pending.path, {
      accept: 'text/html',
      'user-agent': 'Mozilla/5.0',
      'sec-fetch-mode': 'cors',
    });
    expect(JSON.parse(answer.body)).toMatchObject({ code: expect.any(String) });
  });

  test('gives the page of a browser login its code in the fragment', async () => {
    const pending = await beforeCallback('browser');
    const { location } = await send(pending.path, { ...BROWSER, cookie: pending.cookie });
    const fragment = new URLSearchParams(location?.slice(2));
    await postCode(pending.app, fragment.get('code') ?? '').expect(200);
  });

  test.each([
    ['access_denied', 'denied'],
    ['consent_required', 'consent_required'],
    ['login_required', 'not_on_cellular'],
    ['interaction_required', 'not_on_cellular'],
    ['NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK', 'not_on_cellular'],
    ['SERVICE_NOT_APPLICABLE', 'number_not_supported'],
    ['server_error', 'operator_error'],
    ['temporarily_unavailable', 'operator_error'],
    ['invalid_scope', 'operator_error'],
    ['unauthorized_client', 'operator_error'],
    ['something_new', 'operator_error'],
    ['', 'operator_error'],
  ])('reports the error %p of the operator as %s, without a call to Vonage', async (error, reason) => {
    const pending = await beforeCallback('app');
    const answer = await send(`/callback?error=${error}&error_description=x&state=${pending.state}`);
    // Not that it refused the device, which is only one of the reasons.
    const detail = 'The operator did not confirm the number.';
    expect(JSON.parse(answer.body)).toMatchObject({
      status: 400,
      error: 'silent_auth_failed',
      reason,
      detail,
    });
    expect(system.world.logged()).toContain(`"error":"${error || 'unknown'}"`);
    expect(await tokenCalls()).toBe(0);
  });

  // Vonage's guide lists no `state` beside `error`.
  test.each(['', '&state=', '&state=&code='])(
    'reports the error of the operator without a state (%p), and the login goes on',
    async (others) => {
      const path = `/callback?error=access_denied&error_description=x${others}`;
      const pending = await beforeCallback('app');
      const answer = JSON.parse((await send(path)).body);
      expect(answer).toMatchObject({ status: 400, error: 'silent_auth_failed', reason: 'denied' });
      expect(system.world.logged()).toMatch(/"step":"callback".*"error":"access_denied"/);
      expect(await tokenCalls()).toBe(0);
      expect((await send(pending.path)).status).toBe(200);
      const inBrowser = await beforeCallback('browser');
      const { location } = await send(path, { ...BROWSER, cookie: inBrowser.cookie });
      expect(location).toMatch(/^\/#error=silent_auth_failed&error_description=.+&reason=denied$/);
    },
  );

  test('refuses a code without a state', async () => {
    const { code } = await beforeCallback('app');
    for (const others of ['', '&state=', '&error=access_denied']) {
      const answer = await send(`/callback?code=${code}${others}`);
      expect(JSON.parse(answer.body)).toMatchObject({ status: 400, error: 'invalid_request' });
    }
    expect(await tokenCalls()).toBe(0);
  });

  test('reports the error of the operator beside an empty code', async () => {
    const pending = await beforeCallback('app');
    const answer = await send(`/callback?code=&error=access_denied&state=${pending.state}`);
    expect(JSON.parse(answer.body)).toMatchObject({ error: 'silent_auth_failed', reason: 'denied' });
  });

  test('reads the code of the operator beside an empty error', async () => {
    const pending = await beforeCallback('app');
    const answer = await send(`/callback?code=${pending.code}&error=&iss=&state=${pending.state}`);
    expect(JSON.parse(answer.body)).toMatchObject({ code: expect.any(String) });
  });

  test('does not repeat text of the operator', async () => {
    const hostile = encodeURIComponent('<script>alert(1)</script>\r\nSet-Cookie: a=b');
    for (const client of ['app', 'browser'] as const) {
      const pending = await beforeCallback(client);
      const headers = client === 'browser' ? { ...BROWSER, cookie: pending.cookie } : {};
      const answer = await send(
        `/callback?error=${hostile}&error_description=${hostile}&state=${pending.state}`,
        headers,
      );
      expect(`${answer.body}${answer.location ?? ''}`).not.toMatch(/<|script>|alert|a=b/);
      expect(answer.cookie).toBeUndefined();
    }
    expect(system.world.logged()).not.toContain('alert');
  });

  test('sends a browser to its page alone, whatever parameter or header names another place', async () => {
    const pending = await beforeCallback('browser');
    const names = ['next', 'url', 'to', 'redirect', 'redirect_uri', 'redirect_url', 'return_to', 'returnTo'];
    const places = [...names, 'continue', 'target', 'dest', 'home', 'client', 'location']
      .map((name) => `&${name}=https%3A%2F%2Fevil.example%2F`)
      .join('');
    const headers = {
      'x-forwarded-host': 'evil.example',
      referer: 'https://evil.example/',
      host: 'evil.example',
    };
    const { location } = await send(`${pending.path}${places}`, {
      ...BROWSER,
      ...headers,
      cookie: pending.cookie,
    });
    expect(location).toMatch(/^\/#login_id=[0-9a-f]{32}&code=[\w-]{43}$/);
  });

  test('ignores unknown parameters', async () => {
    const pending = await beforeCallback('app');
    expect((await send(`${pending.path}&session_state=x&iss=y`)).status).toBe(200);
  });
});
