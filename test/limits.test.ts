import { LoginError } from '../src/core/errors.js';
import { walk } from './support/device.js';
import { agree, atFullHour, BEHIND_PROXY, clientAt } from './support/crowd.js';
import { ALICE, BOB, postCode, withSystem, type System } from './support/system.js';
import { recordsOf } from './support/records.js';

const HERE = '192.0.2.7';

describe.each(['redis', 'memory'] as const)('with %s, logins', (store) => {
  const inSystem = (env: Record<string, string>, work: (system: System) => Promise<void>) =>
    withSystem({ store, env: { ...BEHIND_PROXY, ...env } }, async (system) => {
      atFullHour(system);
      await work(system);
    });

  test('of a number from one address are limited, and the answer says until when', () =>
    inSystem({ RATE_LIMITS: 'login-number=2,login-range=9' }, async (system) => {
      const client = clientAt(system, HERE);
      system.world.turn(100);
      const first = await client.login(ALICE).expect(201);
      expect(first.headers['ratelimit-policy']).toBe(
        '"login-number";q=2;w=600, "login-range";q=9;w=600, "login-range-second";q=5;w=1',
      );
      expect(first.headers['ratelimit']).toBe(
        '"login-number";r=1;t=500, "login-range";r=8;t=500, "login-range-second";r=4;t=1',
      );
      await client.login(ALICE).expect(201);
      const calls = (await system.upstream()).length;
      for (let again = 0; again < 3; again++) {
        const refused = await client.login(ALICE).expect(429);
        expect(refused.body).toMatchObject({ error: 'rate_limited', retry_after: 500 });
        expect(refused.headers['retry-after']).toBe('500');
        // What is refused counts for nothing.
        expect(refused.headers['ratelimit']).toBe(
          '"login-number";r=0;t=500, "login-range";r=7;t=500, "login-range-second";r=3;t=1',
        );
      }
      expect(await system.upstream()).toHaveLength(calls);
      expect(system.world.logged()).toContain('"limit":"login-number"');
      await client.login(BOB).expect(201);
      system.world.turn(499);
      await client.login(ALICE).expect(429);
      system.world.turn(1);
      await client.login(ALICE).expect(201);
    }));

  test('of all numbers from one range are limited', () =>
    inSystem({ RATE_LIMITS: 'login-range=2' }, async (system) => {
      await clientAt(system, HERE).login('+447700900010').expect(201);
      await clientAt(system, '192.0.2.200').login('+447700900011').expect(201);
      await clientAt(system, HERE).login('+447700900012').expect(429);
      await clientAt(system, '192.0.3.7').login('+447700900013').expect(201);
    }));

  test('of one range in one second leave turns to others', () =>
    inSystem({ RATE_LIMITS: 'login-range-second=2' }, async (system) => {
      await clientAt(system, HERE).login('+447700900010').expect(201);
      await clientAt(system, HERE).login('+447700900011').expect(201);
      const refused = await clientAt(system, HERE).login('+447700900012').expect(429);
      expect(refused.headers['retry-after']).toBe('1');
      await clientAt(system, '192.0.3.7').login('+447700900012').expect(201);
      system.world.turn(1);
      await clientAt(system, HERE).login('+447700900012').expect(201);
    }));

  test.each([
    ['somewhere else', '198.51.100.1'],
    ['behind another address of the same network', '192.0.2.8'],
  ])('of a number are not used up by a client %s', (_where, address) =>
    inSystem({ RATE_LIMITS: 'login-number=1' }, async (system) => {
      const other = clientAt(system, address);
      await other.login(ALICE).expect(201);
      await other.login(ALICE).expect(429);
      await clientAt(system, HERE).login(ALICE).expect(201);
    }),
  );

  test('are refused, and nothing is sent, while it cannot be counted', () => {
    const faulty = { broken: false };
    const away = () => Promise.reject(new LoginError('unavailable', 'The store does not answer.'));
    return withSystem(
      {
        store,
        env: BEHIND_PROXY,
        through: (each) => ({ ...each, spend: (...args) => (faulty.broken ? away() : each.spend(...args)) }),
      },
      async (system) => {
        const client = clientAt(system, HERE);
        await client.login(ALICE).expect(201);
        const calls = (await system.upstream()).length;
        faulty.broken = true;
        await client.next('sms').expect(503);
        await clientAt(system, HERE).login(BOB).expect(503);
        expect(await system.upstream()).toHaveLength(calls);
        expect(await system.messages()).toEqual([]);
        faulty.broken = false;
        await client.next('sms').expect(200);
      },
    );
  });

  test('end after a hundred wrong codes', () =>
    inSystem({ FALLBACK_CHANNELS: 'none' }, async (system) => {
      const { app, code } = await system.walkedLogin(ALICE);
      const wrong = 'A'.repeat(43);
      const answers = await Promise.all(Array.from({ length: 99 }, () => postCode(app, wrong)));
      expect(new Set(answers.map(({ body }) => body.error))).toEqual(new Set(['invalid_code']));
      expect((await postCode(app, wrong).expect(429)).body.error).toBe('too_many_attempts');
      await postCode(app, code).expect(400);
      expect((await app.get('/login')).body.status).toBe('failed');
    }));
});

