import { createHash, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { SignJWT } from 'jose';
import { ALICE, CHAINED, startSystem, postCode, withSystem, type System } from './support/system.js';
import { startCountedSystem, type CountedSystem } from './support/scrape.js';

const SECRET = 'w'.repeat(40);
const API_KEY = 'abcd1234';
const ENV = { VONAGE_API_KEY: API_KEY, VONAGE_SIGNATURE_SECRET: SECRET };
const key = (secret: string) => new TextEncoder().encode(secret);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const event = (fields: object = {}) =>
  JSON.stringify({
    type: 'event',
    request_id: randomUUID(),
    channel: 'sms',
    status: 'failed',
    triggered_at: '2026-01-01T00:00:00Z',
    ...fields,
  });

describe('a webhook of Verify', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: ENV })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const now = () => Math.floor(system.world.now() / 1000);
  const claimsFor = (body: string): Record<string, unknown> => ({
    iss: 'Vonage',
    iat: now(),
    jti: randomUUID(),
    api_key: API_KEY,
    payload_hash: sha256(body),
  });
  const sign = (claims: object, secret: string | Uint8Array = SECRET) =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(typeof secret === 'string' ? key(secret) : secret);
  const send = (body: string, authorization?: string) =>
    fetch(`${system.base}/webhooks/verify`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
    });
  const records = async () => {
    const keys = (await system.redis.keys('*')).filter((each) => !each.startsWith('jti:')).sort();
    return Promise.all(keys.map(async (each) => [each, await system.redis.get(each)]));
  };

  test.each([
    ['as the document hashes it', (body: string) => sha256(body)],
    ['as the support pages hash it', (body: string) => sha256(JSON.stringify(JSON.parse(body)))],
  ])('is accepted with a signature and a body hash %s', async (_what, hash) => {
    const body = ` ${event()} `;
    const answer = await send(body, `Bearer ${await sign({ ...claimsFor(body), payload_hash: hash(body) })}`);
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(await records()).toHaveLength(1);
  });

  test.each(['Bearer', 'bearer', 'BEARER '])('for our application is accepted by %p', async (scheme) => {
    const body = event();
    const claims = { ...claimsFor(body), application_id: system.config.vonage.applicationId };
    expect((await send(body, `${scheme} ${await sign(claims)}`)).status).toBe(204);
  });

  test('without a body is refused, even if it is signed', async () => {
    const { port } = new URL(system.base);
    const socket = connect(Number(port));
    // A socket, because HTTP clients send Content-Length for an empty body as well.
    socket.write(
      [
        'POST /webhooks/verify HTTP/1.1',
        'Host: localhost',
        `Authorization: Bearer ${await sign(claimsFor(''))}`,
        'Connection: close\r\n\r\n',
      ].join('\r\n'),
    );
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"error":"invalid_request"');
    expect(await records()).toEqual([]);
  });

  test('that arrives twice is applied once', async () => {
    const request_id = randomUUID();
    const first = event({ request_id, channel: 'silent_auth' });
    const token = `Bearer ${await sign(claimsFor(first))}`;
    expect((await send(first, token)).status).toBe(204);
    const before = await records();
    expect((await send(first, token)).status).toBe(204);
    expect(await records()).toEqual(before);
  });

  test('with an id that was seen before is ignored, whatever its content', async () => {
    const [request_id, jti] = [randomUUID(), randomUUID()];
    const say = async (body: string) => send(body, `Bearer ${await sign({ ...claimsFor(body), jti })}`);
    expect((await say(event({ request_id, channel: 'silent_auth' }))).status).toBe(204);
    const before = await records();
    expect((await say(event({ request_id, channel: 'voice' }))).status).toBe(204);
    expect(await records()).toEqual(before);
  });

  test('is stored for its own verification: a copy under another id is ignored', async () => {
    const [request_id, other] = [randomUUID(), randomUUID()];
    const say = async (about: string) => {
      const body = event({ request_id: about, channel: 'silent_auth' });
      await send(body, `Bearer ${await sign(claimsFor(body))}`);
      return system.redis.get(`verify:${about}`);
    };
    const copy = (await say(request_id)) ?? '';
    await system.redis.set(`verify:${other}`, copy, 'EX', 900);
    // A known report is not stored again.
    expect(await say(request_id)).toBe(copy);
    expect(await say(other)).not.toBe(copy);
  });

  test('that arrives late does not undo a later step', async () => {
    const request_id = randomUUID();
    const say = async (body: string) => send(body, `Bearer ${await sign(claimsFor(body))}`);
    await say(JSON.stringify({ type: 'summary', request_id, status: 'failed' }));
    const before = await records();
    await say(event({ request_id, channel: 'silent_auth' }));
    await say(
      event({
        request_id,
        channel: 'silent_auth',
        status: 'action_pending',
        action: [{ check_url: `${system.sandbox}/x` }],
      }),
    );
    await say(event({ request_id, status: 'completed' }));
    expect(await records()).toEqual(before);
  });

  test.each(['https://evil.example/x', 'http://169.254.169.254/', 'javascript:alert(1)'])(
    'that names the link %s is ignored',
    async (check_url) => {
      const body = event({
        channel: 'silent_auth',
        status: 'action_pending',
        action: { type: 'check', check_url },
      });
      expect((await send(body, `Bearer ${await sign(claimsFor(body))}`)).status).toBe(204);
      expect(await records()).toEqual([]);
    },
  );
});

