import { createHash, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { SignJWT } from 'jose';
import { buildHouse, withHouse, type House } from './support/house.js';

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
  let house: House;
  beforeAll(async () => (house = await buildHouse({ env: ENV })));
  beforeEach(() => house.reset());
  afterAll(() => house.stop());

  const now = () => Math.floor(house.world.now() / 1000);
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
    fetch(`${house.base}/webhooks/verify`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
    });
  const records = async () => {
    const keys = (await house.redis.keys('*')).filter((each) => !each.startsWith('jti:')).sort();
    return Promise.all(keys.map(async (each) => [each, await house.redis.get(each)]));
  };

  test.each([
    ['as the document hashes it', (body: string) => sha256(body)],
    ['as the support pages hash it', (body: string) => sha256(JSON.stringify(JSON.parse(body)))],
  ])('is accepted when it is signed, its body hashed %s', async (_what, hash) => {
    const body = ` ${event()} `;
    const answer = await send(body, `Bearer ${await sign({ ...claimsFor(body), payload_hash: hash(body) })}`);
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(await records()).toHaveLength(1);
  });

  test('for our own application is accepted', async () => {
    const body = event();
    const claims = { ...claimsFor(body), application_id: house.config.vonage.applicationId };
    expect((await send(body, `Bearer ${await sign(claims)}`)).status).toBe(204);
  });

  test('without a body says nothing, though it is signed', async () => {
    const { port } = new URL(house.base);
    const socket = connect(Number(port));
    // Clients of today say how long a body is also where there is none, which is another thing.
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

  test('that comes twice is heard once', async () => {
    const request_id = randomUUID();
    const first = event({ request_id, channel: 'silent_auth' });
    const token = `Bearer ${await sign(claimsFor(first))}`;
    expect((await send(first, token)).status).toBe(204);
    const before = await records();
    expect((await send(first, token)).status).toBe(204);
    expect(await records()).toEqual(before);
  });

  test('whose id was seen before is not heard, whatever it says', async () => {
    const [request_id, jti] = [randomUUID(), randomUUID()];
    const say = async (body: string) => send(body, `Bearer ${await sign({ ...claimsFor(body), jti })}`);
    expect((await say(event({ request_id, channel: 'silent_auth' }))).status).toBe(204);
    const before = await records();
    expect((await say(event({ request_id, channel: 'voice' }))).status).toBe(204);
    expect(await records()).toEqual(before);
  });

  test('is kept for its own request: a copy under another one says nothing of that', async () => {
    const [request_id, other] = [randomUUID(), randomUUID()];
    const say = async (about: string) => {
      const body = event({ request_id: about, channel: 'silent_auth' });
      await send(body, `Bearer ${await sign(claimsFor(body))}`);
      return house.redis.get(`verify:${about}`);
    };
    const copy = (await say(request_id)) ?? '';
    await house.redis.set(`verify:${other}`, copy, 'EX', 900);
    // What is known already is not written again.
    expect(await say(request_id)).toBe(copy);
    expect(await say(other)).not.toBe(copy);
  });

  test('that comes late takes nothing back', async () => {
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
        action: [{ check_url: `${house.sandbox}/x` }],
      }),
    );
    await say(event({ request_id, status: 'completed' }));
    expect(await records()).toEqual(before);
  });

  test.each(['https://evil.example/x', 'http://169.254.169.254/', 'javascript:alert(1)'])(
    'that names the link %s is not believed',
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

test('a webhook whose id was seen is not heard again for as long as its signature is good', () =>
  withHouse({ env: ENV, store: 'memory' }, async (house) => {
    const [request_id, jti] = [randomUUID(), randomUUID()];
    // Vonage's clock may be fast by as much as a signature may be old.
    const iat = Math.floor(house.world.now() / 1000) + 299;
    const say = async (channel: string) => {
      const body = event({ request_id, channel });
      const claims = { iss: 'Vonage', iat, jti, api_key: API_KEY, payload_hash: sha256(body) };
      const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(key(SECRET));
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      return fetch(`${house.base}/webhooks/verify`, { method: 'POST', body, headers });
    };
    expect((await say('silent_auth')).status).toBe(204);
    const before = await house.store.get(`verify:${request_id}`);
    for (let seconds = 0; seconds < 598; seconds += 299) {
      house.world.turn(299);
      expect((await say('voice')).status).toBe(204);
      expect(await house.store.get(`verify:${request_id}`)).toBe(before);
    }
    house.world.turn(2);
    expect((await say('voice')).status).toBe(401);
  }));

test('without a secret no webhook is accepted, and Vonage is asked to come again', () =>
  withHouse({}, async (house) => {
    const body = event();
    const answer = await fetch(`${house.base}/webhooks/verify`, {
      method: 'POST',
      body,
      headers: { authorization: 'Bearer x.y.z' },
    });
    expect(answer.status).toBe(503);
  }));
