import { generateKeyPairSync, randomBytes, randomInt, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, readConfig } from '../src/config/config.js';
import { createPseudonym } from '../src/observability/journal.js';
import { parsePhoneNumber, type PhoneNumber } from '../src/core/phone-number.js';
import { readSettingsFile } from '../src/tools/command.js';
import { newSecret } from './support/credentials.js';
import { ASSERTIONS, newSigningKey } from './support/assertions.js';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const GOOD = {
  SESSION_SECRET: newSecret(),
  VONAGE_APPLICATION_ID: '29f760f8-7ce1-46c9-ade3-f2dedee4fed4',
  VONAGE_PRIVATE_KEY: PEM,
  BRAND: 'ACME',
};
const PRODUCTION = {
  ...GOOD,
  NODE_ENV: 'production',
  SILENT_AUTH: 'verify',
  PUBLIC_URL: 'https://login.acme.test',
  REDIS_URL: 'rediss://redis:6379',
};

const RANDOM = randomBytes(32).toString('base64');

const problemsOf = (env: Record<string, string | undefined>): readonly string[] => {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
};

test('four settings are enough to try it, and seven to run it', () => {
  expect(readConfig(GOOD)).toMatchObject({
    port: 3000,
    publicUrl: 'http://localhost:3000',
    redis: undefined,
    silentAuth: 'network-enablement',
    vonage: {
      apiHost: 'https://api-eu.vonage.com',
      tokenUrl: 'https://api-eu.vonage.com/oauth2/token',
      oidcUrl: 'https://oidc.idp.vonage.com/oauth2/auth',
      authUrlHosts: ['.vonage.com', '.nexmo.com'],
    },
  });
  expect(readConfig(PRODUCTION).publicUrl).toBe('https://login.acme.test');
});

test('SIM_SWAP_HOURS turns the question on, and what is not known counts as a change by default', () => {
  expect(readConfig(GOOD).simSwap).toBeUndefined();
  const read = (more: object) => readConfig({ ...GOOD, SIM_SWAP_HOURS: '72', ...more }).simSwap;
  expect(read({})).toEqual({ hours: 72, policies: { swapped: 'refuse', unknown: 'refuse' } });
  expect(read({ SIM_SWAP_POLICY: 'step_up' })?.policies.unknown).toBe('step_up');
  expect(read({ SIM_SWAP_UNKNOWN: 'tell' })?.policies).toEqual({ swapped: 'refuse', unknown: 'tell' });
});

test.each<[Record<string, string>, RegExp]>([
  [{ SIM_SWAP_HOURS: '0' }, /SIM_SWAP_HOURS must be a whole number, 1 to 2400/],
  [{ SIM_SWAP_HOURS: '2401' }, /SIM_SWAP_HOURS/],
  [{ SIM_SWAP_HOURS: '3 days' }, /SIM_SWAP_HOURS/],
  [
    { SIM_SWAP_HOURS: '72', SIM_SWAP_POLICY: 'allow' },
    /SIM_SWAP_POLICY must be one of refuse, step_up, tell/,
  ],
  [{ SIM_SWAP_HOURS: '72', SIM_SWAP_UNKNOWN: 'yes' }, /SIM_SWAP_UNKNOWN/],
  [{ SIM_SWAP_POLICY: 'tell' }, /have no effect without SIM_SWAP_HOURS/],
  [{ SIM_SWAP_UNKNOWN: 'tell' }, /have no effect without SIM_SWAP_HOURS/],
])('settings about changed SIMs are refused: %j', (env, problem) => {
  expect(() => readConfig({ ...GOOD, ...env })).toThrow(problem);
});

test('FALLBACK_CHANNELS takes the channels in any order, and the settings of Verify have safe defaults', () => {
  const named = {
    FALLBACK_CHANNELS: 'voice, whatsapp,rcs,sms',
    WHATSAPP_FROM: '+447700900999',
    LOCALE: 'de-at',
  };
  expect(readConfig({ ...GOOD, ...named })).toMatchObject({
    fallbackChannels: ['voice', 'whatsapp', 'rcs', 'sms'],
    verify: {
      ...{ maxSteps: 1, codeLength: 6, channelTimeout: 300, fraudCheck: undefined, locale: 'de-AT' },
      senders: { whatsapp: '447700900999' },
    },
  });
});

