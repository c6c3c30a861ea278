import { atFullHour, BEHIND_PROXY, clientAt } from './support/crowd.js';
import { ALICE, startSystem, withSystem, type System, type SystemOptions } from './support/system.js';
import { sessionOn, withMounted } from './support/mounted.js';

/** Limits are checked before Vonage is asked. */
const OFF = { ...BEHIND_PROXY, SILENT_AUTH: 'off' };
const number = (each: number): string => `+44770090${String(each).padStart(4, '0')}`;

describe('a client address', () => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ env: { ...OFF, RATE_LIMITS: 'login-number=1' } });
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  /** Whether two addresses count as one: with a limit of one, each may log in once. */
  const areOne = async (one: string, other: string): Promise<boolean> => {
    await clientAt(system, one).login(ALICE).expect(201);
    return (await clientAt(system, other).login(ALICE)).status === 429;
  };

  test.each([
    ['203.0.113.7:51234', '203.0.113.7'],
    ['203.0.113.7:1', '203.0.113.7:65535'],
    ['203.0.113.7:', '203.0.113.7'],
    ['203.0.113.7:_hidden', '203.0.113.7'],
    ['[203.0.113.7]:443', '203.0.113.7'],
    ['"203.0.113.7:51234"', '203.0.113.7'],
    ['\t203.0.113.7:51234\t', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:443', '203.0.113.7'],
    ['::ffff:203.0.113.7:443', '203.0.113.7'],
    ['::203.0.113.7', '203.0.113.7'],
    ['64:ff9b::203.0.113.7', '203.0.113.7'],
    ['64:ff9b:1::cb00:7107', '203.0.113.7'],
    ['::ffff:0:203.0.113.7', '203.0.113.7'],
    ['2002:cb00:7107::1', '203.0.113.7'],
    ['[2002:cb00:7107:ffff::2]:443', '203.0.113.7'],
    ['2001:0:4136:e378:8000:63bf:34ff:8ef8', '203.0.113.7'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['"[2001:db8::1]:443"', '2001:db8::1'],
    ['[2001:db8::1]:_hidden', '2001:db8::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:0:0:0:0:1:51234', '2001:db8::1'],
    ['2001:db8::1:51234', '2001:db8::1'],
    ['2001:db8::1:443', '2001:db8::1'],
    ['2001:db8::ffff:ffff:ffff:ffff', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:443', 'fe80::1%eth1'],
    ['not an address', 'unknown'],
  ])('%j is the same as %j', async (one, other) => {
    expect(await areOne(one, other)).toBe(true);
  });

  test.each([
    ['203.0.113.7', '203.0.113.8'],
    ['203.0.113.7:443', '203.0.113.8:443'],
    ['64:ff9b::203.0.113.7', '64:ff9b::203.0.113.8'],
    ['2002:cb00:7107::1', '2002:cb00:7108::1'],
    ['2001:0:4136:e378:8000:63bf:34ff:8ef8', '2001:0:4136:e378:8000:63bf:34ff:8ef7'],
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['[2001:db8:1:2::1]:443', '[2001:db8:1:3::1]:443'],
    ['203.0.113.7', 'unknown'],
  ])('%j is not the same as %j', async (one, other) => {
    expect(await areOne(one, other)).toBe(false);
  });

  test.each([
    '203.0.113',
    '203.0.113.999',
    '203.0.113.007',
    '203.0.113.7.example',
    '0xcb007107',
    '3405803783',
    ':443',
    '[]:443',
    '[2001:db8::1',
    '2001:db8::1::2',
    '2001:db8:1:2:3:4:5:6:7:8',
    'unix:',
    '_obfuscated',
  ])('%j is invalid', async (text) => {
    expect(await areOne(text, 'unknown')).toBe(true);
  });
});

describe('a range', () => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ env: { ...OFF, RATE_LIMITS: 'login-range=1' } });
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  test.each([
    ['192.0.2.1', '192.0.2.255', 'one'],
    ['192.0.2.1', '192.0.2.255:51234', 'one'],
    ['192.0.2.1', '::ffff:192.0.2.9', 'one'],
    ['192.0.2.1', '64:ff9b::c000:209', 'one'],
    ['2002:c000:201::1', '2002:c000:2ff::1', 'one'],
    ['192.0.2.1', '192.0.3.1', 'two'],
    ['::ffff:192.0.2.1', '::ffff:192.0.3.1', 'two'],
    ['64:ff9b::192.0.2.1', '64:ff9b::192.0.3.1', 'two'],
    ['2002:c000:201::1', '2002:c000:301::1', 'two'],
    ['2001:db8:1:2::1', '2001:DB8:1:2:ffff::', 'one'],
    ['2001:db8:1:2::1', '2001:db8:1:ff::1', 'one'],
    ['2001:db8:1:2::1', '2001:db8:1:ffff::1', 'one'],
    ['2001:db8:1:2::1', '2001:db8:2:2::1', 'two'],
    ['not an address', 'unknown', 'one'],
  ])('%s and %s are in %s range(s)', async (one, other, ranges) => {
    await clientAt(system, one).login(number(0)).expect(201);
    await clientAt(system, other)
      .login(number(1))
      .expect(ranges === 'one' ? 429 : 201);
  });
});

