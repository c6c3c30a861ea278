import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import supertest from 'supertest';
import { parse } from 'yaml';
import { readConfig } from '../src/config/config.js';
import { built, builtPackage } from './support/built.js';
import { walk } from './support/device.js';
import { ALICE, redisUrlOfWorker } from './support/system.js';
import {
  credentials,
  endPrograms,
  LISTENING,
  node,
  places,
  ROOT,
  SANDBOX,
  type Env,
  type Program,
} from './support/programs.js';
import { freePort } from './support/redis-server.js';
import { until } from './support/until.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'processes-'));

afterEach(endPrograms);
afterAll(() => rmSync(folder, { recursive: true }));

/** Logs a number in through all five steps. */
async function logIn(base: string): Promise<void> {
  const app = supertest.agent(base);
  const begun = await app.post('/login').send({ phone_number: ALICE }).expect(201);
  const home = await walk(String(begun.body.auth_url));
  expect(home).toMatchObject({ status: 200, json: { login_id: begun.body.login_id } });
  const verified = await app.post('/verify').send({ code: home.json?.['code'] }).expect(200);
  expect(verified.body).toEqual({ verified: true, phone_number: ALICE, channel: 'silent_auth' });
  const session = await app.get('/session').expect(200);
  expect(session.body).toMatchObject({ authenticated: true, phone_number: ALICE });
}

/** Makes Node refuse to write files, like a read-only root filesystem. */
const READ_ONLY = [
  process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission',
  '--allow-fs-read=*',
];

const isOpen = (port: number, host = 'localhost'): Promise<boolean> =>
  new Promise((answer) => {
    const socket = connect(port, host);
    socket.once('error', () => answer(false));
    socket.once('connect', () => {
      socket.destroy();
      answer(true);
    });
  });

describe('a server that receives SIGTERM', () => {
  it('is not ready, answers the pending login, accepts no new connection, and exits with 0', async () => {
    const { port, base, sandbox, env } = await places();
    const all = { ...env, ...credentials() };
    await node(built('sandbox/main.js'), all).said(SANDBOX);
    const server = node(built('main.js'), { ...all, DRAIN_SECONDS: '1' });
    await server.said(LISTENING);
    const headers = { 'content-type': 'application/json' };
    const slow = JSON.stringify({ 'network-enablement': { delay_ms: 2500 } });
    await fetch(`${sandbox}/__sandbox/faults`, { method: 'PUT', headers, body: slow });

    let answered = false;
    const login = fetch(`${base}/login`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ phone_number: ALICE }),
    }).finally(() => (answered = true));
    const asked = async () =>
      ((await (await fetch(`${sandbox}/__sandbox/requests`)).json()) as unknown[]).length > 0;
    await until(asked);
    server.child.kill('SIGTERM');
    await server.said(/"msg":"stopping"/);
    const [ready, session] = [await fetch(`${base}/readyz`), await fetch(`${base}/session`)];
    expect([ready.status, session.status]).toEqual([503, 200]);
    for (const each of [ready, session]) expect(each.headers.get('connection')).toBe('close');
    await until(async () => !(await isOpen(port)));
    expect(answered).toBe(false);

    const answer = await login;
    expect(answer.status).toBe(201);
    expect(await answer.json()).toMatchObject({ channel: 'silent_auth' });
    const { code, output } = await server.ended;
    expect([code, output]).toEqual([0, expect.stringContaining('stopped')]);
    // A probe of a server that stops is no failure.
    expect(output).not.toContain('"level":50');
  });
});

describe('the log', () => {
  it.each([
    ['ends normally', ''],
    ['calls process.exit', 'process.exit(0);'],
    ['throws', 'throw new Error("nobody caught this");'],
  ])('has every line when the process %s', async (_how, ending) => {
    const [observability] = built('observability/observability.js');
    // More than the buffer holds, in one event loop turn.
    const program = `
      const { openObservability } = await import('${observability}');
      const { log } = await openObservability({ logLevel: 'info', production: true });
      for (let line = 0; line < 500; line++) log.info({ line }, 'told');
      ${ending}
    `;
    const { output } = await node(['--input-type=module', '--eval', program]).ended;
    const lines = [...output.matchAll(/"line":(\d+)/g)].map(([, line]) => Number(line));
    // At the end, a line that is just being written may come after the others.
    expect(lines.sort((one, other) => one - other)).toEqual(Array.from({ length: 500 }, (_, line) => line));
  });

  it('may fail for a while, as on a full disk: the process goes on, can end, and writes the lines later', async () => {
    const [observability] = built('observability/observability.js');
    const file = join(folder, 'log');
    const run = (ending: string) => {
      // The first free descriptor is that of stdout.
      const program = `
        import { closeSync, openSync } from 'node:fs';
        import { setTimeout as pause } from 'node:timers/promises';
        const { openObservability } = await import('${observability}');
        const lead = (file, flags) => (closeSync(1), openSync(file, flags));
        lead('/dev/null', 'r');
        const { log } = await openObservability({ logLevel: 'info', production: true });
        for (let line = 0; line < 3; line++) {
          log.info({ line }, 'told');
          await pause(20);
        }
        console.error('alive');
        ${ending}
      `;
      return node(['--input-type=module', '--eval', program]).ended;
    };
    expect(await run('process.exit(0);')).toMatchObject({ code: 0, output: 'alive\n' });
    const later = `lead('${file}', 'w'); log.info({ line: 3 }, 'told');`;
    expect(await run(later)).toMatchObject({ code: 0, output: 'alive\n' });
    const lines = [...readFileSync(file, 'utf8').matchAll(/"line":(\d+)/g)].map(([, line]) => Number(line));
    expect(lines).toEqual([0, 1, 2, 3]);
  });
});