/** Signs a webhook as Vonage does, and sends it. @returns the status of the answer */
async function sendSigned(system: System, body: object): Promise<number> {
  const text = JSON.stringify(body);
  const claims = {
    ...{ iss: 'Vonage', iat: Math.floor(system.world.now() / 1000), jti: randomUUID() },
    ...{ api_key: API_KEY, payload_hash: sha256(text) },
  };
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(key(SECRET));
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return (await fetch(`${system.base}/webhooks/verify`, { method: 'POST', body: text, headers })).status;
}

describe('a webhook about a pending message', () => {
  let system: CountedSystem;
  const request_id = 'a-request';
  const STEPS = ['silent_auth', 'sms', 'voice'];
  beforeAll(async () => {
    const env = { ...ENV, ...CHAINED };
    system = await startCountedSystem({ env });
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  /** A login whose verification is at the SMS. */
  const atTheMessage = async () => {
    await system.control('faults', { 'verify-start': { status: 202, body: JSON.stringify({ request_id }) } });
    const app = system.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    expect((await app.get('/login')).body.channel).toBe('sms');
    return app;
  };
  const standing = async (app: ReturnType<System['app']>) =>
    (await app.get('/login').expect(200)).body as object;

  test.each<[string, object, object]>([
    [
      'an event, by its channel',
      { request_id, channel: 'sms', status: 'failed' },
      { status: 'pending', channel: 'voice' },
    ],
    [
      'an event whose type is null',
      { request_id, type: null, channel: 'sms', status: 'expired' },
      { status: 'pending', channel: 'voice' },
    ],
    ...[null, {}, [], [null], [{ check_url: null }], { check_url: null }].map(
      (action): [string, object, object] => [
        `an event whose action is ${JSON.stringify(action)}`,
        { request_id, channel: 'sms', status: 'failed', action },
        { status: 'pending', channel: 'voice' },
      ],
    ),
    [
      'a summary, by its steps',
      { request_id, status: 'failed', workflow: STEPS.map((channel) => ({ channel, status: 'failed' })) },
      { status: 'failed' },
    ],
    [
      'a summary with a channel too, by its steps',
      { request_id, status: 'expired', channel: 'sms', workflow: [] },
      { status: 'expired' },
    ],
    ['a summary, by having no channel', { request_id, status: 'expired' }, { status: 'expired' }],
    [
      'a summary of success, which does not log in',
      { request_id, status: 'completed', workflow: [] },
      { status: 'pending', channel: 'sms' },
    ],
  ])('is read without a type: %s', async (_what, webhook, expected) => {
    const app = await atTheMessage();
    expect(await sendSigned(system, webhook)).toBe(204);
    expect(await standing(app)).toMatchObject(expected);
    expect((await app.get('/session')).body).toEqual({ authenticated: false });
  });

  test('is read without a type: the link of a silent step', async () => {
    const check_url = `${system.sandbox}/v2/verify/x/silent-auth/redirect`;
    const webhook = { request_id, channel: 'silent_auth', status: 'action_pending', action: [{ check_url }] };
    expect(await sendSigned(system, webhook)).toBe(204);
    expect(await system.redis.exists(`verify:${request_id}`)).toBe(1);
  });

  test.each<[string, object]>([
    ['of another type', { request_id, type: 'receipt', channel: 'sms', status: 'failed' }],
    ['about no request', { channel: 'sms', status: 'failed' }],
    ['that waits for an action, without a channel', { request_id, status: 'action_pending' }],
    ['whose channel is a number', { request_id, channel: '+447700900000', status: 'failed' }],
  ])('%s is refused', async (_what, webhook) => {
    const app = await atTheMessage();
    expect(await sendSigned(system, webhook)).toBe(400);
    expect(await standing(app)).toMatchObject({ status: 'pending', channel: 'sms' });
    expect(system.world.logged()).not.toContain('+447700900000');
  });

  const REASON = 'Fraudulent traffic detected to +447700900000 (447700900000) on network [ 23415 ] today';
  const steps = (...statuses: object[]) => STEPS.map((channel, at) => ({ channel, ...statuses[at] }));
  const silent = { status: 'failed' };

  test.each<[string, object]>([
    [
      'by the status of the request and the reason of a step',
      {
        request_id,
        type: 'summary',
        status: 'blocked',
        workflow: steps(silent, { status: 'failed', reason: REASON }, { status: 'unused' }),
      },
    ],
    [
      'by the status of the step alone',
      {
        request_id,
        type: 'summary',
        status: 'failed',
        workflow: steps(silent, { status: 'blocked', reason: REASON }, { status: 'unused' }),
      },
    ],
    [
      'without a type',
      {
        request_id,
        status: 'blocked',
        workflow: steps(silent, { status: 'blocked', reason: REASON }, { status: 'unused' }),
      },
    ],
    ['without steps', { request_id, type: 'summary', status: 'blocked', reason: REASON }],
  ])('that reports a block, %s, appears in answers, log and metrics', async (_what, webhook) => {
    const app = await atTheMessage();
    const before = await system.count('silent_auth_steps_total', { step: 'webhook', reason: 'blocked' });
    expect(await sendSigned(system, webhook)).toBe(204);
    expect(await standing(app)).toMatchObject({ status: 'failed', reason: 'blocked' });
    const refused = await postCode(app, '123456').expect(410);
    expect(refused.body).toMatchObject({ error: 'login_expired', reason: 'blocked', next_channels: [] });
    const after = await system.count('silent_auth_steps_total', { step: 'webhook', reason: 'blocked' });
    expect(after - before).toBe(1);
    expect(system.world.logged()).toMatch(/"step":"webhook".*"reason":"blocked".*"network":"23415"/);
    expect(system.world.logged()).not.toMatch(/Fraudulent|7700900000/);
    // A repeated webhook is not counted again.
    await sendSigned(system, webhook);
    expect(await system.count('silent_auth_steps_total', { step: 'webhook', reason: 'blocked' })).toBe(after);
  });

  test('that reports a block fails the login on its last channel only', async () => {
    const app = await atTheMessage();
    const blocked = (channel: string) =>
      sendSigned(system, { request_id, channel, status: 'blocked', reason: REASON });
    expect(await blocked('sms')).toBe(204);
    expect(await standing(app)).toMatchObject({ status: 'pending', channel: 'voice' });
    expect(await standing(app)).not.toHaveProperty('reason');
    expect(await blocked('voice')).toBe(204);
    expect(await standing(app)).toMatchObject({ status: 'failed', reason: 'blocked' });
  });

  test.each([
    'no network',
    'network 23415',
    'network [ 447700900000 ]',
    'network [ 1234 ]',
    '[x] [ 23415x ]',
    7,
  ])('with the reason %p names no network', async (reason) => {
    await atTheMessage();
    expect(await sendSigned(system, { request_id, channel: 'voice', status: 'blocked', reason })).toBe(204);
    // A request id may end with twelve digits.
    const line = system.world
      .logged()
      .split('\n')
      .at(-1)
      ?.replace(/"request_id":"[^"]*"/, '');
    expect(line).toContain('"reason":"blocked"');
    expect(line).not.toMatch(/network|[0-9]{12}/);
  });
});
test('the id of a webhook is remembered for as long as its signature is valid', () =>
  withSystem({ env: ENV, store: 'memory' }, async (system) => {
    const [request_id, jti] = [randomUUID(), randomUUID()];
    // Vonage's clock may be fast by the maximum age of a signature.
    const iat = Math.floor(system.world.now() / 1000) + 299;
    const say = async (channel: string) => {
      const body = event({ request_id, channel });
      const claims = { iss: 'Vonage', iat, jti, api_key: API_KEY, payload_hash: sha256(body) };
      const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(key(SECRET));
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      return fetch(`${system.base}/webhooks/verify`, { method: 'POST', body, headers });
    };
    expect((await say('silent_auth')).status).toBe(204);
    const before = await system.store.get(`verify:${request_id}`);
    for (let seconds = 0; seconds < 598; seconds += 299) {
      system.world.turn(299);
      expect((await say('voice')).status).toBe(204);
      expect(await system.store.get(`verify:${request_id}`)).toBe(before);
    }
    system.world.turn(2);
    expect((await say('voice')).status).toBe(401);
  }));

test('a webhook is accepted with each of two secrets, as long as both are set', () =>
  withSystem({ env: { ...ENV, VONAGE_SIGNATURE_SECRET: `${SECRET}, ${'n'.repeat(40)}` } }, async (system) => {
    const iat = Math.floor(system.world.now() / 1000);
    const answerTo = async (secret: string) => {
      const body = event();
      const claims = { iss: 'Vonage', iat, jti: randomUUID(), api_key: API_KEY, payload_hash: sha256(body) };
      const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(key(secret));
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      return (await fetch(`${system.base}/webhooks/verify`, { method: 'POST', body, headers })).status;
    };
    expect(await answerTo(SECRET)).toBe(204);
    expect(await answerTo('n'.repeat(40))).toBe(204);
    expect(await answerTo(`${SECRET}, ${'n'.repeat(40)}`)).toBe(401);
    expect(await answerTo('o'.repeat(40))).toBe(401);
  }));

test('without a secret no webhook is accepted, and Vonage is asked to retry', () =>
  withSystem({}, async (system) => {
    const body = event();
    const answer = await fetch(`${system.base}/webhooks/verify`, {
      method: 'POST',
      body,
      headers: { authorization: 'Bearer x.y.z' },
    });
    expect(answer.status).toBe(503);
  }));
