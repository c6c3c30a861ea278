import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { checkMetricsPort, checkPlainHttp } from '../src/tools/doctor/exposure.js';
import { persistenceFinding } from '../src/tools/doctor/redis.js';
import { doctor as runDoctor } from '../src/tools/doctor/doctor.js';
import { checkTls } from '../src/tools/doctor/tls.js';
import { newCredentials } from '../src/sandbox/credentials.js';
import { built } from './support/built.js';
import { newCa } from './support/certificates.js';
import { runCommand } from './support/commands.js';
import { deploymentsAt, type Deployments, type Plan } from './support/deployment.js';
import { callDoctor, type Visit } from './support/doctors.js';
import { ca, lowerCase, openFront, rewrite, type Habits, type Passing } from './support/front.js';
import { ALICE, WEBHOOKS, withSystem } from './support/system.js';
import { endPrograms, node, type Env } from './support/programs.js';
import { freePort, startRedis, type RedisServer } from './support/redis-server.js';
import { testWorld } from './support/world.js';

let redis: RedisServer;
let deployments: Deployments;
let doctor: ReturnType<typeof callDoctor>;
beforeAll(async () => {
  redis = await startRedis();
  deployments = deploymentsAt(redis.url);
  doctor = callDoctor();
});
afterAll(async () => {
  await deployments.close();
  await Promise.all([endPrograms(), redis.stop()]);
  doctor.leave();
});

/** Values that no finding may contain: passwords, secrets and keys. */
const secretsOf = (settings: Env): string[] =>
  [
    ...(settings['SESSION_SECRET'] ?? '').split(','),
    ...(settings['VONAGE_PRIVATE_KEY'] ?? '').split('\n').filter((line) => line.length === 64),
    ...[...(settings['VONAGE_SIGNATURE_SECRET'] ?? '').split(','), PASSWORD],
  ].filter((secret) => secret !== '');
const PASSWORD = 'a-password-of-redis';

const visit = (plan: Plan = {}, args: string[] = ['--login', ALICE]): Promise<Visit> =>
  deployments.run(plan, async ({ front, settings }) => {
    const visited = await doctor.visit([front.url, ...args], settings);
    for (const secret of secretsOf(settings)) expect(visited.text).not.toContain(secret);
    // One line each, as a log needs.
    for (const { says } of visited.findings) expect(says).not.toContain('\n');
    return visited;
  });

/** The checks with this verdict, without duplicates. */
const named = ({ findings }: Visit, verdict: string): string[] => [
  ...new Set(findings.filter((each) => each.verdict === verdict).map(({ check }) => check)),
];

test('a correct deployment has no mistakes or warnings, and only http is not checked', async () => {
  const rotating = { ...WEBHOOKS, VONAGE_SIGNATURE_SECRET: ['n', 'o'].map((each) => each.repeat(40)).join() };
  const { code, findings } = await visit({ server: { ...ASSERTIONS, ...rotating } });
  expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([
    { check: 'http', verdict: 'not checked', says: expect.any(String) },
  ]);
  expect(findings.length).toBeGreaterThan(30);
  expect(code).toBe(0);
});

test.each([
  ['a port', (address: string) => `${address.includes('.') ? address : `[${address}]`}:51234`],
  ['brackets', (address: string) => `[${address}]`],
])('a proxy that writes %s around the client address has no mistakes either', async (_what, write) => {
  const request: Habits['request'] = (headers) => {
    const entries = String(headers['x-forwarded-for']).split(', ');
    headers['x-forwarded-for'] = [...entries.slice(0, -1), write(entries.at(-1) ?? '')].join(', ');
  };
  const visited = await visit({ front: { request } });
  expect([named(visited, 'mistake'), named(visited, 'warning')]).toEqual([[], []]);
});

