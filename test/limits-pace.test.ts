import { agree, atFullHour, BEHIND_PROXY, clientAt } from './support/crowd.js';
import { ALICE, BOB, postCode, withSystem, type System, type SystemOptions } from './support/system.js';
import { recordsOf } from './support/records.js';

const HERE = '192.0.2.7';
const ENABLE = '/v0.1/network-enablement';
const number = (each: number): string => `+4477009000${10 + each}`;

const callsTo = async (system: System, path: string) =>
  (await system.upstream()).filter((call) => call.path === path).length;

/** Ten logins at once, by what they were answered. */
const tenLogins = async (...systems: System[]) => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, each) =>
      clientAt(systems[each % systems.length] as System, HERE).login(number(each)),
    ),
  );
  return answers.map(({ status }) => status).sort();
};
const served = (count: number) => [...Array<number>(count).fill(201), ...Array<number>(10 - count).fill(503)];

describe.each(['redis', 'memory'] as const)('with %s, Network Enablement', (store) => {
  const inSystem = (env: Record<string, string>, work: (system: System) => Promise<void>) =>
    withSystem({ store, env: { ...BEHIND_PROXY, ...env } }, async (system) => {
      atFullHour(system);
      await work(system);
    });

  test('is called at most so often a second; a login without a turn does not fall back to a message', () =>
    inSystem({ UPSTREAM_PER_SECOND: '3' }, async (system) => {
      // Three now, and three that wait for the next second.
      expect(await tenLogins(system)).toEqual(served(6));
      expect(await callsTo(system, ENABLE)).toBe(6);
      const refused = await clientAt(system, HERE).login(ALICE).expect(503);
      expect(refused.body).toMatchObject({ error: 'unavailable', retry_after: 1 });
      expect(refused.headers['retry-after']).toBe('1');
      system.world.turn(1);
      expect(await tenLogins(system)).toEqual(served(3));
    }));

  test('is not called for a login that another limit refuses, nor is a turn taken for it', () =>
    inSystem({ UPSTREAM_PER_SECOND: '1', RATE_LIMITS: 'login-number=1' }, async (system) => {
      await clientAt(system, HERE).login(ALICE).expect(201);
      for (let each = 0; each < 5; each++) await clientAt(system, HERE).login(ALICE).expect(429);
      await clientAt(system, HERE).login(BOB).expect(201);
    }));

  test('is retried in a turn of its own', () =>
    inSystem({ UPSTREAM_PER_SECOND: '1' }, async (system) => {
      await system.control('faults', { 'network-enablement': { status: 502, times: 1 } });
      await clientAt(system, HERE).login(ALICE).expect(201);
      expect(await callsTo(system, ENABLE)).toBe(2);
      await clientAt(system, HERE).login(BOB).expect(503);
    }));

  test("is retried in turns of the login's range", () =>
    inSystem({ UPSTREAM_PER_SECOND: '10', RATE_LIMITS: 'login-range-second=3' }, async (system) => {
      await system.control('faults', { 'network-enablement': { status: 502, times: 9 } });
      for (let each = 0; each < 5; each++) {
        const client = clientAt(system, `192.0.2.${each}`);
        expect((await client.login(number(each))).status).toBe([201, 429][Math.min(each, 1)]);
      }
      expect(await callsTo(system, ENABLE)).toBe(3);
      await clientAt(system, '198.51.100.7').login(BOB).expect(201);
    }));

  test.each([429, 503])('is not called during the pause of its %i', (status) =>
    inSystem({}, async (system) => {
      const fault = { status, headers: { 'retry-after': '30' }, times: 1 };
      await system.control('faults', { 'network-enablement': fault });
      // The login can continue by another channel, as in any outage.
      expect((await clientAt(system, HERE).login(ALICE).expect(201)).body.channel).toBeNull();
      expect(await callsTo(system, ENABLE)).toBe(1);
      system.world.turn(10);
      const refused = await clientAt(system, HERE).login(BOB).expect(503);
      expect(refused.body).toMatchObject({ error: 'unavailable' });
      expect([20, 21]).toContain(refused.body.retry_after);
      expect(await callsTo(system, ENABLE)).toBe(1);
      system.world.turn(refused.body.retry_after as number);
      await clientAt(system, HERE).login(BOB).expect(201);
    }),
  );

  test('is not called during a pause that outlasts a window, which has a maximum', () =>
    inSystem({}, async (system) => {
      system.world.turn(590);
      const fault = { status: 429, headers: { 'retry-after': '99999999' }, times: 1 };
      await system.control('faults', { 'network-enablement': fault });
      await clientAt(system, HERE).login(ALICE);
      system.world.turn(599);
      await clientAt(system, HERE).login(ALICE).expect(503);
      system.world.turn(2);
      await clientAt(system, HERE).login(ALICE).expect(201);
    }));

  test.each(['oidc', 'off'])('does not limit SILENT_AUTH=%s', (engine) =>
    inSystem({ SILENT_AUTH: engine, UPSTREAM_PER_SECOND: '1' }, async (system) => {
      expect(await tenLogins(system)).toEqual(served(10));
    }),
  );
});

