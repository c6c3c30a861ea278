import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { ALICE, BOB, startSystem, postCode, redisUrlOfWorker, type System } from './support/system.js';

/** A line of MONITOR: `+1700000000.123456 [2 127.0.0.1:40760] "get" …`. */
const COMMAND = /^\+[\d.]+ \[(\d+) (\S+)\] "(\w+)"/;

describe('the cost of a login', () => {
  let system: System;
  // Without webhooks, which arrive at any time.
  beforeAll(async () => (system = await startSystem({ env: { FALLBACK_CHANNELS: 'sms,voice' } })));
  afterAll(() => system.stop());

  /** The names of the commands that the server sent to Redis while `work` ran. */
  const commandsOf = async (work: () => Promise<unknown>) => {
    const { hostname, port, pathname } = new URL(redisUrlOfWorker());
    const socket = connect(Number(port), hostname);
    const lines = createInterface({ input: socket });
    socket.write('MONITOR\r\n');
    await once(lines, 'line');
    const commands: string[] = [];
    const ended = new Promise<void>((resolve) => {
      lines.on('line', (line) => {
        const [, database, source, command = ''] = COMMAND.exec(line) ?? [];
        // MONITOR also lists the commands of scripts, which are not sent by the server.
        if (database === pathname.slice(1) && source !== 'lua') commands.push(command.toLowerCase());
        if (line.endsWith(' "the end"')) resolve();
      });
    });
    await work();
    await system.redis.echo('the end');
    await ended;
    socket.destroy();
    return commands.slice(0, -1);
  };

  test('is three calls to Vonage and nine Redis commands, one of them for all limits and one for the list of sessions, and no signature while the JWT is cached', async () => {
    const first = await system.walkedLogin();
    await postCode(first.app, first.code).expect(200);
    await system.reset();
    const tokens: (string | undefined)[] = [];
    const commands = await commandsOf(async () => {
      const { app, code } = await system.walkedLogin(ALICE);
      await postCode(app, code).expect(200);
    });
    expect(commands).toEqual([
      'evalsha',
      'set',
      'set',
      'getdel',
      'set',
      'get',
      'getdel',
      'evalsha',
      'evalsha',
    ]);
    const calls = await system.upstream();
    expect(calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v0.1/network-enablement',
      'POST /oauth2/token',
      'POST /camara/number-verification/v031/verify',
    ]);
    await system.walkedLogin(ALICE);
    for (const { path, headers } of await system.upstream()) {
      if (!path.startsWith('/camara')) tokens.push(headers['authorization']);
    }
    expect(tokens).toHaveLength(4);
    // An RS256 signature of the same claims has a new jti, so one token seen means one signature
    // made.
    expect(new Set(tokens).size).toBe(1);
  });

  test('is two Redis commands more with a message: one counts it, one gives it back to the number', async () => {
    const app = system.app();
    await app.post('/login').send({ phone_number: BOB }).expect(201);
    await app.post('/login/next').send({ channel: 'sms' }).expect(200);
    const code = (await system.messages()).at(-1)?.code ?? '';
    const commands = await commandsOf(() => postCode(app, code).expect(200));
    // The session, the webhook report, the pause of Verify, the try, the count of the message, the
    // entry and the write of the session, and the refund of the message. The first call of a script
    // sends its source.
    const names = commands.map((name) => name.replace('evalsha', 'eval'));
    expect(names).toEqual(['get', 'get', 'eval', 'eval', 'set', 'eval', 'eval', 'eval']);
  });

  test('is no Redis command for an invalid request, or for one without a session', async () => {
    const commands = await commandsOf(async () => {
      await system.app().post('/login').send({ phone_number: 'x' });
      await system
        .app()
        .post('/verify')
        .send({ code: 'A'.repeat(43) });
      await system.app().get('/session');
      await system.app().get('/callback?state=x&code=y');
      await system.app().get('/healthz');
      await system.app().get('/');
    });
    expect(commands).toEqual([]);
  });
});

test('a login at an operator of CAMARA is two calls, once metadata and keys are known', async () => {
  const env = { SILENT_AUTH: 'camara' };
  const system = await startSystem({ store: 'memory', env });
  try {
    const callsOfLogin = async () => {
      const before = (await system.upstream()).length;
      const { app, code } = await system.walkedLogin();
      await postCode(app, code).expect(200);
      return (await system.upstream()).slice(before).map(({ path }) => path.replace('/camara-operator', ''));
    };
    const verify = '/api/number-verification/v2/verify';
    expect(await callsOfLogin()).toEqual(['/.well-known/openid-configuration', '/token', '/jwks', verify]);
    expect(await callsOfLogin()).toEqual(['/token', verify]);
  } finally {
    await system.stop();
  }
});
