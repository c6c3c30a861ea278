import { walk } from './support/device.js';
import { atFullHour, BEHIND_PROXY, clientAt } from './support/crowd.js';
import { ALICE, BOB, postCode, withSystem, type System, type SystemOptions } from './support/system.js';

const HERE = '192.0.2.7';
const ELSEWHERE = '198.51.100.7';
/** A number of the same country with another prefix. */
const LONDON = '+442079460000';

describe.each(['redis', 'memory'] as const)('with %s, messages', (store) => {
  const inSystem = (env: Record<string, string>, work: (system: System) => Promise<void>) =>
    withSystem({ store, env: { ...BEHIND_PROXY, ...env } }, async (system) => {
      atFullHour(system);
      await work(system);
    });
  const sent = async (system: System) => (await system.messages()).length;

  test.each([
    ['send-number', [ALICE, HERE], [ALICE, ELSEWHERE], 'hour'],
    ['send-number-day', [ALICE, HERE], [ALICE, ELSEWHERE], 'day'],
    ['send-range', [ALICE, HERE], ['+34666111333', HERE], 'hour'],
    ['send-prefix', [ALICE, HERE], [BOB, ELSEWHERE], 'hour'],
    ['send-country', [ALICE, HERE], [LONDON, ELSEWHERE], 'hour'],
  ] as const)('are limited by %s, and silent logins still work', (name, one, other, window) =>
    inSystem({ RATE_LIMITS: `${name}=1` }, async (system) => {
      expect((await clientAt(system, one[1]).askForMessage(one[0])).status).toBe(200);
      const second = clientAt(system, other[1]);
      const refused = await second.askForMessage(other[0]);
      expect([refused.status, refused.body.error]).toEqual([429, 'rate_limited']);
      expect(await sent(system)).toBe(1);
      const wait = Number(refused.headers['retry-after']);
      expect(wait).toBe(refused.body.retry_after);
      expect(wait > 3600).toBe(window === 'day' && wait > 3600);
      // Silent logins are free, and not limited by it.
      const login = await second.login(other[0]).expect(201);
      expect(login.body.channel).toBe('silent_auth');
      system.world.turn(wait);
      expect((await second.askForMessage(other[0])).status).toBe(200);
    }),
  );

  test.each([
    ['send-number', '+447700900002', ELSEWHERE],
    ['send-range', BOB, ELSEWHERE],
    ['send-prefix', LONDON, HERE],
    ['send-country', '+34666111333', HERE],
  ])('beyond %s are still sent to others', (name, number, address) =>
    inSystem({ RATE_LIMITS: `${name}=1` }, async (system) => {
      await clientAt(system, HERE).askForMessage(ALICE);
      expect((await clientAt(system, address).askForMessage(number)).status).toBe(200);
    }),
  );

  test('report the remaining quota of the range, and nothing about numbers and countries', () =>
    inSystem({ RATE_LIMITS: 'send-range=3' }, async (system) => {
      const { headers } = await clientAt(system, HERE).askForMessage(ALICE);
      expect(headers['ratelimit-policy']).toBe('"send-range";q=3;w=3600');
      expect(headers['ratelimit']).toBe('"send-range";r=2;t=3600');
    }));

  test('are counted one by one, and a repeated request without a new message is not counted', () =>
    inSystem({ RATE_LIMITS: 'send-number=2' }, async (system) => {
      const client = clientAt(system, HERE);
      await client.askForMessage(ALICE);
      for (let again = 0; again < 5; again++) await client.next('sms').expect(200);
      system.world.turn(30);
      await client.next('voice').expect(200);
      expect(await sent(system)).toBe(2);
      expect((await clientAt(system, HERE).askForMessage(ALICE)).status).toBe(429);
    }));

  test('stop when the hourly budget is spent, until the hour ends, and silent logins continue', () =>
    inSystem({ PAID_SENDS_PER_HOUR: '2' }, async (system) => {
      const trips = () => system.world.logged().split('the messages of this hour are spent').length - 1;
      system.world.turn(600);
      await clientAt(system, HERE).askForMessage(ALICE);
      expect(trips()).toBe(0);
      await clientAt(system, ELSEWHERE).askForMessage(LONDON);
      for (const number of [BOB, '+34666111333', '+447700900003']) {
        const refused = await clientAt(system, ELSEWHERE).askForMessage(number);
        expect(refused.body).toMatchObject({ status: 503, error: 'unavailable', retry_after: 3000 });
      }
      expect([await sent(system), trips()]).toEqual([2, 1]);
      expect(system.world.logged()).toContain('{"level":"error","limit":2,"seconds":3000');
      const { app, code } = await system.walkedLogin(BOB);
      await postCode(app, code).expect(200);
      system.world.turn(3000);
      expect((await clientAt(system, HERE).askForMessage(BOB)).status).toBe(200);
    }));

  test('that are refused are not counted', () =>
    inSystem({ PAID_SENDS_PER_HOUR: '1', RATE_LIMITS: 'send-number-day=1' }, async (system) => {
      system.world.turn(86_400 - ((system.world.now() / 1000) % 86_400));
      await clientAt(system, HERE).askForMessage(ALICE);
      expect((await clientAt(system, HERE).askForMessage(BOB)).status).toBe(503);
      system.world.turn(3600);
      expect((await clientAt(system, HERE).askForMessage(BOB)).status).toBe(200);
    }));
});

