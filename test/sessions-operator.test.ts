import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequestListener } from 'node:http';
import supertest from 'supertest';
import { listen, type Listening } from '../src/http/server.js';
import type { AuthEvent } from '../src/login/hooks.js';
import { createOperatorApp } from '../src/routes.js';
import { sessions as command } from '../src/tools/sessions.js';
import { built } from './support/built.js';
import { credentials, endPrograms, LISTENING, node, places } from './support/programs.js';
import { freePort } from './support/redis-server.js';
import { ALICE, BOB, postCode, redisUrlOfWorker, startSystem, type System } from './support/system.js';

type App = ReturnType<System['app']>;

const KEY = randomBytes(32).toString('base64');
const OPERATOR = { OPERATOR_KEY: KEY, METRICS_PORT: '0' };
const isAuthenticated = async (app: App) => Boolean((await app.get('/session')).body.authenticated);

let system: System;
let operators: Listening;
const events: AuthEvent[] = [];
beforeAll(async () => {
  const hooks = { onEvent: (event: AuthEvent) => void events.push(event) };
  system = await startSystem({ env: OPERATOR, hooks, servers: 2 });
  const app = createOperatorApp({ ...system, hooks }) as RequestListener;
  operators = await listen(app, { port: 0, docsUrl: 'errors' });
});
beforeEach(async () => {
  await system.reset();
  events.length = 0;
});
afterEach(endPrograms);
afterAll(() => Promise.all([operators.drain(0), system.stop()]));

const logIn = async (phoneNumber = ALICE): Promise<App> => {
  // A login that begins in the millisecond of a revocation counts as one that began before.
  system.world.turn(1);
  const { app, code } = await system.walkedLogin(phoneNumber);
  await postCode(app, code).expect(200);
  return app;
};

