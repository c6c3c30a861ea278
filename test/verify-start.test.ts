import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { openFalsifyingProxy, type FalseAnswer } from './hostile/falsifying-proxy.js';
import { JSON_LINE, respond, response, respondWithBody } from './hostile/false-answers.js';
import {
  ALICE,
  startSystem,
  postCode,
  withSystem,
  CHAINED,
  WITH_CODES,
  type System,
} from './support/system.js';
import { startCountedSystem, type CountedSystem } from './support/scrape.js';
import { until } from './support/until.js';

type App = ReturnType<System['app']>;

const VERIFY = CHAINED;
const begin = (app: App, more: object = {}) => app.post('/login').send({ phone_number: ALICE, ...more });
const next = (app: App, channel?: string) => app.post('/login/next').send({ channel });
const tick = (system: System) => fetch(`${system.sandbox}/__sandbox/tick`, { method: 'POST' });
const channelsOf = async (system: System) => (await system.messages()).map(({ channel }) => channel);
const cancelled = async (system: System) =>
  (await system.upstream()).filter(({ method, status }) => method === 'DELETE' && status === 204).length;

/** The correct answer with another link. */
const link = (json: string): FalseAnswer =>
  respondWithBody(({ body }) => body.replace(/"check_url":"[^"]*"/, `"check_url":${json}`));
const cutOff: FalseAnswer = respond(
  ({ body }) => `HTTP/1.1 202 X\r\n${JSON_LINE}\r\nContent-Length: 9999\r\n\r\n${body}`,
);

/** Answers to a start that cannot be used, though they name the request. */
const UNUSABLE: Record<string, FalseAnswer> = {
  'a link to a stranger': link('"https://evil.example/x"'),
  'a link whose host only ends like one of Vonage': link('"https://evilvonage.com/x"'),
  'a link over http': link('"http://api.nexmo.com/x"'),
  'a link that is too long': link(`"http://localhost/${'x'.repeat(9000)}"`),
  'a link that is a list': link('["https://api.nexmo.com/x"]'),
  'an empty link': link('""'),
  'another status': respond(({ body }) => response(200, [JSON_LINE], body)),
  'another type': respond(({ body }) => response(202, ['Content-Type: text/plain'], body)),
  'a field twice': respondWithBody(({ body }) => body.replace('{', '{"check_url":null,')),
  'more than 64 KiB': respondWithBody(({ body }) => body.replace(/}$/, `,"x":"${'x'.repeat(70_000)}"}`)),
  'a word behind the JSON': respondWithBody(({ body }) => `${body} x`),
  'half of the body': respondWithBody(({ body }) => body.slice(0, -20)),
  'a connection that ends in the body': cutOff,
};

describe('a verification whose start is answered with', () => {
  let system: System;
  let falsifier: Awaited<ReturnType<typeof openFalsifyingProxy>>;
  beforeAll(async () => {
    falsifier = await openFalsifyingProxy();
    system = await startSystem({ env: VERIFY, between: (sandbox) => falsifier.placeBefore(sandbox) });
  });
  beforeEach(() => system.reset());
  afterAll(async () => {
    await system.stop();
    falsifier.stop();
  });

  test.each(Object.entries(UNUSABLE))(
    '%s is cancelled: it sends nothing, and blocks other logins no longer than it lives',
    async (_what, falseAnswer) => {
      const app = system.app();
      void falsifier.falsifyOnce('start', falseAnswer);
      const begun = await begin(app).expect(201);
      expect(begun.body).toMatchObject({ channel: null, auth_url: null, next_channels: ['sms', 'voice'] });
      system.world.turn(10);
      for (const refused of [await next(app, 'sms'), await begin(app)])
        expect(refused).toMatchObject({
          status: 409,
          body: { error: 'login_in_progress', retry_after: 20 },
        });
      system.world.turn(20);
      await until(async () => (await cancelled(system)) > 0);
      system.world.turn(600);
      await tick(system);
      expect(await system.messages()).toEqual([]);
      await begin(app).expect(201);
      await next(app, 'sms').expect(200);
      expect(await channelsOf(system)).toEqual(['sms']);
    },
  );

  test('an answer with an invalid request_id is dropped, and typed codes stay available', async () => {
    const app = system.app();
    void falsifier.falsifyOnce(
      'start',
      respondWithBody(() => '{"request_id":"../x","check_url":"https://evil.example/"}'),
    );
    expect((await begin(app).expect(201)).body.channel).toBe(null);
    system.world.turn(31);
    expect(await cancelled(system)).toBe(0);
  });
});

test.each<[string, FalseAnswer, number]>([
  [
    'a link to a stranger, which it does not need',
    respondWithBody(({ body }) => body.replace('{', '{"check_url":"https://evil.example/x",')),
    200,
  ],
  ['another type', respond(({ body }) => response(202, ['Content-Type: text/plain'], body)), 502],
])('an SMS whose start was answered with %s', async (_what, falseAnswer, status) => {
  const falsifier = await openFalsifyingProxy();
  const between = (sandbox: string) => falsifier.placeBefore(sandbox);
  try {
    await withSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'off' }, between }, async (system) => {
      const app = system.app();
      await begin(app).expect(201);
      void falsifier.falsifyOnce('start', falseAnswer);
      expect((await next(app, 'sms')).status).toBe(status);
      if (status === 200) return;
      expect((await next(app, 'sms').expect(409)).body).toMatchObject({ retry_after: 30 });
      system.world.turn(30);
      await until(async () => (await cancelled(system)) > 0);
      await next(app, 'sms').expect(200);
    });
  } finally {
    falsifier.stop();
  }
});

