import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installPackage } from './support/packed.js';
import { credentials, endPrograms, node, ROOT } from './support/programs.js';
import { ALICE } from './support/system.js';

const run = promisify(execFile);
const host = mkdtempSync(join(tmpdir(), 'host-'));
const installed = join(host, 'node_modules/silent-auth-bff');

/** An empty project with the tarball, and with what a host that uses TypeScript has of its own. */
beforeAll(async () => {
  const types = ['@types/node', '@types/express', '@types/express-session'];
  await installPackage(host, ['typescript', ...types, 'jest', 'supertest']);
  writeFileSync(join(host, 'package.json'), '{ "type": "module" }');
  const reactNative = join(host, 'node_modules/react-native');
  mkdirSync(reactNative);
  writeFileSync(join(reactNative, 'package.json'), '{ "name": "react-native", "main": "index.js" }');
  writeFileSync(join(reactNative, 'index.js'), 'exports.NativeModules = {};');
  writeFileSync(join(reactNative, 'index.d.ts'), 'export declare const NativeModules: any;');
}, 300_000);
afterEach(endPrograms);
afterAll(() => rmSync(host, { recursive: true }));

/** Mounts the routes beside a sandbox, logs in, and prints who the app says is logged in. */
const APP = `
  import { once } from 'node:events';
  import { createServer } from 'node:http';
  import type { AddressInfo } from 'node:net';
  import express from 'express';
  import { NativeModules } from 'react-native';
  import { createSilentAuth, type SilentAuthOptions } from 'silent-auth-bff';
  import { createClient, type Client } from 'silent-auth-bff/client';
  import { startSandbox, type Sandbox } from 'silent-auth-bff/sandbox';

  const server = createServer().listen(0);
  await once(server, 'listening');
  const base = \`http://localhost:\${(server.address() as AddressInfo).port}\`;
  const sandbox: Sandbox = await startSandbox({ baseUrl: \`\${base}/auth\` });
  const hooks = { beforeSession: () => ({ allow: true }) };
  const options: SilentAuthOptions = { env: { ...sandbox.env, LOG_LEVEL: 'silent' }, homeUrl: '/', hooks };
  const silentAuth = createSilentAuth(options);
  const app = express();
  app.use('/auth', silentAuth);
  app.get('/me', silentAuth.load, (req, res) => {
    const { user } = req.silentAuth;
    res.json(user?.phoneNumber);
  });
  server.on('request', app);

  const { fetch: plainFetch } = globalThis;
  let cookie = '';
  const withCookies: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('cookie', cookie);
    const answer = await plainFetch(input, { ...init, headers });
    for (const each of answer.headers.getSetCookie()) cookie = each.split(';')[0] ?? '';
    return answer;
  };
  const client: Client = createClient({ base: \`\${base}/auth\`, fetch: withCookies });
  const { authUrl } = await client.login('${ALICE}');
  const { code } = (await (await plainFetch(String(authUrl))).json()) as { code: string };
  await client.verify(code);
  console.log(await (await withCookies(\`\${base}/me\`)).text());

  // As in React Native: fetch keeps cookies, and the bridge opens links.
  cookie = '';
  Object.assign(globalThis, { fetch: withCookies, base: \`\${base}/auth\` });
  NativeModules.CellularLink = { open: async (url: string) => (await plainFetch(url)).text() };
  const { logIn, session } = await import('./react-native.js');
  // An odd number of Vonage's Virtual Operator has another SIM, and gets no codes.
  console.log(await logIn('+99012345677', 'de-AT', console.error), (await session()).authenticated);
  console.log(await logIn('${ALICE}', 'de-AT', console.error), (await session()).authenticated);

  await silentAuth.close();
  await sandbox.close();
  server.close();
  // @ts-expect-error: no such session
  export const wrong: SilentAuthOptions = { session: 'theirs' };
`;

const blocksOf = (document: string): string[] =>
  [...readFileSync(join(ROOT, 'docs', document), 'utf8').matchAll(/^```ts\n([^]*?)^```/gm)].map(
    ([, block = '']) => block,
  );

test('an empty project in strict TypeScript mounts the package and logs in, and the documented code compiles there', async () => {
  const blocks = blocksOf('mounting.md');
  expect(blocks.length).toBeGreaterThan(1);
  const [bridge = ''] = blocksOf('react-native.md');
  const sources = {
    'app.ts': APP,
    'react-native.ts': bridge.replace("'https://login.example.com'", '(globalThis as any).base'),
    ...Object.fromEntries(blocks.map((block, at) => [`block${at}.ts`, block])),
  };
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(host, name), text);
  const flags = ['--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--types', 'node'];
  const tsc = [join(host, 'node_modules/typescript/bin/tsc'), '--ignoreConfig', ...flags];
  await run(process.execPath, [...tsc, ...Object.keys(sources)], { cwd: host }).catch((error: unknown) => {
    throw new Error((error as { stdout: string }).stdout);
  });
  expect(await node(['app.js'], {}, host).ended).toEqual({
    code: 0,
    output: `"${ALICE}"\n[] false\nundefined true\n`,
  });
  const ofSandbox = blocks.findIndex((block) => block.includes('startSandbox'));
  const { code, output } = await node([`block${ofSandbox}.js`], {}, host).ended;
  expect([code, output]).toEqual([0, expect.stringMatching(/'sid=[^]+\] [\w-]{43}\n$/)]);
}, 300_000);

test.each(['', '/client', '/sandbox'])('require loads silent-auth-bff%s', async (path) => {
  const script = `console.log(typeof require('silent-auth-bff${path}'))`;
  const { code, output } = await node(['--input-type=commonjs', '-e', script], {}, host).ended;
  expect([code, output]).toEqual([0, 'object\n']);
});

test('the tests of the example run in an app, with the flag that their first line names', async () => {
  cpSync(join(ROOT, 'examples/testing'), host, { recursive: true });
  const jest = join(host, 'node_modules/jest/bin/jest.js');
  const flag = '--experimental-vm-modules';
  expect(readFileSync(join(host, 'app.test.js'), 'utf8').split('\n')[0]).toContain(flag);
  const { code, output } = await node([flag, jest, '--rootDir', host], {}, host).ended;
  expect([code, output]).toEqual([0, expect.stringMatching(/^Tests: +5 passed/m)]);
}, 300_000);

test('the package has what it serves, and neither sources nor tests', () => {
  const has = (path: string) => existsSync(join(installed, path));
  for (const path of ['openapi.yaml', 'docs/errors.md', 'public/index.html', 'dist/client/silent-auth.js'])
    expect([path, has(path)]).toEqual([path, true]);
  const sources = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /^(?:test|bench)|(?<!\.d)\.ts$/.test(path),
  );
  expect(sources).toEqual([]);
});

test('traces without the packages of OpenTelemetry are a problem of the settings, with the command that installs them', async () => {
  const env = { ...credentials(), PORT: '0', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' };
  const serve = node([join(installed, 'dist/tools/cli.js'), 'serve'], env, host);
  const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    peerDependencies: Record<string, string>;
  };
  const packages = Object.keys(peerDependencies).filter((name) => name.startsWith('@opentelemetry/'));
  expect(await serve.ended).toEqual({
    code: 1,
    output: `The settings cannot be used:\n  - OTEL_… asks for traces, whose packages are missing: npm install ${packages.join(' ')}\n`,
  });
});
