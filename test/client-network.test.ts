import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient, LoginError, type Client } from '../client/silent-auth.js';

describe('the client with network faults and invalid answers', () => {
  let server: Server;
  let client: Client;
  let asked: IncomingMessage[];
  let answer: RequestListener;
  beforeAll(async () => {
    server = createServer((req, res) => {
      asked.push(req);
      answer(req, res);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  beforeEach(() => {
    asked = [];
    client = clientOf(fetch);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const clientOf = (by: typeof fetch): Client =>
    createClient({ base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, fetch: by });
  const rejection = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'nothing',
      (error: unknown) => error,
    );
  const refusal = async (work: Promise<unknown>): Promise<LoginError> => {
    const error = await rejection(work);
    expect(error).toBeInstanceOf(LoginError);
    return error as LoginError;
  };
  /** Waits until the server has the request. */
  const arrival = async () => once(server, 'request');

  test('reports a broken connection with its cause, and does not retry', async () => {
    answer = (_req, res) => res.destroy();
    const error = await refusal(client.next('sms'));
    expect(error).toMatchObject({
      error: 'no_answer',
      status: 0,
      message: 'no_answer',
      requestId: undefined,
    });
    expect(error.cause).toHaveProperty('message');
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['a page of a proxy', 502, '<html>Bad gateway</html>', 'Bad gateway'],
    ['a page with status 200', 200, '<html>Log in to this Wi-Fi</html>', 'Wi-Fi'],
    ['an unknown error code', 400, '{"error":"not_invented_yet"}', 'not_invented_yet'],
    ['JSON that is no object', 200, '"fine"', 'fine'],
    ['JSON that is a list', 200, '[]', '[]'],
    ['an empty answer with status 200', 200, '', 'unknown_answer'],
    ['an error without a code', 500, '{}', '{}'],
    ['an empty error', 503, '', 'unknown_answer'],
  ])('rejects %s as an answer of another server', async (_what, status, body, words) => {
    answer = (_req, res) => res.writeHead(status, { 'x-request-id': 'of-the-proxy' }).end(body);
    const error = await refusal(client.session());
    expect(error).toMatchObject({ error: 'unknown_answer', status, requestId: 'of-the-proxy' });
    expect(error.message).toContain(words);
    expect(await refusal(client.current())).toMatchObject({ error: 'unknown_answer', status });
  });

  /** The answers of the server, each with its call. */
  const login = {
    login_id: '5b3c0b1ea7f34a3f9f1d0c7a2e6d4b88',
    channel: 'silent_auth',
    expires_at: '2026-01-01T12:05:00.000Z',
    next_channels: ['sms'],
    auth_url: 'https://oidc.idp.vonage.com/oauth2/auth?state=x',
  };
  const coded = { ...login, channel: 'sms', code_length: 6, auth_url: null, resend_at: login.expires_at };
  const verified = { verified: true, phone_number: '+447700900000', channel: 'sms' };
  const mismatch = { verified: false, reason: 'number_mismatch', next_channels: ['sms'] };
  const times = { authenticated_at: '2026-01-01T12:00:00.000Z', expires_at: '2026-01-01T12:30:00.000Z' };
  const session = { authenticated: true, phone_number: '+447700900000', channel: 'sms', ...times };
  const steppedUp = { ...session, channels: ['silent_auth', 'sms'] };
  const CALLS: Record<string, [call: (client: Client) => Promise<unknown>, status: number, body: object[]]> =
    {
      login: [
        (client) => client.login('+447700900000'),
        201,
        [login, coded, { ...login, channel: null, auth_url: null }],
      ],
      current: [
        (client) => client.current(),
        200,
        [
          { ...login, status: 'pending' },
          { ...coded, status: 'failed', reason: 'unreachable' },
        ],
      ],
      next: [
        (client) => client.next(),
        200,
        [
          { ...coded, sent: true },
          { ...coded, channel: 'whatsapp', sent: false },
        ],
      ],
      verify: [(client) => client.verify('123456'), 200, [verified, mismatch]],
      session: [(client) => client.session(), 200, [session, steppedUp, { authenticated: false }]],
      cancel: [(client) => client.cancel(), 204, []],
      logout: [(client) => client.logout(), 204, []],
    };
  const callsOf = (...names: string[]) =>
    names.map((name) => [name, ...(CALLS[name] as (typeof CALLS)[string])] as const);
  const answers = (status: number, body: unknown, headers = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    answer = (_req, res) => res.writeHead(status, headers).end(status === 204 ? undefined : text);
  };

  test.each(callsOf('login', 'current', 'next', 'verify', 'session'))(
    'accepts the answer of the server to %s, and rejects it if a field is missing',
    async (_name, call, status, bodies) => {
      for (const body of bodies) {
        answers(status, body);
        await call(client);
        for (const part of Object.keys(body)) {
          const optional =
            ['channels', 'resend_at', 'reason'].includes(part) || (part === 'auth_url' && 'status' in body);
          for (const other of [undefined, 7.5, '', {}]) {
            if (optional && other === undefined) continue;
            answers(status, { ...body, [part]: other });
            const refused = await rejection(call(client));
            expect([part, other, refused]).toEqual([
              part,
              other,
              expect.objectContaining({ error: 'unknown_answer' }),
            ]);
          }
        }
      }
    },
  );

  const FOREIGN: [string, number, unknown][] = [
    ['an empty object', 200, {}],
    ['an empty answer of another server', 204, ''],
    ['a page', 200, '<html>Log in to this Wi-Fi</html>'],
    ['an empty page', 200, ''],
    ['a list', 200, [login]],
    ['a string', 200, '"ok"'],
    ['null', 200, 'null'],
    ['an answer of another kind', 200, { status: 'ok' }],
    ['a 201 of another server', 201, { id: 1 }],
    ['a 202 of another server', 202, {}],
    ['an error of another server', 404, { error: 'no_login' }],
    ['an error of OAuth', 400, { error: 'invalid_request', error_description: 'x' }],
    ['a problem with another status', 404, { type: 'x', title: 'x', status: 500, error: 'no_login' }],
  ];
  test.each(FOREIGN)('rejects %s for every call', async (_what, status, body) => {
    // A proxy has its own request ids.
    answers(status, body, { 'x-request-id': 'of-the-proxy' });
    for (const [name, call] of callsOf(...Object.keys(CALLS))) {
      const refused = await rejection(call(client));
      expect([name, refused]).toEqual([name, expect.objectContaining({ error: 'unknown_answer', status })]);
    }
  });

  test.each(callsOf('cancel', 'logout'))(
    'recognises by the request id that %s was done',
    async (_name, call) => {
      answers(204, '', { 'x-request-id': '0f8fad5b-d9cb-469f-a165-70867728950e' });
      await call(client);
      answers(204, '');
      expect(await refusal(call(client))).toMatchObject({ error: 'unknown_answer', status: 204 });
    },
  );

  test('rejects an answer with a status that the server does not use', async () => {
    answers(200, login);
    expect(await refusal(client.login('+447700900000'))).toMatchObject({ error: 'unknown_answer' });
    answers(201, session);
    expect(await refusal(client.session())).toMatchObject({ error: 'unknown_answer' });
  });

  test.each(['javascript:alert(1)', 'data:text/html,x', '//evil.example/x', '/x', ''])(
    'rejects an auth_url of %j',
    async (auth_url) => {
      answers(201, { ...login, auth_url });
      expect(await refusal(client.login('+447700900000'))).toMatchObject({ error: 'unknown_answer' });
    },
  );

  test('drops channels that it does not know', async () => {
    answers(201, { ...login, next_channels: ['sms', 'pigeon', 'voice'] });
    expect(await client.login('+447700900000')).toMatchObject({ nextChannels: ['sms', 'voice'] });
  });

  test.each(['blocked', 'rejected', 'user_rejected', 'unreachable'])(
    'exposes what became of a message: %s',
    async (reason) => {
      answers(410, { type: 'x', title: 'x', status: 410, error: 'login_expired', reason });
      expect(await refusal(client.verify('123456'))).toMatchObject({ error: 'login_expired', reason });
    },
  );

  test('keeps only fields of the right type of an error', async () => {
    const problem = { type: 'x', title: 'x', status: 429, error: 'rate_limited' };
    answers(429, {
      ...problem,
      retry_after: 'soon',
      next_channels: 'sms',
      reason: 7,
      errors: [7, null],
      detail: {},
    });
    const error = await refusal(client.session());
    expect(error).toMatchObject({ error: 'rate_limited', message: 'rate_limited', retryAfter: undefined });
    expect([error.nextChannels, error.reason, error.errors]).toEqual([undefined, undefined, undefined]);
  });

  test('follows no redirect, which would send the number and code to another host', async () => {
    answer = (req, res) => res.writeHead(req.url === '/login' ? 307 : 200, { location: '/elsewhere' }).end();
    expect(await refusal(client.login('+447700900000'))).toMatchObject({ error: 'no_answer' });
    expect(asked.map(({ url }) => url)).toEqual(['/login']);
  });

  /** Once `reached`, advances the clock to just before the timeout, and then beyond it. */
  const givesUp = async (asking: Client, reached: Promise<unknown>): Promise<void> => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] });
    try {
      const settled = jest.fn();
      const waiting = refusal(asking.session().finally(settled));
      await reached;
      jest.advanceTimersByTime(19_999);
      await new Promise((soon) => setImmediate(soon));
      expect(settled).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      expect(await waiting).toMatchObject({ error: 'no_answer' });
    } finally {
      jest.useRealTimers();
    }
  };

  test('removes its timers and listeners', async () => {
    answer = (_req, res) => void res.end('{"authenticated":false}');
    const { signal } = new AbortController();
    const removed = jest.spyOn(signal, 'removeEventListener');
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] });
    try {
      const before = jest.getTimerCount();
      await client.session({ signal });
      expect(jest.getTimerCount()).toBe(before);
    } finally {
      jest.useRealTimers();
    }
    expect(removed).toHaveBeenCalledWith('abort', expect.any(Function));
  });

  test('gives up after twenty seconds without an answer', async () => {
    answer = () => undefined;
    await givesUp(client, arrival());
  });

  test('gives up after twenty seconds in the middle of an answer', async () => {
    answer = (_req, res) => void res.write('{"authenticated":');
    const begun = new EventEmitter();
    const watched: typeof fetch = async (...request) => {
      const response = await fetch(...request);
      begun.emit('answer');
      return response;
    };
    await givesUp(clientOf(watched), once(begun, 'answer'));
  });

  test('can be aborted, and rejects with the reason of the signal', async () => {
    answer = () => undefined;
    const [giving, reason] = [new AbortController(), new Error('the user went away')];
    const waiting = rejection(client.verify('123456', { signal: giving.signal }));
    await arrival();
    giving.abort(reason);
    expect(await waiting).toBe(reason);
    expect(await rejection(client.cancel({ signal: giving.signal }))).toBe(reason);
    expect(asked).toHaveLength(1);
  });

  /** The body of the only request of `call`. */
  const bodyOf = async (call: (client: Client) => Promise<unknown>): Promise<unknown> => {
    const bodies: unknown[] = [];
    const recording = ((_address: unknown, { body }: RequestInit) => {
      bodies.push(JSON.parse(body as string));
      return Promise.resolve(new Response('{}'));
    }) as typeof fetch;
    await refusal(call(clientOf(recording)));
    expect(bodies).toHaveLength(1);
    return bodies[0];
  };

  test.each<[what: string, call: (client: Client) => Promise<unknown>, body: object]>([
    ['a channel', (client) => client.next('rcs'), { channel: 'rcs' }],
    ['no channel', (client) => client.next(), {}],
    [
      'a second message',
      (client) => client.next('sms', { resend: true, appHash: 'FA+9qCX9VSu' }),
      { channel: 'sms', resend: true, app_hash: 'FA+9qCX9VSu' },
    ],
    ['no second message', (client) => client.next('sms', { resend: false }), { channel: 'sms' }],
  ])('requests %s', async (_what, call, body) => {
    expect(await bodyOf(call)).toEqual(body);
  });

  test.each<[reported: string | undefined, asked: string | undefined, sent: string | undefined]>([
    ['de-AT', undefined, 'de-AT'],
    ['de-AT', 'fr-CA', 'fr-CA'],
    [undefined, undefined, undefined],
    [undefined, 'fil', 'fil'],
    ['en-US@posix', undefined, undefined],
    ['C', undefined, undefined],
    ['', undefined, undefined],
  ])('with the browser in %j and the option %j sends the locale %j', async (reported, asked, sent) => {
    const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
    const value = reported === undefined ? undefined : { language: reported };
    Object.defineProperty(globalThis, 'navigator', { value, configurable: true });
    try {
      const options = asked === undefined ? {} : { locale: asked };
      const body = await bodyOf((client) => client.login('+447700900000', options));
      expect(body).toEqual({ phone_number: '+447700900000', ...(sent !== undefined && { locale: sent }) });
    } finally {
      if (before) Object.defineProperty(globalThis, 'navigator', before);
      else Reflect.deleteProperty(globalThis, 'navigator');
    }
  });

  /** A client that sends nothing, and the addresses that it would call. */
  const recordingClient = (options: Parameters<typeof createClient>[0]) => {
    const requests: unknown[] = [];
    const recording = ((address: unknown, { credentials }: RequestInit) => {
      requests.push([address, credentials]);
      return Promise.resolve(new Response('{"authenticated":false}'));
    }) as typeof fetch;
    return { requests, client: createClient({ ...options, fetch: recording }) };
  };

  test('calls the origin of the page with credentials by default', async () => {
    const own = recordingClient({});
    await own.client.session();
    expect(own.requests).toEqual([['/session', 'same-origin']]);
    const other = recordingClient({ base: 'https://login.example.com', credentials: 'include' });
    await other.client.session();
    expect(other.requests).toEqual([['https://login.example.com/session', 'include']]);
  });

  test.each([
    ['', '/session'],
    ['/', '/session'],
    ['/auth', '/auth/session'],
    ['/auth/', '/auth/session'],
    ['/a/b.c/~d', '/a/b.c/~d/session'],
    ['https://login.example.com', 'https://login.example.com/session'],
    ['https://login.example.com/', 'https://login.example.com/session'],
    ['https://login.example.com/auth/', 'https://login.example.com/auth/session'],
    ['HTTP://localhost:3000', 'HTTP://localhost:3000/session'],
    ['http://127.0.0.1:3000/', 'http://127.0.0.1:3000/session'],
    ['http://[::1]:3000', 'http://[::1]:3000/session'],
  ])('with the base %j calls %j', async (base, address) => {
    const { client, requests } = recordingClient({ base });
    await client.session();
    expect(requests).toEqual([[address, 'same-origin']]);
    // As a browser resolves it, it is on the named host, or on the origin of the page.
    const page = 'https://page.example/some/where';
    const host = /^http/i.test(base) ? new URL(base).host : 'page.example';
    expect(new URL(address, page).host).toBe(host);
  });

  test.each([
    ...['//evil', '//evil/', '///evil', '/\\evil', '\\\\evil', '/\t/evil', '/\n/evil', ' //evil', '/ /evil'],
    ...['/auth//', '/auth//evil', '/auth/..', '/auth/../', '/.//evil', '/./', '/%2e%2E/x', '/auth\\..'],
    ...[
      '/auth?x=1',
      '/auth#x',
      '/?',
      '/#',
      '?x',
      '#x',
      'https://a.example?x',
      'https://a.example/#x',
      'https://a.example/?x',
    ],
    ...[
      'https://user@a.example',
      'https://user:password@a.example',
      'https://a.example@evil',
      'https://a.example\\@evil',
    ],
    ...[
      'https://',
      'https:///a',
      'https:a.example',
      'https:/a.example',
      'https//a',
      'http://a.example:port',
      'https://a.example:99999',
    ],
    ...[
      'https://a b',
      ' https://a.example',
      'https://a.example ',
      'https://a.example\n',
      'https://a.example//',
      'https://[::g]',
      'https://1.2.3.4.5',
    ],
    ...[
      'login.example.com',
      'auth',
      'auth/',
      '.',
      './',
      '..',
      '../x',
      'localhost:3000',
      '*',
      'null',
      'undefined',
    ],
    ...[
      'ftp://a.example',
      'ws://a.example',
      'javascript:alert(1)',
      'data:,x',
      'file:///x',
      'blob:https://a.example/x',
    ],
  ])('throws for the base %j', (base) => {
    expect(() => createClient({ base })).toThrow(TypeError);
    expect(() => createClient({ base })).toThrow('base has to be an origin');
  });

  test.each([null, 7, {}, [], ['/auth'], new URL('https://a.example')])('throws for %p as base', (base) => {
    expect(() => createClient({ base: base as unknown as string })).toThrow('base has to be an origin');
  });
});
