import { connect } from 'node:net';
import { ALICE, buildHouse, postCode, WITH_CODES, withHouse, type House } from './support/house.js';
import { walk } from './support/device.js';
import { until } from './support/until.js';

const ENV = { MAX_UTILIZATION: '90' };

const login = (house: House) => house.app().post('/login').send({ phone_number: ALICE });

/** So many logins, one after the other, by what they were answered. */
const logins = async (house: House, count: number) => {
  const answers: number[] = [];
  for (let each = 0; each < count; each++) answers.push((await login(house)).status);
  return answers;
};
const times = (count: number, status: number): number[] => Array<number>(count).fill(status);

/** The event loop was busy all the time, so there is work that waits. */
const neverRests = (house: House): void => house.world.spend({ busy: 600, idle: 0 });
const rests = (house: House): void => house.world.spend({ busy: 50, idle: 550 });

/** Ten requests that cost 48 ms each: a login is three, and new ones may have 450 ms at a time. */
const learnsThatItIsSlow = async (house: House) => {
  for (let each = 0; each < 10; each++) await house.app().get('/session').expect(200);
  house.world.spend({ busy: 480, idle: 20 });
};

/** Sends a request on a connection of its own, and hangs up in the same moment. */
const sendAndHangUp = (port: number, text: string): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(port, 'localhost', () => {
      socket.write(text);
      socket.destroy();
    });
    socket.once('close', () => resolve());
  });

describe('a server that is behind its work', () => {
  let house: House;
  beforeEach(async () => (house = await buildHouse({ env: { ...ENV, ...WITH_CODES } })));
  afterEach(() => house.stop());

  test('refuses a new login at once, and says when to come back', async () => {
    neverRests(house);
    const refused = await login(house).expect(503);
    expect(refused.headers['content-type']).toBe('application/problem+json');
    expect(refused.headers['x-request-id']).toBe(refused.body.instance);
    expect(refused.body).toMatchObject({ error: 'unavailable', status: 503 });
    expect(refused.headers['retry-after']).toBe(String(refused.body.retry_after));
    expect(refused.body.retry_after).toBeGreaterThanOrEqual(2);
    expect(refused.body.retry_after).toBeLessThanOrEqual(9);
    expect(refused.headers['set-cookie']).toBeUndefined();
    expect(await house.redis.dbsize()).toBe(0);
    expect(await house.upstream()).toEqual([]);
  });

  test('does not send everybody back at the same time', async () => {
    neverRests(house);
    const answers = await Promise.all(Array.from({ length: 20 }, () => login(house).expect(503)));
    expect(new Set(answers.map(({ body }) => body.retry_after as number)).size).toBeGreaterThan(2);
  });

  test('does not look at what a new login brings', async () => {
    neverRests(house);
    await house.app().post('/login').set('content-type', 'application/json').send('{').expect(503);
  });

  test('goes on with logins that were begun', async () => {
    const app = house.app();
    const { auth_url: link } = (await app.post('/login').send({ phone_number: ALICE }).expect(201)).body;
    neverRests(house);
    await login(house).expect(503);
    await app.get('/login').expect(200);
    const home = await walk(link);
    expect(home.status).toBe(200);
    await postCode(app, String(home.json?.['code'])).expect(200);
    expect((await app.get('/session').expect(200)).body.authenticated).toBe(true);
    await app.post('/logout').expect(204);
  });

  test('sends a message to whoever began, and says that it lives and is ready', async () => {
    const app = house.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    neverRests(house);
    await app.post('/login/next').send({ channel: 'sms' }).expect(200);
    await house.app().get('/healthz').expect(200);
    await house.app().get('/readyz').expect(200);
    await login(house).expect(503);
  });

  test('takes logins again as soon as it rests', async () => {
    neverRests(house);
    await login(house).expect(503);
    rests(house);
    await login(house).expect(201);
  });

  test('tells its log of it, but not for each', async () => {
    const told = () => house.world.logged().split('overloaded').length - 1;
    for (let look = 0; look < 5; look++) {
      neverRests(house);
      expect(await logins(house, 3)).toEqual(times(3, 503));
    }
    expect(told()).toBe(1);
    expect(house.world.logged()).not.toContain('request failed');
    house.world.turn(11);
    neverRests(house);
    await login(house);
    expect(told()).toBe(2);
    expect(house.world.logged()).toContain('"refused":12');
  });
});

