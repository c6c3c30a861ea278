import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import supertest from 'supertest';
import { builtPackage } from './support/built.js';
import { walk } from './support/device.js';
import { ALICE, redisUrlOfWorker } from './support/system.js';
import {
  credentials,
  endPrograms,
  node,
  places,
  ROOT,
  SANDBOX,
  type Env,
  type Program,
} from './support/programs.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'example-'));
const tsc = (...args: string[]) =>
  run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...args], { cwd: folder });

/** The built package, and the example unchanged. */
beforeAll(() => {
  for (const part of ['package.json', 'public', 'src/sandbox/public', 'docs', 'examples'])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  cpSync(join(builtPackage(), 'dist'), join(folder, 'dist'), { recursive: true });
});
afterAll(async () => {
  await endPrograms();
  rmSync(folder, { recursive: true });
});

describe('the shop of examples/express, which imports the package by its name', () => {
  let shop: Program;
  let base: string;
  beforeAll(async () => {
    const { base: at, sandbox, env } = await places();
    base = at;
    const all: Env = { ...env, ...credentials(), AUTH_URL_HOSTS: new URL(sandbox).host };
    // The sandbox redirects to the mount path.
    await node(['dist/sandbox/main.js'], { ...all, PUBLIC_URL: `${base}/auth` }, folder).said(SANDBOX);
    shop = node(['examples/express/server.js'], { ...all, REDIS_URL: redisUrlOfWorker() }, folder);
    await shop.said(/The shop is at/);
  });

  it('logs a customer in within the session of the shop, and keeps the cart', async () => {
    const app = supertest.agent(base);
    await app.post('/cart/apple').expect(200);
    await app.get('/orders').expect(401);
    const begun = await app.post('/auth/login').send({ phone_number: ALICE }).expect(201);
    const home = await walk(String(begun.body.auth_url));
    await app.post('/auth/verify').send({ code: home.json?.['code'] }).expect(200);
    const orders = await app.get('/orders').expect(200);
    expect(orders.body).toEqual({ customer: ALICE, by: 'silent_auth', cart: ['apple'] });
    await app.post('/sign-out').expect(204);
    await app.get('/orders').expect(401);
  });

  it('stops on SIGTERM', async () => {
    shop.child.kill('SIGTERM');
    expect(await shop.ended).toMatchObject({ code: 0 });
  });
});

it('the types of the package accept the documented API, and reject anything else', async () => {
  const program = `
    import express from 'express';
    import { createSilentAuth, type SilentAuthOptions } from 'silent-auth-bff';
    const hooks = { beforeSession: () => ({ allow: true }) };
    const options: SilentAuthOptions = { session: 'host', homeUrl: '/', hooks };
    const silentAuth = createSilentAuth(options);
    express().use('/auth', silentAuth).get('/me', silentAuth.load, (req, res) => {
      const number: string | undefined = req.silentAuth?.user?.phoneNumber;
      res.json({ number });
    });
    // @ts-expect-error: not a valid session
    createSilentAuth({ session: 'theirs' });
  `;
  writeFileSync(join(folder, 'uses.ts'), program);
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', 'node'];
  expect(await tsc(...flags, '--ignoreConfig', 'uses.ts')).toMatchObject({ stdout: '' });
});