test('two servers on one Redis share turns and pauses', () =>
  withSystem({ env: { ...BEHIND_PROXY, UPSTREAM_PER_SECOND: '2' } }, (one) =>
    withSystem({ env: { ...BEHIND_PROXY, UPSTREAM_PER_SECOND: '2' } }, async (other) => {
      atFullHour(one);
      agree(one, other);
      expect(await tenLogins(one, other)).toEqual(served(4));
      for (const system of [one, other]) system.world.turn(5);
      const fault = { status: 429, headers: { 'retry-after': '30' }, times: 1 };
      await one.control('faults', { 'network-enablement': fault });
      await clientAt(one, HERE).login(ALICE);
      await clientAt(other, HERE).login(BOB).expect(503);
    }),
  ));

test('Retry-After is at least one second, also at the end of a second', () => {
  let endSecond = (): void => undefined;
  const through: SystemOptions['through'] = (store) => ({
    ...store,
    spend: (...all) => store.spend(...all).finally(() => endSecond()),
  });
  return withSystem({ env: BEHIND_PROXY, through }, async (system) => {
    atFullHour(system);
    const fault = { status: 429, headers: { 'retry-after': '1' }, times: 1 };
    await system.control('faults', { 'network-enablement': fault, 'verify-start': fault });
    const [one, other] = [clientAt(system, HERE), clientAt(system, HERE)];
    await other.login(BOB).expect(201);
    system.world.turn(2);
    await one.askForMessage(ALICE);
    endSecond = () => system.world.turn(1);
    expect((await other.next('sms').expect(503)).headers['retry-after']).toBe('1');

    endSecond = () => undefined;
    await system.control('faults', { 'network-enablement': fault });
    await one.login(ALICE).expect(201);
    endSecond = () => system.world.turn(1);
    expect((await other.login(BOB).expect(503)).headers['retry-after']).toBe('1');
  });
});

test('an API that logins do not begin with is not paused', () =>
  withSystem({ env: BEHIND_PROXY }, async (system) => {
    await system.control('faults', { token: { status: 429, headers: { 'retry-after': '30' }, times: 1 } });
    await system.walkedLogin(ALICE);
    expect(JSON.stringify(await recordsOf(system.redis))).not.toContain('pause');
    const { app, code } = await system.walkedLogin(ALICE);
    await postCode(app, code).expect(200);
  }));

describe('during a pause of Verify', () => {
  const asksToWait = async (system: System) => {
    const fault = { status: 429, headers: { 'retry-after': '30' }, times: 1 };
    await system.control('faults', { 'verify-start': fault });
    expect((await clientAt(system, HERE).askForMessage('+447700900050')).status).toBe(503);
  };

  test('no message is requested, and none is counted', () =>
    withSystem({ env: { ...BEHIND_PROXY, RATE_LIMITS: 'send-number=1' } }, async (system) => {
      atFullHour(system);
      await asksToWait(system);
      const calls = await callsTo(system, '/v2/verify');
      const client = clientAt(system, HERE);
      const refused = await client.askForMessage(ALICE);
      expect([refused.status, refused.body.error]).toEqual([503, 'unavailable']);
      expect(await callsTo(system, '/v2/verify')).toBe(calls);
      system.world.turn(Number(refused.headers['retry-after']));
      await client.next('sms').expect(200);
    }));

  test('a code is not tried, and keeps its three tries', () =>
    withSystem({ env: BEHIND_PROXY }, async (system) => {
      atFullHour(system);
      const client = clientAt(system, HERE);
      const { app } = client;
      await client.askForMessage(ALICE);
      const [message] = await system.messages();
      await asksToWait(system);
      for (let each = 0; each < 4; each++) await postCode(app, '999999').expect(503);
      system.world.turn(31);
      await postCode(app, '999999').expect(400);
      await postCode(app, message?.code ?? '').expect(200);
    }));

  test('a login of SILENT_AUTH=verify is refused at once, except the one that received the 429', () =>
    withSystem({ env: { ...BEHIND_PROXY, SILENT_AUTH: 'verify' } }, async (system) => {
      atFullHour(system);
      const fault = { status: 429, headers: { 'retry-after': '30' }, times: 1 };
      await system.control('faults', { 'verify-start': fault });
      expect((await clientAt(system, HERE).login(ALICE).expect(201)).body.channel).toBeNull();
      await clientAt(system, HERE).login(BOB).expect(503);
      expect(await callsTo(system, '/v2/verify')).toBe(1);
      system.world.turn(31);
      await clientAt(system, HERE).login(BOB).expect(201);
    }));
});
