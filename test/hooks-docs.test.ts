import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import supertest from 'supertest';
import { built } from './support/built.js';
import { walk } from './support/device.js';
import { ALICE, UNLIMITED } from './support/system.js';
import { freePort } from './support/redis-server.js';

const root = resolve(__dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'hooks-docs-'));

/** The example of docs/hooks.md in the demo, with one server for the services it calls. */
describe('the example of docs/hooks.md', () => {
  let services: Server;
  let demo: ChildProcess;
  let base: string;
  let sandbox: string;
  let said: Record<string, object | number>;
  let asked: { path: string; authorization: string | undefined; body: Record<string, unknown> }[];

  beforeAll(async () => {
    const [, code = ''] =
      /^```js\n([^]*?)^```$/m.exec(readFileSync(join(root, 'docs/hooks.md'), 'utf8')) ?? [];
    writeFileSync(join(folder, 'hooks.mjs'), code);
    services = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          const { url: path = '', headers } = req;
          const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
          asked.push({ path, authorization: headers.authorization, body });
          const answer = said[path] ?? {};
          res.statusCode = typeof answer === 'number' ? answer : 200;
          res.end(JSON.stringify(answer));
        });
    }).listen(0, '127.0.0.1');
    await once(services, 'listening');
    const url = `http://127.0.0.1:${(services.address() as AddressInfo).port}`;
    const [PORT, SANDBOX_PORT] = [`${await freePort()}`, `${await freePort()}`];
    [base, sandbox] = [`http://localhost:${PORT}`, `http://localhost:${SANDBOX_PORT}`];
    const env = {
      ...UNLIMITED,
      ...{ PATH: process.env['PATH'], PORT, SANDBOX_PORT, HOOKS: join(folder, 'hooks.mjs') },
      ...{ RISK_URL: url, SIM_SWAP_URL: `${url}/check`, SIM_SWAP_TOKEN: 'token' },
    };
    demo = spawn(process.execPath, [...built('tools/cli.js'), 'demo'], { cwd: root, env });
    // Read to the end: a full pipe would block the process.
    let output = '';
    await new Promise<void>((open, ended) => {
      demo.stdout?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes('The demo is at')) open();
      });
      demo.once('close', () => ended(new Error(`the demo did not start: ${output}`)));
    });
  });
  beforeEach(async () => {
    asked = [];
    said = { '/attestations': { genuine: true }, '/check': { swapped: false }, '/risks': { risk: 'low' } };
    await fetch(`${sandbox}/__sandbox/reset`, { method: 'POST' });
  });
  afterAll(async () => {
    const ended = once(demo, 'close');
    demo.kill();
    await ended;
    services.close();
    rmSync(folder, { recursive: true });
  });

  const begin = (app: ReturnType<typeof supertest.agent>, attestation = 'statement') =>
    app.post('/login').set('X-Attestation', attestation).send({ phone_number: ALICE });
  const proof = async () => {
    const app = supertest.agent(base);
    const begun = await begin(app).expect(201);
    const home = await walk(begun.body.auth_url);
    const verified = await app.post('/verify').send({ code: home.json?.['code'] });
    return { app, begun, verified };
  };

  test('logs in with a genuine device, an old SIM and a low risk', async () => {
    const { begun, verified } = await proof();
    expect(verified.body).toMatchObject({ verified: true, channel: 'silent_auth' });
    const { login_id: loginId } = begun.body;
    expect(asked).toEqual([
      {
        path: '/attestations',
        body: { loginId, phoneNumber: ALICE, ip: expect.any(String), attestation: 'statement' },
      },
      { path: '/check', authorization: 'Bearer token', body: { phoneNumber: ALICE, maxAge: 72 } },
      { path: '/risks', body: { loginId } },
    ]);
  });

  test('refuses a login without an attestation, or with a forged one', async () => {
    await supertest(base).post('/login').send({ phone_number: ALICE }).expect(403);
    said['/attestations'] = { genuine: false };
    expect((await begin(supertest.agent(base), 'forged').expect(403)).body.error).toBe('login_refused');
  });

  test('refuses a session after a SIM swap', async () => {
    said['/check'] = { swapped: true };
    expect((await proof()).verified.body.error).toBe('login_refused');
  });

  test('requires a code as well if the risk is not low', async () => {
    said['/risks'] = { risk: 'high' };
    const { app, verified } = await proof();
    expect(verified.body).toMatchObject({ error: 'step_up_required', next_channels: ['sms', 'voice'] });
    await app.post('/login/next').send({ channel: 'sms' }).expect(200);
    const messages = (await (await fetch(`${sandbox}/__sandbox/messages`)).json()) as { code: string }[];
    const done = await app.post('/verify').send({ code: messages.at(-1)?.code });
    expect(done.body).toMatchObject({ verified: true, channel: 'sms' });
  });

  test.each([
    ['low', { verified: true, channel: 'sms' }],
    ['high', { error: 'login_refused' }],
  ])('checks the risk of a login by code alone: %s', async (risk, answered) => {
    said['/risks'] = { risk };
    const app = supertest.agent(base);
    await begin(app).expect(201);
    await app.post('/login/next').send({ channel: 'sms' }).expect(200);
    const messages = (await (await fetch(`${sandbox}/__sandbox/messages`)).json()) as { code: string }[];
    const answer = await app.post('/verify').send({ code: messages.at(-1)?.code });
    expect(answer.body).toMatchObject(answered);
    expect(asked.map(({ path }) => path)).toContain('/risks');
  });

  test.each(['/check', '/risks'])('refuses logins while %s fails', async (path) => {
    said[path] = 500;
    const { app, verified } = await proof();
    expect(verified.body.error).toBe('unavailable');
    expect((await app.get('/session')).body.authenticated).toBe(false);
  });
});
