import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS, type ErrorCode } from '../src/core/errors.js';
import { ConcurrentVerification, verifyRefusal } from '../src/vonage/errors.js';
import type { Answer } from './sandbox/open-sandbox.js';
import { openVerify, type OpenVerify } from './sandbox/open-verify.js';

const headings = [...readFileSync(join(__dirname, '../docs/errors.md'), 'utf8').matchAll(/^## (.*)$/gm)].map(
  ([, name]) => name,
);
const json = (status: number, body: object) => ({ status, json: body });

describe('every error of Verify v2, as the sandbox sends it, has an error of ours', () => {
  let sandbox: OpenVerify;
  beforeEach(async () => (sandbox = await openVerify()));
  afterEach(() => sandbox.close());

  const template = async (name: string) => {
    const { body } = await sandbox.postJson('/v2/verify/templates', { name });
    return (body as { template_id: string }).template_id;
  };
  const fragment = (id: string) =>
    sandbox.postJson(`/v2/verify/templates/${id}/template_fragments`, {
      channel: 'sms',
      locale: 'en-us',
      text: '${code}',
    });
  const silently = async (behaviour: string) => {
    await sandbox.control('PUT', '/subscribers/+447700900000', { behaviour });
    const id = await sandbox.started(['silent_auth'], {}, { coverage_check: true });
    return (await sandbox.walkSilently(id)).last;
  };
  const wrongCode = async (times: number) => {
    const id = await sandbox.started(['sms']);
    const wrong = (await sandbox.lastCode()) === '0000' ? '1111' : '0000';
    for (let tries = 1; tries < times; tries++) await sandbox.check(id, wrong);
    return sandbox.check(id, wrong);
  };
  const unknown = '8f35a1a7-eb2f-4552-8fdf-fffdaee41bc9';

  const rows: [string, number, () => Promise<Answer>, ErrorCode][] = [
    ['concurrent', 409, () => sandbox.started().then(() => sandbox.start()), 'login_in_progress'],
    ['invalid-code', 400, () => wrongCode(1), 'invalid_code'],
    ['expired', 410, () => wrongCode(3), 'too_many_attempts'],
    [
      'no-code',
      409,
      async () => sandbox.check(await sandbox.started(['silent_auth']), 'abcdef'),
      'invalid_code',
    ],
    ['no-events', 409, async () => sandbox.next(await sandbox.started(['sms'])), 'no_more_channels'],
    ['request-not-found', 404, () => sandbox.check(unknown, '1234'), 'login_expired'],
    ['msisdn-error', 403, () => silently('other_sim'), 'silent_auth_failed'],
    ['precondition-failed', 412, () => silently('wifi'), 'silent_auth_failed'],
    [
      'network-error',
      412,
      async () => {
        await sandbox.control('PUT', '/subscribers/+447700900000', { behaviour: 'match' });
        const id = await sandbox.started(['silent_auth']);
        await sandbox.control('PUT', '/subscribers/+447700900000', { behaviour: 'unsupported' });
        return (await sandbox.walkSilently(id)).last;
      },
      'silent_auth_failed',
    ],
    [
      'template-not-found',
      404,
      () => sandbox.send('GET', `/v2/verify/templates/${unknown}`),
      'upstream_error',
    ],
    [
      'template-exists',
      409,
      () => template('login').then(() => sandbox.postJson('/v2/verify/templates', { name: 'login' })),
      'upstream_error',
    ],
    [
      'template-fragment-not-found',
      404,
      async () =>
        sandbox.send('GET', `/v2/verify/templates/${await template('a')}/template_fragments/${unknown}`),
      'upstream_error',
    ],
    [
      'fragment-exists',
      409,
      async () => {
        const id = await template('a');
        await fragment(id);
        return fragment(id);
      },
      'upstream_error',
    ],
    [
      'not-empty-template',
      409,
      async () => {
        const id = await template('a');
        await fragment(id);
        return sandbox.send('DELETE', `/v2/verify/templates/${id}`);
      },
      'upstream_error',
    ],
    [
      'forbidden',
      403,
      async () => {
        await sandbox.control('PUT', '/templates', { enabled: false });
        return sandbox.postJson('/v2/verify/templates', { name: 'a' });
      },
      'upstream_error',
    ],
    [
      'max-templates',
      409,
      async () => {
        for (let each = 0; each < 10; each++) await template(`t${each}`);
        return sandbox.postJson('/v2/verify/templates', { name: 'one-too-many' });
      },
      'upstream_error',
    ],
    ['invalid parameters', 422, () => sandbox.start(['sms'], { brand: '' }), 'upstream_error'],
    [
      'throttled',
      429,
      async () => {
        await sandbox.control('PUT', '/subscribers/+447700900000', { behaviour: 'rate_limited' });
        return sandbox.start();
      },
      'unavailable',
    ],
  ];
  test.each(rows)('%s (%i)', async (_name, status, produce, code) => {
    const answer = await produce();
    expect(answer.status).toBe(status);
    const error = verifyRefusal({ status, json: answer.body }, code === 'invalid_code' ? 'check' : 'next');
    expect(error.code).toBe(code);
    expect(headings).toContain(error.code);
    expect(error.upstream?.status).toBe(status);
  });
});

/** The texts of the API reference. */
const LATER = 'The operation cannot be performed at this time. Please try again later.';
const docs = (fragment: string) => ({
  type: `https://www.developer.vonage.com/en/api-errors/verify-v2#${fragment}`,
  title: 'x',
});
test.each<[string, { status: number; json: unknown }, ErrorCode]>([
  ['a type URL of another host', json(409, { ...docs('concurrent'), request_id: 'r' }), 'login_in_progress'],
  ['402', json(402, docs('low-balance')), 'unavailable'],
  ['402 without a type', json(402, { title: 'Low balance' }), 'unavailable'],
  ['#bad-request for a wrong code', json(400, docs('bad-request')), 'invalid_code'],
  ['#gone', json(410, docs('gone')), 'too_many_attempts'],
  ['410 without a type', json(410, { title: 'Invalid Code' }), 'too_many_attempts'],
  [
    '409 without a type, about the code',
    json(409, { title: 'Conflict', detail: 'The current Verify workflow step does not support a code.' }),
    'invalid_code',
  ],
  [
    '409 without a type, with a request',
    json(409, { title: 'Conflict', request_id: 'r' }),
    'login_in_progress',
  ],
  ['409 #conflict', json(409, docs('conflict')), 'no_more_channels'],
  ['409 #conflict with a request', json(409, { ...docs('conflict'), request_id: 'r' }), 'login_in_progress'],
  ['422 #conflict with a request', json(422, { ...docs('conflict'), request_id: 'r' }), 'login_in_progress'],
  [
    '422 with a type and no title',
    json(422, { type: docs('conflict').type, request_id: 'r' }),
    'login_in_progress',
  ],
  [
    '422 without a type, with a request',
    json(422, { title: 'Conflict', request_id: 'r' }),
    'login_in_progress',
  ],
  [
    '422 in the words of a conflict, without a request',
    json(422, {
      ...docs('conflict'),
      detail: 'ConcurrentVerification verifications to the same number are not allowed.',
    }),
    'login_in_progress',
  ],
  [
    '422 about parameters, with a request',
    json(422, { ...docs('invalid-params'), request_id: 'r' }),
    'upstream_error',
  ],
  [
    '409 about the steps, with a request',
    json(409, {
      ...docs('conflict'),
      detail: 'There are no more events left to trigger.',
      request_id: 'r',
    }),
    'no_more_channels',
  ],
  [
    '422 about the steps',
    json(422, { ...docs('conflict'), detail: 'There are no more events left to trigger.' }),
    'no_more_channels',
  ],
  ['409 that asks for patience', json(409, { ...docs('conflict'), detail: LATER }), 'login_in_progress'],
  ['422 that asks for patience', json(422, { ...docs('conflict'), detail: LATER }), 'login_in_progress'],
  [
    '409 without a type that asks for patience',
    json(409, { title: 'Conflict', detail: 'Please TRY AGAIN later' }),
    'login_in_progress',
  ],
  ['412 without a type', json(412, { title: 'Network not supported' }), 'silent_auth_failed'],
  [
    '422 with parameters as an array',
    json(422, { ...docs('invalid-params'), invalid_parameters: [{ name: 'a', reason: 'b' }] }),
    'upstream_error',
  ],
  [
    '422 with parameters as an object',
    json(422, { ...docs('invalid-params'), invalid_parameters: { name: 'a', reason: 'b' } }),
    'upstream_error',
  ],
  [
    '422 of an older kind of concurrency',
    json(422, { ...docs('concurrent'), request_id: 'r' }),
    'login_in_progress',
  ],
  [
    '409 whose other fields are null',
    json(409, { ...docs('no-events'), title: null, detail: null, instance: null }),
    'no_more_channels',
  ],
  ['429 without a body', { status: 429, json: undefined }, 'unavailable'],
  ['500', json(500, docs('internal-error')), 'upstream_error'],
  ['401', json(401, docs('unauthorized')), 'upstream_error'],
  ['nothing that is known', json(418, {}), 'upstream_error'],
])('%s is recognised', (_what, answer, code) => {
  expect(verifyRefusal(answer, code === 'invalid_code' ? 'check' : 'next').code).toBe(code);
  expect(Object.keys(ERRORS)).toContain(code);
});

test('a conflict names the pending verification if Vonage does', () => {
  const error = verifyRefusal(json(409, { ...docs('concurrent'), request_id: 'r-1' }));
  expect(error).toBeInstanceOf(ConcurrentVerification);
  expect(error).toHaveProperty('verificationId', 'r-1');
  expect(verifyRefusal(json(409, docs('concurrent')))).toHaveProperty('verificationId', undefined);
});

test('a conflict without details is interpreted by the call', () => {
  const nothing = json(409, {});
  expect(verifyRefusal(nothing, 'start').code).toBe('login_in_progress');
  expect(verifyRefusal(nothing, 'check').code).toBe('invalid_code');
  expect(verifyRefusal(nothing, 'next').code).toBe('no_more_channels');
});

test.each([
  [400, { check: 'invalid_code', next: 'upstream_error', start: 'upstream_error' }],
  [404, { check: 'login_expired', next: 'login_expired', start: 'upstream_error' }],
  [410, { check: 'too_many_attempts', next: 'too_many_attempts', start: 'upstream_error' }],
] as const)('%i says nothing of a code or an end to a call that has none', (status, expected) => {
  const codeOf = (call: keyof typeof expected) => verifyRefusal(json(status, {}), call).code;
  expect({ check: codeOf('check'), next: codeOf('next'), start: codeOf('start') }).toEqual(expected);
});

test.each([
  ['a default, if Vonage does not say', undefined, 5],
  ['as long as Vonage says', 17, 17],
])('"cannot be performed at this time" may be repeated after %s', (_what, retryAfter, seconds) => {
  const answer = {
    ...json(409, { ...docs('conflict'), detail: LATER }),
    ...(retryAfter !== undefined && { retryAfter }),
  };
  expect(verifyRefusal(answer).fields).toMatchObject({ retry_after: seconds });
});
