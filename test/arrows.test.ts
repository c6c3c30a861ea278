import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const SRC = join(__dirname, '../src');

/** Which rooms and files of `src` may be imported by which: arrows point down this list, and inside a room. */
const MAY: Record<string, readonly string[]> = {
  'main.ts': ['server.ts', 'config.ts', 'hooks-file.ts'],
  'demo.ts': ['server.ts', 'config.ts', 'hooks-file.ts', 'world.ts', 'sandbox', 'web'],
  'server.ts': ['app.ts', 'config.ts', 'login', 'store', 'watchers.ts', 'web', 'world.ts'],
  'watchers.ts': ['config.ts', 'log.ts', 'metrics', 'store', 'telemetry.ts', 'traces', 'web', 'world.ts'],
  'log.ts': [],
  'hooks-file.ts': ['login', 'settings.ts'],
  'app.ts': ['config.ts', 'login', 'routes.ts', 'session', 'store', 'web', 'world.ts'],
  'index.ts': ['config.ts', 'login', 'mount', 'world.ts'],
  mount: [
    ...['config.ts', 'errors.ts', 'login', 'routes.ts', 'session', 'settings.ts', 'store', 'web', 'world.ts'],
  ],
  'routes.ts': [
    ...['assertion', 'config.ts', 'limits', 'login', 'phone.ts', 'session', 'store', 'vonage', 'web'],
    'world.ts',
  ],
  'config.ts': ['assertion', 'settings.ts', 'limits', 'login', 'metrics', 'store', 'traces', 'vonage'],
  'settings.ts': ['variables.ts'],
  'variables.ts': [],
  'terminal.ts': ['variables.ts', 'world.ts'],
  'private-key.ts': ['pem.ts'],
  'pem.ts': [],
  templates: ['errors.ts', 'settings.ts', 'terminal.ts', 'variables.ts', 'vonage', 'world.ts'],
  assertion: [
    'errors.ts',
    'login',
    'phone.ts',
    'private-key.ts',
    'session',
    'settings.ts',
    'web',
    'world.ts',
  ],
  session: ['errors.ts', 'login', 'phone.ts', 'store', 'web', 'world.ts'],
  limits: ['errors.ts', 'phone.ts', 'settings.ts', 'store', 'world.ts'],
  login: ['errors.ts', 'limits', 'phone.ts', 'session', 'settings.ts', 'store', 'vonage', 'web', 'world.ts'],
  vonage: ['errors.ts', 'json.ts', 'phone.ts', 'private-key.ts', 'settings.ts', 'world.ts'],
  web: ['errors.ts', 'json.ts', 'limits', 'store', 'world.ts'],
  store: ['errors.ts', 'pem.ts', 'private-key.ts', 'telemetry.ts', 'world.ts'],
  metrics: ['errors.ts', 'limits', 'settings.ts', 'telemetry.ts'],
  traces: ['telemetry.ts'],
  report: [],
  'phone.ts': [],
  'quiet.ts': [],
  'errors.ts': [],
  'json.ts': [],
  'telemetry.ts': [],
  'world.ts': ['telemetry.ts'],
  // The second house: it meets the product over HTTP.
  sandbox: ['phone.ts', 'private-key.ts', 'world.ts'],
  // The third house: it meets the other two over HTTP, and shares with them what a phone number is.
  handset: ['phone.ts'],
  // It looks at all three from outside, as a phone does, and at what a server is set up with.
  doctor: [
    'assertion',
    'config.ts',
    'handset',
    'login',
    'quiet.ts',
    'store',
    'terminal.ts',
    'variables.ts',
    'vonage',
    'world.ts',
  ],
};

/** The story knows neither the web, nor what is behind an engine or a store, but as types. */
const STORY = [
  ...[
    'admission',
    'attempt',
    'begin',
    'code',
    'flow',
    'holder',
    'hooks',
    'journal',
    'lock',
    'login',
    'next',
    'parts',
    'progress',
    'proof',
    'reports',
    'way',
  ],
  ...['returned', 'run-proof', 'state', 'states', 'tickets', 'engines/engine'],
].map((name) => `login/${name}.ts`);

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

const importsOf = (file: string): Import[] =>
  [
    ...readFileSync(join(SRC, file), 'utf8').matchAll(
      /^(?:import|export)\s+(type\s+)?[^;]*?from\s+'([^']+)';/gms,
    ),
  ].map(([, type, to = '']) => ({
    from: file,
    to: to.startsWith('.')
      ? relative(SRC, normalize(join(SRC, dirname(file), to))).replace(/\.js$/, '.ts')
      : to,
    typeOnly: type !== undefined,
  }));
const imports = files.flatMap(importsOf);
const roomOf = (file: string): string => file.split('/')[0] ?? '';
const inHouse = imports.filter(({ to }) => to.endsWith('.ts'));

test('every import follows an arrow of the house', () => {
  const wrong = inHouse.filter(
    ({ from, to }) => roomOf(from) !== roomOf(to) && !MAY[roomOf(from)]?.includes(roomOf(to)),
  );
  expect(wrong).toEqual([]);
  expect(inHouse.length).toBeGreaterThan(80);
});

test('every room has its arrows drawn', () => {
  expect([...new Set(files.map(roomOf))].sort()).toEqual(Object.keys(MAY).sort());
});

test('the story of a login sees neither Express nor axios nor Redis', () => {
  const story = imports.filter(({ from }) => STORY.includes(from));
  expect(story.length).toBeGreaterThan(10);
  expect(story.filter(({ to }) => !to.endsWith('.ts') && !to.startsWith('node:') && to !== 'zod')).toEqual(
    [],
  );
  const outside = story.filter(({ to, typeOnly }) => /^(?:vonage|web|session)\//.test(to) && !typeOnly);
  expect(outside).toEqual([]);
  expect(story.filter(({ to }) => /^store\/(?:redis|memory)/.test(to))).toEqual([]);
});

test.each([
  ['axios', ['vonage/carrier.ts', 'vonage/transport.ts']],
  ['undici', ['vonage/carrier.ts']],
  ['ioredis', ['cluster', 'connection', 'scripts', 'sentinel', 'together'].map((name) => `store/${name}.ts`)],
  ['connect-redis', ['session/cookie.ts']],
  ['prom-client', ['metrics/meter.ts', 'metrics/metrics.ts', 'metrics/process.ts']],
  ['@opentelemetry/sdk-trace-node', ['traces/traces.ts']],
  ['helmet', ['sandbox/app.ts', 'web/shield.ts']],
])('%s is known where it is used, and nowhere else', (library, places) => {
  expect(
    imports
      .filter(({ to }) => to === library)
      .map(({ from }) => from)
      .sort(),
  ).toEqual(places);
});

test('what counts and what traces is loaded by those who want it, when they do', () => {
  const outside = inHouse.filter(
    ({ from, to }) => /^(?:metrics|traces)\//.test(to) && roomOf(from) !== roomOf(to),
  );
  expect(outside.map(({ to }) => to).sort()).toEqual(['metrics/settings.ts', 'traces/settings.ts']);
});

test("the names of Vonage's fields stand in the folder of Vonage alone", () => {
  const names = /devicePhoneNumberVerified|access_token|grant_type|number-verification-verify-read/;
  const elsewhere = files.filter(
    (file) => !/^(?:vonage|sandbox)\//.test(file) && names.test(readFileSync(join(SRC, file), 'utf8')),
  );
  expect(elsewhere).toEqual([]);
});
