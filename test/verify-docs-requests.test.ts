import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { templates } from '../src/tools/templates/templates.js';
import { credentials } from './support/credentials.js';
import { ALICE, withSystem, WITH_CODES, type Recorded, type System } from './support/system.js';
import { rowsOf } from './support/tables.js';

const TEMPLATE_ID = '8f35a1a7-eb2f-4552-8fdf-fffdaee41bc9';
const APP_HASH = 'FA+9qCX9VSu';

/** All settings of Verify v2, each with another value than its default. */
const SETTINGS = {
  ...WITH_CODES,
  FALLBACK_CHANNELS: 'sms,rcs,whatsapp,voice',
  ...{ BRAND: 'Acme', CHANNEL_TIMEOUT: '120', CODE_LENGTH: '8', COVERAGE_CHECK: 'false' },
  ...{ FRAUD_CHECK: 'false', LOCALE: 'fr-FR', RCS_FROM: 'AcmeAgent', WHATSAPP_FROM: '447700900999' },
  ...{ SMS_FROM: 'AcmeSms', SMS_ENTITY_ID: '1101456324675322134', SMS_CONTENT_ID: '1107457532145798767' },
};

/** What the server sent to Vonage, in all systems. */
const sent: Recorded[] = [];

/** Runs `work` with a product of its own, and records what its server sent. */
const recording = (env: Record<string, string>, work: (system: System) => Promise<void>) =>
  withSystem({ store: 'memory', env }, async (system) => {
    await work(system);
    sent.push(...(await system.upstream()));
  });

/** Each channel in turn, as an app asks for them. */
async function askForAll(system: System): Promise<void> {
  const app = system.app();
  await app.post('/login').send({ phone_number: ALICE, client: 'browser' }).expect(201);
  for (const channel of SETTINGS.FALLBACK_CHANNELS.split(',')) {
    system.world.turn(31);
    await app.post('/login/next').send({ channel, app_hash: APP_HASH }).expect(200);
  }
  const [message] = (await system.messages()).slice(-1);
  await app.post('/verify').send({ code: message?.code }).expect(200);
}

/** The operations of templates, by the command. */
async function manageTemplates({ sandbox, world }: System): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'verify-docs-'));
  const file = join(folder, 'templates.json');
  const { applicationId: VONAGE_APPLICATION_ID, privateKeyPem: VONAGE_PRIVATE_KEY } = credentials;
  const env = { VONAGE_APPLICATION_ID, VONAGE_PRIVATE_KEY, VONAGE_BASE_URL: sandbox };
  const text = (channel: string, words: string) => ({ channel, locale: 'en-us', text: words });
  const apply = async (...wanted: object[]) => {
    writeFileSync(file, JSON.stringify({ templates: wanted }));
    const terminal = { env, world, out: () => undefined, err: () => undefined };
    expect(await templates(['apply', '--prune', '--file', file], terminal)).toBe(0);
  };
  const login = { name: 'login', is_default: true };
  await apply({ ...login, fragments: [text('sms', '${code}'), text('voice', '${code}')] });
  await apply({ ...login, is_default: false, fragments: [] }, { ...login, name: 'other', fragments: [] });
  await apply({ ...login, name: 'other', fragments: [text('sms', '${code}')] });
  await apply({ ...login, name: 'other', fragments: [text('sms', '${code} ${brand}')] });
  rmSync(folder, { recursive: true });
}

beforeAll(async () => {
  await recording({ ...SETTINGS, SILENT_AUTH: 'verify' }, askForAll);
  await recording({ ...SETTINGS, SILENT_AUTH: 'verify', VERIFY_CHAIN: 'true' }, async (system) => {
    const client = system.app();
    await client.post('/login').send({ phone_number: ALICE }).expect(201);
    await client.post('/login/next').send({ channel: 'sms' }).expect(200);
    system.world.turn(31);
    await client.delete('/login').expect(204);
  });
  // A template that does not exist: what matters is what was sent.
  await recording({ ...SETTINGS, SILENT_AUTH: 'off', TEMPLATE_ID }, async (system) => {
    const client = system.app();
    await client.post('/login').send({ phone_number: ALICE }).expect(201);
    await client.post('/login/next').send({ channel: 'sms' }).expect(502);
  });
  await recording({}, manageTemplates);
}, 60_000);

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/** A call in the notation of the reference, as `POST /v2/verify/{request_id}`. */
const operationOf = ({ method, path }: Recorded): string => {
  const named = (path.split('?')[0] ?? '')
    .replace(new RegExp(`(/templates/)${UUID.source}`), '$1{template_id}')
    .replace(new RegExp(`(/template_fragments/)${UUID.source}`), '$1{template_fragment_id}')
    .replace(UUID, '{request_id}');
  return `${method} ${named}`;
};