describe.each(['redis', 'memory'] as const)('with %s, within the limits of a /48', (store) => {
  const inSystem = (env: Record<string, string>, work: (system: System) => Promise<void>) =>
    withSystem({ store, env: { ...OFF, ...env } }, async (system) => {
      atFullHour(system);
      await work(system);
    });

  /** How many requests of each address succeed before one is refused. */
  const served = async (addresses: readonly string[], ask: (address: string) => Promise<number>) => {
    const counts: number[] = [];
    for (const address of addresses) {
      let count = 0;
      while ((await ask(address)) < 400) count++;
      counts.push(count);
    }
    return counts;
  };
  /** A device, another device of its home, another home, and another customer. */
  const NEIGHBOURS = ['2001:db8:1:100::1', '2001:db8:1:101::1', '2001:db8:1:200::1', '2001:db8:2::1'];

  test('a device leaves half of the logins to others, and a home a quarter', () =>
    inSystem({ RATE_LIMITS: 'login-range=8,login-range-second=1000' }, async (system) => {
      let each = 0;
      const login = async (address: string) => (await clientAt(system, address).login(number(each++))).status;
      expect(await served(NEIGHBOURS, login)).toEqual([4, 2, 2, 4]);
      expect(await served(['2001:db8:1:300::1'], login)).toEqual([0]);
    }));

  test('a device leaves half of the messages to others, and a home a quarter', () =>
    inSystem({ RATE_LIMITS: 'send-range=4,login-range-second=1000' }, async (system) => {
      let each = 0;
      const ask = async (address: string) =>
        (await clientAt(system, address).askForMessage(number(each++))).status;
      expect(await served(NEIGHBOURS, ask)).toEqual([2, 1, 1, 2]);
    }));

  test.each(['192.0.2.1', '2001:db8:1:100::1', 'unknown'])(
    'a login from %s is counted in one step',
    (address) => {
      const accounts: string[] = [];
      const through: SystemOptions['through'] = (each) => ({
        ...each,
        spend: (account, ...rest) => {
          accounts.push(account);
          return each.spend(account, ...rest);
        },
      });
      return withSystem({ store, env: BEHIND_PROXY, through }, async (system) => {
        await clientAt(system, address).login(ALICE).expect(201);
        expect(accounts).toHaveLength(1);
      });
    },
  );

  test('the answer reports the range with the fewest remaining', () =>
    inSystem({ RATE_LIMITS: 'login-range=8' }, async (system) => {
      const leftAt = async (address: string, each: number) => {
        const { headers } = await clientAt(system, address).login(number(each)).expect(201);
        const [policy = '', left = ''] = [headers['ratelimit-policy'], headers['ratelimit']];
        expect(policy.match(/login-range"/g)).toHaveLength(1);
        return [/"login-range";q=(\d+)/.exec(policy)?.[1], /"login-range";r=(\d+)/.exec(left)?.[1]];
      };
      expect(await leftAt('2001:db8:1:100::1', 0)).toEqual(['4', '3']);
      expect(await leftAt('2001:db8:1:101::1', 1)).toEqual(['4', '3']);
      expect(await leftAt('2001:db8:1:101::1', 2)).toEqual(['4', '2']);
      expect(await leftAt('2001:db8:1:102::1', 3)).toEqual(['6', '2']);
    }));
});

describe('X-Forwarded-For', () => {
  test.each([
    ['is ignored if no proxy is trusted', {}, '192.0.2.1', '198.51.100.1', 429],
    ['is used from the first proxy', { TRUST_PROXY: '1' }, '192.0.2.1', '198.51.100.1', 201],
    [
      'is not used beyond the first proxy',
      { TRUST_PROXY: '1' },
      '10.1.1.1, 192.0.2.1',
      '10.2.2.2, 192.0.2.1',
      429,
    ],
    [
      'is used from the proxies in TRUST_PROXY',
      { TRUST_PROXY: 'loopback' },
      '192.0.2.1',
      '198.51.100.1',
      201,
    ],
    ['is not used from other proxies', { TRUST_PROXY: '203.0.113.0/24' }, '192.0.2.1', '198.51.100.1', 429],
    [
      'with ports is used from a number of proxies',
      { TRUST_PROXY: '2' },
      '10.1.1.1:1, 192.0.2.1:2, 10.0.0.9:80',
      '10.2.2.2:3, 192.0.2.1:4, 10.0.0.8:80',
      429,
    ],
    [
      'with ports is used from the proxies in TRUST_PROXY',
      { TRUST_PROXY: 'loopback,10.0.0.0/8,2001:db8:9::/48' },
      '192.0.2.1:1, 10.0.0.9:80, [2001:db8:9::1]:443',
      '198.51.100.1:1, [2001:db8:9::2]:443, 10.0.0.8:80',
      201,
    ],
    [
      'with ports is not used beyond the proxies in TRUST_PROXY',
      { TRUST_PROXY: 'loopback,10.0.0.0/8' },
      '10.1.1.1, 192.0.2.1:1, 10.0.0.9:80',
      '10.2.2.2, 192.0.2.1:2, 10.0.0.8:80',
      429,
    ],
    ['may have empty entries', { TRUST_PROXY: '1' }, ', 192.0.2.1, ,', '192.0.2.1', 429],
  ])('%s', (_what, env, one, other, status) =>
    withSystem({ env: { RATE_LIMITS: 'login-number=1', ...env } }, async (system) => {
      await clientAt(system, one).login(ALICE).expect(201);
      await clientAt(system, other).login(ALICE).expect(status);
    }),
  );

  test('is an address without a port, or nothing, to hooks', async () => {
    const addresses = [
      ['203.0.113.7:51234', '203.0.113.7'],
      ['[2001:DB8::1]:443', '2001:db8::1'],
      ['[::ffff:203.0.113.7]:443', '203.0.113.7'],
      ['fe80::1%eth0', 'fe80::1'],
      ['64:ff9b::203.0.113.7', '64:ff9b::cb00:7107'],
      ['<script>', undefined],
    ] as const;
    const seen: unknown[] = [];
    const hooks: SystemOptions['hooks'] = { beforeLogin: (login) => void seen.push(login.ip) };
    await withSystem({ env: BEHIND_PROXY, hooks }, async (system) => {
      for (const [written] of addresses) await clientAt(system, written).login(ALICE).expect(201);
    });
    expect(seen).toEqual(addresses.map(([, ip]) => ip));
  });

  test('with ports is read as the trust proxy setting of the host app says', () =>
    withMounted(
      {
        env: { RATE_LIMITS: 'login-number=1' },
        compose: (app, silentAuth, redis) =>
          void app
            .set('trust proxy', ['loopback', '10.0.0.0/8'])
            .use(sessionOn(redis))
            .use('/auth', silentAuth),
      },
      async (mounted) => {
        const begin = (from: string) =>
          mounted.agent().post('/auth/login').set('x-forwarded-for', from).send({ phone_number: ALICE });
        await begin('192.0.2.1:1, 10.0.0.9:80').expect(201);
        await begin('192.0.2.1:2, 10.0.0.9:81').expect(429);
        await begin('198.51.100.1:1, 10.0.0.9:80').expect(201);
        await begin('unknown, 10.0.0.9:80').expect(201);
        expect(mounted.world.logged()).toContain('the proxy names no address');
      },
    ));
});

describe('if the proxy names no address', () => {
  const warnings = (system: System) => system.world.logged().split('the proxy names no address').length - 1;

  test('one warning is logged every ten minutes, without the value', () =>
    withSystem({ env: BEHIND_PROXY }, async (system) => {
      await clientAt(system, '203.0.113.7:51234').login(number(0)).expect(201);
      expect(warnings(system)).toBe(0);
      for (let each = 1; each < 4; each++)
        await clientAt(system, 'secret-4711').login(number(each)).expect(201);
      expect(warnings(system)).toBe(1);
      system.world.turn(599);
      await clientAt(system, 'secret-4711').login(number(4)).expect(201);
      expect(warnings(system)).toBe(1);
      system.world.turn(1);
      await clientAt(system, 'secret-4711').login(number(5)).expect(201);
      expect(warnings(system)).toBe(2);
      expect(system.world.logged()).not.toContain('secret');
      expect(system.world.logged()).toMatch(/"level":"warn","setting":"TRUST_PROXY"/);
    }));

  test('all clients are counted as one, and answers report the limits without the remaining quota', () =>
    withSystem({ env: { ...BEHIND_PROXY, RATE_LIMITS: 'login-range=2' } }, async (system) => {
      for (const text of ['unknown', '-']) {
        const { headers } = await clientAt(system, text).login(number(text.length)).expect(201);
        expect(headers['ratelimit-policy']).toContain('"login-range";q=2;w=600');
        expect(headers).not.toHaveProperty('ratelimit');
      }
      await clientAt(system, '_hidden').login(number(9)).expect(429);
      await clientAt(system, '192.0.2.1').login(number(9)).expect(201);
    }));
});

test.each([
  ['a home of IPv6', (each: number) => `2001:db8:1:1${hex(each)}::${each}`, 10, 5],
  ['a customer with a /48', (each: number) => `2001:db8:1:${hex(each * 977)}::1`, 10, 5],
  ['a network of IPv4', (each: number) => `192.0.2.${each}`, 10, 5],
  ['a network of IPv4, as a socket writes it', (each: number) => `::ffff:192.0.2.${each}`, 10, 5],
  ['a network of IPv4 behind NAT64', (each: number) => `64:ff9b::192.0.2.${each}`, 10, 5],
  ['a network of IPv4 behind 6to4', (each: number) => `2002:c000:2${hex(each)}::${each}`, 10, 5],
  ['clients without an address', (each: number) => `_${each}`, 10, 5],
  ['a customer with a /48', (each: number) => `2001:db8:1:${hex(each * 977)}::1`, 7, 3],
  ['a customer with a /48', (each: number) => `2001:db8:1:${hex(each * 977)}::1`, 4, 2],
  ['a customer with a /48', (each: number) => `2001:db8:1:${hex(each * 977)}::1`, 2, 1],
])(
  'a flood from %s takes no more than half of the turns of a second from other networks',
  (_what, address, perSecond, half) =>
    withSystem(
      { env: { ...BEHIND_PROXY, RATE_LIMITS: '', UPSTREAM_PER_SECOND: `${perSecond}` }, store: 'memory' },
      async (system) => {
        atFullHour(system);
        for (const first of [0, 100]) {
          const flood = Array.from({ length: 14 }, (_, each) =>
            clientAt(system, address(first + each)).login(number(first + each)),
          );
          const statuses = (await Promise.all(flood)).map(({ status }) => status).sort();
          expect(statuses).toEqual([...Array<number>(half).fill(201), ...Array<number>(14 - half).fill(429)]);
          for (let each = 0; each < half; each++) {
            await clientAt(system, `198.51.${each}.7`)
              .login(number(first + 50 + each))
              .expect(201);
          }
          system.world.turn(1);
        }
      },
    ),
);

const hex = (value: number): string => value.toString(16).padStart(2, '0');
