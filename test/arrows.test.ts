import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { randomBytes } from '../src/core/world.js';

const SRC = join(__dirname, '../src');

/**
 * Which folders and files directly under `src` may import which. Every line names only what stands
 * below it.
 */
const MAY: Record<string, readonly string[]> = {
  // `silent-auth` starts the programs. Its other commands use a server over HTTP, and its settings.
  tools: [
    ...['config', 'core', 'http', 'login', 'main.ts', 'sandbox', 'server.ts', 'session', 'store'],
    'vonage',
  ],
  'main.ts': ['config', 'server.ts'],
  'server.ts': ['config', 'core', 'http', 'login', 'observability', 'routes.ts', 'store'],
  'index.ts': ['config', 'core', 'http', 'login', 'observability', 'routes.ts', 'session', 'store'],
  'routes.ts': [
    ...['camara', 'config', 'core', 'http', 'limits', 'login', 'observability', 'session', 'store'],
    'vonage',
  ],
  session: ['config', 'core', 'http', 'login', 'observability', 'store'],
  // A separate program, which talks to the server over HTTP.
  sandbox: ['core'],
  login: ['camara', 'config', 'core', 'http', 'limits', 'observability', 'store', 'vonage'],
  observability: ['config', 'core', 'http', 'store'],
  camara: ['config', 'core', 'http', 'vonage'],
  vonage: ['config', 'core', 'http'],
  http: ['config', 'core', 'limits', 'store'],
  limits: ['config', 'core', 'store'],
  store: ['config', 'core'],
  config: ['core'],
  core: [],
};

/** The steps of a login import HTTP, engines and stores as types only. */
const STEPS = [
  ...['begin', 'context', 'engines', 'exchange', 'flow', 'hooks', 'login'],
  ...['next', 'progress', 'tickets', 'verification-code', 'verify'],
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
const folderOf = (file: string): string => file.split('/')[0] ?? '';
const internal = imports.filter(({ to }) => to.endsWith('.ts'));

test('every import is allowed by the table of layers', () => {
  const wrong = internal.filter(
    ({ from, to }) => folderOf(from) !== folderOf(to) && !MAY[folderOf(from)]?.includes(folderOf(to)),
  );
  expect(wrong).toEqual([]);
  expect(internal.length).toBeGreaterThan(80);
});

test('every folder is in the table, and may import only what is listed below it', () => {
  const layers = Object.keys(MAY);
  expect([...new Set(files.map(folderOf))].sort()).toEqual([...layers].sort());
  for (const [at, folder] of layers.entries())
    for (const below of MAY[folder] ?? []) expect(layers.indexOf(below)).toBeGreaterThan(at);
});

test('there are no circular imports, types included', () => {
  const importedBy = new Map<string, string[]>();
  for (const { from, to } of internal) importedBy.set(from, [...(importedBy.get(from) ?? []), to]);
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    expect(path).not.toContain(file);
    if (done.has(file)) return;
    for (const next of importedBy.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});

test('no folder of src, and not src itself, has more than sixteen entries', () => {
  const entries = (folder: string) => readdirSync(join(SRC, folder)).length;
  const folders = new Set(files.map((file) => dirname(file)));
  expect([...folders].filter((folder) => entries(folder) > 16)).toEqual([]);
});

test('the steps of a login import neither Express nor axios nor Redis', () => {
  const imported = imports.filter(({ from }) => STEPS.includes(from));
  expect(imported.length).toBeGreaterThan(10);
  expect(imported.filter(({ to }) => !to.endsWith('.ts') && !to.startsWith('node:') && to !== 'zod')).toEqual(
    [],
  );
  const outside = imported.filter(
    ({ to, typeOnly }) => /^(?:camara|vonage|http|session)\//.test(to) && !typeOnly,
  );
  expect(outside).toEqual([]);
  expect(imported.filter(({ to }) => /^store\/(?:redis|memory)/.test(to))).toEqual([]);
});

test.each([
  ['axios', ['http/transport.ts', 'http/undici-adapter.ts']],
  ['oauth4webapi', ['camara/camara.ts', 'camara/server.ts', 'camara/sim-swap.ts']],
  ['undici', ['http/undici-adapter.ts']],
  ['ioredis', ['cluster', 'connection', 'options', 'scripts', 'sentinel'].map((name) => `store/${name}.ts`)],
  ['connect-redis', ['session/cookie.ts']],
  ['prom-client', ['observability/metrics.ts']],
  ['@opentelemetry/sdk-trace-node', ['observability/traces.ts']],
  ['helmet', ['http/protection.ts', 'sandbox/app.ts']],
])('%s is imported only by the files listed for it', (library, places) => {
  expect(
    imports
      .filter(({ to }) => to === library)
      .map(({ from }) => from)
      .sort(),
  ).toEqual(places);
});

test('metrics and tracing packages are loaded on demand', () => {
  const eager = internal.filter(
    ({ to, typeOnly }) => /^observability\/(?:metrics|traces)/.test(to) && !typeOnly,
  );
  expect(eager).toEqual([]);
});

test('the command line loads a command only when it is run', () => {
  const loadedAtOnce = internal.filter(({ from }) => from === 'tools/cli.ts').map(({ to }) => to);
  expect(loadedAtOnce).toEqual(['tools/command.ts']);
});

test('only the folders of upstreams contain their field names', () => {
  const names = /devicePhoneNumberVerified|access_token|grant_type|number-verification-verify-read/;
  const elsewhere = files.filter(
    (file) => !/^(?:camara|vonage|sandbox)\//.test(file) && names.test(readFileSync(join(SRC, file), 'utf8')),
  );
  expect(elsewhere).toEqual([]);
});

test('the server writes to the standard output alone, and to the standard error why it cannot start', () => {
  const writes =
    /writeFile|appendFile|createWriteStream|\bconsole\.|std(?:out|err)\.write|pino\.(?:destination(?!\(\{ dest: 1,)|transport|multistream)|syslog/;
  const writing = files.filter(
    (file) => !/^(?:tools|sandbox)\//.test(file) && writes.test(readFileSync(join(SRC, file), 'utf8')),
  );
  expect(writing).toEqual(['server.ts']);
});

test('randomness comes from node:crypto alone', () => {
  const text = (file: string) => readFileSync(join(SRC, file), 'utf8');
  expect(files.filter((file) => text(file).includes('Math.random'))).toEqual([]);
  expect(text('core/world.ts')).toMatch(
    /import \{ randomFillSync \} from 'node:crypto';[^]*\brandom: randomBytes,/,
  );
});

test('no random byte is returned twice', () => {
  const sizes = [12, 16, 32, 4096, 9, 5000, 1];
  const texts = Array.from({ length: 1400 }, (_, at) => randomBytes(sizes[at % sizes.length] ?? 0));
  expect(texts.map(({ length }) => length)).toEqual(texts.map((_, at) => sizes[at % sizes.length]));
  // Two pieces of nine bytes are equal by chance in less than one of 10^11 runs.
  const pieces = texts.flatMap((bytes) =>
    Array.from({ length: Math.floor(bytes.length / 9) }, (_, at) =>
      bytes.toString('hex', at * 9, at * 9 + 9),
    ),
  );
  expect(new Set(pieces).size).toBe(pieces.length);
});