const bodiesOf = (operation: string): Record<string, unknown>[] =>
  sent
    .filter((call) => operationOf(call) === operation)
    .map(({ body }) => (body ?? {}) as Record<string, unknown>);

const unique = (names: readonly string[]): string[] => [...new Set(names)].sort();

/** The values of the settings, as they are sent. */
const VALUES: Record<string, string> = { ...SETTINGS, TEMPLATE_ID, LOCALE: 'fr-fr', PUBLIC_URL: 'http://' };

/** Holds a list of parameters against the bodies in which they may be. */
function compare(rows: string[][], bodies: Record<string, unknown>[]): void {
  const listed = rows.filter(([, , said]) => said === 'yes').map(([, parameter = '']) => parameter);
  const seen = bodies.flatMap((body) => Object.keys(body).filter((name) => body[name] !== undefined));
  expect(unique(seen)).toEqual(listed.sort());
  for (const [, parameter = '', , from = ''] of rows.filter(([, , said]) => said === 'yes')) {
    const setting = /^`([A-Z_]+)`/.exec(from)?.[1] ?? '';
    const values = bodies.map((body) => String(body[parameter]));
    const isOf = (value: string) => value.startsWith(VALUES[setting] ?? '');
    expect([parameter, setting, values.some(isOf)]).toEqual([parameter, setting, true]);
  }
}

test('the operations are those of the page, with its statuses', () => {
  const rows = rowsOf('verify.md', 'operation | status | used | by, or why not');
  const used = rows.filter(([, , said]) => said === 'yes').map(([operation, status]) => [operation, status]);
  const done = sent
    .filter(({ path, status }) => path.startsWith('/v2/verify') && status < 300)
    .map((call) => `${operationOf(call)} ${call.status}`);
  expect(unique(done)).toEqual(used.map((each) => each.join(' ')).sort());
});

test('the page names only existing settings', () => {
  const read = (file: string) => readFileSync(join(__dirname, '..', file), 'utf8');
  const known = [...read('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name);
  const named = [...read('docs/verify.md').matchAll(/`([A-Z]+(?:_[A-Z]+)*)(?:=[^`]*)?`/g)];
  expect(named.length).toBeGreaterThan(20);
  for (const [, name] of named) expect(known).toContain(name);
});

test('each call has the JWT of the application', () => {
  for (const { headers } of sent) expect(headers['authorization']).toMatch(/^Bearer ey/);
});

test('a start has the parameters of the page, from their settings', () => {
  const rows = rowsOf('verify.md', 'parameter | sent | from, or why not');
  compare(
    rows.map((row) => ['start', ...row]),
    bodiesOf('POST /v2/verify'),
  );
});

const stepRows = rowsOf('verify.md', 'channel | parameter | sent | from, or why not');

test.each(unique(stepRows.map(([channel = '']) => channel)))('so has a step of %s', (channel) => {
  const steps = bodiesOf('POST /v2/verify').flatMap(({ workflow }) => workflow as Record<string, unknown>[]);
  compare(
    stepRows.filter(([name]) => name === channel),
    steps.filter((step) => step['channel'] === channel),
  );
});

test('an app hash is that of the app', () => {
  const starts = JSON.stringify(bodiesOf('POST /v2/verify'));
  expect(starts).toContain(JSON.stringify({ app_hash: APP_HASH }).slice(1, -1));
});

const TEMPLATES = '/v2/verify/templates';
const FRAGMENTS = `${TEMPLATES}/{template_id}/template_fragments`;
const OPERATIONS: Record<string, string[]> = {
  check: ['POST /v2/verify/{request_id}'],
  list: [`GET ${TEMPLATES}`, `GET ${FRAGMENTS}`],
  'create template': [`POST ${TEMPLATES}`],
  'update template': [`PATCH ${TEMPLATES}/{template_id}`],
  'create fragment': [`POST ${FRAGMENTS}`],
  'update fragment': [`PATCH ${FRAGMENTS}/{template_fragment_id}`],
};
const otherRows = rowsOf('verify.md', 'operation | parameter | sent | from, or why not');

test.each(unique(otherRows.map(([name = '']) => name)))('so has the operation %s', (name) => {
  const operations = OPERATIONS[name] ?? [];
  const queries = sent
    .filter((call) => operations.includes(operationOf(call)))
    .map(({ path }) => Object.fromEntries(new URLSearchParams(path.split('?')[1])));
  compare(
    otherRows.filter(([each]) => each === name),
    name === 'list' ? queries : operations.flatMap(bodiesOf),
  );
});
