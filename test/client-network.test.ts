import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient, LoginError, type Client } from '../client/silent-auth.js';

/** The client before a server that is none of ours, or none at all. */
describe('the client, where something is in its way', () => {
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

  test('says so when a connection breaks, with the cause, and asks nothing a second time', async () => {
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
    ['a page that says all is well', 200, '<html>Log in to this Wi-Fi</html>', 'Wi-Fi'],
    ['an error that is newer than the client', 400, '{"error":"not_invented_yet"}', 'not_invented_yet'],
    ['JSON that is no object', 200, '"fine"', 'fine'],
    ['JSON that is a list', 200, '[]', '[]'],
    ['all is well, and no word of what', 200, '', 'unknown_answer'],
    ['an error without a name', 500, '{}', '{}'],
    ['an error of nothing at all', 503, '', 'unknown_answer'],
  ])('takes %s for none of the server’s answers', async (_what, status, body, words) => {
    answer = (_req, res) => res.writeHead(status, { 'x-request-id': 'of-the-proxy' }).end(body);
    const error = await refusal(client.session());
    expect(error).toMatchObject({ error: 'unknown_answer', status, requestId: 'of-the-proxy' });
    expect(error.message).toContain(words);
    expect(await refusal(client.current())).toMatchObject({ error: 'unknown_answer', status });
  });

  test('follows no redirect, which would take number and code to somebody else', async () => {
    answer = (req, res) => res.writeHead(req.url === '/login' ? 307 : 200, { location: '/elsewhere' }).end();
    expect(await refusal(client.login('+447700900000'))).toMatchObject({ error: 'no_answer' });
    expect(asked.map(({ url }) => url)).toEqual(['/login']);
  });

  /** Turns the clock until just before the client gives up, and then beyond, once `reached` was. */
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

  test('leaves no timer and no listener behind', async () => {
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

  test('is given up by its caller, who gets the reason back', async () => {
    answer = () => undefined;
    const [giving, reason] = [new AbortController(), new Error('the user went away')];
    const waiting = rejection(client.verify('123456', { signal: giving.signal }));
    await arrival();
    giving.abort(reason);
    expect(await waiting).toBe(reason);
    expect(await rejection(client.cancel({ signal: giving.signal }))).toBe(reason);
    expect(asked).toHaveLength(1);
  });

  test('asks the page’s own origin with its cookies, unless it is told otherwise', async () => {
    const requests: unknown[] = [];
    const recording = ((address: unknown, { credentials }: RequestInit) => {
      requests.push([address, credentials]);
      return Promise.resolve(new Response('{"authenticated":false}'));
    }) as typeof fetch;
    await createClient({ fetch: recording }).session();
    const base = 'https://login.example.com';
    await createClient({ base, fetch: recording, credentials: 'include' }).session();
    expect(requests).toEqual([
      ['/session', 'same-origin'],
      [`${base}/session`, 'include'],
    ]);
  });
});
