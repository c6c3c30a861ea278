import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Sample } from '../src/tools/report.js';
import { walk } from './support/device.js';
import { startCountedSystem } from './support/scrape.js';

const PAGE = readFileSync(resolve(__dirname, '../docs/operating.md'), 'utf8');
const FILE = resolve(__dirname, '../docs/alerts.yml');

interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}

const { groups } = parse(readFileSync(FILE, 'utf8')) as { groups: { name: string; rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const named = rules.map((rule) => [rule.alert, rule] as const);

let text: string;
let samples: Sample[];
beforeAll(async () => {
  const system = await startCountedSystem();
  try {
    const begun = await system.app().post('/login').send({ phone_number: '+447700900103' });
    await walk(begun.body.auth_url as string);
    samples = await system.scrape();
    text = await (await fetch(system.metrics)).text();
  } finally {
    await system.stop();
  }
});

test.each(named)('%s asks for metrics and labels that the server has', (_name, { expr }) => {
  const asked = [...expr.matchAll(/\b((?:silent_auth|process)_\w+)(?:\{([^}]*)\})?/g)];
  const others = [...expr.matchAll(/\b(?:up|redis_\w+)\b/g)];
  expect(asked.length + others.length).toBeGreaterThan(0);
  for (const [, name, matchers = ''] of asked) {
    const series = samples.filter((each) => each.name === name);
    expect([name, series.length > 0]).toEqual([name, true]);
    for (const [, label = '', operator, value = ''] of matchers.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)) {
      if (label === 'job') continue;
      const values = series.map(({ labels }) => labels[label]);
      expect([label, values.length > 0 && values.every((each) => each !== undefined)]).toEqual([label, true]);
      // `failed` is the histogram of a 5xx, of which there was none.
      if (operator !== '!=' && value !== 'failed')
        for (const each of value.split('|')) expect(values).toContain(each);
    }
  }
});

test.each(named)('%s has a severity, and a line in the runbook', (name, { labels, annotations }) => {
  expect(['critical', 'warning']).toContain(labels.severity);
  expect(annotations.runbook).toBe('docs/operating.md#alerts');
  const [, section = ''] = PAGE.split('\n### Alerts\n');
  expect(section).toMatch(new RegExp(`\\n\\| \`${name}\` \\| [^|]{20,} \\| [^|]{10,} \\|\\n`));
});

test('the runbook has no line for an alert that does not exist', () => {
  const documented = [...PAGE.matchAll(/^\| `(SilentAuth\w+)`/gm)].map(([, name]) => name);
  expect(documented).toEqual(rules.map(({ alert }) => alert));
});

/** Series of five hours in minutes, in the notation of promtool. */
type Series = Record<string, string>;

const ENDS = 'silent_auth_logins_total{channel="silent_auth",outcome';
const BEGUN = 'silent_auth_logins_begun_total{engine="verify"}';
const SENDS = 'silent_auth_paid_sends_total{channel="sms"}';
const TYPED = 'silent_auth_logins_total{channel="sms",outcome="completed"}';
const STEPS = 'silent_auth_step_duration_seconds_count{step="begin",result';
const CALLS = 'silent_auth_upstream_calls_total{api="token",status';
const LOOP = 'silent_auth_event_loop_seconds_total{instance="a:9464",state';
const refusals = (limit: string) => `silent_auth_limit_refusals_total{limit="${limit}"}`;
/** A counter that grows by `early` a minute for three hours, and then by `late`. */
const grows = (early: number, late = early) => `0+${early}x180 ${180 * early}+${late}x120`;
const is = (early: number, late = early) => `${early}x180 ${late}x120`;

