import { agree, atFullHour, BEHIND_PROXY, clientAt } from './support/crowd.js';
import { ALICE, BOB, postCode, withHouse, type House, type HouseOptions } from './support/house.js';
import { recordsOf } from './support/records.js';

const HERE = '192.0.2.7';
const ENABLE = '/v0.1/network-enablement';
const number = (each: number): string => `+4477009000${10 + each}`;

const callsTo = async (house: House, path: string) =>
  (await house.upstream()).filter((call) => call.path === path).length;

/** Ten logins at once, by what they were answered. */
const tenLogins = async (...houses: House[]) => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, each) =>
      clientAt(houses[each % houses.length] as House, HERE).login(number(each)),
    ),
  );
  return answers.map(({ status }) => status).sort();
};
const served = (count: number) => [...Array<number>(count).fill(201), ...Array<number>(10 - count).fill(503)];

describe.each(['redis', 'memory'] as const)('with %s, Network Enablement', (store) => {
  const inHouse = (env: Record<string, string>, work: (house: House) => Promise<void>) =>
    withHouse({ store, env: { ...BEHIND_PROXY, ...env } }, async (house) => {
      atFullHour(house);
      await work(house);
    });

  test('is called at most so often a second; a login without a turn does not fall back to a message', () =>
    inHouse({ UPSTREAM_PER_SECOND: '3' }, async (house) => {
      // Three now, and three that wait for the next second.
      expect(await tenLogins(house)).toEqual(served(6));
      expect(await callsTo(house, ENABLE)).toBe(6);
      const refused = await clientAt(house, HERE).login(ALICE).expect(503);
      expect(refused.body).toMatchObject({ error: 'unavailable', retry_after: 1 });
      expect(refused.headers['retry-after']).toBe('1');
      house.world.turn(1);
      expect(await tenLogins(house)).toEqual(served(3));
    }));

  test('is not called for a login that another limit refuses, nor is a turn taken for it', () =>
    inHouse({ UPSTREAM_PER_SECOND: '1', RATE_LIMITS: 'login-number=1' }, async (house) => {
      await clientAt(house, HERE).login(ALICE).expect(201);
      for (let each = 0; each < 5; each++) await clientAt(house, HERE).login(ALICE).expect(429);
      await clientAt(house, HERE).login(BOB).expect(201);
    }));

  test('is retried in a turn of its own', () =>
    inHouse({ UPSTREAM_PER_SECOND: '1' }, async (house) => {
      await house.control('faults', { 'network-enablement': { status: 502, times: 1 } });
      await clientAt(house, HERE).login(ALICE).expect(201);
      expect(await callsTo(house, ENABLE)).toBe(2);
      await clientAt(house, HERE).login(BOB).expect(503);
    }));

  test("is retried in turns of the login's range", () =>
    inHouse({ UPSTREAM_PER_SECOND: '10', RATE_LIMITS: 'login-range-second=3' }, async (house) => {
      await house.control('faults', { 'network-enablement': { status: 502, times: 9 } });
      for (let each = 0; each < 5; each++) {
        const client = clientAt(house, `192.0.2.${each}`);
        expect((await client.login(number(each))).status).toBe([201, 429][Math.min(each, 1)]);
      }
      expect(await callsTo(house, ENABLE)).toBe(3);
      await clientAt(house, '198.51.100.7').login(BOB).expect(201);
    }));

  test.each([429, 503])('is not called during the pause of its %i', (status) =>
    inHouse({}, async (house) => {
      const fault = { status, headers: { 'retry-after': '30' }, times: 1 };
      await house.control('faults', { 'network-enablement': fault });
      // The one who hears it goes on by another way, as with any outage.
      expect((await clientAt(house, HERE).login(ALICE).expect(201)).body.channel).toBeNull();
      expect(await callsTo(house, ENABLE)).toBe(1);
      house.world.turn(10);
      const refused = await clientAt(house, HERE).login(BOB).expect(503);
      expect(refused.body).toMatchObject({ error: 'unavailable' });
      expect([20, 21]).toContain(refused.body.retry_after);
      expect(await callsTo(house, ENABLE)).toBe(1);
      house.world.turn(refused.body.retry_after as number);
      await clientAt(house, HERE).login(BOB).expect(201);
    }),
  );

  test('is not called during a pause that outlasts a window, which has a maximum', () =>
    inHouse({}, async (house) => {
      house.world.turn(590);
      const fault = { status: 429, headers: { 'retry-after': '99999999' }, times: 1 };
      await house.control('faults', { 'network-enablement': fault });
      await clientAt(house, HERE).login(ALICE);
      house.world.turn(599);
      await clientAt(house, HERE).login(ALICE).expect(503);
      house.world.turn(2);
      await clientAt(house, HERE).login(ALICE).expect(201);
    }));

  test.each(['oidc', 'off'])('does not limit SILENT_AUTH=%s', (engine) =>
    inHouse({ SILENT_AUTH: engine, UPSTREAM_PER_SECOND: '1' }, async (house) => {
      expect(await tenLogins(house)).toEqual(served(10));
    }),
  );
});

