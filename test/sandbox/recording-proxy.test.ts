import { EventEmitter, once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { Conversation } from '../../src/sandbox/conversation/conversation.js';
import { createRecordingProxy } from '../../src/sandbox/conversation/recording-proxy.js';
import { ALICE, startSystem, withSystem, type System } from '../support/system.js';

const BEGIN = JSON.stringify({ phone_number: ALICE });

describe('the recording proxy in front of the server', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ tapped: true })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  test.each([
    ['a code', ALICE, 200, 'application/json'],
    ['a refusal', '+447700900103', 400, 'application/problem+json'],
  ])('leaves %s readable for a native SDK', async (_what, number, status, type) => {
    const { home } = await system.walkedLogin(number);
    expect(home.status).toBe(status);
    expect(home.json).toBeDefined();
    expect(home.reads).toBe(1);
    expect(home.headers).toMatchObject({
      'content-type': type,
      'content-length': String(Buffer.byteLength(home.body)),
      connection: 'close',
    });
    for (const name of ['set-cookie', 'transfer-encoding', 'keep-alive']) {
      expect(home.headers).not.toHaveProperty(name);
    }
  });

  test('forwards a login, and a request that is refused before its body is read', async () => {
    const { app, code } = await system.walkedLogin();
    await app.post('/verify').send({ code }).expect(200);
    await app.post('/logout').send({}).expect(204);
    await app
      .post('/login')
      .send({ phone_number: 'x'.repeat(200_000) })
      .expect(413);
  });
});

test.each([
  ['is deeply nested', `{"phone_number":${'['.repeat(7000)}${']'.repeat(7000)}}`],
  ['has a deeply nested code', `{"code":${'['.repeat(7000)}${']'.repeat(7000)}}`],
  ['has a code without a text', '{"code":{"toString":1,"valueOf":1}}'],
  ['has a workflow without steps', '{"workflow":[null]}'],
])('records a body that %s', (_what, body) => {
  const heard = new Conversation({ now: () => 0 }, () => undefined);
  const url = 'http://localhost:3000';
  for (const path of ['/login', '/verify', '/login/next', '/v2/verify', '/v0.1/network-enablement'])
    expect(() => heard.record({ method: 'POST', url: url + path, headers: [], body })).not.toThrow();
});

