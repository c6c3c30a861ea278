import { ConfigError, readConfig } from '../src/config/config.js';
import { newCredentials } from '../src/sandbox/credentials.js';
import { ASSERTIONS } from './support/assertions.js';

type Env = Record<string, string | undefined>;

const { applicationId, privateKeyPem, sessionSecret } = newCredentials();
const CREDENTIALS = {
  SESSION_SECRET: sessionSecret,
  VONAGE_APPLICATION_ID: applicationId,
  VONAGE_PRIVATE_KEY: privateKeyPem,
  BRAND: 'ACME',
};
/** Settings with which the level can be met. */
const ASSURED: Env = {
  ...CREDENTIALS,
  ...ASSERTIONS,
  NODE_ENV: 'production',
  ASSURANCE: 'asvs-l2',
  SILENT_AUTH: 'verify',
  PUBLIC_URL: 'https://login.acme.test',
  REDIS_URL: 'rediss://silent-auth:secret@redis:6379',
};

const problemsOf = (env: Env, mount?: { hasStore: boolean }): readonly string[] => {
  try {
    readConfig(env, [], mount);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
};

test.each<[string, Env]>([
  ['what its documentation names', {}],
  ['a hook instead of assertions', { ...noAssertions(), HOOKS: './hooks.mjs' }],
  ['a Redis behind a proxy with TLS on this machine', { REDIS_URL: 'redis://silent-auth:secret@127.0.0.1' }],
  ['a collector on this machine', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' }],
  ['a collector with TLS', { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector:4318' }],
  ['a log with more than it needs', { LOG_LEVEL: 'debug' }],
  [
    'codes by WhatsApp alone',
    { SILENT_AUTH: 'off', FALLBACK_CHANNELS: 'whatsapp', WHATSAPP_FROM: '447700900999' },
  ],
  ['the longest life of a code', { CHANNEL_TIMEOUT: '600' }],
  ['without codes, any life of a code', { FALLBACK_CHANNELS: 'none', CHANNEL_TIMEOUT: '900' }],
  ['the most messages', { RATE_LIMITS: 'send-number-day=33' }],
  ['no question about SIMs', { SIM_SWAP_HOURS: undefined }],
])('ASSURANCE=asvs-l2 accepts %s', (_what, change) => {
  expect(problemsOf({ ...ASSURED, ...change })).toEqual([]);
});

function noAssertions(): Env {
  return Object.fromEntries(Object.keys(ASSERTIONS).map((name) => [name, undefined]));
}

test.each<[string, string, Env, RegExp]>([
  ['debug modes', '13.4.2', { NODE_ENV: 'development' }, /^NODE_ENV must be production/],
  ['plain http to clients', '12.2.1', { PUBLIC_URL: 'http://localhost:3000' }, /^PUBLIC_URL must begin with/],
  ['plain text to Redis', '12.3.1', { REDIS_URL: 'redis://a:b@redis:6379' }, /^REDIS_URL must ask for TLS/],
  [
    'plain text to one of several nodes',
    '12.3.1',
    { REDIS_URL: 'redis+cluster://a:b@127.0.0.1:6379,redis:6379' },
    /^REDIS_URL must ask for TLS/,
  ],
  [
    'a Redis without a password',
    '13.2.1',
    { REDIS_URL: 'rediss://redis:6379' },
    /^REDIS_URL must name a user/,
  ],
  [
    'the password of all',
    '13.2.1',
    { REDIS_URL: 'rediss://:secret@redis:6379' },
    /^REDIS_URL must name a user/,
  ],
  [
    'the default user',
    '13.2.1',
    { REDIS_URL: 'rediss://default:secret@redis' },
    /^REDIS_URL must name a user/,
  ],
  [
    'traces in plain text',
    '12.3.1',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' },
    /^OTEL_EXPORTER/,
  ],
  [
    'one key for all operators',
    '13.2.1',
    { OPERATOR_KEY: sessionSecret, METRICS_PORT: '9464' },
    /^OPERATOR_KEY is one unchanging key/,
  ],
  ['no log', '16.3.1', { LOG_LEVEL: 'silent' }, /^LOG_LEVEL=silent leaves out logins/],
  ['a log without refusals', '16.3.1', { LOG_LEVEL: 'warn' }, /^LOG_LEVEL=warn leaves out logins/],
  ['SMS and calls alone', '6.6.1', { SILENT_AUTH: 'off' }, /^SILENT_AUTH=off leaves no stronger method/],
  [
    'calls beside WhatsApp',
    '6.6.1',
    { SILENT_AUTH: 'off', FALLBACK_CHANNELS: 'whatsapp,voice', WHATSAPP_FROM: '447700900999' },
    /^SILENT_AUTH=off leaves/,
  ],
  ['codes of eleven minutes', '6.5.5', { CHANNEL_TIMEOUT: '601' }, /^CHANNEL_TIMEOUT must be at most 600/],
  [
    'guesses without end',
    '6.6.3',
    { RATE_LIMITS: 'send-number-day=34' },
    /send-number-day must be at most 33/,
  ],
  ['the number as the only factor', '6.3.3', noAssertions(), /^ASSERTION_KEYS or HOOKS is missing/],
])('ASSURANCE=asvs-l2 refuses %s, by requirement %s', (_what, number, change, problem) => {
  expect(problemsOf({ ...ASSURED, ...change })).toEqual([
    expect.stringMatching(
      new RegExp(`${problem.source}.*requirement ${number.replaceAll('.', '\\.')}\\)\\.$`),
    ),
  ]);
  expect(problemsOf({ ...ASSURED, ...change, ASSURANCE: undefined })).toEqual([]);
});

test('ASSURANCE=asvs-l2 includes what production demands, and reports all problems at once', () => {
  const numbers = ['13.4.2', '12.2.1', '16.3.1', '6.3.3'];
  const problems = problemsOf({
    ...{ ...CREDENTIALS, ASSURANCE: 'asvs-l2', LOG_LEVEL: 'error', PUBLIC_URL: 'http://localhost:3000' },
    VONAGE_BASE_URL: 'http://sandbox:4000',
  });
  expect(problems.map((problem) => problem.split(' ')[0])).toEqual(
    expect.arrayContaining(['REDIS_URL', 'SILENT_AUTH', 'VONAGE_BASE_URL', 'PUBLIC_URL']),
  );
  for (const number of numbers) expect(problems.join('\n')).toContain(`requirement ${number})`);
});

test('ASSURANCE=asvs-l2 leaves the other factor, and a client of Redis, to the app that mounts the routes', () => {
  const env = { ...ASSURED, ...noAssertions(), REDIS_URL: undefined };
  expect(problemsOf(env, { hasStore: true })).toEqual([]);
  expect(problemsOf(env, { hasStore: false })).toEqual([expect.stringMatching(/^REDIS_URL is missing/)]);
});

test('ASSURANCE takes no other level', () => {
  for (const level of ['asvs-l3', 'ASVS-L2', 'true'])
    expect(problemsOf({ ...ASSURED, ASSURANCE: level })).toEqual(['ASSURANCE must be asvs-l2, or left out.']);
});
