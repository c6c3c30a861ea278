import { createHash } from 'node:crypto';
import { ask, openSandbox, SHARE_SCOPE, turned } from './open-sandbox.js';
import type { Answer, OpenSandbox } from './open-sandbox.js';

const NUMBER = '+447700900000';
const OTHER = '+447700900555';
const VERIFY = '/camara/number-verification/v031/verify';
const SHARE = '/camara/number-verification/v031/device-phone-number';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const INVALID = [
  400,
  'INVALID_ARGUMENT',
  'Client specified an invalid argument, request body or query param',
] as const;
const UNAUTHENTICATED = [
  401,
  'UNAUTHENTICATED',
  'Request not authenticated due to missing, invalid, or expired credentials',
] as const;
const DENIED = [
  403,
  'PERMISSION_DENIED',
  'Client does not have sufficient permissions to perform this action',
] as const;
const NOT_MOBILE = [
  403,
  'NUMBER_VERIFICATION.USER_NOT_AUTHENTICATED_BY_MOBILE_NETWORK',
  'Client must authenticate via the mobile network to use this service',
] as const;
const NO_NUMBER = [
  403,
  'NUMBER_VERIFICATION.INVALID_TOKEN_CONTEXT',
  'Phone number cannot be deducted from access token context',
] as const;

let sandbox: OpenSandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
});
afterEach(() => sandbox.close());

const share = (token: string): Promise<Answer> =>
  ask(sandbox.url + SHARE, { headers: { authorization: `Bearer ${token}` } });

const expectError = (answer: Answer, [status, code, message]: readonly [number, string, string]): void => {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json(;|$)/);
  expect(answer.body).toEqual({ status, code, message });
};