describe('the recording proxy in front of any server', () => {
  const open: ReturnType<typeof createServer>[] = [];
  const listen = async (listener: RequestListener): Promise<number> => {
    const server = createServer(listener).listen(0);
    open.push(server);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  /** Starts a recording proxy in front of this server. */
  const tapBefore = async (server: RequestListener): Promise<{ port: number; heard: Conversation }> => {
    const heard = new Conversation({ now: () => 0 }, () => undefined);
    const behind = await listen(server);
    return { port: await listen(createRecordingProxy(() => behind, heard)), heard };
  };
  /** Sends a request on its own socket, and returns the chunks received until it closes. */
  const say = async (port: number, lines: string[], body = ''): Promise<string[]> => {
    const socket = connect(port, 'localhost');
    const reads: string[] = [];
    socket.on('data', (chunk: Buffer) => reads.push(chunk.toString()));
    socket.write([...lines, '', body].join('\r\n'));
    await once(socket, 'close');
    return reads;
  };
  afterEach(() => {
    for (const server of open.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  test('forwards headers in both directions as they are spelt, and adds none', async () => {
    let raw: string[] = [];
    const { port } = await tapBefore((req, res) => {
      raw = req.rawHeaders;
      res.sendDate = false;
      res.writeHead(200, 'Fine', ['X-ODD-Name', 'one', 'x-odd-name', 'two', 'Content-Length', '2']);
      res.end('ok');
    });
    const [answer, ...more] = await say(port, [
      'GET / HTTP/1.1',
      'hOst: a',
      'X-cAsE: b',
      'Connection: close',
    ]);
    expect(raw).toEqual(['hOst', 'a', 'X-cAsE', 'b', 'Connection', 'close']);
    expect(answer).toBe(
      [
        'HTTP/1.1 200 Fine',
        'X-ODD-Name: one',
        'x-odd-name: two',
        'Content-Length: 2',
        'Connection: close',
        '',
        'ok',
      ].join('\r\n'),
    );
    expect(more).toEqual([]);
  });

  test('answers a request that Node does not send', async () => {
    const { port } = await tapBefore((_req, res) => res.end());
    const [answer = ''] = await say(port, ['GET / HTTP/1.1', 'Host: a', 'Trailer: b']);
    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
  });

  test.each(['GET', 'POST', 'DELETE'])(
    'returns the same answer as the server to a %s without a body',
    async (method) => {
      const heard = new Conversation({ now: () => 0 }, () => undefined);
      const behind = await listen(({ headers }, res) => {
        res.sendDate = false;
        res.end(`in chunks: ${'transfer-encoding' in headers}`);
      });
      const port = await listen(createRecordingProxy(() => behind, heard));
      const answers = [behind, port].map(async (each) => {
        const socket = connect(each, 'localhost');
        socket.write(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
        const [answer] = (await once(socket, 'data')) as [Buffer];
        socket.destroy();
        return answer.toString();
      });
      const [direct, tapped] = await Promise.all(answers);
      expect(tapped).toBe(direct);
      expect(direct).toContain('keep-alive');
    },
  );

  test('closes the connection when the server does, and answers in one piece', async () => {
    const { port } = await tapBefore((_req, res) => {
      res.writeHead(200, ['Content-Length', '6', 'Connection', 'close']);
      res.write('one', () => res.end('two'));
    });
    const reads = await say(port, ['GET / HTTP/1.1', 'Host: a']);
    expect(reads).toHaveLength(1);
    expect(reads[0]).toMatch(/\r\nConnection: close\r\n[^]*\r\n\r\nonetwo$/);
  });

  test('answers 502 when the server is unreachable, and records a broken call', async () => {
    const heard = new Conversation({ now: () => 0 }, () => undefined);
    const gone = await listen(() => undefined);
    open.pop()?.close();
    const port = await listen(createRecordingProxy(() => gone, heard));
    const answer = await fetch(`http://localhost:${port}/login`, { method: 'POST', body: BEGIN });
    expect(answer.status).toBe(502);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ status: 502 });
    expect(heard.logins).toMatchObject([{ number: ALICE, calls: [{ broken: true, answered: null }] }]);
  });

  test.each([
    ['before it answers', (res: ServerResponse) => res.destroy()],
    [
      'in the middle of an answer',
      (res: ServerResponse) => {
        res.writeHead(200, ['Content-Length', '100']).write('some', () => res.destroy());
      },
    ],
  ])('answers 502 when the server closes the connection %s', async (_when, breakOff) => {
    const { port, heard } = await tapBefore((_req, res) => {
      breakOff(res);
    });
    const answer = await fetch(`http://localhost:${port}/login`, { method: 'POST', body: BEGIN });
    expect(answer.status).toBe(502);
    expect(heard.logins).toMatchObject([{ calls: [{ broken: true }] }]);
  });

  test.each([
    ['no path', ['OPTIONS * HTTP/1.1', 'Host: localhost:3000']],
    ['an absolute URL', ['GET http://localhost:3000/login HTTP/1.1', 'Host: localhost:3000']],
    ['an invalid host', ['GET /login HTTP/1.1', 'Host: a b']],
  ])('forwards a request with %s, and records no call', async (_what, lines) => {
    const { port, heard } = await tapBefore((_req, res) => void res.writeHead(204).end());
    const [answer] = await say(port, [...lines, 'Connection: close']);
    expect(answer).toMatch(/^HTTP\/1\.1 204 /);
    expect(heard.logins).toEqual([]);
  });

  test('forwards a long body in full, and records its beginning', async () => {
    let length = 0;
    const { port, heard } = await tapBefore((req, res) => {
      req.on('data', (chunk: Buffer) => (length += chunk.length));
      req.on('end', () => res.end());
    });
    const body = `${BEGIN}${' '.repeat(100_000)}`;
    await fetch(`http://localhost:${port}/login`, { method: 'POST', body });
    expect(length).toBe(body.length);
    expect(heard.logins[0]?.calls[0]?.asked.body).toBe(body.slice(0, 20_000));
  });

  test('closes the connection to the server when the client disconnects', async () => {
    const asked = new EventEmitter();
    const { port } = await tapBefore((_req, res) => asked.emit('asked', res));
    const socket = connect(port, 'localhost').on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const [res] = (await once(asked, 'asked')) as [ServerResponse];
    socket.destroy();
    await once(res, 'close');
    expect(res.writableEnded).toBe(false);
  });
});

test('without a recording proxy, logins start with the calls to Vonage', async () => {
  await withSystem({}, async (system) => {
    const { app, code } = await system.walkedLogin();
    await app.post('/verify').send({ code }).expect(200);
    const conversation = await (await fetch(`${system.sandbox}/__sandbox/conversation`)).json();
    expect(conversation).toMatchObject({
      tapped: false,
      logins: [{ number: ALICE, ending: { tone: 'good' } }],
    });
  });
});
