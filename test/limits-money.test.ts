import { atFullHour, BEHIND_PROXY, someoneAt } from './support/crowd.js';
import { ALICE, BOB, postCode, withHouse, type House } from './support/house.js';
import { until } from './support/until.js';

const HERE = '192.0.2.7';
const ELSEWHERE = '198.51.100.7';
/** A number of the same country whose range is another one. */
const LONDON = '+442079460000';

describe.each(['redis', 'memory'] as const)('with %s, messages', (store) => {
  const inHouse = (env: Record<string, string>, work: (house: House) => Promise<void>) =>
    withHouse({ store, env: { ...BEHIND_PROXY, ...env } }, async (house) => {
      atFullHour(house);
      await work(house);
    });
  const sent = async (house: House) => (await house.messages()).length;

  test.each([
    ['send-number', [ALICE, HERE], [ALICE, ELSEWHERE], 'hour'],
    ['send-number-day', [ALICE, HERE], [ALICE, ELSEWHERE], 'day'],
    ['send-range', [ALICE, HERE], ['+34666111333', HERE], 'hour'],
    ['send-prefix', [ALICE, HERE], [BOB, ELSEWHERE], 'hour'],
    ['send-country', [ALICE, HERE], [LONDON, ELSEWHERE], 'hour'],
  ] as const)('are limited by %s, and the silent way stays open', (name, one, other, window) =>
    inHouse({ RATE_LIMITS: `${name}=1` }, async (house) => {
      expect((await someoneAt(house, one[1]).askForMessage(one[0])).status).toBe(200);
      const second = someoneAt(house, other[1]);
      const refused = await second.askForMessage(other[0]);
      expect([refused.status, refused.body.error]).toEqual([429, 'rate_limited']);
      expect(await sent(house)).toBe(1);
      const wait = Number(refused.headers['retry-after']);
      expect(wait).toBe(refused.body.retry_after);
      expect(wait > 3600).toBe(window === 'day' && wait > 3600);
      // Silence costs nothing, and is not refused for it.
      const login = await second.login(other[0]).expect(201);
      expect(login.body.channel).toBe('silent_auth');
      house.world.turn(wait);
      expect((await second.askForMessage(other[0])).status).toBe(200);
    }),
  );

  test.each([
    ['send-number', '+447700900002', ELSEWHERE],
    ['send-range', BOB, ELSEWHERE],
    ['send-prefix', LONDON, HERE],
    ['send-country', '+34666111333', HERE],
  ])('beyond %s are still sent to others', (name, number, address) =>
    inHouse({ RATE_LIMITS: `${name}=1` }, async (house) => {
      await someoneAt(house, HERE).askForMessage(ALICE);
      expect((await someoneAt(house, address).askForMessage(number)).status).toBe(200);
    }),
  );

  test('say what is left to the range that asks, and nothing of numbers and countries', () =>
    inHouse({ RATE_LIMITS: 'send-range=3' }, async (house) => {
      const { headers } = await someoneAt(house, HERE).askForMessage(ALICE);
      expect(headers['ratelimit-policy']).toBe('"send-range";q=3;w=3600');
      expect(headers['ratelimit']).toBe('"send-range";r=2;t=3600');
    }));

  test('are counted one by one, and one that is not sent again is not counted again', () =>
    inHouse({ RATE_LIMITS: 'send-number=2' }, async (house) => {
      const someone = someoneAt(house, HERE);
      await someone.askForMessage(ALICE);
      for (let again = 0; again < 5; again++) await someone.next('sms').expect(200);
      await someone.next('voice').expect(200);
      expect(await sent(house)).toBe(2);
      expect((await someoneAt(house, HERE).askForMessage(ALICE)).status).toBe(429);
    }));

  test('stop when the budget of the hour is spent, until it is over, and silent logins go on', () =>
    inHouse({ PAID_SENDS_PER_HOUR: '2' }, async (house) => {
      const trips = () => house.world.logged().split('the messages of this hour are spent').length - 1;
      house.world.turn(600);
      await someoneAt(house, HERE).askForMessage(ALICE);
      expect(trips()).toBe(0);
      await someoneAt(house, ELSEWHERE).askForMessage(LONDON);
      for (const number of [BOB, '+34666111333', '+447700900003']) {
        const refused = await someoneAt(house, ELSEWHERE).askForMessage(number);
        expect(refused.body).toMatchObject({ status: 503, error: 'unavailable', retry_after: 3000 });
      }
      expect([await sent(house), trips()]).toEqual([2, 1]);
      expect(house.world.logged()).toContain('{"level":"error","limit":2,"seconds":3000');
      const { app, code } = await house.walkedLogin(BOB);
      await postCode(app, code).expect(200);
      house.world.turn(3000);
      expect((await someoneAt(house, HERE).askForMessage(BOB)).status).toBe(200);
    }));

  test('that are refused count for nothing', () =>
    inHouse({ PAID_SENDS_PER_HOUR: '1', RATE_LIMITS: 'send-number-day=1' }, async (house) => {
      house.world.turn(86_400 - ((house.world.now() / 1000) % 86_400));
      await someoneAt(house, HERE).askForMessage(ALICE);
      expect((await someoneAt(house, HERE).askForMessage(BOB)).status).toBe(503);
      house.world.turn(3600);
      expect((await someoneAt(house, HERE).askForMessage(BOB)).status).toBe(200);
    }));
});

