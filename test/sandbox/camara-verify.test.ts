import { createHash } from 'node:crypto';
import { ask, turned, type Answer } from './open-sandbox.js';
import { NUMBER, openCamara, SHARE_SCOPE, type Changes, type OpenCamara } from './open-camara.js';

const OTHER = '+447700900555';
const VERSIONS = [0, 1, 2];

let operator: OpenCamara;
beforeAll(async () => (operator = await openCamara()));
afterAll(() => operator.close());
beforeEach(() => operator.control('POST', '/reset'));

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

type ErrorRow = [number, string, string];

const INVALID: ErrorRow = [
  400,
  'INVALID_ARGUMENT',
  'Client specified an invalid argument, request body or query param',
];
const UNAUTHENTICATED_TEXT = 'Request not authenticated due to missing, invalid, or expired credentials';
const UNAUTHENTICATED: ErrorRow[] = [
  [401, 'UNAUTHENTICATED', UNAUTHENTICATED_TEXT],
  [401, 'UNAUTHENTICATED', `${UNAUTHENTICATED_TEXT}.`],
  [401, 'UNAUTHENTICATED', `${UNAUTHENTICATED_TEXT}. A new authentication is required.`],
];
const EXPIRED: ErrorRow[] = [
  [401, 'UNAUTHENTICATED', UNAUTHENTICATED_TEXT],
  [401, 'AUTHENTICATION_REQUIRED', 'New authentication is required.'],
  [401, 'UNAUTHENTICATED', `${UNAUTHENTICATED_TEXT}. A new authentication is required.`],
];
const DENIED_TEXT = 'Client does not have sufficient permissions to perform this action';
const DENIED: ErrorRow[] = [
  [403, 'PERMISSION_DENIED', DENIED_TEXT],
  [403, 'PERMISSION_DENIED', `${DENIED_TEXT}.`],
  [403, 'PERMISSION_DENIED', `${DENIED_TEXT}.`],
];
const NOT_MOBILE: ErrorRow = [
  403,
  'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK',
  'Client must authenticate via the mobile network to use this service',
];
const NO_NUMBER_TEXT = 'Phone number cannot be deducted from access token context';
const NO_NUMBER: ErrorRow[] = [
  [403, 'NUMBER_VERIFICATION.INVALID_TOKEN_CONTEXT', NO_NUMBER_TEXT],
  [403, 'INVALID_TOKEN_CONTEXT', NO_NUMBER_TEXT],
  [422, 'MISSING_IDENTIFIER', 'The device cannot be identified.'],
];
const NOT_APPLICABLE: ErrorRow = [
  422,
  'SERVICE_NOT_APPLICABLE',
  'The service is not available for the provided identifier.',
];
const TOO_MANY: ErrorRow = [429, 'TOO_MANY_REQUESTS', 'Rate limit reached.'];
const INTERNAL: ErrorRow[] = [
  [500, 'INTERNAL', 'Server error'],
  [500, 'INTERNAL', 'Server error'],
  [500, 'INTERNAL', 'Unknown server error. Typically a server bug.'],
];

const expectError = (answer: Answer, expected: ErrorRow | ErrorRow[] | undefined, version = 0): void => {
  const row = Array.isArray(expected?.[0]) ? (expected as ErrorRow[])[version] : (expected as ErrorRow);
  const [status, code, message] = row ?? [];
  expect(answer.body).toEqual({ status, code, message });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json(;|$)/);
};

const invalidWithoutPlus = [1, 2];

