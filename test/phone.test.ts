import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { once } from 'node:events';
import { createAppClient } from '../src/tools/phone/app-client.js';
import { logIn, withoutSecrets } from '../src/tools/phone/login.js';
import { SDKS, systemDevice } from '../src/tools/phone/open-link.js';
import { phone as command } from '../src/tools/phone/phone.js';
import { built } from './support/built.js';
import { newCertificate } from './support/certificate.js';
import { runCommand } from './support/commands.js';
import { ALICE, BOB, startSystem, WITH_CODES, withSystem, type System } from './support/system.js';
import { endPrograms, node, type Env } from './support/programs.js';
import { freePort } from './support/redis-server.js';

const NOT_ON_CELLULAR = '+447700900103';

const phone = (args: string[]) => runCommand(command, args);
/** In a process that has no terminal to ask for a code. */
const phoneProcess = (args: string[], env: Env = {}) =>
  node([...built('tools/cli.js'), 'phone', ...args], env).ended;

describe('silent-auth phone', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: WITH_CODES })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());
  afterEach(endPrograms);

  test.each(['ios', 'android'])(
    'logs in with the SDK for %s, and prints the duration of each step',
    async (sdk) => {
      const { code, output } = await phone([system.base, ALICE, '--sdk', sdk]);
      const steps = [
        'POST /login',
        '/oauth2/auth',
        '/operator/authorize',
        '/callback',
        'POST /verify',
        'GET /session',
      ];
      for (const step of steps) expect(output).toMatch(new RegExp(`^ *\\d+ ms .*${step} .*[23]0\\d`, 'm'));
      expect(output).toMatch(/^Logged in as \+447700900000 by silent_auth, in \d+ ms\.$/m);
      expect(code).toBe(0);
    },
  );

  test('exits with 1 if the SIM has another number, and prints the next step', async () => {
    const { code, output } = await phoneProcess([system.base, ALICE, '--sim', BOB]);
    expect(output).toContain('number_mismatch');
    expect(output).toContain('It can go on by sms or voice');
    expect(output).toMatch(/^Not logged in\.$/m);
    expect(code).toBe(1);
  });

  test('exits with 1 if no server answers', async () => {
    const nowhere = `localhost:${await freePort()}`;
    const { code, output } = await phone([`http://${nowhere}`, ALICE]);
    expect(output).toMatch(new RegExp(`^${nowhere} did not answer: .*ECONNREFUSED`, 'm'));
    expect(code).toBe(1);
  });

  test('traces every request and answer without the secrets of the login', async () => {
    const { code, output } = await phone([system.base, ALICE, '--trace']);
    expect(code).toBe(0);
    for (const line of [
      '> POST /login',
      '< HTTP/1.1 302 Found',
      '> GET /callback?code=',
      '< Content-Type: application/json',
    ]) {
      expect(output).toContain(line);
    }
    const enabled = (await system.upstream()).find(({ path }) => path.endsWith('/network-enablement'));
    const state = (enabled?.body as { state: string } | undefined)?.state;
    expect(output).not.toContain(state);
    // No twelve random characters are left in an address, a cookie or a code.
    expect(output).not.toMatch(/(?:[?&][\w.-]+=|"code":"|sid=)[\w%-]{12}/);
  });

  test('sends the language of messages', async () => {
    const { code } = await phone([system.base, ALICE, '--locale', 'de-AT', '--trace']);
    expect(code).toBe(0);
    const { code: refused, output } = await phone([system.base, ALICE, '--locale', 'de_AT']);
    expect(output).toContain('invalid_request');
    expect(refused).toBe(1);
  });

  test.each([
    ['', 2, /A base URL and a number are wanted/],
    [`https://login.example.com ${ALICE} more`, 2, /and nothing else/],
    [`login.example.com ${ALICE}`, 2, /is not a base URL/],
    [`https://login.example.com/auth?x ${ALICE}`, 2, /is not a base URL/],
    [`https://user@login.example.com/auth ${ALICE}`, 2, /is not a base URL/],
    ['https://login.example.com +4407700900000', 2, /\+4407700900000 is not a phone number in E\.164/],
    [`https://login.example.com ${ALICE} --sim 447700900001`, 2, /447700900001 is not a phone number/],
    [`https://login.example.com ${ALICE} --sdk web`, 2, /--sdk is ios or android, not web/],
    [`https://login.example.com ${ALICE} --odd`, 2, /Unknown option '--odd'/],
  ])('called with "%s" exits with %i', async (args, exit, says) => {
    const { code, output } = await phone(args.split(' ').filter((each) => each !== ''));
    expect(output).toMatch(says);
    expect(output).toContain('--trace');
    expect(code).toBe(exit);
  });

  describe('at a terminal', () => {
    /**
     * Logs in like the command, with `answer` as the user at the terminal. Pauses turn the clock.
     */
    const logInWith = async (number: string, answer: (question: string) => Promise<string>) => {
      const said: string[] = [];
      const pauses: number[] = [];
      const pause = (ms: number) => {
        pauses.push(ms / 1000);
        system.world.turn(ms / 1000);
        return Promise.resolve();
      };
      const ask = (question: string) => (said.push(question), answer(question));
      const isLoggedIn = await logIn(
        {
          ...{
            app: createAppClient(new URL(system.base), () => undefined),
            sdk: SDKS.ios,
            device: systemDevice(),
          },
          ...{ headers: {}, say: (line) => void said.push(line), trace: () => undefined, ask, pause },
        },
        number,
      );
      return { isLoggedIn, pauses, said: said.join('\n') };
    };

    test('continues with the code of an SMS, and asks again after a wrong code', async () => {
      let tries = 0;
      const { isLoggedIn, said } = await logInWith(NOT_ON_CELLULAR, async (question) => {
        if (!question.startsWith('The code')) return 'sms';
        return tries++ === 0 ? '000000' : ((await system.messages())[0]?.code ?? '');
      });
      expect(said).toContain('silent_auth_failed, denied: ');
      expect(said).toContain('invalid_code');
      expect(said).toMatch(/^Logged in as \+447700900103 by sms/m);
      expect([isLoggedIn, tries]).toEqual([true, 2]);
    });

    test('sends another code, and one by another channel, as soon as the server does', async () => {
      const answers = ['sms', 'again', 'voice'];
      const { pauses, said } = await logInWith(
        NOT_ON_CELLULAR,
        async () => answers.shift() ?? (await system.messages()).at(-1)?.code ?? '',
      );
      expect((await system.messages()).map(({ channel }) => channel)).toEqual(['sms', 'sms', 'voice']);
      expect(pauses).toEqual([30, 30]);
      expect(said).toContain('An earlier login of this number is in progress. Trying again in 30 s.');
      expect(said).toContain('The code, "again" for another one, "voice", or Enter to stop: ');
      expect(said).toMatch(/^Logged in as \+447700900103 by voice/m);
    });

    test('sends nothing paid unless the user agrees', async () => {
      const { isLoggedIn } = await logInWith(NOT_ON_CELLULAR, () => Promise.resolve(''));
      expect(isLoggedIn).toBe(false);
      expect(await system.messages()).toEqual([]);
    });
  });
});

