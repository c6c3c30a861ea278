import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Channels, EventStatus, RequestStatus, RequestWorkflowStatus } from '@vonage/verify2';
import { SilentAuthChannel, SilentAuthStatus } from '@vonage/verify2';
import { SignJWT } from 'jose';
import { readLoginSettings } from '../src/config/login.js';
import { createReader } from '../src/config/reader.js';
import { LoginError } from '../src/core/errors.js';
import type { PhoneNumber } from '../src/core/phone-number.js';
import { createTemplates } from '../src/tools/templates/api.js';
import { verifyRefusal } from '../src/vonage/errors.js';
import { createVerifyApi } from '../src/vonage/verify.js';
import { createWebhookReader } from '../src/vonage/webhook.js';
import { ALICE } from './support/system.js';
import { rowsOf } from './support/tables.js';
import { testWorld } from './support/world.js';

const tableOf = (head: string) => rowsOf('verify.md', head);

type Outcome = (json: unknown) => Promise<unknown>;

/** A result, or what an error holds, as text. */
const outcomeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    (result) => JSON.stringify(result),
    (error: unknown) => JSON.stringify(error instanceof LoginError ? Object.entries(error) : String(error)),
  );

/** Whether the outcome depends on a field of an answer: on its presence, or on its value. */
async function reads(outcome: Outcome, answer: object, field: string): Promise<boolean> {
  const rest: object = Object.fromEntries(Object.entries(answer).filter(([name]) => name !== field));
  const of = (json: unknown) => outcomeOf(outcome(json));
  const whole = await of(answer);
  return whole !== (await of(rest)) || whole !== (await of({ ...rest, [field]: '?' }));
}

const ID = 'c11236f4-00bf-4b89-84ba-88b25df97315';
const HOST = 'https://api.nexmo.com';
const CHECK_URL = `${HOST}/v2/verify/${ID}/silent-auth/redirect`;
const ERROR = `${HOST}/api-errors/verify-v2`;
const INSTANCE = 'bf0ca0bf927b3b52e3cb03217e1a1ddf';

const client = {
  appToken: () => Promise.resolve('jwt'),
  verifyHost: HOST,
  authUrlHosts: ['api.nexmo.com'],
  requestId: 'r',
};
const { verify: settings } = readLoginSettings(createReader({ BRAND: 'ACME' }));
const answering = (status: number) => (json: unknown) => () => Promise.resolve({ status, json });
const verifyWith = (status: number) => (json: unknown) =>
  createVerifyApi({ ...client, settings, transport: answering(status)(json) });
const templatesWith = (status: number) => (json: unknown) =>
  createTemplates({ ...client, transport: answering(status)(json) });

const START = {
  phoneNumber: ALICE as PhoneNumber,
  channels: ['silent_auth' as const],
  clientRef: 'a',
};
const LINKS = { self: { href: HOST }, next: { href: HOST } };
const TEMPLATE = { template_id: ID, name: 'my-template', is_default: true, _links: LINKS };
const FRAGMENT = {
  ...{ template_fragment_id: ID, channel: 'sms', locale: 'en-us', text: '${code}', _links: LINKS },
  ...{ date_updated: '2023-08-30T15:20:15.178Z', date_created: '2021-08-30T20:12:15.178Z' },
};
const PAGE = { page_size: 1, page: 1, total_pages: 1, total_items: 1, _links: LINKS };
const refused =
  (status: number): Outcome =>
  (json) =>
    Promise.reject(verifyRefusal({ status, json }));

/** Answers of Vonage with all their fields, and how the server reads them. */
const ANSWERS: Record<string, [answer: object, outcome: Outcome][]> = {
  start: [[{ request_id: ID, check_url: CHECK_URL }, (json) => verifyWith(202)(json).start(START, 'r')]],
  check: [
    [{ request_id: ID, status: 'completed' }, (json) => verifyWith(200)(json).check(ID, '123456', 'r')],
  ],
  list: [[{ ...PAGE, _embedded: { templates: [TEMPLATE] } }, (json) => templatesWith(200)(json).list()]],
  template: [[TEMPLATE, (json) => templatesWith(201)(json).create('login')]],
  fragment: [[FRAGMENT, (json) => templatesWith(201)(json).fragments.create(ID, FRAGMENT)]],
  error: [
    [
      { type: `${ERROR}#conflict`, detail: 'Try again.', title: 'X', instance: INSTANCE, request_id: ID },
      refused(409),
    ],
    [{ title: 'Bad', instance: INSTANCE }, refused(500)],
    [
      { type: `${ERROR}#invalid-params`, invalid_parameters: [{ name: 'name', reason: 'is too long' }] },
      (json) => templatesWith(422)(json).create('login'),
    ],
  ],
};

const world = testWorld();
const SECRET = 'w'.repeat(32);
const reader = createWebhookReader({
  ...{
    apiKey: 'abcd1234',
    signatureSecrets: [SECRET],
    applicationId: ID,
    authUrlHosts: ['api.nexmo.com'],
    world,
  },
});