/** Behind a proxy, with one channel, whose verification expires after five minutes. */
const SMS_ALONE = { ...BEHIND_PROXY, FALLBACK_CHANNELS: 'sms', SILENT_AUTH: 'off' };

/** Requests a message, and waits until Vonage accepts another verification of the number. */
async function messageTo(system: System, number: string, address: string): Promise<number> {
  const { status } = await clientAt(system, address).askForMessage(number);
  if (status === 200) system.world.turn(300);
  return status;
}

/** Logs in by the code of an SMS. @returns the status of the request for the SMS */
async function loggedInBySms(system: System, number: string, address: string): Promise<number> {
  const client = clientAt(system, address);
  const { status } = await client.askForMessage(number);
  const code = (await system.messages()).at(-1)?.code ?? '';
  if (status === 200) await client.post('/verify', { code }).expect(200);
  return status;
}

describe.each(['redis', 'memory'] as const)('with %s, the messages of a number', (store) => {
  const inSystem = (env: Record<string, string>, work: (system: System) => Promise<void>) =>
    withSystem({ store, env: { ...SMS_ALONE, ...env } }, async (system) => {
      atFullHour(system);
      await work(system);
    });
  const times = async (count: number, ask: (each: number) => Promise<number>): Promise<number[]> => {
    const statuses: number[] = [];
    for (let each = 0; each < count; each++) statuses.push(await ask(each));
    return statuses;
  };

  const shares: [limits: string, address: (each: number) => string, most: number][] = [
    ['send-number=6', (each) => `192.0.2.${each}`, 3],
    // One login may need an SMS and a call, so a share is at least two messages.
    ['send-number=2', () => HERE, 2],
  ];
  const more: typeof shares = [
    ['send-number=4', (each) => `192.0.2.${each}`, 2],
    ['send-number=5', (each) => `192.0.2.${each}`, 2],
    ['send-number=6', (each) => `2001:db8:1:${each}00::1`, 3],
    ['send-number=6', (each) => `2002:c000:20${each}::1`, 3],
    ['send-number=6', (each) => `unknown-${each}`, 3],
    ['send-number-day=6,send-number=100', (each) => `192.0.2.${each}`, 3],
    ['send-number=3', () => HERE, 2],
  ];
  // Shares are computed before the store counts them.
  test.each([...shares, ...(store === 'redis' ? more : [])])(
    'with %s one range can use no more than its share',
    (limits, address, most) =>
      inSystem({ RATE_LIMITS: limits }, async (system) => {
        const asked = await times(most + 1, (each) => messageTo(system, ALICE, address(each)));
        expect(asked).toEqual([...Array<number>(most).fill(200), 429]);
        const all = Number.parseInt(limits.split('=')[1] ?? '');
        const left = Math.min(most, all - most);
        const others = await times(left + 1, () => messageTo(system, ALICE, ELSEWHERE));
        expect(others).toEqual([...Array<number>(left).fill(200), 429]);
      }),
  );

  test('with the defaults one range can use no more than three in an hour, and six in a day', () =>
    inSystem({ RATE_LIMITS: '' }, async (system) => {
      system.world.turn(86_400 - ((system.world.now() / 1000) % 86_400));
      const perHour: number[] = [];
      for (let hour = 0; hour < 4; hour++) {
        const statuses = await times(4, () => messageTo(system, ALICE, HERE));
        perHour.push(statuses.filter((status) => status === 200).length);
        atFullHour(system);
      }
      expect(perHour).toEqual([3, 3, 0, 0]);
      const refused = await clientAt(system, HERE).askForMessage(ALICE);
      expect(refused.body.retry_after).toBe(86_400 - 4 * 3600);
      expect(await messageTo(system, ALICE, ELSEWHERE)).toBe(200);
    }));

  test('are given back when the owner verifies it, although other clients had used them up', () =>
    inSystem({ RATE_LIMITS: 'send-number=6,send-number-day=100' }, async (system) => {
      for (const address of ['198.51.100.7', '203.0.113.7']) {
        expect(await times(3, () => messageTo(system, ALICE, address))).not.toContain(409);
        // One message is left for the owner, which is enough.
        if (address === '198.51.100.7') expect(await loggedInBySms(system, ALICE, HERE)).toBe(200);
      }
      expect(await loggedInBySms(system, ALICE, HERE)).toBe(200);
      // The messages that another range used are not given back to that range.
      expect(await messageTo(system, ALICE, '198.51.100.7')).toBe(429);
    }));

  test('that is verified again and again are limited by the day', () =>
    inSystem({ RATE_LIMITS: 'send-number=2,send-number-day=8' }, async (system) => {
      system.world.turn(86_400 - ((system.world.now() / 1000) % 86_400));
      expect(await times(5, () => loggedInBySms(system, ALICE, HERE))).toEqual([200, 200, 200, 200, 429]);
      expect(await times(5, () => loggedInBySms(system, ALICE, ELSEWHERE))).toEqual([
        200, 200, 200, 200, 429,
      ]);
    }));

  test.each(['send-range', 'send-prefix', 'send-country'])('are not given back to %s', (name) =>
    inSystem({ RATE_LIMITS: `${name}=2` }, async (system) => {
      expect(await times(3, () => loggedInBySms(system, ALICE, HERE))).toEqual([200, 200, 429]);
    }),
  );

  test('are not given back to the hourly budget', () =>
    inSystem({ PAID_SENDS_PER_HOUR: '2' }, async (system) => {
      expect(await times(3, () => loggedInBySms(system, ALICE, HERE))).toEqual([200, 200, 503]);
    }));

  test('are not given back for a wrong code', () =>
    inSystem({ RATE_LIMITS: 'send-number=2' }, async (system) => {
      const client = clientAt(system, HERE);
      expect((await client.askForMessage(ALICE)).status).toBe(200);
      await client.post('/verify', { code: '000000' }).expect(400);
      system.world.turn(300);
      expect(await times(2, () => messageTo(system, ALICE, HERE))).toEqual([200, 429]);
    }));

  test('need not be given back for the login to complete, if the store fails just then', () => {
    const faulty = { broken: false };
    return withSystem(
      {
        store,
        env: { ...SMS_ALONE, RATE_LIMITS: 'send-number=1' },
        through: (each) => ({
          ...each,
          spend: (account, ...rest) =>
            faulty.broken && account.startsWith('limit:send:')
              ? Promise.reject(new Error('away'))
              : each.spend(account, ...rest),
        }),
      },
      async (system) => {
        atFullHour(system);
        const client = clientAt(system, HERE);
        await client.askForMessage(ALICE);
        faulty.broken = true;
        const code = (await system.messages()).at(-1)?.code ?? '';
        await client.post('/verify', { code }).expect(200);
        faulty.broken = false;
        expect((await clientAt(system, HERE).askForMessage(ALICE)).status).toBe(429);
      },
    );
  });
});

