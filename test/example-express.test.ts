import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { installPackage } from './support/packed.js';
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

const folder = mkdtempSync(join(tmpdir(), 'example-'));

/** The installed package, and the example unchanged. */
beforeAll(async () => {
  await installPackage(folder);
  cpSync(join(ROOT, 'examples/express'), join(folder, 'shop'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
}, 300_000);
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
    await node(
      [join(folder, 'node_modules/silent-auth-bff/dist/tools/cli.js'), 'sandbox'],
      { ...all, PUBLIC_URL: `${base}/auth` },
      folder,
    ).said(SANDBOX);
    shop = node(['shop/server.js'], { ...all, REDIS_URL: redisUrlOfWorker() }, folder);
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

  it('reports a port that is taken', async () => {
    const env = { ...credentials(), PORT: new URL(base).port, REDIS_URL: redisUrlOfWorker() };
    const { code, output } = await node(['shop/server.js'], env, folder).ended;
    expect([code, output]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
  });

  it('stops on SIGTERM', async () => {
    shop.child.kill('SIGTERM');
    expect(await shop.ended).toMatchObject({ code: 0 });
  });
});