test('without settings and --login no login is begun, and the skipped checks are listed', async () => {
  await deployments.run({}, async ({ front, system }) => {
    const visited = await doctor.visit([front.url], {});
    expect(visited.code).toBe(0);
    expect([named(visited, 'mistake'), named(visited, 'warning')]).toEqual([[], []]);
    expect(named(visited, 'not checked')).toEqual([
      ...['settings', 'Vonage', 'Redis', 'http', 'webhook signature'],
      ...['cookie', 'sessions', 'redirect URI', 'client addresses'],
    ]);
    expect(await system.upstream()).toEqual([]);
    // It expires after a second.
    expect((await system.redis.keys('*')).filter((key) => key !== 'ping')).toEqual([]);
  });
});

test('a host that does not answer is named, with the connection error', async () => {
  const host = `localhost:${await freePort()}`;
  const { findings } = await doctor.visit([`http://${host}`], {});
  expect(findings.find(({ check }) => check === 'healthz')?.says).toMatch(
    new RegExp(`^${host} did not answer: .*ECONNREFUSED`),
  );
});

test('settings in files are read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  const secrets = ['SESSION_SECRET', 'VONAGE_APPLICATION_ID', 'VONAGE_PRIVATE_KEY'];
  const visited = await visit({
    settings: ({ settings }) =>
      Object.fromEntries(
        secrets.flatMap((name) => {
          writeFileSync(join(folder, name), settings[name] ?? '');
          return [
            [name, ''],
            [`${name}_FILE`, join(folder, name)],
          ];
        }),
      ),
  });
  rmSync(folder, { recursive: true });
  expect(named(visited, 'not checked')).toEqual(['http']);
  expect(visited.code).toBe(0);
});

type Habit<N extends keyof Habits> = NonNullable<Habits[N]>;

/** Sends an answer in two segments, the second after the first was read. */
const inPieces: Habit<'deliver'> = (res, { status, headers, body }) => {
  res.writeHead(status, headers).flushHeaders();
  setTimeout(() => res.end(body), 50);
};

const atCallback =
  (change: (passing: Passing) => void) =>
  (passing: Passing): void => {
    if (passing.path.startsWith('/callback')) change(passing);
  };
const compress = (passing: Passing): void => {
  passing.body = gzipSync(passing.body);
  rewrite(passing, 'content-length', () => String(passing.body.length));
  passing.headers.push('Content-Encoding', 'gzip');
};
const page = (path: string, status: number): Passing => ({
  ...{ path, status, headers: ['Content-Type', 'text/html'], body: Buffer.from('<h1>nginx</h1>') },
});
const insteadOf =
  (pattern: RegExp, status: number): Habit<'instead'> =>
  ({ url = '' }) =>
    pattern.test(url) ? page(url, status) : undefined;
const without =
  (...names: string[]): Habit<'request'> =>
  (headers) => {
    for (const name of names) Reflect.deleteProperty(headers, name);
  };
const changing =
  (name: string, change: (value: string) => string | undefined): Habit<'answer'> =>
  (passing) =>
    rewrite(passing, name, change);
const tenMinutesLate = (date: string): string => new Date(Date.parse(date) - 600_000).toUTCString();

const newKey = (): string => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim();
};
const ASSERTIONS: Env = {
  ...{ ASSERTION_KEYS: newKey(), ASSERTION_AUDIENCE: 'api' },
  ASSERTION_SUBJECT_SECRET: 's'.repeat(32),
};

type Row = [what: string, plan: Plan, mistakes: string[], mend: RegExp];

/** A cache that keeps the first answer to a path, for every client. */
const kept = new Map<string, Passing>();
const keep = (passing: Passing): void => {
  if (passing.status === 200) kept.set(passing.path, { ...passing });
};
const cached =
  (path: string): Habit<'instead'> =>
  ({ method, url }) =>
    method === 'GET' && url === path ? kept.get(path) : undefined;