/** An alert, series with which it fires at the end, and series with which it does not. */
const CASES: [alert: string, fires: Series, silent: Series][] = [
  ['SilentAuthDown', { 'up{job="silent-auth"}': is(1, 0) }, { 'up{job="silent-auth"}': is(1) }],
  ['SilentAuthDown', { 'up{job="other"}': is(1) }, { 'up{job="silent-auth"}': is(0, 1) }],
  ['SilentAuthStoreDown', { silent_auth_store_up: is(1, 0) }, { silent_auth_store_up: is(1) }],
  [
    'SilentAuthStoreErrors',
    { 'silent_auth_store_errors_total{operation="get"}': grows(0, 4) },
    { 'silent_auth_store_errors_total{operation="get"}': grows(4, 1) },
  ],
  [
    'SilentAuthServerErrors',
    { [`${STEPS}="ok"}`]: grows(90), [`${STEPS}="failed"}`]: grows(0, 10) },
    {
      [`${STEPS}="ok"}`]: grows(90),
      [`${STEPS}="failed"}`]: grows(10, 1),
      [`${STEPS}="refused"}`]: grows(50),
    },
  ],
  [
    'SilentAuthUpstreamErrors',
    { [`${CALLS}="2xx"}`]: grows(80), [`${CALLS}="timeout"}`]: grows(0, 20) },
    { [`${CALLS}="2xx"}`]: grows(80), [`${CALLS}="4xx"}`]: grows(20) },
  ],
  [
    'SilentAuthRateFalls',
    { [`${ENDS}="completed"}`]: grows(8, 4), [`${ENDS}="failed"}`]: grows(2, 6) },
    // A low rate that stays, and a fall of a few logins.
    { [`${ENDS}="completed"}`]: grows(2), [`${ENDS}="failed"}`]: grows(8) },
  ],
  [
    'SilentAuthLinksDoNotReturn',
    { [BEGUN]: grows(10), [`${ENDS}="completed"}`]: grows(8, 1) },
    // A restart has lost the beginnings.
    { [BEGUN]: grows(10, 2), [`${ENDS}="completed"}`]: grows(8) },
  ],
  [
    'SilentAuthSendBudget',
    { [refusals('send-all')]: grows(0, 1) },
    // It was used up hours ago.
    { [refusals('send-all')]: grows(1, 0), [refusals('send-number')]: grows(0, 1) },
  ],
  [
    'SilentAuthSendsWithoutLogins',
    { [SENDS]: grows(5), [TYPED]: grows(4, 1) },
    { [SENDS]: grows(5), [TYPED]: grows(4) },
  ],
  [
    'SilentAuthMessagesFail',
    { 'silent_auth_steps_total{step="webhook",outcome="ok",reason="blocked"}': grows(0, 1) },
    { 'silent_auth_steps_total{step="webhook",outcome="ok",reason=""}': grows(9) },
  ],
  ['SilentAuthOverload', { [refusals('overload')]: grows(0, 1) }, { [refusals('overload')]: grows(1, 0) }],
  [
    'SilentAuthEventLoop',
    { [`${LOOP}="active"}`]: grows(6, 54), [`${LOOP}="idle"}`]: grows(54, 6) },
    { [`${LOOP}="active"}`]: grows(30), [`${LOOP}="idle"}`]: grows(30) },
  ],
  [
    'SilentAuthMemory',
    { 'process_resident_memory_bytes{job="silent-auth"}': is(2e8, 3.5e8) },
    { 'process_resident_memory_bytes{job="silent-auth"}': is(3.5e8, 2.5e8) },
  ],
  [
    'SilentAuthRedisMemory',
    { redis_memory_used_bytes: is(4e8, 5e8), redis_memory_max_bytes: is(5.12e8) },
    { redis_memory_used_bytes: is(4e8), redis_memory_max_bytes: is(0) },
  ],
];

test('each alert is tested', () => {
  expect(new Set(CASES.map(([alert]) => alert))).toEqual(new Set(rules.map(({ alert }) => alert)));
});

const promtool = (args: string[], input = '') => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
};
const withPromtool = promtool(['--version']).status === 0 ? describe : describe.skip;

withPromtool('promtool, of the package `prometheus`,', () => {
  test('accepts the alerts', () => {
    expect(promtool(['check', 'rules', FILE])).toMatchObject({ status: 0 });
  });

  test('finds no fault in the metrics', () => {
    expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, output: '' });
  });

  test('lets each alert fire, and not without its reason', () => {
    const folder = mkdtempSync(join(tmpdir(), 'alerts-'));
    const unit = ([alert, fires, silent]: (typeof CASES)[number]) =>
      [fires, silent].map((series, at) => ({
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        // Only whether it fires: `count` has no value of what does not.
        promql_expr_test: [
          {
            expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) > 0 or vector(0)`,
            eval_time: '290m',
            exp_samples: [{ labels: '{}', value: 1 - at }],
          },
        ],
      }));
    try {
      const path = join(folder, 'alerts.test.yml');
      writeFileSync(
        path,
        stringify({ rule_files: [FILE], evaluation_interval: '5m', tests: CASES.flatMap(unit) }),
      );
      expect(promtool(['test', 'rules', path]).output).toMatch(/SUCCESS\s*$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);
});