describe.each(['redis', 'memory'] as const)('with %s, a message that is refused', (store) => {
  /** When the next window begins: after this counter was updated. */
  const MOMENTS = [
    ['its number was counted', 'limit:send:'],
    ['it was refused', 'limit:sends:'],
  ] as const;

  test.each(
    MOMENTS.flatMap(([when, account]) =>
      (['hour', 'day'] as const).flatMap((window) =>
        // The stores differ in how they count, not in what is counted when.
        (store === 'redis' ? [1, 1800] : [1]).map((before) => [when, window, before, account] as const),
      ),
    ),
  )('is not counted if, once %s, the next %s begins (%i s later)', (_when, window, before, account) => {
    let turn = (): void => undefined;
    const through: SystemOptions['through'] = (each) => ({
      ...each,
      spend: async (key, ...rest) => {
        const outcome = await each.spend(key, ...rest);
        if (key.startsWith(account)) turn();
        return outcome;
      },
    });
    const limits = 'send-number=2,send-number-day=4,send-range=1';
    return withSystem({ store, env: { ...SMS_ALONE, RATE_LIMITS: limits }, through }, async (system) => {
      const seconds = window === 'hour' ? 3600 : 86_400;
      system.world.turn(seconds - ((system.world.now() / 1000) % seconds) + seconds - before);
      await clientAt(system, HERE).askForMessage(BOB);
      const client = clientAt(system, '192.0.2.8');
      await client.login(ALICE).expect(201);
      turn = () => {
        turn = () => undefined;
        system.world.turn(before);
      };
      await client.next('sms').expect(429);
      for (const key of await system.redis.keys('limit:send*')) {
        expect(Math.min(...(await system.redis.hvals(key)).map(Number))).toBeGreaterThanOrEqual(0);
      }
      // Exactly the limit of the new window.
      const statuses: number[] = [];
      for (const address of ['198.51.100.7', '198.51.101.7', '198.51.102.7']) {
        statuses.push(await messageTo(system, ALICE, address));
      }
      expect(statuses).toEqual([200, 200, 429]);
    });
  });

  test('is not counted within the same window', () =>
    withSystem(
      { store, env: { ...SMS_ALONE, RATE_LIMITS: 'send-number=2,send-range=1' } },
      async (system) => {
        atFullHour(system);
        await clientAt(system, HERE).askForMessage(BOB);
        for (let each = 0; each < 9; each++) {
          expect(await messageTo(system, ALICE, `192.0.2.${each}`)).toBe(429);
          system.world.turn(1);
        }
        const statuses: number[] = [];
        for (const address of ['198.51.100.7', '198.51.101.7', '198.51.102.7']) {
          statuses.push(await messageTo(system, ALICE, address));
        }
        expect(statuses).toEqual([200, 200, 429]);
      },
    ));
});

