import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { createApp } from '../src/routes.js';
import { ERRORS } from '../src/core/errors.js';
import type { Hooks } from '../src/login/hooks.js';
import {
  answersTo,
  contract,
  errorsOf,
  faultsOf,
  operations,
  outcomesOf,
  type Answer,
} from './support/contract.js';
import { ASSERTIONS } from './support/assertions.js';
import { walk } from './support/device.js';
import type { Exchange } from './support/exchange.js';
import {
  ALICE,
  BOB,
  startSystem,
  postCode,
  UNLIMITED,
  withSystem,
  CHAINED,
  WITH_CODES,
  type System,
  type SystemOptions,
} from './support/system.js';
import { startRedis } from './support/redis-server.js';

const root = resolve(__dirname, '..');
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8');

/** Every answer of the document: its operation, status and content. */
const declared = [
  ...operations.map(({ method, path, operation }) => ({
    of: `${method} ${path}`,
    answers: operation.responses,
  })),
  { of: 'other requests', answers: contract['x-other-requests'] },
].flatMap(({ of, answers }) => Object.entries(answers).map(([status, answer]) => ({ of, status, answer })));

const examplesOf = ({ content = {} }: Answer) =>
  Object.values(content).flatMap(({ schema, examples = {} }) =>
    Object.entries(examples).map(([name, { value }]) => ({ name, value, schema })),
  );

interface Layer {
  route?: { path: string; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
}

/** The routes of an Express app, without `_all`, which refuses other methods. */
const routesOf = (stack: readonly Layer[]): string[] =>
  stack.flatMap(({ route, handle }) =>
    route === undefined
      ? routesOf(handle.stack ?? [])
      : Object.keys(route.methods)
          .filter((method) => method !== '_all')
          .map((method) => `${method.toUpperCase()} ${route.path}`),
  );

describe('openapi.yaml', () => {
  it('has every route of the app, and no other', () =>
    withSystem({ store: 'memory', env: ASSERTIONS }, ({ config, store, world }) => {
      const { router } = createApp({ config, store, world, root });
      const routes = routesOf((router as unknown as { stack: Layer[] }).stack);
      const pages = routes.filter((route) => !/^GET \/(?:vendor|page)\//.test(route));
      // `/callback` has a HEAD route only to refuse it.
      const served = [...new Set(pages)]
        .filter((route) => route !== 'HEAD /callback')
        .map((route) => route.replace(/:(\w+)/g, '{$1}'));
      expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(served.sort());
      return Promise.resolve();
    }));

  it('has every error of the product, each under its status, and no other', () => {
    for (const { of, status, answer } of declared) {
      for (const error of errorsOf(answer)) {
        expect([of, error, `${ERRORS[error][0]}`]).toEqual([
          of,
          error,
          status === 'default' ? expect.any(String) : status,
        ]);
        expect(answer).toMatchObject({ description: expect.stringContaining(`\`${error}\``) });
      }
    }
    const errors = declared.flatMap(({ answer }) => errorsOf(answer));
    expect([...new Set(errors)].sort()).toEqual(Object.keys(ERRORS).sort());
  });

  it('has the version of the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(contract.info.version).toBe(version);
  });

  it('has a unique operationId for each operation', () => {
    const names = operations.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
  });

  it('describes HEAD like GET, except at /callback', () => {
    expect(outcomesOf('HEAD', '/login')).toEqual(outcomesOf('GET', '/login'));
    expect(answersTo('HEAD', '/callback')).toBe(contract['x-other-requests']);
  });
});

/** Replaces random values, times, addresses and seconds, so that answers compare equal. */
function generic(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(generic);
  if (typeof value !== 'object' || value === null) {
    return String(value)
      .replace(/^https?:\/\/[^/]+\/errors\.md/, 'errors.md')
      .replace(/^https?:.*/, 'a link')
      .replace(/^[0-9a-f-]{32,36}$/, 'an id')
      .replace(/^[\w-]{43}$/, 'a code')
      .replace(/^(?=.*[A-Z])[\w-]{22}$/, 'a public id')
      .replace(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/, 'a JWT')
      .replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'a time');
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, name === 'retry_after' ? 'seconds' : generic(each)]),
  );
}