test.each(['redis', 'memory'] as const)(
  'with %s an account ends with its window, however often it is used',
  (store) =>
    withSystem({ store }, async (system) => {
      const costs = [{ entry: 'x', by: 1, limit: 9 }];
      await system.store.spend('limit:x', costs, 100);
      system.world.turn(60);
      await system.store.spend('limit:x', costs, 1000);
      expect(await system.redis.ttl('limit:x')).toBeLessThanOrEqual(store === 'redis' ? 100 : -2);
      system.world.turn(41);
      await system.redis.del('limit:x');
      expect(await system.store.spend('limit:x', costs, 100)).toEqual({ spent: true, totals: [1] });
    }),
);

test('logins are counted again from zero when Redis loses the counts', () =>
  withSystem({ env: { RATE_LIMITS: 'login-number=1' } }, async (system) => {
    const { app, code } = await system.walkedLogin(ALICE);
    await system.app().post('/login').send({ phone_number: ALICE }).expect(429);
    for (const key of await system.redis.keys('limit:*')) await system.redis.del(key);
    await system.app().post('/login').send({ phone_number: ALICE }).expect(201);
    await postCode(app, code).expect(200);
  }));

test('two servers on one Redis share limits', () =>
  withSystem({ env: { ...BEHIND_PROXY, RATE_LIMITS: 'login-number=2' } }, (one) =>
    withSystem({ env: { ...BEHIND_PROXY, RATE_LIMITS: 'login-number=2' } }, async (other) => {
      agree(one, other);
      await clientAt(one, HERE).login(ALICE).expect(201);
      await clientAt(other, HERE).login(ALICE).expect(201);
      await clientAt(one, HERE).login(ALICE).expect(429);
      await clientAt(other, HERE).login(ALICE).expect(429);
    }),
  ));

test('counts expire, and contain neither number nor address', () =>
  withSystem({ env: BEHIND_PROXY }, async (system) => {
    await clientAt(system, HERE).askForMessage(ALICE);
    await system.control('faults', {
      'verify-start': { status: 429, headers: { 'retry-after': '9' }, times: 1 },
    });
    await clientAt(system, HERE).askForMessage(BOB);
    const records = (await recordsOf(system.redis)).filter(({ key }) => key.startsWith('limit:'));
    expect(records.length).toBeGreaterThan(2);
    for (const { key, text } of records) {
      expect(await system.redis.ttl(key)).toBeGreaterThan(0);
      expect(key + text).not.toMatch(/192|0\.2|7700|44770/);
    }
  }));

test('requests of /callback are not counted, because an operator has thousands behind one address', () =>
  withSystem({ env: { ...BEHIND_PROXY, RATE_LIMITS: 'login-range=1' } }, async (system) => {
    const { app, link, code } = await system.walkedLogin(ALICE);
    for (let each = 0; each < 50; each++) {
      const state = `a${'A'.repeat(43)}`;
      const answer = await fetch(`${system.base}/callback?state=${state}&code=x`);
      expect([answer.status, answer.headers.get('ratelimit')]).toEqual([410, null]);
    }
    expect((await walk(link)).status).not.toBe(429);
    await postCode(app, code).expect(200);
  }));