describe('with SILENT_AUTH=verify, whose chain sends by itself', () => {
  const env = { ...BEHIND_PROXY, SILENT_AUTH: 'verify' };
  const channelsOf = async (house: House) =>
    (await house.upstream())
      .filter(({ path }) => path === '/v2/verify')
      .map(({ body }) =>
        (body as { workflow: { channel: string }[] }).workflow.map(({ channel }) => channel),
      );

  const WHOLE = ['silent_auth', 'sms', 'voice'];
  test.each<[string, Record<string, string>, string[][]]>([
    ['the number', { RATE_LIMITS: 'send-number=4' }, [WHOLE, WHOLE, ['silent_auth']]],
    ['the budget', { PAID_SENDS_PER_HOUR: '3' }, [WHOLE, ['silent_auth', 'sms'], ['silent_auth']]],
  ])(
    'each message of a chain is counted at its start; beyond the limit of %s it is cut',
    (_what, limits, chains) =>
      withHouse({ env: { ...env, ...limits } }, async (house) => {
        atFullHour(house);
        for (const address of [ELSEWHERE, HERE, HERE]) {
          const begun = await someoneAt(house, address).login(ALICE).expect(201);
          expect(begun.body).toMatchObject({
            channel: 'silent_auth',
            auth_url: expect.stringContaining('http'),
          });
          house.world.turn(1000);
        }
        expect(await channelsOf(house)).toEqual(chains);
      }),
  );

  test.each<[string, number, string[]]>([
    ['one message', 1, ['sms']],
    ['two messages', 2, ['sms', 'voice']],
  ])('a login that nobody finishes sends %s where the budget has as many', (_what, budget, sent) =>
    withHouse({ env: { ...env, PAID_SENDS_PER_HOUR: String(budget) } }, async (house) => {
      atFullHour(house);
      const { app, login } = someoneAt(house, HERE);
      await login(ALICE).expect(201);
      for (const seconds of [61, 301, 301]) {
        house.world.turn(seconds);
        await app.get('/login').expect(200);
      }
      expect((await house.messages()).map(({ channel }) => channel)).toEqual(sent);
    }),
  );

  test('going on within a chain costs nothing more', () =>
    withHouse({ env: { ...env, PAID_SENDS_PER_HOUR: '2' } }, async (house) => {
      atFullHour(house);
      const someone = someoneAt(house, HERE);
      await someone.login(ALICE).expect(201);
      await someone.next('sms').expect(200);
      await someone.next('voice').expect(200);
      house.world.turn(1200);
      await someoneAt(house, HERE).login(ALICE).expect(201);
      expect((await channelsOf(house)).at(-1)).toEqual(['silent_auth']);
    }));

  test('a message that was cut off is sent in a request of its own, which waits for the silent one to be cancelled', () =>
    withHouse({ env: { ...env, PAID_SENDS_PER_HOUR: '2' } }, async (house) => {
      atFullHour(house);
      await someoneAt(house, ELSEWHERE).login(BOB).expect(201);
      house.world.turn(3590);
      const { login, next } = someoneAt(house, HERE);
      await login(ALICE).expect(201);
      expect((await next('sms')).status).toBe(503);
      house.world.turn(15);
      expect((await next('sms').expect(409)).body).toMatchObject({
        error: 'login_in_progress',
        retry_after: 15,
      });
      house.world.turn(15);
      await until(async () => (await house.upstream()).some(({ method }) => method === 'DELETE'));
      expect((await next('sms').expect(200)).body.channel).toBe('sms');
      const messages = (await house.messages()).filter(({ to }) => to === ALICE);
      expect(messages.map(({ channel }) => channel)).toEqual(['sms']);
    }));

  test('nothing is counted where nothing can be sent', () =>
    withHouse({ env: { ...env, FALLBACK_CHANNELS: 'none' } }, async (house) => {
      await someoneAt(house, HERE).login(ALICE).expect(201);
      expect(await house.redis.keys('limit:send*')).toEqual([]);
    }));
});