/**
 * Vonage for a number without coverage: it answers 202 without a link, at the next step.
 * A verification with only a silent step has no step then.
 */
async function openUncovered() {
  let sandbox = '';
  /** @returns status and body */
  const answerTo = async (req: IncomingMessage): Promise<[number, string]> => {
    let body = (await buffer(req)).toString();
    if (req.method === 'POST' && req.url === '/v2/verify') {
      const start = JSON.parse(body) as { workflow: { channel: string }[] };
      const workflow = start.workflow.filter(({ channel }) => channel !== 'silent_auth');
      if (workflow.length === 0) return [202, '{"request_id":"without-a-step"}'];
      body = JSON.stringify({ ...start, workflow });
    }
    const { authorization = '', 'content-type': type = 'application/json' } = req.headers;
    const headers = { authorization, 'content-type': type };
    const asked = { method: req.method ?? '', headers, ...(body !== '' && { body }) };
    const answered = await fetch(sandbox + (req.url ?? ''), asked);
    return [answered.status, await answered.text()];
  };
  const server = createServer((req, res) => {
    void answerTo(req).then(([status, text]) =>
      res.writeHead(status, { 'content-type': 'application/json' }).end(text),
    );
  });
  await new Promise<void>((listening) => server.listen(0, listening));
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  return {
    between: (at: string) => {
      sandbox = at;
      return url;
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe('a verification that Vonage starts without a link, at the step of the message', () => {
  let system: CountedSystem;
  let vonage: Awaited<ReturnType<typeof openUncovered>>;
  const counted = async (channel: string) => system.count('silent_auth_paid_sends_total', { channel });
  beforeEach(async () => {
    vonage = await openUncovered();
    system = await startCountedSystem({ env: VERIFY, between: vonage.between });
  });
  afterEach(async () => {
    await system.stop();
    vonage.stop();
  });

  test('begins with the message, and is counted as number_not_supported', async () => {
    const app = system.app();
    const begun = await begin(app).expect(201);
    const expiresAt = new Date(system.world.now() + 300_000).toISOString();
    expect(begun.body).toMatchObject({
      ...{ channel: 'sms', code_length: 6, auth_url: null, expires_at: expiresAt, next_channels: ['voice'] },
      reason: 'silent_auth_unavailable',
    });
    expect((await app.get('/login')).body).toMatchObject({
      ...{ status: 'pending', channel: 'sms', code_length: 6, expires_at: expiresAt },
      next_channels: ['voice'],
    });
    const failed = { channel: 'silent_auth', outcome: 'failed', reason: 'number_not_supported' };
    expect(await system.count('silent_auth_logins_total', failed)).toBe(1);
    expect([await channelsOf(system), await counted('sms')]).toEqual([['sms'], 1]);
  });

  test.each([undefined, 'sms'])(
    'neither repeats nor skips a message when /login/next asks for %p',
    async (channel) => {
      const app = system.app();
      await begin(app).expect(201);
      const calls = (await system.upstream()).length;
      expect((await next(app, channel).expect(200)).body).toMatchObject({
        channel: 'sms',
        next_channels: ['voice'],
      });
      expect(await system.upstream()).toHaveLength(calls);
      expect((await next(app).expect(200)).body).toMatchObject({ channel: 'voice', next_channels: [] });
      expect(await channelsOf(system)).toEqual(['sms', 'voice']);
      expect([await counted('sms'), await counted('voice')]).toEqual([1, 1]);
      await postCode(app, (await system.messages()).at(-1)?.code ?? '').expect(200);
    },
  );

  test('is completed by the code of the message, with its channel', async () => {
    const app = system.app();
    await begin(app).expect(201);
    const verified = await postCode(app, (await system.messages())[0]?.code ?? '').expect(200);
    expect(verified.body).toMatchObject({ verified: true, channel: 'sms' });
    expect(await counted('sms')).toBe(1);
  });

  test('moves to the call when the message expires, counted from the start', async () => {
    const app = system.app();
    await begin(app).expect(201);
    system.world.turn(299);
    expect((await app.get('/login')).body.channel).toBe('sms');
    system.world.turn(1);
    expect((await app.get('/login')).body.channel).toBe('voice');
    expect([await counted('sms'), await counted('voice')]).toEqual([1, 1]);
  });

  test('is cancelled if the silent step is the only one', () =>
    withSystem({ env: { ...VERIFY, FALLBACK_CHANNELS: 'none' }, between: vonage.between }, async (alone) => {
      const begun = await begin(alone.app()).expect(201);
      expect(begun.body).toMatchObject({ channel: null, auth_url: null, next_channels: [] });
      alone.world.turn(30);
      const isCancelled = ({ method, path }: { method: string; path: string }) =>
        method === 'DELETE' && path === '/v2/verify/without-a-step';
      await until(async () => (await alone.upstream()).some(isCancelled));
    }));
});

test('with COVERAGE_CHECK=false a link in the 202 is returned at once, and a missing one is awaited', () =>
  withSystem({ env: { ...VERIFY, COVERAGE_CHECK: 'false' } }, async (system) => {
    const started = (answer: object) =>
      system.control('faults', {
        'verify-start': { status: 202, body: JSON.stringify({ request_id: 'r', ...answer }) },
      });
    const check_url = `${system.sandbox}/v2/verify/r/silent-auth/redirect`;
    await started({ check_url });
    expect((await begin(system.app())).body).toMatchObject({ channel: 'silent_auth', auth_url: check_url });
    await started({});
    expect((await begin(system.app())).body).toMatchObject({ channel: 'silent_auth', auth_url: null });
  }));
