import { connect } from 'node:net';
import { MAX_CONNECTIONS } from '../src/http/undici-adapter.js';
import { walk } from './support/device.js';
import { createGate, type Gate } from './support/gate.js';
import {
  ALICE,
  postCode,
  WITH_CODES,
  withSystem,
  type System,
  type SystemOptions,
} from './support/system.js';
import { until } from './support/until.js';

const ENV = { MAX_UTILIZATION: '90' };

/** Logins that need no call to Vonage. */
const CHEAP: SystemOptions = { store: 'memory', env: { ...ENV, ...WITH_CODES, SILENT_AUTH: 'off' } };

const login = (system: System) => system.app().post('/login').send({ phone_number: ALICE });
const portOf = (system: System): number => Number(new URL(system.base).port);
const times = (count: number, status: number): number[] => Array<number>(count).fill(status);

/** The statuses of `count` sequential logins. */
const logins = async (system: System, count: number): Promise<number[]> => {
  const statuses: number[] = [];
  for (let each = 0; each < count; each++) statuses.push((await login(system)).status);
  return statuses;
};

/** Simulates a second with this event loop utilization, on an idle processor. */
const works = (system: System, percent = 100): void =>
  system.world.spend({ active: percent * 10, idle: 1000 - percent * 10, cpu: percent * 10 });
const rests = (system: System): void => works(system, 5);

interface Gates {
  atLimits: Gate;
  behindLimits: Gate;
}

/** A server whose logins can be held at their limits, or directly after them. */
async function withGates(work: (system: System, gates: Gates) => Promise<void>, options: SystemOptions = {}) {
  const gates = { atLimits: createGate(), behindLimits: createGate() };
  const gated: SystemOptions = {
    env: ENV,
    hooks: { beforeLogin: () => gates.behindLimits.pass() },
    through: (store) => ({
      ...store,
      spend: (...all) => gates.atLimits.pass().then(() => store.spend(...all)),
    }),
    ...options,
  };
  await withSystem(gated, async (system) => {
    try {
      await work(system, gates);
    } finally {
      Object.values(gates).forEach((gate) => gate.open());
    }
  });
}

/** Runs `work` while `count` logins are pending, and then completes them. */
async function beside(system: System, gate: Gate, count: number, work: () => Promise<void>): Promise<void> {
  gate.hold(count);
  const held = Array.from({ length: count }, async () => (await login(system)).status);
  await gate.full();
  await work();
  gate.open();
  expect(await Promise.all(held)).toEqual(times(count, 201));
}

/** With fewer pending logins none is refused. */
const MANY = 4;

/** Runs `work` in an overloaded process with many pending logins. */
const whileBusy = (work: (system: System) => Promise<void>, options: SystemOptions = {}) =>
  withGates(async (system, { atLimits }) => {
    await beside(system, atLimits, MANY, async () => {
      works(system);
      await work(system);
    });
  }, options);

const JSON_POST = 'POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
const posted = (body: string): string => `${JSON_POST}Content-Length: ${body.length}\r\n\r\n${body}`;
const HONEST = posted(JSON.stringify({ phone_number: ALICE }));

/** Writes `text` to a new connection. @returns `hangUp`, and a count of answers by status */
async function writeTo(system: System, text: string) {
  let said = '';
  const socket = connect(portOf(system), 'localhost');
  socket.on('data', (chunk: Buffer) => (said += chunk.toString())).on('error', () => undefined);
  await new Promise<void>((resolve) => socket.write(text, () => resolve()));
  return {
    hangUp: () => socket.destroy(),
    answers: (status: number) => said.split(`HTTP/1.1 ${status}`).length - 1,
  };
}

