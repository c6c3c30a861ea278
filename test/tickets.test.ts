import { randomBytes } from 'node:crypto';
import { addressOf, createTickets, type StateTicket, type Tickets } from '../src/login/tickets.js';
import { parsePhoneNumber, type PhoneNumber } from '../src/core/phone-number.js';
import { createMemoryStore } from '../src/store/memory.js';
import { connectRedis } from '../src/store/connection.js';
import { createRedisStore } from '../src/store/redis.js';
import { deriveTicketKey, unseal } from '../src/store/seal.js';
import type { Store } from '../src/store/store.js';
import { redisUrlOfWorker } from './support/system.js';
import { redisAt } from './support/redis-server.js';
import { testWorld, type TestWorld } from './support/world.js';

const secret = () => randomBytes(32).toString('base64url');
const ticket = (world: TestWorld): StateTicket => ({
  loginId: 'login-1',
  phoneNumber: parsePhoneNumber('+447700900000') as PhoneNumber,
  expiresAt: world.now() + 300_000,
});

describe.each(['redis', 'memory'] as const)('tickets on the %s store', (kind) => {
  let world: TestWorld;
  let store: Store;
  let tickets: Tickets;

  beforeEach(async () => {
    world = testWorld();
    if (kind === 'memory') store = createMemoryStore(world);
    else {
      const connection = connectRedis(redisAt(redisUrlOfWorker()), world.log);
      await connection.ready;
      await connection.client.flushdb();
      store = createRedisStore(connection);
    }
    tickets = createTickets(store, world);
  });
  afterEach(() => store.close());

  test('return what was stored under the secret', async () => {
    const mine = secret();
    await tickets.put('state', mine, ticket(world));
    expect(await tickets.take('state', secret())).toBeUndefined();
    expect(await tickets.take('state', mine)).toEqual(ticket(world));
  });

  test('are returned to one of fifty concurrent takes', async () => {
    const mine = secret();
    await tickets.put('state', mine, ticket(world));
    const taken = await Promise.all(Array.from({ length: 50 }, () => tickets.take('state', mine)));
    expect(taken.filter((each) => each !== undefined)).toHaveLength(1);
  });

  test('are never stored twice under one secret, even if randomness repeats', async () => {
    const mine = secret();
    await tickets.put('state', mine, ticket(world));
    await expect(tickets.put('state', mine, { ...ticket(world), loginId: 'another' })).rejects.toThrow();
    expect(await tickets.take('state', mine)).toEqual(ticket(world));
  });

  test('cannot be taken as another kind', async () => {
    const mine = secret();
    await tickets.put('state', mine, ticket(world));
    expect(await tickets.take('code', mine)).toBeUndefined();
  });

  test.each([
    ['a second before their expiry', 299, true],
    ['at their expiry', 300, false],
    ['a day later', 86_400, false],
  ])('%s, can be taken: %3$s', async (_when, seconds, good) => {
    const mine = secret();
    await tickets.put('state', mine, ticket(world));
    world.turn(seconds);
    expect((await tickets.take('state', mine)) !== undefined).toBe(good);
  });

  test('cannot be taken after they were cancelled', async () => {
    const mine = secret();
    await tickets.put('state', mine, ticket(world));
    await tickets.cancelState(addressOf(mine));
    expect(await tickets.take('state', mine)).toBeUndefined();
  });

  test('cannot be taken if altered or copied to another key', async () => {
    const [mine, other] = [secret(), secret()];
    await tickets.put('state', mine, ticket(world));
    const sealed = (await store.take(`state:${addressOf(mine)}`)) ?? '';
    await store.set(`state:${addressOf(other)}`, sealed, 300);
    expect(await tickets.take('state', other)).toBeUndefined();
    await store.set(`state:${addressOf(mine)}`, `${sealed.slice(0, -4)}AAAA`, 300);
    expect(await tickets.take('state', mine)).toBeUndefined();
    await store.set(`state:${addressOf(mine)}`, 'short', 300);
    expect(await tickets.take('state', mine)).toBeUndefined();
  });

  test('are sealed under a key that is derived from the secret itself', async () => {
    const mine = secret();
    await tickets.put('state', mine, ticket(world));
    const key = `state:${addressOf(mine)}`;
    const sealed = (await store.take(key)) ?? '';
    expect(unseal(deriveTicketKey(secret(), 'state ticket'), key, sealed)).toBeUndefined();
    expect(unseal(deriveTicketKey(mine, 'state ticket'), key, sealed)).toContain('login-1');
  });

  test('the store adds a key only if it does not exist', async () => {
    expect(await store.add('sess:a', '1', 60)).toBe(true);
    expect(await store.add('sess:a', '2', 60)).toBe(false);
    expect(await store.get('sess:a')).toBe('1');
    await store.set('sess:a', '3', 60);
    expect(await store.get('sess:a')).toBe('3');
    expect(await store.delete('sess:a')).toBe(true);
    expect(await store.delete('sess:a')).toBe(false);
    await store.set('sess:a', '4', 0);
    expect(await store.add('sess:a', '4', 0)).toBe(false);
    expect(await store.get('sess:a')).toBeNull();
  });

  test('the store removes a key only if it has the given value', async () => {
    expect(await store.deleteIf('lock:a', 'mine')).toBe(false);
    await store.set('lock:a', 'mine', 60);
    expect(await store.deleteIf('lock:a', 'yours')).toBe(false);
    expect(await store.deleteIf('lock:a', '')).toBe(false);
    expect(await store.get('lock:a')).toBe('mine');
    expect(await store.deleteIf('lock:a', 'mine')).toBe(true);
    expect(await store.get('lock:a')).toBeNull();
    expect(await store.deleteIf('lock:a', 'mine')).toBe(false);
  });

  test('the store does not extend an expired key, and deletes a key whose new lifetime is zero', async () => {
    await store.expire('sess:a', 60);
    expect(await store.get('sess:a')).toBeNull();
    await store.set('sess:a', '1', 60);
    await store.expire('sess:a', 0);
    expect(await store.get('sess:a')).toBeNull();
  });
});

test('the embedded store evicts the least recently used entries when it is full', async () => {
  const store = createMemoryStore(testWorld(), 100);
  for (let each = 0; each < 1000; each++) await store.set(`state:${each}`, 'x', 300);
  const left = await Promise.all(Array.from({ length: 1000 }, (_, each) => store.get(`state:${each}`)));
  expect(left.filter((value) => value !== null)).toHaveLength(100);
  expect(left[999]).toBe('x');
});

test('the embedded store extends a key, and does not restore an expired one', async () => {
  const world = testWorld();
  const store = createMemoryStore(world);
  await store.set('sess:a', 'x', 10);
  world.turn(9);
  await store.expire('sess:a', 10);
  world.turn(9);
  expect(await store.get('sess:a')).toBe('x');
  world.turn(2);
  await store.expire('sess:a', 10);
  expect(await store.get('sess:a')).toBeNull();
});