describe.each(VERSIONS)('Number Verification v%i, phoneNumberVerify', (version) => {
  const verify = async (body: unknown, changes?: Changes) =>
    operator.verify(version, await operator.tokenFor(changes), body);

  it('01: echoes the x-correlator of a success', async () => {
    const correlator = 'b4333c46-49c0-4f62-80d7-f0ef930f1c46_:;./<>{}';
    const headers = { 'x-correlator': correlator };
    const answer = await operator.verify(
      version,
      await operator.tokenFor(),
      { phoneNumber: NUMBER },
      headers,
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-correlator')).toBe(correlator);
    expect(answer.headers.get('content-type')).toMatch('application/json');
  });

  it.each(['white space', 'per%cent', 'x'.repeat(257)])('refuses the x-correlator %p', async (correlator) => {
    const answer = await operator.verify(version, '', '', { 'x-correlator': correlator });
    expectError(answer, INVALID);
    expect(answer.headers.get('x-correlator')).toBeNull();
  });

  const answers: [string, object, boolean][] = [
    ['02: the same number', { phoneNumber: NUMBER }, true],
    ['03: another number', { phoneNumber: OTHER }, false],
    ['04: the hash of the same number', { hashedPhoneNumber: sha256(NUMBER) }, true],
    ['04: the hash in upper case', { hashedPhoneNumber: sha256(NUMBER).toUpperCase() }, true],
    ['05: the hash of another number', { hashedPhoneNumber: sha256(OTHER) }, false],
    ['05: the hash without the plus', { hashedPhoneNumber: sha256(NUMBER.slice(1)) }, version === 0],
  ];
  it.each(answers)('%s', async (_, body, devicePhoneNumberVerified) => {
    const answer = await verify(body);
    expect([answer.status, answer.body]).toEqual([200, { devicePhoneNumberVerified }]);
  });

  const both = { phoneNumber: NUMBER, hashedPhoneNumber: sha256(NUMBER) };
  const invalid: [string, unknown][] = [
    ['400.1: no body', ''],
    ['400.2: an empty object', {}],
    ['400.3: only an unknown property', { additional_property: 'foo_value' }],
    ['an unknown property more', { phoneNumber: NUMBER, additional_property: 'foo_value' }],
    ['400.4: both number and hash', both],
    ['no JSON', 'nonsense'],
    ['C02.01: string_value', { phoneNumber: 'string_value' }],
    ['C02.01: +12334foo22222', { phoneNumber: '+12334foo22222' }],
    ['C02.01: +00012230304913849', { phoneNumber: '+00012230304913849' }],
    ['C02.01: 123', { phoneNumber: '123' }],
    ['C02.01: ++49565456787', { phoneNumber: '++49565456787' }],
    ['a number that is no string', { phoneNumber: 447700900000 }],
    ['a hash that is too short', { hashedPhoneNumber: 'a'.repeat(63) }],
    ['a hash that is no hash', { hashedPhoneNumber: 'x'.repeat(64) }],
  ];
  it.each(invalid)('%s is an invalid argument, and the token stays usable', async (_, body) => {
    const token = await operator.tokenFor();
    expectError(await operator.verify(version, token, body), INVALID);
    expect((await operator.verify(version, token, { phoneNumber: NUMBER })).status).toBe(200);
  });

  it('C02.01: a number without its plus', async () => {
    const answer = await verify({ phoneNumber: NUMBER.slice(1) });
    if (invalidWithoutPlus.includes(version)) expectError(answer, INVALID);
    else expect(answer.body).toEqual({ devicePhoneNumberVerified: true });
  });

  it('another content type is an invalid argument', async () => {
    const headers = { 'content-type': 'text/plain' };
    const token = await operator.tokenFor();
    expectError(await operator.verify(version, token, { phoneNumber: NUMBER }, headers), INVALID);
  });

  it('401.1: no Authorization header', async () => {
    const url = `${operator.issuer}/api/number-verification/v${version}/verify`;
    expectError(await ask(url, { method: 'POST' }), UNAUTHENTICATED, version);
  });

  it('401.2: an expired token', async () => {
    const token = await operator.tokenFor();
    operator.clock.ms += 300_000;
    expectError(await operator.verify(version, token, { phoneNumber: NUMBER }), EXPIRED, version);
  });

  it('401.3: an invalid token, such as one of Vonage', async () => {
    for (const token of ['garbage', await operator.vonageToken()]) {
      expectError(await operator.verify(version, token, { phoneNumber: NUMBER }), UNAUTHENTICATED, version);
    }
  });

  it('a token can be used once', async () => {
    const token = await operator.tokenFor();
    const all = await Promise.all(
      Array.from({ length: 10 }, () => operator.verify(version, token, { phoneNumber: NUMBER })),
    );
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(all.filter(({ status }) => status === 401)).toHaveLength(9);
  });

  it('403.1: a token without the scope', async () => {
    expectError(await verify({ phoneNumber: NUMBER }, { scope: SHARE_SCOPE }), DENIED, version);
  });

  it('403.1: a token with the scope of 0.3.1, in later versions', async () => {
    const scope = 'openid dpv:FraudPreventionAndDetection number-verification-verify-read';
    const answer = await verify({ phoneNumber: NUMBER }, { scope });
    if (version === 0) expect(answer.status).toBe(200);
    else expectError(answer, DENIED, version);
  });

  it('a token that no number can be deduced from', async () => {
    await operator.control('PUT', `/subscribers/${NUMBER}`, { behaviour: 'match', sim: null });
    expectError(await verify({ phoneNumber: NUMBER }), NO_NUMBER, version);
  });

  const errors: [string, string, ErrorRow | ErrorRow[]][] = [
    ['403.2: not authenticated by the mobile network', '+447700900104', NOT_MOBILE],
    ['C02.05: an unsupported number', '+447700900102', NOT_APPLICABLE],
    ['429: a limit of requests', '+447700900109', TOO_MANY],
  ];
  it.each(errors)('%s', async (_, phoneNumber, error) => {
    const answer = await verify({ phoneNumber }, { login_hint: `tel:${phoneNumber}` });
    expectError(answer, error, version);
    expect(answer.headers.get('retry-after')).toBe(error === TOO_MANY ? '7' : null);
  });

  it('500: a number that becomes server_error', async () => {
    const token = await operator.tokenFor();
    await operator.control('PUT', `/subscribers/${NUMBER}`, { behaviour: 'server_error' });
    expectError(await operator.verify(version, token, { phoneNumber: NUMBER }), INTERNAL, version);
  });

  it('200 with a broken page', async () => {
    const phoneNumber = '+447700900108';
    const answer = await verify({ phoneNumber }, { login_hint: phoneNumber });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch('text/html');
    expect(answer.body).toBeUndefined();
  });

  it('refuses GET', async () => {
    const url = `${operator.issuer}/api/number-verification/v${version}/verify`;
    expect((await ask(url)).status).toBe(405);
  });
});

describe.each(VERSIONS)('Number Verification v%i, phoneNumberShare', (version) => {
  const tokenFor = (changes?: Changes, headers?: Record<string, string>) =>
    operator.tokenFor({ scope: SHARE_SCOPE, ...changes }, headers);

  it('01, 02: returns the number of the SIM, once, and echoes the x-correlator', async () => {
    const token = await tokenFor({}, { 'x-sandbox-sim': OTHER });
    const answer = await operator.share(version, token, { 'x-correlator': 'a-1' });
    expect([answer.status, answer.body]).toEqual([200, { devicePhoneNumber: OTHER }]);
    expect(answer.headers.get('x-correlator')).toBe('a-1');
    expectError(await operator.share(version, token), UNAUTHENTICATED, version);
  });

  it('401.1 to 401.3: without a valid token', async () => {
    const url = `${operator.issuer}/api/number-verification/v${version}/device-phone-number`;
    expectError(await ask(url), UNAUTHENTICATED, version);
    expectError(await operator.share(version, 'garbage'), UNAUTHENTICATED, version);
    const token = await tokenFor();
    operator.clock.ms += 300_000;
    expectError(await operator.share(version, token), EXPIRED, version);
  });

  it('403.1: a token without the scope', async () => {
    expectError(await operator.share(version, await operator.tokenFor()), DENIED, version);
  });

  it('403.2: not authenticated by the mobile network', async () => {
    const token = await tokenFor({ login_hint: 'tel:+447700900104' });
    expectError(await operator.share(version, token), NOT_MOBILE);
  });
});

it('answers after six seconds for a slow number', async () => {
  const phoneNumber = '+447700900105';
  const token = await operator.tokenFor({ login_hint: phoneNumber });
  const { seconds, answer } = await turned(() => operator.verify(2, token, { phoneNumber }));
  expect([seconds, answer.body]).toEqual([6, { devicePhoneNumberVerified: true }]);
});

it.each(['v3', 'v', 'v0.3'])('has no %s', async (version) => {
  const url = `${operator.issuer}/api/number-verification/${version}/verify`;
  expect((await ask(url, { method: 'POST' })).status).toBe(404);
});