test('nothing is counted or traced unless a setting asks for it', () => {
  expect(readConfig(GOOD)).toMatchObject({ metrics: undefined, traces: undefined });
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
  expect(readConfig({ ...GOOD, ...endpoint, METRICS_PORT: '9464' })).toMatchObject({
    metrics: { port: 9464, host: '127.0.0.1' },
    traces: { serviceName: 'silent-auth-bff' },
  });
  for (const off of [{ OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none' }])
    expect(readConfig({ ...GOOD, ...endpoint, ...off }).traces).toBeUndefined();
});

test('an idle connection is kept for 65 seconds, or for KEEP_ALIVE_SECONDS', () => {
  expect(readConfig(GOOD).keepAliveSeconds).toBe(65);
  expect(readConfig({ ...GOOD, KEEP_ALIVE_SECONDS: '620' }).keepAliveSeconds).toBe(620);
});

test('every problem is reported at once, with the name of its setting', () => {
  expect(
    problemsOf({ NODE_ENV: 'production', PORT: 'x', LOG_LEVEL: 'loud', SILENT_AUTH: 'magic' }).map(
      (each) => each.split(/[ :]/)[0],
    ),
  ).toEqual([
    'PORT',
    'PUBLIC_URL',
    'VONAGE_APPLICATION_ID',
    'VONAGE_PRIVATE_KEY',
    'REDIS_URL',
    'SESSION_SECRET',
    'SILENT_AUTH',
    'BRAND',
    'LOG_LEVEL',
  ]);
});

test.each<[string, Record<string, string>, RegExp]>([
  ['a share above 100 percent', { MAX_UTILIZATION: '101' }, /^MAX_UTILIZATION must be/],
  ['a share in another notation', { MAX_UTILIZATION: '9e1' }, /^MAX_UTILIZATION must be a whole/],
  ['idle connections for no time', { KEEP_ALIVE_SECONDS: '0' }, /^KEEP_ALIVE_SECONDS must be/],
  ['idle connections kept for more than an hour', { KEEP_ALIVE_SECONDS: '3601' }, /, 1 to 3600\.$/],
  ['idle connections kept for a time with a unit', { KEEP_ALIVE_SECONDS: '65s' }, /whole number, 1 to 3600/],
  ['a port in another notation', { PORT: '0x1F90' }, /^PORT must be a whole number, 0 to 65535/],
  ['a limit beyond counting', { PAID_SENDS_PER_HOUR: '1000000000' }, /, 1 to 999999999\.$/],
  ['a share of zero', { MAX_UTILIZATION: '0' }, /^MAX_UTILIZATION must be/],
  ['a fraction of a percent', { MAX_UTILIZATION: '90.5' }, /^MAX_UTILIZATION must be/],
  ['no session', { MAX_SESSIONS: '0' }, /^MAX_SESSIONS must be a whole number, 1 to 1000/],
  ['a key of operators without their port', { OPERATOR_KEY: RANDOM }, /^OPERATOR_KEY has no effect/],
  [
    'a short key of operators',
    { OPERATOR_KEY: RANDOM.slice(0, 31), METRICS_PORT: '9464' },
    /^OPERATOR_KEY must have at least 32 characters/,
  ],
  [
    'a key of operators that is a word',
    { OPERATOR_KEY: 'operator'.repeat(5), METRICS_PORT: '9464' },
    /^OPERATOR_KEY can be guessed/,
  ],
  [
    'a key of operators that no header can hold',
    { OPERATOR_KEY: `${RANDOM}é`, METRICS_PORT: '9464' },
    /^OPERATOR_KEY must be visible ASCII/,
  ],
  ['metrics on the public port', { METRICS_PORT: '3000' }, /^METRICS_PORT must be another/],
  [
    'a port of metrics that is no number',
    { METRICS_PORT: 'x' },
    /^METRICS_PORT must be a whole number, 0 to 65535/,
  ],
  ['a host that is a name', { HOST: 'localhost' }, /^HOST must be an IP address/],
  ['a host of metrics that is a name', { METRICS_HOST: 'localhost' }, /^METRICS_HOST must be an IP/],
  [
    'an exporter of traces that is not supported',
    { OTEL_TRACES_EXPORTER: 'zipkin' },
    /^OTEL_TRACES_EXPORTER must be/,
  ],
  [
    'traces by another protocol',
    { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    /^OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not supported/,
  ],
  [
    'a collector that is no URL',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
    /^OTEL_EXPORTER_OTLP_ENDPOINT must be a URL/,
  ],
  [
    'a collector at a host with a space',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://my collector:4318' },
    /^OTEL_EXPORTER_OTLP_ENDPOINT must be a URL/,
  ],
  [
    'a collector of traces alone that is no URL',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'collector:4318' },
    /^OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must be a URL/,
  ],
  [
    'traces alone by another protocol',
    { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc' },
    /^OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: grpc is not supported/,
  ],
  ['a port beyond the last', { PORT: '65536', PUBLIC_URL: 'https://a.example' }, /^PORT must be/],
  ['a public URL with a path', { PUBLIC_URL: 'https://a.example/x' }, /^PUBLIC_URL must be an origin/],
  ['a public URL with a user', { PUBLIC_URL: 'https://u@a.example' }, /^PUBLIC_URL must be an origin/],
  ['a public URL over http', { PUBLIC_URL: 'http://a.example' }, /^PUBLIC_URL must begin with https/],
  ['a short secret', { SESSION_SECRET: 'short' }, /^SESSION_SECRET: each secret/],
  [
    'a short secret behind a good one',
    { SESSION_SECRET: `${GOOD.SESSION_SECRET},short` },
    /^SESSION_SECRET: each secret/,
  ],
  [
    'an application id that is no UUID',
    { VONAGE_APPLICATION_ID: 'app' },
    /^VONAGE_APPLICATION_ID must be a UUID/,
  ],
  ['a key that is a word', { VONAGE_PRIVATE_KEY: 'secret-word' }, /^VONAGE_PRIVATE_KEY is neither/],
  [
    'a PEM without content',
    { VONAGE_PRIVATE_KEY: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----' },
    /^VONAGE_PRIVATE_KEY looks like/,
  ],
  [
    'a key that is too short',
    {
      VONAGE_PRIVATE_KEY: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({
        type: 'pkcs8',
        format: 'pem',
      }) as string,
    },
    /2048 bits/,
  ],
  [
    'a key of another kind',
    {
      VONAGE_PRIVATE_KEY: generateKeyPairSync('ed25519').privateKey.export({
        type: 'pkcs8',
        format: 'pem',
      }) as string,
    },
    /must be an RSA key/,
  ],
  ['an upstream with another scheme', { VONAGE_API_HOST: 'ftp://x' }, /^VONAGE_API_HOST must be a URL/],
  ['an upstream that is no URL', { VONAGE_BASE_URL: 'http://' }, /^VONAGE_BASE_URL must be a URL/],
  ['an upstream in quotes', { VONAGE_API_HOST: '"api-eu.vonage.com"' }, /^VONAGE_API_HOST must be a URL/],
  ['an upstream that is a path', { VONAGE_BASE_URL: '../sandbox' }, /^VONAGE_BASE_URL must be a URL/],
  ['an upstream with a query', { VONAGE_OIDC_URL: 'https://x.example/auth?a=b' }, /^VONAGE_OIDC_URL must/],
  ['an upstream with a fragment', { VONAGE_API_HOST: 'https://x.example#a' }, /^VONAGE_API_HOST must/],
  ['an upstream with a user', { VONAGE_API_HOST: 'https://a:b@x.example' }, /^VONAGE_API_HOST must/],
  ['a link host in quotes', { AUTH_URL_HOSTS: '"a.example"' }, /^AUTH_URL_HOSTS: ""a\.example""/],
  ['a proxy in quotes', { HTTPS_PROXY: '"proxy"' }, /^HTTPS_PROXY must be a URL like/],
  ['a link host with a path', { AUTH_URL_HOSTS: 'a.example/x' }, /^AUTH_URL_HOSTS: "a.example\/x"/],
  ['a link host with a star', { AUTH_URL_HOSTS: '*.vonage.com' }, /^AUTH_URL_HOSTS: .* as in \.vonage\.com/],
  ['a link host that is a URL', { AUTH_URL_HOSTS: 'https://a.example' }, /^AUTH_URL_HOSTS: "https:/],
  ['a domain of links with a port', { AUTH_URL_HOSTS: '.a.example:8443' }, /^AUTH_URL_HOSTS: ".a.exa/],
  ['a top-level domain for links', { AUTH_URL_HOSTS: '.com' }, /^AUTH_URL_HOSTS: "\.com"/],
  ['a proxy that is no URL', { HTTPS_PROXY: 'socks5://proxy:1080' }, /^HTTPS_PROXY must be a URL like/],
  ['a proxy with a path', { http_proxy: 'http://proxy:3128/x' }, /^HTTP_PROXY must be a URL like/],
  [
    'a proxy with half of its credentials',
    { HTTPS_PROXY: 'http://user@proxy:3128' },
    /^HTTPS_PROXY names a user/,
  ],
  ['a brand that Vonage refuses', { BRAND: 'a/b' }, /^BRAND must be/],
  ['a brand that is too long', { BRAND: 'x'.repeat(19) }, /^BRAND must be/],
  ['an unknown channel', { FALLBACK_CHANNELS: 'sms,pigeon' }, /^FALLBACK_CHANNELS must be/],
  ['a channel twice', { FALLBACK_CHANNELS: 'sms,voice,sms' }, /^FALLBACK_CHANNELS must be/],
  ['email', { FALLBACK_CHANNELS: 'sms,email' }, /^FALLBACK_CHANNELS: email proves neither/],
  ['WhatsApp without its number', { FALLBACK_CHANNELS: 'whatsapp' }, /^WHATSAPP_FROM is missing/],
  ['a name as the number of WhatsApp', { WHATSAPP_FROM: 'ACME' }, /^WHATSAPP_FROM must be a phone number/],
  ['a sender id that is too long', { SMS_FROM: 'ACME Company' }, /^SMS_FROM must be a sender id/],
  ['a PEID alone', { SMS_ENTITY_ID: '1101456324675322134' }, /^SMS_ENTITY_ID and SMS_CONTENT_ID/],
  ['a template id of India alone', { SMS_CONTENT_ID: '1107457532145798767' }, /^SMS_ENTITY_ID and SMS_CO/],
  ['a language that is none', { LOCALE: 'German!' }, /^LOCALE must be a BCP 47 language tag/],
  ['a code that is too short', { CODE_LENGTH: '5' }, /^CODE_LENGTH must be a whole number, 6 to 10/],
  ['a code that lives too long', { CHANNEL_TIMEOUT: '901' }, /^CHANNEL_TIMEOUT must be a whole number, 60/],
  ['a fraud check of its own', { FRAUD_CHECK: 'maybe' }, /^FRAUD_CHECK must be one of true, false/],
  [
    'a chain without webhooks',
    { SILENT_AUTH: 'verify', VERIFY_CHAIN: 'true' },
    /^SILENT_AUTH=verify with VERIFY_CHAIN=true/,
  ],
  ['no way to log in', { SILENT_AUTH: 'off', FALLBACK_CHANNELS: 'none' }, /^SILENT_AUTH=off leaves no way/],
  ['a signature secret alone', { VONAGE_SIGNATURE_SECRET: 's'.repeat(32) }, /^VONAGE_API_KEY is missing/],
  ['an API key alone', { VONAGE_API_KEY: 'abcd1234' }, /^VONAGE_SIGNATURE_SECRET is missing/],
  [
    'a short signature secret',
    { VONAGE_API_KEY: 'a', VONAGE_SIGNATURE_SECRET: 's'.repeat(31) },
    /at least 32 bytes/,
  ],
  [
    'a short signature secret beside another',
    { VONAGE_API_KEY: 'a', VONAGE_SIGNATURE_SECRET: `${'s'.repeat(32)},${'t'.repeat(31)}` },
    /each secret must have at least 32 bytes/,
  ],
  [
    'links by webhook without webhooks',
    { SILENT_AUTH: 'verify', COVERAGE_CHECK: 'false' },
    /COVERAGE_CHECK=false needs webhooks/,
  ],
  ['an unknown limit', { RATE_LIMITS: 'login=5' }, /^RATE_LIMITS: "login" is none of login-number, /],
  ['a limit of nothing', { RATE_LIMITS: 'send-range=0' }, /^RATE_LIMITS: send-range must be a whole number/],
  ['a limit with a window', { RATE_LIMITS: 'send-range=5/1h' }, /^RATE_LIMITS: send-range must be/],
  ['no budget', { PAID_SENDS_PER_HOUR: '0' }, /^PAID_SENDS_PER_HOUR must be a whole number/],
  ['a pace that is no number', { UPSTREAM_PER_SECOND: '1e3' }, /^UPSTREAM_PER_SECOND must be/],
  ['a country by its name', { ALLOWED_COUNTRIES: 'GB,Spain' }, /^ALLOWED_COUNTRIES: "Spain" is not/],
  ['a country in lower case', { ALLOWED_COUNTRIES: 'gb' }, /^ALLOWED_COUNTRIES: "gb" is not/],
  ['trust in all clients', { TRUST_PROXY: 'true' }, /^TRUST_PROXY must not be true: anyone could/],
  ['trust in every address', { TRUST_PROXY: '10.0.0.1,::/0' }, /^TRUST_PROXY must not be ::\/0/],
  ['trust in a name', { TRUST_PROXY: 'proxy.internal' }, /^TRUST_PROXY: "proxy.internal" is neither/],
  ['trust in no proxy', { TRUST_PROXY: '0' }, /^TRUST_PROXY: "0" is neither/],
  ['assertions without a key', { ASSERTION_AUDIENCE: 'api' }, /^ASSERTION_KEYS is missing/],
  [
    'the phone number in assertions without a key',
    { ASSERTION_PHONE_NUMBER: 'true' },
    /^ASSERTION_KEYS is missing/,
  ],
  [
    'assertions without an audience',
    { ...ASSERTIONS, ASSERTION_AUDIENCE: ',' },
    /^ASSERTION_AUDIENCE is missing/,
  ],
  [
    'an audience with a space',
    { ...ASSERTIONS, ASSERTION_AUDIENCE: 'the api' },
    /^ASSERTION_AUDIENCE: "the api"/,
  ],
  [
    'an audience that is half a URI',
    { ...ASSERTIONS, ASSERTION_AUDIENCE: ':api' },
    /^ASSERTION_AUDIENCE: ":api"/,
  ],
  [
    'an empty subject secret',
    { ...ASSERTIONS, ASSERTION_SUBJECT_SECRET: '' },
    /^ASSERTION_SUBJECT_SECRET must/,
  ],
  [
    'a short subject secret',
    { ...ASSERTIONS, ASSERTION_SUBJECT_SECRET: 'x'.repeat(31) },
    /^ASSERTION_SUBJECT_SECRET must/,
  ],
  [
    'a flag that is neither true nor false',
    { ...ASSERTIONS, ASSERTION_PHONE_NUMBER: 'yes' },
    /^ASSERTION_PHONE_NUMBER must be one of true, false/,
  ],
  [
    'an RSA key to assert with',
    { ...ASSERTIONS, ASSERTION_KEYS: PEM },
    /^ASSERTION_KEYS: one of the keys must be a key of the curve P-256/,
  ],
  [
    'a key of another curve, behind a good one',
    {
      ...ASSERTIONS,
      ASSERTION_KEYS: `${ASSERTIONS.ASSERTION_KEYS},${generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string}`,
    },
    /^ASSERTION_KEYS: one of the keys must be/,
  ],
  [
    'a key in a missing file',
    { ...ASSERTIONS, ASSERTION_KEYS: './assertion.key' },
    /^ASSERTION_KEYS: one of the keys is neither/,
  ],
])('%s is refused', (_what, change, problem) => {
  expect(problemsOf({ ...GOOD, ...change })).toEqual([expect.stringMatching(problem)]);
});

test.each<[string, Record<string, string | undefined>]>([
  ['no choice of SILENT_AUTH', { SILENT_AUTH: undefined }],
  ['no store', { REDIS_URL: '' }],
  ['no public URL', { PUBLIC_URL: '' }],
  ['the example origin', { PUBLIC_URL: 'https://login.example.com' }],
  ['an upstream over http', { VONAGE_BASE_URL: 'http://sandbox:4000' }],
])('production is refused with %s', (_what, change) => {
  expect(problemsOf({ ...PRODUCTION, ...change })).toHaveLength(1);
});

test('the key is read as PEM, with escaped line ends, as base64, and from a file', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'silent-auth-')), 'private.key');
  writeFileSync(file, PEM);
  for (const form of [PEM, PEM.replaceAll('\n', '\\n'), Buffer.from(PEM).toString('base64'), file]) {
    expect(readConfig({ ...GOOD, VONAGE_PRIVATE_KEY: form }).vonage.privateKey.equals(privateKey)).toBe(true);
  }
});

describe('ALLOWED_ORIGINS', () => {
  test.each([
    'https://app.example.com',
    'http://localhost:5173',
    'https://[::1]:8443',
    'https://xn--mnchen-3ya.example',
    'https://a_b.example',
    'https://127.0.0.1:8443',
  ])('takes %s as it is', (origin) => {
    expect(readConfig({ ...GOOD, ALLOWED_ORIGINS: origin }).allowedOrigins).toEqual([origin]);
  });

  test.each([
    ['https://*.example.com', /"https:\/\/\*\.example\.com" is a wildcard, and origins .*: name each one/],
    ['*', /is a wildcard/],
    ['*.example.com', /is a wildcard/],
    ['.example.com', /is a wildcard/],
    ['https://.example.com', /is a wildcard/],
    ['https://*', /is a wildcard/],
    ['https://app.example.com:*', /is a wildcard/],
    ['https://%2A.example.com', /is a wildcard/],
    ['null', /is the origin of every sandboxed page/],
    ['https://app.example.com/', /: write https:\/\/app\.example\.com\.$/],
    ['https://app.example.com/path?a=b#c', /: write https:\/\/app\.example\.com\.$/],
    ['https://APP.example.com', /: write https:\/\/app\.example\.com\.$/],
    ['HTTPS://app.example.com', /: write https:\/\/app\.example\.com\.$/],
    ['https://app.example.com:443', /: write https:\/\/app\.example\.com\.$/],
    ['http://app.example.com:80', /: write http:\/\/app\.example\.com\.$/],
    ['https://user@app.example.com', /: write https:\/\/app\.example\.com\.$/],
    ['"https://app.example.com"', /: write https:\/\/app\.example\.com\.$/],
    ['app.example.com', /: write https:\/\/app\.example\.com\.$/],
    ['localhost:5173', /: write https:\/\/localhost:5173\.$/],
    ['https://münchen.example', /: write https:\/\/xn--mnchen-3ya\.example\.$/],
    ['https://127.1', /: write https:\/\/127\.0\.0\.1\.$/],
    ['https://a.example https://b.example', /is not an origin like .* separated by commas/],
    ['https://a.example;https://b.example', /is not an origin/],
    ['https://$APP_HOST', /is not an origin/],
    ['https://a..example', /is not an origin/],
    ['^https://.+[.]example[.]com$', /is a wildcard/],
    ['https://app.example.com/.well-known', /: write https:\/\/app\.example\.com\.$/],
    ['file://', /is not an origin/],
    ['https://', /is not an origin/],
  ])('refuses %s, which no browser sends, and says why', (origin, says) => {
    expect(problemsOf({ ...GOOD, ALLOWED_ORIGINS: `https://a.example,${origin}` })).toEqual([
      expect.stringMatching(says),
    ]);
  });

  test.each(['http://app.example.com', 'http://localhost.example.com', 'http://192.168.1.5:5173'])(
    'takes %s, but not in production, where it needs TLS',
    (origin) => {
      expect(readConfig({ ...GOOD, ALLOWED_ORIGINS: origin }).allowedOrigins).toEqual([origin]);
      expect(problemsOf({ ...PRODUCTION, ALLOWED_ORIGINS: origin })).toEqual([
        expect.stringMatching(/must begin with https:\/\/ in production; http is only for localhost/),
      ]);
    },
  );

  test.each(['http://localhost:5173', 'http://127.0.0.1:5173'])('takes %s in production', (origin) => {
    expect(readConfig({ ...PRODUCTION, ALLOWED_ORIGINS: origin }).allowedOrigins).toEqual([origin]);
  });
});

describe('SESSION_SECRET', () => {
  const PASSWORD_CHARACTERS = '!#$%&*+=?@ABCDEFGHJKLMNPRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';

  test.each<[string, () => string]>([
    ['openssl rand -base64 32', () => randomBytes(32).toString('base64')],
    ['openssl rand -base64 24', () => randomBytes(24).toString('base64')],
    ['openssl rand -hex 32', () => randomBytes(32).toString('hex')],
    ['openssl rand -hex 16', () => randomBytes(16).toString('hex')],
    ['randomBytes(32) in base64url', () => randomBytes(32).toString('base64url')],
    ['randomBytes(64) in hex', () => randomBytes(64).toString('hex')],
    ['uuidgen', () => randomUUID()],
    ['uuidgen, without dashes', () => randomUUID().replaceAll('-', '')],
    [
      'a password manager',
      () =>
        Array.from({ length: 32 }, () => PASSWORD_CHARACTERS[randomInt(PASSWORD_CHARACTERS.length)]).join(''),
    ],
  ])('is what %s prints', (_what, print) => {
    const secrets = Array.from({ length: 2000 }, print);
    expect(readConfig({ ...GOOD, SESSION_SECRET: secrets.join() }).sessionSecrets).toEqual(secrets);
  });

  test.each([
    'a'.repeat(32),
    'ab'.repeat(20),
    `${'0'.repeat(31)}1`,
    'changeme'.repeat(4),
    'changeme-changeme-changeme-changeme',
    'change-me-in-production-change-me-in-production',
    'secret'.repeat(8),
    'S3cr3t!S3cr3t!S3cr3t!S3cr3t!S3cr3t!',
    'session-secret-session-secret-1234',
    'this-is-a-very-long-session-secret',
    'your-super-secret-session-key-here-32',
    'replace-with-a-32-character-random-string',
    'keyboard cat keyboard cat keyboard cat',
    'correct horse battery staple correct',
    '`openssl rand -base64 32`openssl rand',
    'abcdefghijklmnopqrstuvwxyz012345',
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
    'zyxwvutsrqponmlkjihgfedcba987654',
    '12345678901234567890123456789012',
    '0123456789abcdef0123456789abcdef',
    '00112233445566778899aabbccddeeff',
    '000102030405060708090a0b0c0d0e0f',
    'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
    'acegikmoqsuwyacegikmoqsuwyacegik',
    'qwertyuiopasdfghjklzxcvbnm123456',
    'deadbeefdeadbeefdeadbeefdeadbeef',
    'c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0',
    '11111111-1111-1111-1111-111111111111',
  ])('is refused as no random secret: %s', (secret) => {
    for (const secrets of [secret, `${GOOD.SESSION_SECRET},${secret}`]) {
      const [problem = '', ...others] = problemsOf({ ...GOOD, SESSION_SECRET: secrets });
      expect(problem).toMatch(/^SESSION_SECRET: a secret of .* must be random\. .*openssl rand -base64 32/);
      expect([problem.includes(secret), others]).toEqual([false, []]);
    }
  });
});

describe('a setting in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'settings-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const PLAIN = { VONAGE_APPLICATION_ID: GOOD.VONAGE_APPLICATION_ID, BRAND: GOOD.BRAND };

  test('is read as if it stood in the environment, without the line end', () => {
    const secrets = [newSecret(), newSecret()];
    const config = readConfig({
      ...PLAIN,
      SESSION_SECRET_FILE: file('session', `${secrets.join()}\n`),
      VONAGE_PRIVATE_KEY_FILE: file('key', PEM),
      REDIS_URL_FILE: file('redis', 'redis://bff:secret@redis\n'),
      PORT_FILE: file('port', '3001\n'),
    });
    expect(config).toMatchObject({
      port: 3001,
      sessionSecrets: secrets,
      redis: { place: { username: 'bff', password: 'secret' } },
    });
    expect(config.vonage.privateKey.equals(privateKey)).toBe(true);
  });

  test.each<[string, () => Record<string, string>, RegExp]>([
    [
      'that is set itself as well',
      () => ({ BRAND_FILE: file('brand', 'ACME') }),
      /^BRAND and BRAND_FILE are both/,
    ],
    ['that does not exist', () => ({ REDIS_URL_FILE: '/nowhere/hunter2' }), /^REDIS_URL_FILE .* \(ENOENT\)/],
    ['that is a folder', () => ({ HELP_URL_FILE: folder }), /^HELP_URL_FILE .* \(EISDIR\)/],
    [
      'that holds nothing',
      () => ({ VONAGE_BASE_URL_FILE: file('none', ' \n') }),
      /^VONAGE_BASE_URL_FILE .* empty/,
    ],
  ])('%s is reported once, without the path', (_what, change, problem) => {
    // In production REDIS_URL is asked for twice.
    const problems = problemsOf({ ...PRODUCTION, REDIS_URL: undefined, ...change() });
    expect(problems.filter((each) => each.includes('_FILE'))).toEqual([expect.stringMatching(problem)]);
    expect(problems.join()).not.toMatch(/hunter2|tmp/);
  });
});

test('a settings file may begin with a byte order mark', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'silent-auth-')), '.env');
  writeFileSync(file, '\ufeffSESSION_SECRET=x\r\nBRAND="My app"\r\n');
  expect(readSettingsFile(file, { BRAND: 'Other' })).toEqual({ SESSION_SECRET: 'x', BRAND: 'Other' });
});