describe('an overloaded process', () => {
  test('refuses a new login at once, with Retry-After', () =>
    whileBusy(async (system) => {
      const before = await system.redis.dbsize();
      const refused = await login(system).expect(503);
      expect(refused.headers['content-type']).toBe('application/problem+json');
      expect(refused.headers['x-request-id']).toBe(refused.body.instance);
      expect(refused.body).toMatchObject({ error: 'unavailable', status: 503 });
      expect(refused.headers['retry-after']).toBe(String(refused.body.retry_after));
      expect(refused.body.retry_after).toBeGreaterThanOrEqual(2);
      expect(refused.body.retry_after).toBeLessThanOrEqual(9);
      expect(refused.headers['set-cookie']).toBeUndefined();
      expect(await system.redis.dbsize()).toBe(before);
      expect(await system.upstream()).toEqual([]);
    }));

  test('spreads Retry-After over several seconds', () =>
    whileBusy(async (system) => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => login(system).expect(503)));
      expect(new Set(answers.map(({ body }) => body.retry_after as number)).size).toBeGreaterThan(2);
    }));

  test('continues logins that have begun', () =>
    withGates(async (system, { atLimits }) => {
      const app = system.app();
      const { auth_url: link } = (await app.post('/login').send({ phone_number: ALICE }).expect(201)).body;
      await beside(system, atLimits, MANY, async () => {
        works(system);
        await login(system).expect(503);
        await app.get('/login').expect(200);
        const home = await walk(link);
        expect(home.status).toBe(200);
        await postCode(app, String(home.json?.['code'])).expect(200);
        expect((await app.get('/session').expect(200)).body.authenticated).toBe(true);
        await app.post('/logout').expect(204);
      });
    }));

  test('sends messages of logins that have begun, and stays healthy and ready', () =>
    withGates(
      async (system, { atLimits }) => {
        const app = system.app();
        await app.post('/login').send({ phone_number: ALICE }).expect(201);
        await beside(system, atLimits, MANY, async () => {
          works(system);
          await app.post('/login/next').send({ channel: 'sms' }).expect(200);
          await system.app().get('/healthz').expect(200);
          await system.app().get('/readyz').expect(200);
          await login(system).expect(503);
        });
      },
      { env: { ...ENV, ...WITH_CODES } },
    ));

  test('accepts logins again once its load falls', () =>
    whileBusy(async (system) => {
      await login(system).expect(503);
      rests(system);
      await login(system).expect(201);
    }));

  test('logs a summary instead of each refusal', () =>
    whileBusy(async (system) => {
      const warnings = () => system.world.logged().split('overloaded').length - 1;
      for (let look = 0; look < 5; look++) {
        works(system);
        expect(await logins(system, 3)).toEqual(times(3, 503));
      }
      expect(warnings()).toBe(1);
      expect(system.world.logged()).not.toContain('request failed');
      system.world.turn(11);
      works(system);
      await login(system);
      expect(warnings()).toBe(2);
      expect(system.world.logged()).toContain('"refused":12');
    }));

  test('adds the CORS headers to a refusal', () =>
    whileBusy(
      async (system) => {
        const refused = await login(system).set('origin', 'https://app.example.com').expect(503);
        expect(refused.headers['access-control-allow-origin']).toBe('https://app.example.com');
        expect(refused.headers['access-control-expose-headers']).toContain('retry-after');
      },
      { env: { ...ENV, ALLOWED_ORIGINS: 'https://app.example.com' } },
    ));

  test('reads a request before it refuses it', () =>
    whileBusy(async (system) => {
      await system.app().post('/login').set('content-type', 'application/json').send('{').expect(400);
      const { answers, hangUp } = await writeTo(system, HONEST.slice(0, -1));
      await login(system).expect(503);
      expect(answers(503)).toBe(0);
      hangUp();
    }));
});