test('a page of another origin can read that its login was refused, and until when', () =>
  withHouse({ env: { ...ENV, ALLOWED_ORIGINS: 'https://app.example.com' } }, async (house) => {
    neverRests(house);
    const refused = await login(house).set('origin', 'https://app.example.com').expect(503);
    expect(refused.headers['access-control-allow-origin']).toBe('https://app.example.com');
    expect(refused.headers['access-control-expose-headers']).toContain('retry-after');
  }));

describe('new logins', () => {
  const inHouse = (work: (house: House) => Promise<void>) => withHouse({ env: ENV }, work);

  test('are charged for all that follows on them', () =>
    inHouse(async (house) => {
      await learnsThatItIsSlow(house);
      expect(await logins(house, 6)).toEqual([...times(4, 201), ...times(2, 503)]);
      // 90 ms are earned in 100, and the last login left a debt of 126.
      house.world.spend({ busy: 0, idle: 100 });
      await login(house).expect(503);
      house.world.spend({ busy: 0, idle: 100 });
      expect(await logins(house, 2)).toEqual([201, 503]);
    }));

  test('are not kept out for long by a price that holds no more', () =>
    inHouse(async (house) => {
      await learnsThatItIsSlow(house);
      for (let look = 0; look < 4; look++) {
        await house.app().get('/session');
        rests(house);
      }
      expect(await logins(house, 10)).toEqual(times(10, 201));
    }));

  test('are not kept out for what was spent on others while nobody logged in', () =>
    inHouse(async (house) => {
      const app = house.app();
      for (let look = 0; look < 300; look++) {
        await app.get('/session').expect(200);
        house.world.spend({ busy: 500, idle: 100 });
      }
      await login(house).expect(201);
      rests(house);
      await login(house).expect(201);
    }));

  test('are all taken while the machine has time', () =>
    inHouse(async (house) => {
      for (let look = 0; look < 5; look++) {
        rests(house);
        expect(await logins(house, 5)).toEqual(times(5, 201));
      }
    }));

  test('are all taken where MAX_UTILIZATION is 100', () =>
    withHouse({ env: { MAX_UTILIZATION: '100' } }, async (house) => {
      await learnsThatItIsSlow(house);
      expect(await logins(house, 6)).toEqual(times(6, 201));
      neverRests(house);
      await login(house).expect(201);
    }));

  test('are begun a thousand at a time and no more, whatever they wait for', async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const env = { ...ENV, ...WITH_CODES, SILENT_AUTH: 'off' };
    await withHouse(
      {
        ...{ store: 'memory', env },
        // A store that is slow.
        through: (store) => ({ ...store, spend: (...all) => released.then(() => store.spend(...all)) }),
      },
      async (house) => {
        const body = JSON.stringify({ phone_number: ALICE });
        const head = `POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
        let said = '';
        const socket = connect(Number(new URL(house.base).port), 'localhost');
        socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
        socket.write((head + body).repeat(1000));
        // Answers to one connection keep their order, so this asks on another; what is not refused waits for the store.
        const asked = () =>
          login(house)
            .timeout(200)
            .then(
              ({ status }) => status,
              () => 0,
            );
        await until(async () => (await asked()) === 503);
        release();
        await until(() => Promise.resolve(said.split('HTTP/1.1 201').length > 900));
        socket.destroy();
        await login(house).expect(201);
      },
    );
  }, 60_000);
});

test('nothing is done for a client that has hung up', () =>
  withHouse({ env: ENV }, async (house) => {
    const port = Number(new URL(house.base).port);
    const { auth_url: link } = (await login(house).expect(201)).body;
    const { hops } = await walk(link, { stopBefore: `${house.base}/callback` });
    const before = (await house.upstream()).length;
    const callback = new URL(hops.at(-1) ?? '');
    await sendAndHangUp(port, `GET ${callback.pathname}${callback.search} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await house.app().get('/healthz').expect(200);
    expect(await house.upstream()).toHaveLength(before);
    // What it brought is not spent.
    expect((await walk(callback.href)).status).toBe(200);
  }));