test('keys of assertions are read in each of these forms, the first one first', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'silent-auth-')), 'assertion.key');
  const pems = [newSigningKey(), newSigningKey(), newSigningKey(), newSigningKey()] as const;
  writeFileSync(file, pems[3]);
  const forms = [pems[0], pems[1].replaceAll('\n', '\\n'), Buffer.from(pems[2]).toString('base64'), file];
  const { assertions } = readConfig({ ...GOOD, ...ASSERTIONS, ASSERTION_KEYS: forms.join(' ,') });
  expect(assertions?.keys.map((key) => key.export({ type: 'pkcs8', format: 'pem' }))).toEqual(pems);
});

test.each([
  ['', false],
  ['2', 2],
  ['loopback, 10.0.0.0/8,2001:db8::1', ['loopback', '10.0.0.0/8', '2001:db8::1']],
])("TRUST_PROXY=%s becomes the value of Express's trust proxy", (text, value) => {
  expect(readConfig({ ...GOOD, TRUST_PROXY: text }).trustProxy).toEqual(value);
});

test('RATE_LIMITS replaces the defaults of the limits that it names', () => {
  const { limits } = readConfig({ ...GOOD, RATE_LIMITS: 'login-number=20, send-prefix=7' });
  expect(limits).toMatchObject({
    rates: { 'login-number': 20, 'login-range': 600, 'send-prefix': 7, 'send-number': 6 },
    paidSendsPerHour: 300,
    upstreamPerSecond: 10,
  });
});