const FRONTS: [what: string, front: Habits, mistakes: string[], mend: RegExp][] = [
  ['lower-cases headers', { answer: lowerCase }, ['iOS SDK: spelling of Content-Type'], /proper_case_words/],
  ['answers in two segments', { deliver: inPieces }, ['iOS SDK: one segment'], /buffer the answer/],
  [
    'compresses without Accept-Encoding',
    { answer: atCallback(compress) },
    ['iOS SDK: compression', 'Android SDK: compression'],
    /compression off for \/callback/,
  ],
  ['speaks TLS 1.3 alone', { tls: { minVersion: 'TLSv1.3' } }, ['TLS 1.2'], /ssl_protocols TLSv1.2 TLSv1.3/],
  [
    'has a self-signed certificate',
    { tls: newCa('unknown CA').issue() },
    ['certificate'],
    /full chain|authority/,
  ],
  [
    'has a certificate of another host',
    { tls: ca.issue({ host: 'a.invalid' }) },
    ['certificate'],
    /names the host/,
  ],
  ['has a certificate that expired', { tls: ca.issue({ days: -1 }) }, ['certificate'], /Renew it/],
  [
    'removes Secure from the cookie',
    { answer: changing('set-cookie', (line) => line.replace('; Secure', '')) },
    ['cookie'],
    /proxy_cookie_flags/,
  ],
  [
    'adds a Domain to the cookie',
    { answer: changing('set-cookie', (line) => `${line}; Domain=localhost`) },
    ['cookie'],
    /proxy_cookie_domain/,
  ],
  [
    'changes the path of the cookie',
    { answer: changing('set-cookie', (line) => line.replace('Path=/', 'Path=/app')) },
    ['cookie'],
    /proxy_cookie_path/,
  ],
  [
    'renames the cookie',
    { answer: changing('set-cookie', (line) => line.replace('__Host-', '')) },
    ['cookie', 'sessions'],
    /Set-Cookie as it comes/,
  ],
  ['removes cookies from requests', { request: without('cookie') }, ['sessions'], /header Cookie/],
  [
    'removes HSTS',
    { answer: changing('strict-transport-security', () => undefined) },
    ['headers'],
    /add no such header/,
  ],
  [
    'allows every origin by CORS',
    { answer: ({ headers }) => headers.push('Access-Control-Allow-Origin', '*') },
    ['other origins'],
    /out of the proxy/,
  ],
  ['removes Origin', { request: without('origin') }, ['other origins'], /pass on the header Origin/],
  ['removes Authorization', { request: without('authorization') }, ['webhooks'], /pass on Authorization/],
  ['caches sessions', { instead: cached('/session'), answer: keep }, ['caches'], /no-store/],
  [
    'blocks DELETE',
    { instead: ({ method, url = '' }) => (method === 'DELETE' ? page(url, 405) : undefined) },
    ['methods'],
    /GET, HEAD, POST, DELETE/,
  ],
  [
    'replaces error answers with 404',
    { answer: (passing) => passing.status === 404 && Object.assign(passing, page(passing.path, 404)) },
    ['errors'],
    /proxy_intercept_errors off/,
  ],
  [
    'refuses unknown user agents',
    {
      instead: ({ headers, url = '' }) =>
        /^(?:node|silent|vonage)/.test(String(headers['user-agent'])) ? undefined : page(url, 403),
    },
    ['user agents'],
    /refuse clients by their name/,
  ],
  [
    'lets browsers alone through',
    {
      instead: ({ headers, url = '' }) =>
        /^Mozilla/.test(String(headers['user-agent'])) ? undefined : page(url, 403),
    },
    ['user agents'],
    /refuse clients by their name/,
  ],
  ['loses scripts', { instead: insteadOf(/\.js$/, 404) }, ['page'], /every path, whatever it ends in/],
  [
    'sends style sheets as text',
    {
      answer: (passing) =>
        passing.path.endsWith('.css') && rewrite(passing, 'content-type', () => 'text/plain'),
    },
    ['page'],
    /change no Content-Type/,
  ],
  ['blocks webhooks', { instead: insteadOf(/^\/webhooks/, 403) }, ['webhooks'], /lead POST/],
  ['publishes the metrics', { instead: insteadOf(/^\/metrics$/, 200) }, ['metrics'], /METRICS_PORT/],
  [
    'publishes a sandbox',
    { instead: insteadOf(/^\/__sandbox\//, 200) },
    ['sandbox'],
    /out of this deployment/,
  ],
  [
    'refuses long URLs',
    { instead: insteadOf(/.{2048}/, 414) },
    ['long links'],
    /large_client_header_buffers/,
  ],
  ['forwards to another server', { instead: insteadOf(/./, 404) }, ['healthz'], /all paths to the server/],
  [
    'has no server that is ready',
    { instead: insteadOf(/^\/readyz/, 503) },
    ['readyz'],
    /redis is not reachable/,
  ],
  [
    'does not send the client address',
    { request: (headers) => void (headers['x-forwarded-for'] = 'unknown') },
    ['client addresses'],
    /at the end of X-Forwarded-For, with or without its port/,
  ],
  ['has a wrong clock', { answer: changing('date', tenMinutesLate) }, ['clock'], /NTP/],
];

const PLANTED: Row[] = [
  ...FRONTS.map(([what, front, ...rest]): Row => [`a proxy that ${what}`, { front }, ...rest]),
  [
    'the PUBLIC_URL of another deployment',
    { server: { PUBLIC_URL: 'https://localhost:9' } },
    ['PUBLIC_URL of the settings', 'PUBLIC_URL', 'redirect URI'],
    /enter https:\/\/localhost:\d+\/callback in the Vonage dashboard/i,
  ],
  [
    'another redirect URI at Vonage',
    { system: () => ({ registered: 'https://localhost:9/callback' }) },
    ['redirect URI'],
    /callback in the Vonage dashboard, to the letter/,
  ],
  [
    'a redirect URI at Vonage with a trailing slash',
    { system: ({ url }) => ({ registered: `${url}/callback/` }) },
    ['redirect URI'],
    /to the letter/,
  ],
  [
    'TRUST_PROXY that believes everybody',
    { server: { TRUST_PROXY: '2' } },
    ['client addresses'],
    /number of proxies in front, not more/,
  ],
  ['TRUST_PROXY that trusts no proxy', { server: { TRUST_PROXY: '' } }, ['TRUST_PROXY'], /Set TRUST_PROXY/],
  [
    'the key of another application',
    { settings: () => ({ VONAGE_PRIVATE_KEY: newCredentials().privateKeyPem }) },
    ['Vonage'],
    /belongs together/,
  ],
  [
    'a server whose clock is ten minutes fast',
    { system: () => ({ vonageWorld: testWorld() }), before: ({ system }) => system.world.turn(600) },
    ['clock of the server'],
    /NTP/,
  ],
  [
    'a server whose clock is an hour slow',
    { system: () => ({ vonageWorld: testWorld() }), before: ({ system }) => system.world.turn(-3600) },
    ['clock of the server'],
    /NTP/,
  ],
  [
    'a server without a secret for webhooks',
    { server: { VONAGE_API_KEY: '', VONAGE_SIGNATURE_SECRET: '' }, settings: () => WEBHOOKS },
    ['webhooks'],
    /Set VONAGE_API_KEY and VONAGE_SIGNATURE_SECRET/,
  ],
  [
    'another secret for webhooks than the server has',
    { settings: () => ({ VONAGE_SIGNATURE_SECRET: 'not-the-one-of-the-server-at-all' }) },
    ['webhook signature'],
    /as the Vonage dashboard has them/,
  ],
  [
    'no secret for webhooks where the server has one',
    { settings: () => ({ VONAGE_API_KEY: '', VONAGE_SIGNATURE_SECRET: '' }) },
    ['webhook signature'],
    /settings that the server runs with/,
  ],
  [
    'a key for assertions that the server does not have',
    { settings: () => ({ ...ASSERTIONS, ASSERTION_KEYS: newKey() }) },
    ['assertion keys'],
    /with these ASSERTION_KEYS/,
  ],
  [
    'a Redis that evicts keys',
    { before: () => configure('maxmemory-policy', 'allkeys-lru') },
    ['eviction'],
    /maxmemory-policy noeviction/,
  ],
  [
    'a key that does not expire',
    { before: ({ system }) => system.redis.set('sess:x', '1') },
    ['life of keys'],
    /a Redis or a database of its own/,
  ],
  [
    'a user of Redis with too few rights',
    { before: limitedUser, settings: () => ({ REDIS_URL: redis.url.replace('://', `://few:${PASSWORD}@`) }) },
    ['rights in Redis'],
    /rights that docs\/redis.md lists/,
  ],
  [
    'a wrong password of Redis',
    { settings: () => ({ REDIS_URL: redis.url.replace('://', `://few:${PASSWORD}x@`) }) },
    ['Redis'],
    /host, port, password and TLS/,
  ],
  [
    'a sandbox instead of Vonage',
    { settings: ({ settings }) => ({ VONAGE_BASE_URL: settings['VONAGE_API_HOST'] ?? '' }) },
    ['Vonage'],
    /Leave VONAGE_BASE_URL out/,
  ],
  [
    'a session secret that is not random',
    { settings: () => ({ SESSION_SECRET: 'secret'.repeat(8) }) },
    ['settings'],
    /Correct it/,
  ],
  ['an invalid setting', { settings: () => ({ BRAND: '' }) }, ['settings'], /Correct it/],
  ['no Redis', { settings: () => ({ REDIS_URL: '' }) }, ['settings'], /Correct it/],
];

const configure = (name: string, value: string) =>
  redis.administer((admin) => admin.config('SET', name, value));

/** A Redis user with all rights except GETDEL. */
async function limitedUser(): Promise<void> {
  await redis.administer((admin) =>
    admin.call('ACL', 'SETUSER', 'few', 'on', `>${PASSWORD}`, '~*', '+@all', '-getdel'),
  );
}

describe('each mistake is found by its check, with its fix, and no other is:', () => {
  afterEach(() => configure('maxmemory-policy', 'noeviction'));

  test.each(PLANTED)('%s', async (_what, plan, mistakes, mend) => {
    const visited = await visit(plan);
    expect(named(visited, 'mistake')).toEqual(mistakes);
    const mended = visited.findings.filter(({ verdict }) => verdict === 'mistake').map((each) => each.mend);
    expect(mended.join('\n')).toMatch(mend);
    expect(visited.code).toBe(1);
  });

  test('a proxy that keeps connections open', async () => {
    const visited = await visit({ front: { answer: changing('connection', () => 'keep-alive') } }, []);
    expect(named(visited, 'mistake')).toEqual(['Android SDK: closing']);
  });

  test('http that stays http', async () => {
    await deployments.run({}, async ({ system, settings }) => {
      const { port } = new URL(system.base);
      const visited = await doctor.visit([`http://[::ffff:127.0.0.1]:${port}`], settings);
      expect(named(visited, 'mistake')).toContain('https');
    });
  });
});

describe('each warning is given:', () => {
  const WARNINGS: [what: string, plan: Plan, warning: string][] = [
    ['a certificate that ends soon', { front: { tls: ca.issue({ days: 3 }) } }, 'certificate'],
    ['obsolete TLS', { front: { tls: { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' } } }, 'old TLS'],
    [
      'a cookie of the proxy on /callback',
      { front: { answer: atCallback(({ headers }) => headers.push('Set-Cookie', 'route=1')) } },
      'cookies of /callback',
    ],
    ['messages to all countries', { settings: () => ({ ALLOWED_COUNTRIES: '' }) }, 'ALLOWED_COUNTRIES'],
    [
      'too many old secrets',
      { settings: ({ settings }) => ({ SESSION_SECRET: Array(3).fill(settings['SESSION_SECRET']).join() }) },
      'SESSION_SECRET',
    ],
    [
      'a clock that is twenty seconds slow',
      { before: ({ system }) => system.world.turn(-20) },
      'clock of the server',
    ],
  ];

  test.each(WARNINGS)('%s', async (_what, plan, warning) => {
    const visited = await visit(plan);
    expect([named(visited, 'mistake'), named(visited, 'warning')]).toEqual([[], [warning]]);
    expect(visited.code).toBe(0);
  });
});

describe('is reported, but not as a mistake:', () => {
  test('a Redis that only the server can reach', async () => {
    const elsewhere = `redis://127.0.0.1:${await freePort()}`;
    const visited = await visit({ settings: () => ({ REDIS_URL: elsewhere }) }, []);
    expect(named(visited, 'mistake')).toEqual([]);
    expect(named(visited, 'not checked')).toContain('Redis');
  });

  test('a login that is rate limited', async () => {
    const body = Buffer.from('{"error":"rate_limited","detail":"Too often."}');
    const instead: Habit<'instead'> = ({ method, url = '' }) =>
      method === 'POST' && url === '/login' ? { ...page(url, 429), body } : undefined;
    const { findings } = await visit({ front: { instead } });
    expect(findings.at(-1)).toMatchObject({ check: 'login', verdict: 'not checked' });
    expect(findings.at(-1)?.says).not.toContain('another number');
  });

  test('a login whose state cannot be read, which is cancelled nevertheless', async () => {
    const asked: string[] = [];
    const instead: Habit<'instead'> = ({ method, url, socket }) => {
      asked.push(`${method} ${url}`);
      if (method === 'GET' && url === '/login') socket.destroy();
      return undefined;
    };
    const { findings } = await visit({ front: { instead } });
    expect(findings.at(-1)).toMatchObject({ check: 'login', verdict: 'not checked' });
    expect(asked.at(-1)).toBe('DELETE /login');
  });

  test('a number that is not allowed to log in', async () => {
    const visited = await visit({}, ['--login', '+4915112345678']);
    expect(named(visited, 'mistake')).toEqual([]);
    expect(visited.findings.at(-1)).toMatchObject({
      ...{ check: 'login', verdict: 'not checked' },
      says: expect.stringContaining('Choose another number'),
    });
  });

  test('with SILENT_AUTH=verify, that Vonage answers the device itself', async () => {
    const visited = await visit({ server: { SILENT_AUTH: 'verify' } });
    expect(named(visited, 'mistake')).toEqual([]);
    expect(named(visited, 'not checked')).toEqual(['http', 'redirect URI']);
  });
});

test('old TLS counts as disabled only if its handshake was refused', async () => {
  const front = await openFront();
  let connections = 0;
  const sockets = new Set<Socket>();
  // The first two handshakes are TLS 1.3 and 1.2. The third, with old TLS, gets plain HTTP.
  const before = createTcpServer((near) => {
    sockets.add(near.on('error', () => undefined));
    if (++connections === 3) return void near.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    const far = connect(front.port, 'localhost').on('error', () => undefined);
    sockets.add(near.pipe(far).pipe(near));
  }).listen(0);
  await once(before, 'listening');
  const base = new URL(`https://localhost:${(before.address() as AddressInfo).port}`);
  try {
    const findings = await checkTls({ base, world: testWorld() });
    expect(findings.at(-1)).toMatchObject({ check: 'old TLS', verdict: 'not checked' });
    connections = 3;
    const again = await checkTls({ base, world: testWorld() });
    expect(again.at(-1)).toMatchObject({ check: 'old TLS', verdict: 'ok' });
  } finally {
    sockets.forEach((socket) => socket.destroy());
    before.close();
    await front.close();
  }
});

test.each([
  ['7.0', { rdb_saves: '0', rdb_last_bgsave_time_sec: '0' }, 'ok'],
  ['7.0', { rdb_saves: '1' }, 'warning'],
  ['6.2', { rdb_last_bgsave_time_sec: '-1' }, 'ok'],
  ['6.2', { rdb_last_bgsave_time_sec: '0' }, 'warning'],
  ['6.2', { aof_enabled: '1', rdb_last_bgsave_time_sec: '-1' }, 'warning'],
])('for Redis %s with %p, persistence is recognised', (_version, info, verdict) => {
  expect(persistenceFinding(new Map(Object.entries(info)))).toMatchObject({ check: 'persistence', verdict });
});

test('an error of Redis about a forbidden command is reported', async () => {
  await deployments.run({ before: limitedUser }, async ({ settings }) => {
    const REDIS_URL = redis.url.replace('://', `://few:${PASSWORD}@`);
    const { findings } = await doctor.visit(['http://localhost:1'], { ...settings, REDIS_URL });
    const rights = findings.find(({ check }) => check === 'rights in Redis');
    expect(rights?.says).toMatch(/^The server could not .*: NOPERM .*getdel/);
  });
});

test('http has to redirect to https', async () => {
  const world = testWorld();
  await withSystem({ store: 'memory' }, async ({ base }) => {
    expect(await checkPlainHttp(new URL(base), world)).toMatchObject({ check: 'http', verdict: 'mistake' });
  });
  const redirecting = createServer((_req, res) =>
    res.writeHead(308, { Location: 'https://localhost/' }).end(),
  );
  await once(redirecting.listen(0), 'listening');
  const plain = new URL(`http://localhost:${(redirecting.address() as AddressInfo).port}`);
  expect(await checkPlainHttp(plain, world)).toMatchObject({ verdict: 'ok' });
  redirecting.closeAllConnections();
  redirecting.close();
  expect(await checkPlainHttp(plain, world)).toMatchObject({ verdict: 'ok' });
});

test('metrics that the public can read are a warning', async () => {
  const world = testWorld();
  const metrics = createServer((_req, res) => res.end('# HELP')).listen(0);
  await once(metrics, 'listening');
  const url = new URL(`http://localhost:${(metrics.address() as AddressInfo).port}/metrics`);
  expect(await checkMetricsPort(url, world)).toMatchObject({ check: 'metrics port', verdict: 'warning' });
  metrics.closeAllConnections();
  metrics.close();
  expect(await checkMetricsPort(url, world)).toMatchObject({ verdict: 'ok' });
});

describe('on the command line', () => {
  const run = (args: string[], env: Env = {}) =>
    node([...built('tools/cli.js'), 'doctor', ...args], { NODE_EXTRA_CA_CERTS: doctor.bundle, ...env }).ended;

  test('each finding is a line, each mistake has its fix below it, and the last line counts them', async () => {
    await deployments.run({ front: { answer: lowerCase } }, async ({ front, settings }) => {
      const { code, output } = await run([front.url, '--settings', doctor.noFile], settings);
      expect(code).toBe(1);
      expect(output).toMatch(/^ok {11}healthz: The server answers\.$/m);
      expect(output).toMatch(
        /^mistake {6}iOS SDK: spelling of Content-Type: .*\n {13}→ Let the proxy leave/m,
      );
      expect(output).toMatch(/^1 mistake, 0 warnings, \d+ ok, \d+ not checked\.\n$/m);
    });
  });

  test.each([
    ['nothing', []],
    ['a query', ['https://login.example.com/auth?a=b']],
    ['an option that does not exist', ['https://login.example.com', '--logins', ALICE]],
    ['a number with a national prefix', ['https://login.example.com', '--login', '+4407700900000']],
    ['a missing file', ['https://login.example.com', '--settings', '/nowhere/.env']],
  ])('exits with the usage for %s', async (_what, args) => {
    expect(await runCommand(runDoctor, args)).toMatchObject({ code: 2 });
  });

  test('reports an unreadable .env', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
    mkdirSync(join(folder, '.env'));
    try {
      const command = [...built('tools/cli.js'), 'doctor', 'https://a.invalid'];
      const { code, output } = await node(command, {}, folder).ended;
      expect([code, output]).toEqual([2, expect.stringMatching(/^\.env cannot be read: EISDIR/)]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('exits with 0 if its reader closes the pipe', async () => {
    const { child, ended } = node([...built('tools/cli.js'), 'doctor', '--help']);
    child.stdout?.destroy();
    expect(await ended).toMatchObject({ code: 0, output: '' });
  });
});