test('two servers on one Redis share turns and pauses', () =>
  withHouse({ env: { ...BEHIND_PROXY, UPSTREAM_PER_SECOND: '2' } }, (one) =>
    withHouse({ env: { ...BEHIND_PROXY, UPSTREAM_PER_SECOND: '2' } }, async (other) => {
      atFullHour(one);
      agree(one, other);
      expect(await tenLogins(one, other)).toEqual(served(4));
      for (const house of [one, other]) house.world.turn(5);
      const fault = { status: 429, headers: { 'retry-after': '30' }, times: 1 };
      await one.control('faults', { 'network-enablement': fault });
      await clientAt(one, HERE).login(ALICE);
      await clientAt(other, HERE).login(BOB).expect(503);
    }),
  ));

test('Retry-After is at least one second, also at the end of a second', () => {
  let endSecond = (): void => undefined;
  const through: HouseOptions['through'] = (store) => ({
    ...store,
    spend: (...all) => store.spend(...all).finally(() => endSecond()),
  });
  return withHouse({ env: BEHIND_PROXY, through }, async (house) => {
    atFullHour(house);
    const fault = { status: 429, headers: { 'retry-after': '1' }, times: 1 };
    await house.control('faults', { 'network-enablement': fault, 'verify-start': fault });
    const [one, other] = [clientAt(house, HERE), clientAt(house, HERE)];
    await other.login(BOB).expect(201);
    house.world.turn(2);
    await one.askForMessage(ALICE);
    endSecond = () => house.world.turn(1);
    expect((await other.next('sms').expect(503)).headers['retry-after']).toBe('1');

    endSecond = () => undefined;
    await house.control('faults', { 'network-enablement': fault });
    await one.login(ALICE).expect(201);
    endSecond = () => house.world.turn(1);
    expect((await other.login(BOB).expect(503)).headers['retry-after']).toBe('1');
  });
});

test('an API that logins do not begin with is not paused', () =>
  withHouse({ env: BEHIND_PROXY }, async (house) => {
    await house.control('faults', { token: { status: 429, headers: { 'retry-after': '30' }, times: 1 } });
    await house.walkedLogin(ALICE);
    expect(JSON.stringify(await recordsOf(house.redis))).not.toContain('pause');
    const { app, code } = await house.walkedLogin(ALICE);
    await postCode(app, code).expect(200);
  }));

describe('during a pause of Verify', () => {
  const asksToWait = async (house: House) => {
    const fault = { status: 429, headers: { 'retry-after': '30' }, times: 1 };
    await house.control('faults', { 'verify-start': fault });
    expect((await clientAt(house, HERE).askForMessage('+447700900050')).status).toBe(503);
  };

  test('no message is requested, and none is counted', () =>
    withHouse({ env: { ...BEHIND_PROXY, RATE_LIMITS: 'send-number=1' } }, async (house) => {
      atFullHour(house);
      await asksToWait(house);
      const calls = await callsTo(house, '/v2/verify');
      const client = clientAt(house, HERE);
      const refused = await client.askForMessage(ALICE);
      expect([refused.status, refused.body.error]).toEqual([503, 'unavailable']);
      expect(await callsTo(house, '/v2/verify')).toBe(calls);
      house.world.turn(Number(refused.headers['retry-after']));
      await client.next('sms').expect(200);
    }));

  test('a code is not tried, and keeps its three tries', () =>
    withHouse({ env: BEHIND_PROXY }, async (house) => {
      atFullHour(house);
      const client = clientAt(house, HERE);
      const { app } = client;
      await client.askForMessage(ALICE);
      const [message] = await house.messages();
      await asksToWait(house);
      for (let each = 0; each < 4; each++) await postCode(app, '999999').expect(503);
      house.world.turn(31);
      await postCode(app, '999999').expect(400);
      await postCode(app, message?.code ?? '').expect(200);
    }));

  test('a login of SILENT_AUTH=verify is refused at once, except the one that received the 429', () =>
    withHouse({ env: { ...BEHIND_PROXY, SILENT_AUTH: 'verify' } }, async (house) => {
      atFullHour(house);
      const fault = { status: 429, headers: { 'retry-after': '30' }, times: 1 };
      await house.control('faults', { 'verify-start': fault });
      expect((await clientAt(house, HERE).login(ALICE).expect(201)).body.channel).toBeNull();
      await clientAt(house, HERE).login(BOB).expect(503);
      expect(await callsTo(house, '/v2/verify')).toBe(1);
      house.world.turn(31);
      await clientAt(house, HERE).login(BOB).expect(201);
    }));
});