test.each([
  ['1', '', 5],
  ['2', '', 1],
  ['7', '', 3],
  ['10', '', 5],
  ['1000', '', 5],
  ['4', 'login-range-second=4', 4],
])(
  'of UPSTREAM_PER_SECOND=%s with RATE_LIMITS=%s one address range may take %i',
  (perSecond, limits, rate) => {
    const { limits: read } = readConfig({ ...GOOD, UPSTREAM_PER_SECOND: perSecond, RATE_LIMITS: limits });
    expect(read.rates['login-range-second']).toBe(rate);
  },
);

test('no problem repeats a secret', () => {
  const text = problemsOf({ ...GOOD, SESSION_SECRET: 'hunter2', VONAGE_PRIVATE_KEY: 'hunter2' }).join();
  expect(text).not.toContain('hunter2');
});

test('one base URL stands for every host of Vonage', () => {
  const { vonage } = readConfig({ ...GOOD, VONAGE_BASE_URL: 'http://localhost:4000/' });
  expect(vonage).toMatchObject({
    apiHost: 'http://localhost:4000',
    tokenUrl: 'http://localhost:4000/oauth2/token',
    oidcUrl: 'http://localhost:4000/oauth2/auth',
  });
  expect(vonage.authUrlHosts[0]).toBe('localhost:4000');
});