describe('the examples of openapi.yaml', () => {
  const given: { of: string; status: number; body: unknown }[] = [];
  const heard = ({ method, path, status, body }: Exchange) => {
    if (body.startsWith('{'))
      given.push({ of: `${method} ${path}`, status, body: generic(JSON.parse(body)) });
  };
  const inSystem = (options: SystemOptions, work: (system: System) => Promise<void>) =>
    withSystem({ ...options, heard }, work);
  const begin = (app: ReturnType<System['app']>, phoneNumber: string) =>
    app.post('/login').send({ phone_number: phoneNumber });
  const next = (app: ReturnType<System['app']>, channel: string) => app.post('/login/next').send({ channel });

  /** Gets every answer of a server with fallback channels. */
  async function askWithCodes(system: System): Promise<void> {
    const app = system.app();
    for (const path of ['/session', '/login', '/nothing', '/healthz', '/readyz']) await app.get(path);
    await app.put('/login');
    const silent = await system.walkedLogin();
    await postCode(silent.app, silent.code).expect(200);
    for (const path of ['/session', '/login', '/sessions']) await silent.app.get(path).expect(200);
    await silent.app.delete('/sessions/unknown').expect(404);
    await app.get('/sessions').expect(401);
    await silent.app.post('/login').send({ phone_number: BOB, reauthenticate: true }).expect(403);
    const { body } = await begin(app, ALICE);
    const other = await walk(String(body.auth_url), { sim: BOB });
    await postCode(app, String(other.json?.['code'])).expect(200);
    await walk(String((await begin(app, '+447700900103')).body.auth_url));
    const wifi = await system.walkedLogin('+447700900104');
    await postCode(wifi.app, wifi.code).expect(400);
    await postCode(wifi.app, wifi.code).expect(400);
  }

  async function askForCodes(system: System): Promise<void> {
    const app = system.app();
    await begin(app, '+447700900102').expect(201);
    await next(app, 'sms').expect(200);
    await app.get('/login').expect(200);
    const another = system.app();
    await begin(another, '+447700900102').expect(201);
    await next(another, 'sms').expect(409);
    for (const code of ['000000', '000001', '000002']) await postCode(app, code);
    const late = system.app();
    await begin(late, BOB).expect(201);
    await next(late, 'voice').expect(200);
    await next(late, 'sms').expect(409);
    system.world.turn(600);
    await postCode(late, '000000').expect(410);
  }

  /** Requests that are refused by their form. */
  async function askWrongly(system: System): Promise<void> {
    const app = system.app();
    await app.post('/login').send({ phone_number: 7, nonsense: 1 });
    await begin(app, '07700900000').expect(400);
    await begin(app, '+18005551234').expect(403);
    await begin(app, '+4915112345678').expect(403);
    await begin(app, ALICE).set('origin', 'https://evil.example').expect(403);
    await next(app, 'fax').expect(400);
    await app.post('/verify').send({}).expect(400);
    await app.post('/login').type('text/plain').send('x').expect(415);
    await app.post('/logout').type('json').send('{').expect(400);
    await app
      .post('/logout')
      .send({ x: 'x'.repeat(17_000) })
      .expect(413);
    await app.post('/webhooks/verify').set('authorization', 'Bearer x').send({}).expect(401);
    const state = `a${'A'.repeat(43)}`;
    await app.get('/callback').expect(400);
    await app.get(`/callback?state=${state}&code=x`).expect(410);
    await app.get(`/callback?state=${state}&code=x`).set('sec-fetch-dest', 'image').expect(403);
  }

  beforeAll(async () => {
    await inSystem({ env: { ...WITH_CODES, ALLOWED_COUNTRIES: 'GB' } }, async (system) => {
      await askWithCodes(system);
      await askForCodes(system);
      await askWrongly(system);
    });
    await inSystem({ env: CHAINED }, async (system) => {
      await begin(system.app(), ALICE).expect(201);
    });
    await inSystem({ env: { ...UNLIMITED, RATE_LIMITS: 'login-number=1' } }, async (system) => {
      await begin(system.app(), ALICE).expect(201);
      await begin(system.app(), ALICE).expect(429);
      await system.control('faults', { 'network-enablement': { status: 422, body: '{}' } });
      await begin(system.app(), BOB).expect(502);
      await system.control('faults', { 'network-enablement': { status: 504, body: '{}' } });
      await begin(system.app(), '+447700900002').expect(504);
    });
    await inSystem({ env: ASSERTIONS }, async (system) => {
      const { app, code } = await system.walkedLogin();
      await postCode(app, code).expect(200);
      await app.post('/session/assertion').expect(200);
      await system.app().post('/session/assertion').expect(401);
      system.world.turn(301);
      await app.post('/session/assertion').send({ max_age: 300 }).expect(401);
      await app.get('/.well-known/jwks.json').expect(200);
    });
    await inSystem({ hooks: { beforeLogin: () => ({ refuse: true }) } }, async (system) => {
      await begin(system.app(), ALICE).expect(403);
    });
    await inSystem(
      { env: WITH_CODES, hooks: { beforeSession: () => ({ stepUp: true }) } },
      async (system) => {
        const { app, code } = await system.walkedLogin();
        await postCode(app, code).expect(403);
      },
    );
    const once: Hooks['beforeSession'] = ({ channels }) =>
      channels.length > 1 ? { allow: true } : { stepUp: true };
    await inSystem({ env: WITH_CODES, hooks: { beforeSession: once } }, async (system) => {
      const { app, code } = await system.walkedLogin();
      await postCode(app, code).expect(403);
      await app.post('/login/next').send({ channel: 'sms' }).expect(200);
      await postCode(app, (await system.messages()).at(-1)?.code ?? '').expect(200);
      await app.get('/session').expect(200);
    });
    let meanwhile = (): Promise<void> => Promise.resolve();
    await inSystem({ hooks: { beforeLogin: () => meanwhile() } }, async (system) => {
      const { app } = await system.walkedLogin();
      meanwhile = () => system.redis.flushdb().then(() => undefined);
      await begin(app, ALICE).expect(410);
    });
    await inSystem(
      { through: (store) => ({ ...store, ping: () => Promise.reject(new Error()) }) },
      async (system) => {
        await system.app().get('/readyz').expect(500);
      },
    );
    const redis = await startRedis();
    await inSystem({ redisUrl: redis.url }, async (system) => {
      await redis.stop();
      await system.app().get('/readyz').expect(503);
    });
  });

  const answers = declared.flatMap(({ of, status, answer }) =>
    examplesOf(answer).map((example) => ({ of, status, ...example })),
  );

  test('match their schemas', () => {
    const faults = answers.map(({ of, status, name, value, schema }) => [
      of,
      status,
      name,
      faultsOf(schema, value),
    ]);
    expect(faults.filter(([, , , found]) => found?.length !== 0)).toEqual([]);
  });

  const isProblem = (value: unknown): value is { error: string } =>
    typeof value === 'object' && value !== null && 'error' in value;
  // An error that several routes share has one example.
  const single = new Map(
    answers.map((each) => [
      isProblem(each.value) ? JSON.stringify(each.value) : `${each.of} ${each.name}`,
      each,
    ]),
  );

  test.each([...single.values()])(
    '$of $status $name is an answer of the server',
    ({ of, status, name, value }) => {
      const alike = given.filter((each) =>
        isProblem(value)
          ? isProblem(each.body) && each.body.error === value.error
          : each.of === of && `${each.status}` === status,
      );
      expect(alike.map(({ body }) => body)).toContainEqual(generic(value));
      if (isProblem(value)) expect(name).toBe(value.error);
    },
  );

  test('exist for every JSON answer, and for every error but one', () => {
    const without = declared.filter(
      ({ of, answer }) =>
        of !== 'GET /openapi.json' &&
        Object.keys(answer.content ?? {}).some((type) => type.includes('json')) &&
        examplesOf(answer).length === 0,
    );
    expect(without).toEqual([]);
    const shown = answers.map(({ name }) => name);
    // This answer takes fifteen seconds (test/hostile/slow.test.ts).
    expect(Object.keys(ERRORS).filter((error) => !shown.includes(error))).toEqual(['request_timeout']);
  });

  const requests = operations.flatMap(({ method, path, operation }) =>
    Object.values(operation.requestBody?.content ?? {}).flatMap(({ schema, examples = {} }) =>
      Object.entries(examples).map(([name, { value }]) => ({ method, path, name, value, schema })),
    ),
  );

  test.each(requests)('$method $path $name is a request that the server accepts', ({ path, value, schema }) =>
    withSystem({ store: 'memory', env: ASSERTIONS }, async (system) => {
      expect(faultsOf(schema, value)).toEqual([]);
      const answer = await system
        .app()
        .post(path)
        .send(value as object);
      expect(answer.body.error).not.toBe('invalid_request');
    }),
  );
});

describe('the served documents', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ store: 'memory' })));
  afterAll(() => system.stop());

  test('at /openapi.json equal openapi.yaml', async () => {
    const answer = await fetch(`${system.base}/openapi.json`);
    expect(await answer.json()).toEqual(parse(read('openapi.yaml')));
    expect(answer.headers.get('cache-control')).toBe('no-cache');
  });

  test('at /errors.md equal docs/errors.md', async () => {
    const answer = await fetch(`${system.base}/errors.md`);
    expect(answer.headers.get('vary')).toBe('Accept');
    expect(await answer.text()).toBe(read('docs/errors.md'));
  });

  test('at /errors.md are a page for a browser, with a heading for the type of every error', async () => {
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    const page = await (await fetch(`${system.base}/errors.md`, { headers: { accept } })).text();
    for (const error of Object.keys(ERRORS)) expect(page).toContain(`<h2 id="${error}">${error}</h2>`);
  });
});