describe('CAMARA phone_number_verify', () => {
  const rows: [string, object, boolean][] = [
    ['02: the same number', { phoneNumber: NUMBER }, true],
    ['02: the same number without a plus', { phoneNumber: NUMBER.slice(1) }, true],
    ['03: another number', { phoneNumber: OTHER }, false],
    ['04: the hash of the same number', { hashedPhoneNumber: sha256(NUMBER) }, true],
    ['04: the hash in upper case', { hashedPhoneNumber: sha256(NUMBER).toUpperCase() }, true],
    ['04: the hash of the number without its plus', { hashedPhoneNumber: sha256(NUMBER.slice(1)) }, true],
    ['04: the same in upper case', { hashedPhoneNumber: sha256(NUMBER.slice(1)).toUpperCase() }, true],
    ['05: the hash of another number', { hashedPhoneNumber: sha256(OTHER) }, false],
    ['05: the hash of another number without its plus', { hashedPhoneNumber: sha256(OTHER.slice(1)) }, false],
    ['05: the hash of the national number', { hashedPhoneNumber: sha256('07700900000') }, false],
  ];
  it.each(rows)('%s', async (_, body, devicePhoneNumberVerified) => {
    const answer = await sandbox.verify(await sandbox.tokenFor(), body);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch('application/json');
    expect(answer.body).toEqual({ devicePhoneNumberVerified });
  });

  it.each(['', 'b4333c46-49c0-4f62-80d7-f0ef930f1c46', 'a_b:c;d./<e>{f}-9', 'x'.repeat(256)])(
    '01: echoes the x-correlator %p',
    async (correlator) => {
      const headers = { 'x-correlator': correlator };
      const answer = await ask(sandbox.url + VERIFY, { method: 'POST', headers });
      expect(answer.headers.get('x-correlator')).toBe(correlator);
      expectError(answer, UNAUTHENTICATED);
    },
  );

  it.each(['white space', 'per%cent', 'x'.repeat(257)])('refuses the x-correlator %p', async (correlator) => {
    const headers = { 'x-correlator': correlator };
    const answer = await ask(sandbox.url + VERIFY, { method: 'POST', headers });
    expectError(answer, INVALID);
    expect(answer.headers.get('x-correlator')).toBeNull();
  });

  const both = { phoneNumber: NUMBER, hashedPhoneNumber: sha256(NUMBER) };
  const invalid: [string, string][] = [
    ['400.1: no body', ''],
    ['400.2: an empty object', '{}'],
    ['400.3: only an unknown property', '{"additional_property":"x"}'],
    ['an unknown property more', JSON.stringify({ phoneNumber: NUMBER, additional_property: 'x' })],
    ['400.4: both number and hash', JSON.stringify(both)],
    ['no JSON', 'nonsense'],
    ['C02.01: string_value', '{"phoneNumber":"string_value"}'],
    ['C02.01: +12334foo22222', '{"phoneNumber":"+12334foo22222"}'],
    ['C02.01: +00012230304913849', '{"phoneNumber":"+00012230304913849"}'],
    ['C02.01: 123', '{"phoneNumber":"123"}'],
    ['C02.01: ++49565456787', '{"phoneNumber":"++49565456787"}'],
    ['a number of no country', '{"phoneNumber":"+999770090000"}'],
    ['a number in another spelling', '{"phoneNumber":"+4407700900000"}'],
    ['a number in another spelling, without a plus', '{"phoneNumber":"610412345678"}'],
    ['a number of no country, without a plus', '{"phoneNumber":"999770090000"}'],
    ['a number that is no string', '{"phoneNumber":447700900000}'],
    ['a hash that is too short', `{"hashedPhoneNumber":"${'a'.repeat(63)}"}`],
  ];
  it.each(invalid)('%s is an invalid argument, and the token stays usable', async (_, text) => {
    const token = await sandbox.tokenFor();
    expectError(await sandbox.post(VERIFY, 'application/json', text, token), INVALID);
    expect((await sandbox.verify(token, { phoneNumber: NUMBER })).status).toBe(200);
  });

  it('another content type is an invalid argument', async () => {
    const text = JSON.stringify({ phoneNumber: NUMBER });
    expectError(await sandbox.post(VERIFY, 'text/plain', text, await sandbox.tokenFor()), INVALID);
  });

  it('401.1: no token', async () => {
    expectError(await ask(sandbox.url + VERIFY, { method: 'POST' }), UNAUTHENTICATED);
  });

  it('401.2: an expired token', async () => {
    const token = await sandbox.tokenFor();
    sandbox.clock.ms += 300_000;
    expectError(await sandbox.verify(token, { phoneNumber: NUMBER }), UNAUTHENTICATED);
  });

  it('401.3: an invalid token, such as the application JWT', async () => {
    expectError(await sandbox.verify('garbage', { phoneNumber: NUMBER }), UNAUTHENTICATED);
    expectError(await sandbox.verify(await sandbox.jwt(), { phoneNumber: NUMBER }), UNAUTHENTICATED);
  });

  it('a token can be used once', async () => {
    const token = await sandbox.tokenFor();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => sandbox.verify(token, { phoneNumber: NUMBER })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(9);
  });

  it('403.1: a token without the scope', async () => {
    const token = await sandbox.tokenFor(NUMBER, SHARE_SCOPE);
    expectError(await sandbox.verify(token, { phoneNumber: NUMBER }), DENIED);
  });

  it('403.2: a user who was not authenticated by the mobile network', async () => {
    const number = '+447700900104';
    expectError(await sandbox.verify(await sandbox.tokenFor(number), { phoneNumber: number }), NOT_MOBILE);
  });

  it('verify204: a token that no number can be deduced from', async () => {
    await sandbox.control('PUT', `/subscribers/${NUMBER}`, { behaviour: 'match', sim: null });
    expectError(await sandbox.verify(await sandbox.tokenFor(), { phoneNumber: NUMBER }), NO_NUMBER);
  });

  const later: [string, readonly [number, string, string]][] = [
    [
      'unsupported',
      [422, 'SERVICE_NOT_APPLICABLE', 'The service is not available for the provided identifier.'],
    ],
    ['rate_limited', [429, 'TOO_MANY_REQUESTS', 'Rate limit reached.']],
    ['server_error', [500, 'INTERNAL', 'Server error']],
  ];
  it.each(later)('a number that becomes %s after the token was issued', async (behaviour, error) => {
    const token = await sandbox.tokenFor();
    await sandbox.control('PUT', `/subscribers/${NUMBER}`, { behaviour });
    expectError(await sandbox.verify(token, { phoneNumber: NUMBER }), error);
  });

  it('refuses GET', async () => {
    expect((await ask(sandbox.url + VERIFY)).status).toBe(405);
  });
});

describe('CAMARA phoneNumberShare', () => {
  it('01: returns the number of the SIM in the device, once', async () => {
    const token = await sandbox.tokenFor(NUMBER, SHARE_SCOPE, { 'x-sandbox-sim': OTHER });
    const answer = await share(token);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ devicePhoneNumber: OTHER });
    expectError(await share(token), UNAUTHENTICATED);
  });

  it('401 and 403: as for verify', async () => {
    expectError(await ask(sandbox.url + SHARE), UNAUTHENTICATED);
    expectError(await share('garbage'), UNAUTHENTICATED);
    expectError(await share(await sandbox.tokenFor()), DENIED);
    expectError(await share(await sandbox.tokenFor('+447700900104', SHARE_SCOPE)), NOT_MOBILE);
    const token = await sandbox.tokenFor(NUMBER, SHARE_SCOPE);
    sandbox.clock.ms += 300_000;
    expectError(await share(token), UNAUTHENTICATED);
  });
});

describe('an operator that misbehaves', () => {
  it('answers after six seconds', async () => {
    const token = await sandbox.tokenFor('+447700900105');
    const { seconds, answer } = await turned(() => sandbox.verify(token, { phoneNumber: '+447700900105' }));
    expect([seconds, answer.body]).toEqual([6, { devicePhoneNumberVerified: true }]);
  });

  it('answers with a broken page', async () => {
    const answer = await sandbox.verify(await sandbox.tokenFor('+447700900108'), {
      phoneNumber: '+447700900108',
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch('text/html');
    expect(answer.body).toBeUndefined();
  });
});