test.each(['redis', 'memory'] as const)('with %s no counter falls below zero', (store) =>
  withSystem({ store }, async (system) => {
    const by = (count: number) => [{ entry: 'x', by: count, limit: 9 }];
    expect(await system.store.spend('limit:x', by(-1), 100)).toEqual({ spent: true, totals: [0] });
    await system.store.spend('limit:x', by(2), 100);
    expect(await system.store.spend('limit:x', by(-999_999_999), 100)).toEqual({ spent: true, totals: [0] });
    expect(await system.store.spend('limit:x', by(9), 100)).toEqual({ spent: true, totals: [9] });
    expect(await system.store.spend('limit:x', by(1), 100)).toEqual({ spent: false, totals: [9] });
  }),
);

describe('with SILENT_AUTH=verify, whose workflow sends messages by itself', () => {
  const env = { ...BEHIND_PROXY, SILENT_AUTH: 'verify', VERIFY_CHAIN: 'true' };
  const channelsOf = async (system: System) =>
    (await system.upstream())
      .filter(({ path }) => path === '/v2/verify')
      .map(({ body }) =>
        (body as { workflow: { channel: string }[] }).workflow.map(({ channel }) => channel),
      );

  const WHOLE = ['silent_auth', 'sms', 'voice'];
  test.each<[string, Record<string, string>, string[][]]>([
    ['the number', { RATE_LIMITS: 'send-number=4' }, [WHOLE, WHOLE, ['silent_auth']]],
    ['the budget', { PAID_SENDS_PER_HOUR: '3' }, [WHOLE, ['silent_auth', 'sms'], ['silent_auth']]],
  ])(
    'all messages of a workflow are counted at its start, and beyond the limit of %s it is shortened',
    (_what, limits, chains) =>
      withSystem({ env: { ...env, ...limits } }, async (system) => {
        atFullHour(system);
        for (const address of [ELSEWHERE, HERE, HERE]) {
          const begun = await clientAt(system, address).login(ALICE).expect(201);
          expect(begun.body).toMatchObject({
            channel: 'silent_auth',
            auth_url: expect.stringContaining('http'),
          });
          system.world.turn(1000);
        }
        expect(await channelsOf(system)).toEqual(chains);
      }),
  );

  test.each<[string, number, string[]]>([
    ['one message', 1, ['sms']],
    ['two messages', 2, ['sms', 'voice']],
  ])('an abandoned login sends %s if the budget allows it', (_what, budget, sent) =>
    withSystem({ env: { ...env, PAID_SENDS_PER_HOUR: String(budget) } }, async (system) => {
      atFullHour(system);
      const { app, login } = clientAt(system, HERE);
      await login(ALICE).expect(201);
      for (const seconds of [61, 301, 301]) {
        system.world.turn(seconds);
        await app.get('/login').expect(200);
      }
      expect((await system.messages()).map(({ channel }) => channel)).toEqual(sent);
    }),
  );

  test('/login/next within a workflow is not counted again', () =>
    withSystem({ env: { ...env, PAID_SENDS_PER_HOUR: '2' } }, async (system) => {
      atFullHour(system);
      const client = clientAt(system, HERE);
      await client.login(ALICE).expect(201);
      await client.next('sms').expect(200);
      await client.next('voice').expect(200);
      system.world.turn(1200);
      await clientAt(system, HERE).login(ALICE).expect(201);
      expect((await channelsOf(system)).at(-1)).toEqual(['silent_auth']);
    }));

  test('the message of a workflow is given back if the device verified the number', () =>
    withSystem({ env: { ...env, RATE_LIMITS: 'send-number=1' } }, async (system) => {
      atFullHour(system);
      for (let each = 0; each < 3; each++) {
        const client = clientAt(system, HERE);
        const begun = await client.login(ALICE).expect(201);
        const home = await walk(String(begun.body.auth_url));
        await client.post('/verify', { code: home.json?.['code'] }).expect(200);
      }
      expect(new Set((await channelsOf(system)).map(String))).toEqual(new Set(['silent_auth,sms']));
    }));

  test('a message left out of the workflow is sent in a new verification, once the silent one is cancelled', () =>
    withSystem({ env: { ...env, PAID_SENDS_PER_HOUR: '2' } }, async (system) => {
      atFullHour(system);
      await clientAt(system, ELSEWHERE).login(BOB).expect(201);
      system.world.turn(3590);
      const { login, next } = clientAt(system, HERE);
      await login(ALICE).expect(201);
      expect((await next('sms')).status).toBe(503);
      system.world.turn(15);
      expect((await next('sms').expect(409)).body).toMatchObject({
        error: 'login_in_progress',
        retry_after: 15,
      });
      system.world.turn(15);
      expect((await next('sms').expect(200)).body.channel).toBe('sms');
      const messages = (await system.messages()).filter(({ to }) => to === ALICE);
      expect(messages.map(({ channel }) => channel)).toEqual(['sms']);
    }));

  test('nothing is counted without channels for messages', () =>
    withSystem({ env: { ...env, FALLBACK_CHANNELS: 'none' } }, async (system) => {
      await clientAt(system, HERE).login(ALICE).expect(201);
      expect(await system.redis.keys('limit:send*')).toEqual([]);
    }));
});
