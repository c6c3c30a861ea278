import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FINAL_OUTCOMES } from '../src/observability/journal.js';
import { createMetrics } from '../src/observability/metrics.js';
import { readSamples, report, reportOf, type Sample } from '../src/tools/report.js';
import { LoginError } from '../src/core/errors.js';
import { runCommand } from './support/commands.js';
import { walk } from './support/device.js';
import { ALICE, BOB, postCode, CHAINED, WITH_CODES } from './support/system.js';
import { startCountedSystem, type CountedSystem } from './support/scrape.js';
import { until } from './support/until.js';

const LOGINS = 'silent_auth_logins_total';

/** Logs in by every channel, with every silent failure followed by SMS. */
async function liveALittle(system: CountedSystem): Promise<void> {
  const { app, code } = await system.walkedLogin(ALICE);
  await postCode(app, code).expect(200);
  for (const end of ['101', '102', '103', '104', '106', '107', '108'])
    await goOnBySms(system, `+447700900${end}`);
  await system.walkedLogin(BOB);
  await system.app().post('/login').send({ phone_number: 'x' }).expect(400);
}

async function goOnBySms(system: CountedSystem, number: string): Promise<void> {
  const app = system.app();
  const begun = await app.post('/login').send({ phone_number: number });
  const link = begun.body.auth_url as string | null;
  const home = link === null ? undefined : await walk(link);
  const { code } = (home?.json ?? {}) as { code?: string };
  if (code !== undefined) await postCode(app, code);
  const next = await app.post('/login/next').send({});
  if (next.status !== 200) return;
  const message = (await system.messages()).filter(({ to }) => number.endsWith(to.replace('+', ''))).at(-1);
  await postCode(app, message?.code === '000000' ? '111111' : '000000').expect(400);
  await postCode(app, message?.code ?? '').expect(200);
}