describe('the routes for operators', () => {
  const ask = (path: string, body: object, authorization = `Bearer ${KEY}`) =>
    supertest(`http://localhost:${operators.port}`).post(path).set('authorization', authorization).send(body);
  const ofAlice = { phone_number: ALICE };

  test('list the sessions of a number', async () => {
    await logIn(BOB);
    const [first, second] = [await logIn(), await logIn()];
    const { body } = await ask('/sessions/list', ofAlice).expect(200);
    const own = (await second.get('/sessions').expect(200)).body.sessions as Record<string, unknown>[];
    expect(body.sessions).toEqual(
      own.map(({ id, authenticated_at, channels }) => ({
        ...{ id, authenticated_at, channels },
        last_used_at: expect.any(String),
        expires_at: expect.any(String),
      })),
    );
    expect(body.sessions).toHaveLength(2);
    await first.post('/logout').expect(204);
    expect((await ask('/sessions/list', ofAlice)).body.sessions).toHaveLength(1);
  });

  test('end the sessions of a number on every server, and its logins that are under way', async () => {
    const [one, two, bob] = [await logIn(), await logIn(), await logIn(BOB)];
    const late = await system.walkedLogin();
    const { body } = await ask('/sessions/revoke', ofAlice).expect(200);
    expect(body).toEqual({ ended: 2 });
    for (let server = 0; server < 2; server++)
      expect(await Promise.all([one, two, bob].map(isAuthenticated))).toEqual([false, false, true]);
    await postCode(late.app, late.code).expect(410);
    expect((await ask('/sessions/revoke', ofAlice)).body).toEqual({ ended: 0 });
    expect(await isAuthenticated(await logIn())).toBe(true);
  });

  test('report a revocation to onEvent, and log it without the number', async () => {
    await logIn();
    await ask('/sessions/revoke', ofAlice).expect(200);
    expect(events.at(-1)).toMatchObject({ type: 'session_revoked', by: 'operator', phoneNumber: ALICE });
    const line = system.world
      .logged()
      .split('\n')
      .findLast((each) => each.includes('"step":"revoke"'));
    expect(line).toMatch(/"number":"[\w-]{16}","by":"operator","ended":1/);
    expect(system.world.logged()).not.toContain(ALICE);
  });

  test('log a refusal without the key', async () => {
    for (const path of ['/sessions/list', '/sessions/revoke'])
      await ask(path, ofAlice, `Bearer ${KEY}A`).expect(401);
    const lines = system.world.logged().split('\n').slice(-2);
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual(
      ['list', 'revoke'].map(
        (step) => expect.objectContaining({ step, outcome: 'not_authenticated' }) as object,
      ),
    );
    expect(system.world.logged()).not.toContain(KEY);
  });

  test.each([
    ['no key', ''],
    ['another key', `Bearer ${KEY.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))}`],
    ['a part of the key', `Bearer ${KEY.slice(0, -1)}`],
    ['more than the key', `Bearer ${KEY}A`],
    ['an empty key', 'Bearer '],
    ['another scheme', `Basic ${KEY}`],
  ])('refuse %s', async (_what, authorization) => {
    const app = await logIn();
    for (const path of ['/sessions/list', '/sessions/revoke']) {
      const answer = await ask(path, ofAlice, authorization).expect(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(answer.body).toMatchObject({ error: 'not_authenticated', status: 401 });
    }
    expect(await isAuthenticated(app)).toBe(true);
  });

  test.each([
    ['no number', {}, 'invalid_request'],
    ['a national number', { phone_number: '07700900000' }, 'invalid_phone_number'],
    ['more than a number', { phone_number: ALICE, all: true }, 'invalid_request'],
  ])('refuse %s', async (_what, body, error) => {
    for (const path of ['/sessions/list', '/sessions/revoke'])
      expect((await ask(path, body).expect(400)).body.error).toBe(error);
  });

  test('answer another method with 405, and another path with 404', async () => {
    const base = supertest(`http://localhost:${operators.port}`);
    await base.get('/sessions/list').expect(405);
    await base.post('/sessions').expect(404);
  });

  test('do not exist without OPERATOR_KEY', () => {
    expect(createOperatorApp({ ...system, config: { ...system.config, operatorKey: undefined } })).toBe(
      undefined,
    );
  });
});

describe('silent-auth sessions', () => {
  const env = { ...credentials(), REDIS_URL: redisUrlOfWorker() };
  const run = async (...args: string[]) => {
    const [out, err]: [string[], string[]] = [[], []];
    const terminal = {
      out: (line: string) => void out.push(line),
      err: (line: string) => void err.push(line),
    };
    const code = await command(args, { env, world: system.world, ...terminal });
    return { code, out, err };
  };

  test('list prints a table, without the handle of a session', async () => {
    await logIn();
    const { code, out } = await run('list', ALICE);
    expect(code).toBe(0);
    expect(out[0]).toMatch(/^id +logged in +channels +last used +expires$/);
    expect(out[1]).toMatch(/^[\w-]{22} {2}\d{4}-\d\d-\d\dT[\d:]{8}Z +silent_auth +\d{4}.*Z$/);
    const [key = ''] = await system.redis.keys('sess:*');
    expect(out.join()).not.toContain(key.slice('sess:'.length));
    expect(await run('list', BOB)).toEqual({
      code: 0,
      out: [expect.stringMatching(/^No sessions: .* under this SESSION_SECRET\. .* endSessions instead\.$/)],
      err: [],
    });
  });

  test('revoke ends the sessions of the number alone', async () => {
    const [one, two, bob] = [await logIn(), await logIn(), await logIn(BOB)];
    expect(await run('revoke', ALICE)).toEqual({ code: 0, out: ['2 sessions ended.'], err: [] });
    expect(await Promise.all([one, two, bob].map(isAuthenticated))).toEqual([false, false, true]);
    expect((await run('revoke', ALICE)).out).toEqual([
      expect.stringMatching(/^No session ended: .* under this SESSION_SECRET\. .* endSessions instead\.$/),
    ]);
  });

  test.each([
    [[], /^One of list and revoke is wanted, and a phone number\./],
    [['revoke'], /^One of list and revoke/],
    [['end', ALICE], /^One of list and revoke/],
    [['revoke', ALICE, BOB], /^One of list and revoke/],
    [['revoke', '07700900000'], /^07700900000 is not a phone number in E\.164/],
  ])('refuses %j', async (args, problem) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([2, []]);
    expect(err[0]).toMatch(problem);
  });

  test('needs settings with which the server starts, and Redis', async () => {
    const terminal = {
      world: system.world,
      out: () => undefined,
      err: (line: string) => void lines.push(line),
    };
    const lines: string[] = [];
    expect(await command(['list', ALICE], { ...terminal, env: {} })).toBe(2);
    expect(lines.join()).toContain('SESSION_SECRET is missing');
    expect(await command(['list', ALICE], { ...terminal, env: credentials() })).toBe(2);
    expect(lines.join()).toContain('REDIS_URL is missing');
    const away = `redis://localhost:${await freePort()}`;
    expect(await command(['list', ALICE], { ...terminal, env: { ...env, REDIS_URL: away } })).toBe(2);
    expect(lines.at(-1)).toBe('Redis did not answer. Try again.');
  });
});

test('a server and the command end sessions of each other, and call the hook', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sessions-'));
  try {
    const HOOKS = join(folder, 'hooks.mjs');
    writeFileSync(HOOKS, 'export const onEvent = ({ type, by }) => console.log(`told of ${type} by ${by}`);');
    const { env } = await places();
    const METRICS_PORT = `${await freePort()}`;
    const all = { ...env, ...credentials(), REDIS_URL: redisUrlOfWorker(), ...{ HOOKS, METRICS_PORT } };
    const server = node(built('main.js'), { ...all, OPERATOR_KEY: KEY });
    await server.said(LISTENING);
    const at = `http://127.0.0.1:${METRICS_PORT}`;
    const app = await logIn();
    const post = async (path: string) => {
      const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
      const body = JSON.stringify({ phone_number: ALICE });
      return (await fetch(at + path, { method: 'POST', headers, body })).json();
    };
    expect(await post('/sessions/list')).toMatchObject({ sessions: [{ channels: ['silent_auth'] }] });
    expect(await post('/sessions/revoke')).toEqual({ ended: 1 });
    await server.said(/told of session_revoked by operator/);
    expect(await isAuthenticated(app)).toBe(false);
    expect((await fetch(`${at}/metrics`)).status).toBe(200);
    expect((await fetch(`${at}/sessions/list`, { method: 'POST' })).status).toBe(401);
    await logIn();
    const cli = node([...built('tools/cli.js'), 'sessions', 'revoke', ALICE], all);
    const { code, output } = await cli.ended;
    expect(output.split('\n').sort()).toEqual([
      '',
      '1 session ended.',
      'told of session_revoked by operator',
    ]);
    expect(code).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