describe('admission of new logins', () => {
  test.each([
    ['none up to the limit', '90', 90, 0],
    ['one in eight halfway between the limit and 100 %', '90', 95, 5],
    ['more than half near 100 %', '90', 98.5, 24],
    ['all at 100 %', '90', 100, 40],
    ['some at a lower utilization if the limit is lower', '50', 75, 5],
    ['none at a limit of 99 %', '99', 99, 0],
    ['none at a limit of 100 %', '100', 100, 0],
  ])('refuses %s', (_what, MAX_UTILIZATION, percent, refused) =>
    withGates(
      async (system, { atLimits }) => {
        await beside(system, atLimits, MANY, async () => {
          works(system, percent);
          const statuses = await logins(system, 40);
          expect(statuses.filter((status) => status === 503)).toHaveLength(refused);
          expect(statuses.filter((status) => status === 201)).toHaveLength(40 - refused);
        });
      },
      { ...CHEAP, env: { ...CHEAP.env, MAX_UTILIZATION } },
    ),
  );

  test.each([
    ['whose processor is used by others', { active: 1000, idle: 0, cpu: 400 }],
    ['that was measured too briefly', { active: 200, idle: 0, cpu: 200 }],
  ])('refuses none in a process %s', (_what, spent) =>
    withGates(async (system, { atLimits }) => {
      await beside(system, atLimits, MANY, async () => {
        system.world.spend(spent);
        expect(await logins(system, 20)).toEqual(times(20, 201));
      });
    }, CHEAP),
  );

  test('refuses none for load before the first request', () =>
    withGates(async (system, { atLimits }) => {
      works(system);
      await beside(system, atLimits, MANY, async () => {
        expect(await logins(system, 2)).toEqual([201, 201]);
      });
    }, CHEAP));

  test('refuses none of a client that sends one at a time, whatever the load', () =>
    withSystem(CHEAP, async (system) => {
      for (let each = 0; each < 60; each++) {
        works(system);
        await login(system).expect(201);
      }
    }));

  test('refuses none while few logins are pending', () =>
    withGates(async (system, { atLimits }) => {
      await beside(system, atLimits, MANY - 1, async () => {
        works(system);
        expect(await logins(system, 20)).toEqual(times(20, 201));
      });
    }, CHEAP));

  test('refuses none because of other requests that arrive together', () =>
    withSystem(CHEAP, async (system) => {
      works(system);
      const { hangUp, answers } = await writeTo(system, posted('{}').repeat(MANY * 5) + HONEST);
      await until(() => Promise.resolve(answers(201) === 1));
      hangUp();
    }));
});

describe(`the ${MAX_CONNECTIONS} slots for logins that wait for Vonage`, () => {
  test('are not used by logins that the limits have not admitted yet', () =>
    withGates(async (system, { atLimits, behindLimits }) => {
      atLimits.hold(MAX_CONNECTIONS + 1);
      const held = await writeTo(system, HONEST.repeat(MAX_CONNECTIONS + 1));
      await atLimits.full();
      await login(system).expect(201);
      // All request a slot at once, and there is one too few.
      behindLimits.hold(MAX_CONNECTIONS);
      atLimits.open();
      await behindLimits.full();
      const refused = await login(system).expect(503);
      expect(refused.body).toMatchObject({ error: 'unavailable', retry_after: expect.any(Number) });
      behindLimits.open();
      await until(() => Promise.resolve(held.answers(201) === MAX_CONNECTIONS));
      expect(held.answers(503)).toBe(1);
      held.hangUp();
      expect(await logins(system, 2)).toEqual([201, 201]);
    }, CHEAP));

  test('are released if clients hang up, whatever they sent', () =>
    withGates(async (system, { behindLimits }) => {
      const pipelines = [posted('{}'), posted('{'), posted('{"phone_number":"x"}'), HONEST].map((each) =>
        each.repeat(50),
      );
      behindLimits.hold(50);
      const gone = await Promise.all(pipelines.map((each) => writeTo(system, each)));
      await behindLimits.full();
      gone.forEach(({ hangUp }) => hangUp());
      behindLimits.open();

      // One slot that was not released would be missing.
      behindLimits.hold(MAX_CONNECTIONS);
      const held = await writeTo(system, HONEST.repeat(MAX_CONNECTIONS));
      await behindLimits.full();
      behindLimits.open();
      await until(() => Promise.resolve(held.answers(201) === MAX_CONNECTIONS));
      held.hangUp();
    }, CHEAP));
});

/** Sends a request on a new connection, and closes it immediately. */
const sendAndHangUp = (port: number, text: string): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(port, 'localhost', () => {
      socket.write(text);
      socket.destroy();
    });
    socket.once('close', () => resolve());
  });

test('a request whose client hung up is not processed', () =>
  withSystem({ env: ENV }, async (system) => {
    const { auth_url: link } = (await login(system).expect(201)).body;
    const { hops } = await walk(link, { stopBefore: `${system.base}/callback` });
    const before = (await system.upstream()).length;
    const callback = new URL(hops.at(-1) ?? '');
    const request = `GET ${callback.pathname}${callback.search} HTTP/1.1\r\nHost: a\r\n\r\n`;
    await sendAndHangUp(portOf(system), request);
    await system.app().get('/healthz').expect(200);
    expect(await system.upstream()).toHaveLength(before);
    // The state is not spent.
    expect((await walk(callback.href)).status).toBe(200);
  }));