const newsOf = async (json: unknown) => {
  const body = Buffer.from(JSON.stringify(json));
  const payload_hash = createHash('sha256').update(body).digest('hex');
  const iat = Math.floor(world.now() / 1000);
  const token = new SignJWT({ iss: 'Vonage', iat, jti: 'j', api_key: 'abcd1234', payload_hash });
  const signed = await token.setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(SECRET));
  return (await reader.read(`Bearer ${signed}`, body)).news;
};

const AT = '2020-01-01T14:00:00.000Z';
const REASON = 'Fraudulent traffic detected on network [ 23415 ]';
const EVENT = {
  ...{ request_id: ID, type: 'event', channel: 'sms', status: 'blocked', client_ref: 'a'.repeat(32) },
  ...{ triggered_at: AT, finalized_at: AT, reason: REASON },
};
const LINK_EVENT = {
  ...{ request_id: ID, type: 'event', channel: 'silent_auth', status: 'action_pending', triggered_at: AT },
  action: [{ type: 'check', check_url: CHECK_URL }],
};
const STEPS = [
  { channel: 'silent_auth', initiated_at: AT, status: 'expired' },
  { channel: 'sms', initiated_at: AT, status: 'failed' },
];
const SUMMARY = {
  ...{ request_id: ID, type: 'summary', status: 'blocked', client_ref: 'a'.repeat(32), reason: REASON },
  ...{ submitted_at: AT, channel_timeout: 300, price: '0.05', workflow: STEPS },
};
const WEBHOOKS: typeof ANSWERS = {
  event: [
    [EVENT, newsOf],
    [LINK_EVENT, newsOf],
  ],
  summary: [[SUMMARY, newsOf]],
};

describe.each([
  ['answer', ANSWERS],
  ['webhook', WEBHOOKS],
])('the fields of each %s', (what, examples) => {
  const rows = tableOf(`${what} | field | read | for, or why not`).filter(([name = '']) => name in examples);

  it.each(rows)('%s: %s is read: %s', async (name = '', field = '', said = '') => {
    const having = (examples[name] ?? []).filter(([answer]) => field in answer);
    expect(having.length).toBeGreaterThan(0);
    const found = await Promise.all(having.map(([answer, outcome]) => reads(outcome, answer, field)));
    expect(found.includes(true) ? 'yes' : 'no').toBe(said);
  });

  it('are all listed', () => {
    const listed = rows.map(([name, field]) => `${name} ${field}`);
    const known = Object.entries(examples).flatMap(([name, answers]) =>
      answers.flatMap(([answer]) => Object.keys(answer).map((field) => `${name} ${field}`)),
    );
    expect([...new Set(known)].sort()).toEqual(listed.sort());
  });
});

describe('the statuses of webhooks', () => {
  const rows = tableOf('webhook | status | meaning here | `reason`');
  const step = (status: string) => ({ channel: 'sms', initiated_at: AT, status });
  const webhooks: Record<string, (status: string) => object> = {
    event: (status) => ({ ...(status === 'action_pending' ? LINK_EVENT : EVENT), status }),
    summary: (status) => ({ ...SUMMARY, reason: undefined, workflow: [], status }),
    step: (status) => ({ ...SUMMARY, reason: undefined, status: 'failed', workflow: [step(status)] }),
  };

  it.each(rows)('%s: %s', async (webhook = '', status = '', meaning = '', reason = '') => {
    const { kind, sent, failure } = await newsOf(webhooks[webhook]?.(status));
    const isSent = sent.includes('sms') ? 'sent' : 'not sent';
    expect(meaning).toBe(webhook === 'step' ? isSent : kind);
    expect(reason).toBe(failure?.reason ?? '');
  });

  it("include all that Vonage's client knows", () => {
    const listed = (webhook: string) => rows.filter(([name]) => name === webhook).map(([, status]) => status);
    const ofEvents = [...Object.values(EventStatus), ...Object.values(SilentAuthStatus)];
    expect(listed('event')).toEqual(expect.arrayContaining(ofEvents));
    expect(listed('summary')).toEqual(expect.arrayContaining(Object.values(RequestStatus)));
    expect(listed('step')).toEqual(expect.arrayContaining(Object.values(RequestWorkflowStatus)));
  });
});

describe('the errors', () => {
  it.each(tableOf('error | call | status | error of this server'))(
    '%s of a %s with %s is %s',
    (name, call, status, error) => {
      const json = { type: `${ERROR}#${name}`, title: 'X', detail: 'X', instance: INSTANCE };
      const { code } = verifyRefusal({ status: Number(status), json }, call as 'start');
      expect(code).toBe(error);
    },
  );
});

test('the errors of the redirects are those of the page', () => {
  const script = readFileSync(join(__dirname, '../client/page/fragment.ts'), 'utf8');
  const rows = tableOf('`error_description` | reason on the page');
  expect(rows).toHaveLength(4);
  for (const [text = '', reason = ''] of rows) expect(script).toContain(`['${text}', '${reason}']`);
});

test("the channels include all that Vonage's client knows", () => {
  const listed = tableOf('channel | parameter | sent | from, or why not').map(([channel]) => channel);
  const known = [...Object.values(SilentAuthChannel), ...Object.values(Channels)];
  expect([...new Set(listed)].sort()).toEqual(known.sort());
});