test('the token endpoint is in the region of the API, unless it is set by hand', () => {
  const placesOf = (env: Record<string, string>) => readConfig({ ...GOOD, ...env }).vonage;
  const us = { VONAGE_API_HOST: 'https://api-us.vonage.com' };
  expect(placesOf(us)).toMatchObject({
    apiHost: 'https://api-us.vonage.com',
    tokenUrl: 'https://api-us.vonage.com/oauth2/token',
    verifyHost: 'https://api.nexmo.com',
  });
  expect(placesOf({ VONAGE_API_HOST: 'api-ap.vonage.com/' }).tokenUrl).toBe(
    'https://api-ap.vonage.com/oauth2/token',
  );
  const byHand = {
    VONAGE_TOKEN_URL: 'https://api-eu-3.vonage.com/oauth2/token',
    VONAGE_VERIFY_HOST: 'https://api-ap.vonage.com',
  };
  expect(placesOf({ ...us, ...byHand })).toMatchObject({
    apiHost: 'https://api-us.vonage.com',
    tokenUrl: 'https://api-eu-3.vonage.com/oauth2/token',
    verifyHost: 'https://api-ap.vonage.com',
  });
});

test.each<[string, Record<string, string>, readonly string[]]>([
  ['in another region', { VONAGE_API_HOST: 'https://api-us.vonage.com' }, []],
  ['with Verify elsewhere', { VONAGE_VERIFY_HOST: 'https://api-ap.vonage.com' }, []],
  ['behind a gateway', { VONAGE_API_HOST: 'https://gateway.example:8443' }, ['gateway.example:8443']],
])('%s, links lead to all hosts of Vonage, and to those this server talks to', (_what, env, more) => {
  const { vonage } = readConfig({ ...GOOD, ...env });
  expect(vonage.authUrlHosts).toEqual([...more, '.vonage.com', '.nexmo.com']);
});

test.each(['api.nexmo.com', 'localhost:4000', '.vonage.com', '.eu.vonage.com,api.nexmo.com'])(
  'AUTH_URL_HOSTS=%s narrows links to these',
  (hosts) => {
    expect(readConfig({ ...GOOD, AUTH_URL_HOSTS: hosts }).vonage.authUrlHosts).toEqual(hosts.split(','));
  },
);

test.each(['+447700900000', '+34666111333', '+12025550123', '+99012345678', '+4915112345678'])(
  '%s is a phone number',
  (text) => {
    expect(parsePhoneNumber(text)).toBe(text);
  },
);

test('the pseudonym of a number depends on the secret alone, and does not contain the number', () => {
  const number = parsePhoneNumber('+447700900000') as PhoneNumber;
  const [one, two] = [createPseudonym('a'.repeat(32)), createPseudonym('b'.repeat(32))];
  expect(one(number)).toBe(one(number));
  expect(one(number)).not.toBe(two(number));
  expect(one(number)).not.toContain('7700');
});
