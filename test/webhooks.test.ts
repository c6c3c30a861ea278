import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
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

  test('without a signature is asked for again, since Vonage then sends it signed', async () => {
    const answer = await send(event());
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([503, 'unavailable']);
  });

  test.each(['Bearer', 'Bearer ', 'Bearer ???', 'Basic YTpi', 'x.y.z'])(
    'with the header %p is refused',
    async (authorization) => {
      expect((await send(event(), authorization)).status).toBe(401);
    },
  );

  type Forge = (body: string) => Promise<string> | string;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const b64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  test.each<[string, Forge]>([
    ['with another secret', (body) => sign(claimsFor(body), 'x'.repeat(40))],
    ['by nobody (alg none)', (body) => `${b64({ alg: 'none' })}.${b64(claimsFor(body))}.`],
    [
      'with a key pair',
      (body) => new SignJWT(claimsFor(body)).setProtectedHeader({ alg: 'RS256' }).sign(privateKey),
    ],
    [
      'by HS512',
      (body) => new SignJWT(claimsFor(body)).setProtectedHeader({ alg: 'HS512' }).sign(key('w'.repeat(64))),
    ],
    ['by somebody else', (body) => sign({ ...claimsFor(body), iss: 'Nexmo' })],
    ['for another account', (body) => sign({ ...claimsFor(body), api_key: 'other' })],
    ['for no account', (body) => sign({ ...claimsFor(body), api_key: undefined })],
    ['for another application', (body) => sign({ ...claimsFor(body), application_id: randomUUID() })],
    ['an hour ago', (body) => sign({ ...claimsFor(body), iat: now() - 3600 })],
    ['five minutes and a second ago', (body) => sign({ ...claimsFor(body), iat: now() - 301 })],
    ['an hour ahead', (body) => sign({ ...claimsFor(body), iat: now() + 3600 })],
    ['at no time', (body) => sign({ ...claimsFor(body), iat: undefined })],
    ['without an id', (body) => sign({ ...claimsFor(body), jti: undefined })],
    ['with an empty id', (body) => sign({ ...claimsFor(body), jti: '' })],
    ['over no body', (body) => sign({ ...claimsFor(body), payload_hash: undefined })],
    ['over another body', (body) => sign({ ...claimsFor(body), payload_hash: sha256(`${body} `) })],
    ['over a hash that is none', (body) => sign({ ...claimsFor(body), payload_hash: 'zz' })],
    ['to end before it arrived', (body) => sign({ ...claimsFor(body), exp: now() - 1 })],
  ])('signed %s is refused, and changes nothing', async (_what, forge) => {
    const body = event();
    const answer = await send(body, `Bearer ${await forge(body)}`);
    expect(answer.status).toBe(401);
    expect(((await answer.json()) as { error: string }).error).toBe('invalid_signature');
    expect(await house.redis.dbsize()).toBe(0);
  });

  test('for our own application is accepted', async () => {
    const body = event();
    const claims = { ...claimsFor(body), application_id: house.config.vonage.applicationId };
    expect((await send(body, `Bearer ${await sign(claims)}`)).status).toBe(204);
  });

  test.each(['[]', '{}', '"x"', '{', '{"type":"event"}', '{"type":"other","request_id":"x"}', ''])(
    'that says %s is refused, though it is signed',
    async (body) => {
      expect((await send(body, `Bearer ${await sign(claimsFor(body))}`)).status).toBe(400);
      expect(await records()).toEqual([]);
    },
  );

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

  test.each(['GET', 'PUT', 'HEAD'])('by %s is no method', async (method) => {
    expect((await fetch(`${house.base}/webhooks/verify`, { method })).status).toBe(405);
  });
});

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