describe('metrics', () => {
  let system: CountedSystem;
  let samples: Sample[];
  beforeAll(async () => {
    system = await startCountedSystem({ env: WITH_CODES });
    await liveALittle(system);
    samples = await system.scrape();
  });
  afterAll(() => system.stop());

  const counted = (name: string, by: string[], where: Record<string, string> = {}) =>
    samples
      .filter((each) => each.name === name && each.value > 0)
      .filter(({ labels }) => Object.entries(where).every(([key, value]) => labels[key] === value))
      .map(({ labels, value }) =>
        [...by.map((key) => labels[key]).filter((each) => each !== ''), value].join(' '),
      )
      .sort();

  test('count each login that began, and the outcome of each channel', () => {
    expect(counted('silent_auth_logins_begun_total', ['engine'])).toEqual(['network-enablement 9']);
    expect(counted(LOGINS, ['channel', 'outcome', 'reason'])).toEqual([
      'silent_auth completed 1',
      'silent_auth failed denied 1',
      'silent_auth failed not_on_cellular 1',
      'silent_auth failed number_mismatch 1',
      'silent_auth failed number_not_supported 1',
      'silent_auth failed operator_error 2',
      'silent_auth failed upstream_error 1',
      'sms completed 6',
    ]);
  });

  test('count each step, and each call to Vonage', () => {
    expect(counted('silent_auth_steps_total', ['outcome'], { step: 'begin' })).toEqual([
      'invalid_phone_number 1',
      'ok 8',
      'silent_auth_unavailable 1',
    ]);
    const called = counted('silent_auth_upstream_calls_total', ['api', 'status']);
    expect(called).toEqual([
      'network-enablement 2xx 9',
      'number-verification 2xx 3',
      'number-verification 4xx 1',
      'token 2xx 5',
      'token 4xx 1',
      'verify 2xx 12',
      'verify 4xx 6',
      'verify 5xx 1',
    ]);
    expect(counted('silent_auth_paid_sends_total', ['channel'])).toEqual(['sms 6']);
    expect(counted('silent_auth_upstream_duration_seconds_count', ['api'])).toHaveLength(4);
    expect(counted('silent_auth_store_up', [])).toEqual(['1']);
    expect(counted('silent_auth_event_loop_seconds_total', [])).toHaveLength(2);
  });

  test('identify no user: every label has a closed list of values', () => {
    const words = samples.flatMap(({ labels }) => Object.values(labels));
    const lines = system.world.logged().split('\n');
    const persons = lines.flatMap((line) => {
      const { number, login_id, request_id } = JSON.parse(line) as Record<string, string | undefined>;
      return [number, login_id, request_id];
    });
    expect(words.filter((word) => persons.includes(word))).toEqual([]);
    expect(words.join(' ')).not.toMatch(/7700900|[0-9a-f]{16}|\+44/);
    const ours = samples.filter(({ name }) => name.startsWith('silent_auth_'));
    const names = new Set(ours.flatMap(({ labels }) => Object.keys(labels)));
    expect([...names].sort()).toEqual(
      [
        'api',
        'channel',
        'engine',
        'le',
        'limit',
        'operation',
        'outcome',
        'reason',
        'result',
        'state',
        'status',
        'step',
      ].sort(),
    );
    expect(ours.length).toBeLessThan(600);
  });

  test('are served on their own port, at /metrics only', async () => {
    await system.app().get('/metrics').expect(404);
    expect((await fetch(system.metrics)).headers.get('content-type')).toMatch(
      /^text\/plain; version=0\.0\.4/,
    );
    const head = await fetch(system.metrics, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await fetch(system.metrics, { method: 'POST' })).status).toBe(404);
    expect((await fetch(system.metrics.replace('/metrics', '/'))).status).toBe(404);
  });

  test('have a row each in docs/operating.md, with their labels', () => {
    const page = readFileSync(resolve(__dirname, '../docs/operating.md'), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `silent_auth_'));
    const documented = new Map(
      rows.flatMap((row) => {
        const [, names = '', labels = ''] = row.split('|');
        const words = (cell: string) => [...cell.matchAll(/`(\w+)`/g)].map(([, word = '']) => word);
        return words(names).map((name) => [name, words(labels).sort().join()] as const);
      }),
    );
    const counting = new Map<string, string>();
    for (const { name, labels } of samples) {
      if (!name.startsWith('silent_auth_')) continue;
      const names = Object.keys(labels).filter((label) => label !== 'le');
      counting.set(name.replace(/_(?:bucket|sum|count)$/, ''), names.sort().join());
    }
    expect([...documented].sort()).toEqual([...counting].sort());
  });

  test('have a zero value for each outcome before it first occurs', () => {
    const reasons = samples
      .filter(({ name, labels }) => name === LOGINS && labels['outcome'] === 'failed')
      .map(({ labels }) => labels['reason']);
    // Silent failures have their own reasons.
    for (const word of FINAL_OUTCOMES) if (word !== 'silent_auth_failed') expect(reasons).toContain(word);
  });

  const file = resolve(__dirname, '../docs/grafana-dashboard.json');
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as {
    panels: { title: string; targets?: { expr: string; legendFormat: string }[] }[];
  };
  const queries = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => [title, expr, legendFormat] as const),
  );

  test('are the input of the report', () => {
    const report = reportOf([...samples, ...samples], 2);
    expect(report).toContain('18 logins since');
    expect(report).toContain('Silence worked for 2 of 16 that ended: 12.5 %');
    expect(report).toMatch(/the operator refused +2 +12\.5 %/);
    expect(report).toContain('Without an end, or not yet: 2');
    expect(report).toMatch(/by SMS +12 sent +12 logged in/);
    expect(report).toContain('Messages saved: 2,');
    expect(report).not.toMatch(/7700900/);
  });

  test('give a silent rate of at most 1, even if a restart lost the beginnings', () => {
    const ends = samples.map((each) => (each.name === LOGINS ? each : { ...each, value: 0 }));
    const completed = ends.filter(({ labels }) => labels['outcome'] !== 'failed');
    const report = reportOf(completed, 1);
    expect(report).toContain('Silence worked for 1 of 1 that ended: 100.0 %');
    expect(report).toContain('Without an end, or not yet: 0');
    const rates = queries.filter(([title]) => title.startsWith('Silent rate'));
    expect(rates).toHaveLength(2);
    for (const [, expr] of rates) {
      const [part = '', whole = ''] = expr.split(' / ');
      // The numerator is among what the denominator adds up.
      expect(part.replace(',outcome="completed"', '')).toBe(whole);
    }
  });

  describe('answer the dashboard:', () => {
    /** Added by Prometheus when it scrapes. */
    const BY_PROMETHEUS = ['job', 'instance'];

    test.each(queries)('%s: %s', (_title, expr, legend) => {
      const asked = [...expr.matchAll(/\b((?:silent_auth|nodejs|process)_\w+)\{([^}]*)\}/g)];
      expect(asked.length).toBeGreaterThan(0);
      for (const [, name, matchers = ''] of asked) {
        const series = samples.filter((each) => each.name === name);
        expect([name, series.length > 0]).toEqual([name, true]);
        const grouped = [...expr.matchAll(/(?:by|without|ignoring) \(([^)]*)\)/g)].flatMap(([, list = '']) =>
          list.split(', '),
        );
        const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
        const known = [...BY_PROMETHEUS, ...series.flatMap(({ labels }) => Object.keys(labels))];
        for (const label of [...grouped, ...shown]) expect(known).toContain(label);
        for (const [, label = '', operator, text = ''] of matchers.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)) {
          expect(known).toContain(label);
          const values = series.map(({ labels }) => labels[label]);
          if (label === 'job' || operator === '!=') continue;
          for (const value of text.split('|')) expect(values).toContain(value);
        }
      }
    });

    test('all panels have data', () => {
      const all = queries.map(([, expr]) => expr).join('\n');
      for (const name of new Set(samples.map((each) => each.name.replace(/_(?:bucket|sum|count)$/, ''))))
        if (name.startsWith('silent_auth_')) expect(all).toContain(name);
    });
  });
});

test('logins of the doctor count in no rate of logins', async () => {
  const system = await startCountedSystem({});
  try {
    const app = system.app();
    const begun = await app
      .post('/login')
      .set('User-Agent', 'silent-auth-doctor')
      .send({ phone_number: '+447700900103' })
      .expect(201);
    const home = await walk(begun.body.auth_url as string);
    expect(home.json).toMatchObject({ error: 'silent_auth_failed' });
    expect(await system.count('silent_auth_logins_begun_total')).toBe(0);
    expect(await system.count(LOGINS)).toBe(0);
    expect(await system.count('silent_auth_steps_total', { step: 'callback' })).toBe(1);
  } finally {
    await system.stop();
  }
});

test('an outage of Redis is counted, and shown', async () => {
  let away = false;
  const system = await startCountedSystem({
    through: (store) => {
      const refuse = () => Promise.reject(new LoginError('unavailable', 'away'));
      return {
        ...store,
        ping: () => (away ? refuse() : store.ping()),
        spend: (...args) => (away ? refuse() : store.spend(...args)),
      };
    },
  });
  try {
    expect(await system.count('silent_auth_store_up')).toBe(1);
    away = true;
    await system.app().post('/login').send({ phone_number: ALICE }).expect(503);
    expect(await system.count('silent_auth_store_up')).toBe(0);
    expect(await system.count('silent_auth_store_errors_total', { operation: 'spend' })).toBe(1);
    expect(await system.count('silent_auth_steps_total', { step: 'begin', outcome: 'unavailable' })).toBe(1);
    expect(await system.count('silent_auth_logins_begun_total')).toBe(0);
  } finally {
    await system.stop();
  }
});

test('a refusal by a limit is counted by the name of the limit, and logged with the step', async () => {
  const system = await startCountedSystem({
    store: 'memory',
    env: { RATE_LIMITS: 'login-number=1', UPSTREAM_PER_SECOND: '1' },
  });
  try {
    await system.app().post('/login').send({ phone_number: ALICE }).expect(201);
    await system.app().post('/login').send({ phone_number: ALICE }).expect(429);
    expect(await system.count('silent_auth_limit_refusals_total', { limit: 'login-number' })).toBe(1);
    expect(system.world.logged()).toContain('"limit":"login-number"');
    for (const number of [BOB, '+447700900002'])
      await system.app().post('/login').send({ phone_number: number });
    expect(await system.count('silent_auth_limit_refusals_total', { limit: 'upstream-per-second' })).toBe(1);
    expect(system.world.logged()).toContain('"limit":"upstream-per-second"');
  } finally {
    await system.stop();
  }
});

test.each<[string, Record<string, string>, string]>([
  ['a Verify workflow', { SILENT_AUTH: 'verify', ...WITH_CODES }, 'silent_auth completed 1'],
  ['the direct flow', { SILENT_AUTH: 'oidc' }, 'silent_auth completed 1'],
])('a silent login by %s is counted once', async (_name, env, end) => {
  const system = await startCountedSystem({ env });
  try {
    const { app, code } = await system.walkedLogin();
    await postCode(app, code).expect(200);
    const ends = (await system.scrape()).filter(({ name, value }) => name === LOGINS && value > 0);
    expect(ends.map(({ labels, value }) => `${labels['channel']} ${labels['outcome']} ${value}`)).toEqual([
      end,
    ]);
  } finally {
    await system.stop();
  }
});

describe('each message that a Verify workflow sends by itself is counted once:', () => {
  let system: CountedSystem;
  beforeEach(async () => {
    system = await startCountedSystem({ env: CHAINED });
  });
  afterEach(() => system.stop());

  const begin = async (number = ALICE) => {
    const app = system.app();
    const begun = await app.post('/login').send({ phone_number: number }).expect(201);
    return { app, link: String(begun.body.auth_url) };
  };
  const sends = () =>
    Promise.all(['sms', 'voice'].map((channel) => system.count('silent_auth_paid_sends_total', { channel })));
  const tick = () => fetch(`${system.sandbox}/__sandbox/tick`, { method: 'POST' });
  const pauseWebhooks = (paused: boolean) => system.control('webhooks', { paused });
  /** Resolves when all webhooks of the sandbox were accepted. */
  const allDelivered = () =>
    until(async () => {
      const sent = (await (await fetch(`${system.sandbox}/__sandbox/webhooks`)).json()) as {
        status: number;
      }[];
      return sent.length > 0 && sent.every(({ status }) => status === 204);
    });

  test('none after a silent login', async () => {
    const { app, link } = await begin();
    const { json } = await walk(link);
    await postCode(app, String(json?.['code'])).expect(200);
    system.world.turn(700);
    await app.get('/login');
    expect(await sends()).toEqual([0, 0]);
  });

  test('one known from the clock when the app asks, and again from the summary', async () => {
    await pauseWebhooks(true);
    const { app } = await begin();
    expect(await sends()).toEqual([0, 0]);
    system.world.turn(60);
    for (let asked = 0; asked < 3; asked++) await app.get('/login').expect(200);
    expect(await sends()).toEqual([1, 0]);
    system.world.turn(300);
    await app.get('/login').expect(200);
    expect(await sends()).toEqual([1, 1]);
    system.world.turn(300);
    await app.get('/login').expect(200);
    await pauseWebhooks(false);
    await tick();
    await allDelivered();
    expect(await sends()).toEqual([1, 1]);
  });

  test('one known from the summary only', async () => {
    await begin();
    system.world.turn(361);
    await tick();
    expect(await sends()).toEqual([0, 0]);
    system.world.turn(300);
    await tick();
    await allDelivered();
    expect(await sends()).toEqual([1, 1]);
  });

  test('no call if the summary ends with the message', async () => {
    const { app } = await begin('+447700900103');
    await app.post('/login/next').send({ channel: 'sms' }).expect(200);
    const [message] = await system.messages();
    await postCode(app, message?.code ?? '').expect(200);
    // A webhook that arrives after the clock was turned is too old.
    await allDelivered();
    system.world.turn(700);
    await tick();
    await allDelivered();
    expect(await sends()).toEqual([1, 0]);
  });

  test('one known from a webhook before the clock', async () => {
    const { app, link } = await begin('+447700900103');
    await walk(link);
    await until(async () => (await app.get('/login')).body.channel === 'sms');
    expect(await sends()).toEqual([1, 0]);
  });

  test('one known from its typed code before any of these', async () => {
    await pauseWebhooks(true);
    const { app, link } = await begin('+447700900103');
    await walk(link);
    expect(await sends()).toEqual([0, 0]);
    await postCode(app, (await system.messages())[0]?.code ?? '').expect(200);
    expect(await sends()).toEqual([1, 0]);
    await pauseWebhooks(false);
    await allDelivered();
    expect(await sends()).toEqual([1, 0]);
  });

  test('one that /login/next finds sent, and one that it requests', async () => {
    const { app } = await begin();
    system.world.turn(61);
    await app.post('/login/next').send({ channel: 'sms' }).expect(200);
    expect(await sends()).toEqual([1, 0]);
    await app.post('/login/next').send({ channel: 'voice' }).expect(200);
    expect(await sends()).toEqual([1, 1]);
    system.world.turn(301);
    await tick();
    await allDelivered();
    expect(await sends()).toEqual([1, 1]);
  });
});

test('with SILENT_AUTH=off no silent login is counted as failed', async () => {
  const system = await startCountedSystem({ env: { SILENT_AUTH: 'off', ...WITH_CODES } });
  try {
    await system.app().post('/login').send({ phone_number: ALICE }).expect(201);
    expect(await system.count('silent_auth_steps_total', { step: 'begin', outcome: 'ok' })).toBe(1);
    expect(await system.count(LOGINS, { outcome: 'failed' })).toBe(0);
    expect(reportOf(await system.scrape(), 1)).not.toContain('Silence');
  } finally {
    await system.stop();
  }
});

test('metrics that cannot be collected are answered with the reason', async () => {
  const metrics = createMetrics('off');
  metrics.watchStore(() => {
    throw new Error('there is no store');
  });
  const server = createServer(metrics.listener).listen(0);
  await once(server, 'listening');
  try {
    const answer = await fetch(`http://localhost:${(server.address() as AddressInfo).port}/metrics`);
    expect([answer.status, await answer.text()]).toEqual([500, 'Error: there is no store']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a label with escapes and line ends is parsed', () => {
  const [sample] = readSamples('name{a="one\\ntwo",b="\\"\\\\n"} 1');
  expect(sample?.labels).toEqual({ a: 'one\ntwo', b: '"\\n' });
});

test.each([
  [[], 2, /^A source is wanted/],
  [['--odd'], 2, /^Unknown option '--odd'/],
  [['/nowhere'], 1, /^\/nowhere cannot be read: ENOENT/],
  [[resolve(__dirname, '../package.json')], 1, /is not the text format of Prometheus/],
])('the report, called with %p, exits with %i', async (args, exit, says) => {
  const { code, output } = await runCommand(report, args);
  expect([code, output]).toEqual([exit, expect.stringMatching(says)]);
});