describe('invalid settings', () => {
  it('are all reported at once, and the server does not start', async () => {
    const { code, output } = await node(built('main.js')).ended;
    expect(code).toBe(1);
    expect(output).toBe(
      [
        'The settings cannot be used:',
        '  - VONAGE_APPLICATION_ID is missing: the id (a UUID) of your application in the Vonage dashboard.',
        "  - VONAGE_PRIVATE_KEY is missing: the application's private key as PEM, base64 or a file path.",
        '  - SESSION_SECRET is missing: set it to what `openssl rand -base64 32` prints. Several, separated by commas, rotate.',
        '  - BRAND must be the name your users know, 1 to 18 characters, none of / { } : $. It stands in every message.',
        '',
      ].join('\n'),
    );
  });

  it('include a missing Redis and plain http in production', () => {
    const env = { ...credentials(), NODE_ENV: 'production', VONAGE_BASE_URL: 'http://localhost:4000' };
    const read = () => readConfig(env);
    expect(read).toThrow('REDIS_URL is missing');
    expect(read).toThrow('PUBLIC_URL is missing');
    expect(read).toThrow('VONAGE_BASE_URL must begin with https://');
  });
});

describe('the demo', () => {
  it('without configuration logs a number in, gives the answers of the README, and listens on this machine alone', async () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const [, script = ''] = /```sh\n([^`]*curl[^]*?)```/.exec(readme) ?? [];
    expect(script).toContain('http://localhost:3000');
    const { base, port, env } = await places();
    const { PORT = '', SANDBOX_PORT = '' } = env;
    const demo = node([...built('tools/cli.js'), 'demo'], { PORT, SANDBOX_PORT });
    await demo.said(/The demo is at/);
    await expectListening([port, Number(SANDBOX_PORT)], false);
    await logIn(base);
    const { stdout } = await run('sh', ['-euc', script.replaceAll('http://localhost:3000', base)], {
      cwd: folder,
    });
    expect(stdout).toContain(`{"verified":true,"phone_number":"${ALICE}","channel":"silent_auth"}`);
    expect(stdout).toContain(`{"authenticated":true,"phone_number":"${ALICE}"`);
    demo.child.kill('SIGINT');
    expect(await demo.ended).toMatchObject({ code: 0 });
  });

  /** Whether these ports accept connections on loopback, and on the other addresses. */
  const expectListening = async (ports: number[], elsewhere: boolean): Promise<void> => {
    const others = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')
      .map(({ address }) => address);
    for (const port of ports) {
      expect(await isOpen(port, '127.0.0.1')).toBe(true);
      for (const address of others)
        expect([address, await isOpen(port, address)]).toEqual([address, elsewhere]);
    }
  };

  it.each([
    ['network-enablement', '0.0.0.0'],
    ['oidc', undefined],
    ['verify', undefined],
    ['camara', undefined],
  ])(
    'behind PUBLIC_URL and SANDBOX_PUBLIC_URL, %s gives links that lead to the sandbox (HOST=%s)',
    async (SILENT_AUTH, HOST) => {
      const { base, port, sandbox, env } = await places();
      const { PORT = '', SANDBOX_PORT = '' } = env;
      // The operator of the CAMARA profile is asked at its public URL.
      const sandboxUrl = SILENT_AUTH === 'camara' ? sandbox : 'https://sandbox.example.com';
      const urls = { PUBLIC_URL: 'https://login.example.com/', SANDBOX_PUBLIC_URL: sandboxUrl };
      const own = { PORT, SANDBOX_PORT, SILENT_AUTH, ...urls, ...(HOST !== undefined && { HOST }) };
      const demo = node([...built('tools/cli.js'), 'demo'], own);
      await demo.said(/The demo is at {5}https:\/\/login\.example\.com {3}/);
      await expectListening([port, Number(SANDBOX_PORT)], HOST !== undefined);
      const begun = await supertest(base)
        .post('/login')
        .set({ origin: 'https://login.example.com', 'sec-fetch-site': 'same-origin' })
        .send({ phone_number: ALICE })
        .expect(201);
      expect(new URL(String(begun.body.auth_url)).origin).toBe(sandboxUrl);
      expect(begun.headers['set-cookie']?.[0]).toMatch(/^__Host-sid=.*; Secure/);
    },
  );

  it('reports all its problems at once', async () => {
    const env = {
      NODE_ENV: 'production',
      HOST: 'my-computer',
      PUBLIC_URL: 'http://192.168.1.2:3000',
      SANDBOX_PUBLIC_URL: 'http://192.168.1.2:4000',
      SIM_SWAP_HOURS: 'many',
    };
    const { code, output } = await node([...built('tools/cli.js'), 'demo'], env).ended;
    expect(code).toBe(1);
    expect(output).toContain('- NODE_ENV is production');
    expect(output).toContain('- HOST must be an IP address');
    expect(output).toContain('- SIM_SWAP_HOURS must be');
    expect(output).toContain('- PUBLIC_URL must begin with https://; http is only for localhost.');
    expect(output).toContain('- SANDBOX_PUBLIC_URL must begin with https://; http is only for localhost.');
  });

  it('names a port that cannot be used, and not the URLs that contain it', async () => {
    const env = { PORT: '3000a', SANDBOX_PORT: '70000' };
    const { code, output } = await node([...built('tools/cli.js'), 'demo'], env).ended;
    expect(code).toBe(1);
    expect(output).toContain('- PORT must be a whole number, 1 to 65535.');
    expect(output).toContain('- SANDBOX_PORT must be a whole number, 1 to 65535.');
    expect(output).not.toContain('URL');
  });
});

describe('the image', () => {
  const image = join(folder, 'image');
  /** `silent-auth`, as the Dockerfile links it. */
  const CLI = 'dist/tools/cli.js';

  // The files that the last stage of the Dockerfile copies, built like its first stage.
  beforeAll(() => {
    cpSync(join(builtPackage(), 'dist'), join(image, 'dist'), { recursive: true });
    for (const part of ['package.json', 'public', 'openapi.yaml', 'docs/errors.md', 'src/sandbox/public']) {
      cpSync(join(ROOT, part), join(image, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(image, 'node_modules'));
  });

  it('serves in production, passes its health check, and stops', async () => {
    const port = await freePort();
    const env = {
      ...credentials(),
      NODE_ENV: 'production',
      SILENT_AUTH: 'verify',
      PORT: `${port}`,
      PUBLIC_URL: 'https://login.acme.test',
      REDIS_URL: redisUrlOfWorker(),
    };
    const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
    const [, check = '[]'] = /HEALTHCHECK[^[]*(\[.*\])/.exec(dockerfile) ?? [];
    const [, ...healthcheck] = JSON.parse(check) as string[];
    const server = node([...READ_ONLY, CLI, 'serve'], env, image);
    await server.said(LISTENING);
    expect(await node(healthcheck, env).ended).toEqual({ code: 0, output: '' });

    const ready = await fetch(`http://localhost:${port}/readyz`);
    expect(ready.status).toBe(200);
    expect(ready.headers.get('strict-transport-security')).toContain('max-age');
    expect(await (await fetch(`http://localhost:${port}/errors.md`)).text()).toContain('## invalid_code');
    for (const path of ['/openapi.json', '/docs', '/pages.css']) {
      expect([path, (await fetch(`http://localhost:${port}${path}`)).status]).toEqual([path, 200]);
    }
    expect(await (await fetch(`http://localhost:${port}/client.js`)).text()).toContain('createClient');
    const begun = await fetch(`http://localhost:${port}/session`);
    expect(await begun.json()).toEqual({ authenticated: false });

    server.child.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0 });
    expect(await node(healthcheck, env).ended).toMatchObject({ code: 1 });
  });

  it('logs a number in with the programs of docker-compose.yml', async () => {
    interface Service {
      command: string[];
      environment: Env;
      healthcheck: { test: string[] };
    }
    const file = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
    const { services } = parse(file) as { services: Record<'setup' | 'sandbox' | 'server', Service> };
    const { base, sandbox, env } = await places();
    // Container addresses and published ports become local ones.
    const here = (text: string): string =>
      text
        .replace('http://localhost:3000', base)
        .replace('http://sandbox:4000', sandbox)
        .replace('localhost:4000', new URL(sandbox).host)
        .replace('redis://redis:6379', redisUrlOfWorker())
        .replace(/^3000$/, env['PORT'] ?? '')
        .replace(/^4000$/, env['SANDBOX_PORT'] ?? '')
        .replace('/setup/.env', join(folder, 'compose.env'));
    const start = ({ command: [program, ...args], environment }: Service): Program => {
      expect(program).toBe('silent-auth');
      const settings = Object.entries(environment).map(([name, value]) => [name, here(value)] as const);
      return node([CLI, ...args.map(here)], Object.fromEntries(settings), image);
    };

    expect(await start(services.setup).ended).toMatchObject({ code: 0 });
    await start(services.sandbox).said(SANDBOX);
    const [, , ...healthcheck] = services.sandbox.healthcheck.test;
    const address = '127.0.0.1:4000';
    expect(healthcheck.join(' ')).toContain(address);
    const atPort = healthcheck.map((word) => word.replace(address, `127.0.0.1:${env['SANDBOX_PORT'] ?? ''}`));
    expect(await node(atPort).ended).toEqual({ code: 0, output: '' });
    await start(services.server).said(LISTENING);
    await logIn(base);
  });
});