describe('behind a proxy with TLS 1.3 only', () => {
  const folder = mkdtempSync(join(tmpdir(), 'phone-'));
  const trusted = join(folder, 'ca.pem');
  const sockets = new Set<Socket>();
  const { cert, key } = newCertificate();
  const behind = { port: 0 };
  const front = createServer({ cert, key, minVersion: 'TLSv1.3' }, (near) => {
    const far = connect(behind.port, 'localhost');
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined));
    near.pipe(far).pipe(near);
  });
  front.on('tlsClientError', () => undefined);

  beforeAll(async () => {
    writeFileSync(trusted, cert);
    await once(front.listen(0), 'listening');
  });
  afterAll(async () => {
    sockets.forEach((socket) => socket.destroy());
    front.close();
    rmSync(folder, { recursive: true });
    await endPrograms();
  });

  test('the SDK for Android logs in, and the one for iOS reports that it needs TLS 1.2', async () => {
    const PUBLIC_URL = `https://localhost:${(front.address() as AddressInfo).port}`;
    await withSystem({ env: { PUBLIC_URL } }, async (system) => {
      behind.port = Number(new URL(system.base).port);
      const env = { NODE_EXTRA_CA_CERTS: trusted };
      const android = await phoneProcess([PUBLIC_URL, ALICE, '--sdk', 'android'], env);
      expect(android.output).toMatch(/^Logged in as/m);
      expect(android.code).toBe(0);
      const ios = await phoneProcess([PUBLIC_URL, ALICE, '--sdk', 'ios'], env);
      expect(ios.output).toContain('the iOS SDK speaks TLS 1.2 and no other version');
      expect(ios.code).toBe(1);
    });
  });
});

test('an incomplete answer is an error for the app', async () => {
  const server = createHttpServer((_req, res) => {
    res.writeHead(200, { 'Content-Length': '9' }).write('{');
    setImmediate(() => res.destroy());
  }).listen(0);
  await once(server, 'listening');
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  const app = createAppClient(new URL(`http://${host}`), () => undefined);
  try {
    await expect(app.request('GET', '/session')).rejects.toThrow(`${host} did not answer: `);
  } finally {
    server.close();
  }
});

test.each([
  ['GET /callback?code=abcdefghijkl&state=short HTTP/1.1', 'GET /callback?code=abcd…&state=short HTTP/1.1'],
  [
    'Set-Cookie: __Host-sid=s%3Aabcdefgh.ijkl; Path=/; HttpOnly',
    'Set-Cookie: __Host-sid=s%3A…; Path=/; HttpOnly',
  ],
  ['{"code":"123456","channel":"sms"}', '{"code":"…","channel":"sms"}'],
  [
    'Location: https://api.nexmo.com/v2/verify/256df791-feff-49e3-b4c9-6db4765320a0/silent-auth/redirect',
    'Location: https://api.nexmo.com/v2/verify/256d…/silent-auth/redirect',
  ],
  [
    'x-request-id: 256df791-feff-49e3-b4c9-6db4765320a0',
    'x-request-id: 256df791-feff-49e3-b4c9-6db4765320a0',
  ],
  ['Strict-Transport-Security: max-age=63072000', 'Strict-Transport-Security: max-age=63072000'],
])('"%s" is printed as "%s"', (line, shown) => expect(withoutSecrets(line)).toBe(shown));
