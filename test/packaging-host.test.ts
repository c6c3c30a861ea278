import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  await installPackage(host, ['typescript', '@types/node', '@types/express']);
  writeFileSync(join(host, 'package.json'), '{ "type": "module" }');
}, 300_000);
afterEach(endPrograms);
afterAll(() => rmSync(host, { recursive: true }));

/** Mounts the routes beside a sandbox, logs in, and prints who the app says is logged in. */
const APP = `
  import { once } from 'node:events';
  import { createServer } from 'node:http';
  import type { AddressInfo } from 'node:net';
  import express from 'express';
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

  let cookie = '';
  const withCookies: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('cookie', cookie);
    const answer = await fetch(input, { ...init, headers });
    for (const each of answer.headers.getSetCookie()) cookie = each.split(';')[0] ?? '';
    return answer;
  };
  const client: Client = createClient({ base: \`\${base}/auth\`, fetch: withCookies });
  const { authUrl } = await client.login('${ALICE}');
  const { code } = (await (await fetch(String(authUrl))).json()) as { code: string };
  await client.verify(code);
  console.log(await (await withCookies(\`\${base}/me\`)).text());

  await silentAuth.close();
  await sandbox.close();
  server.close();
  // @ts-expect-error: no such session
  export const wrong: SilentAuthOptions = { session: 'theirs' };
`;

test('an empty project in strict TypeScript mounts the package, starts a sandbox, and logs in', async () => {
  writeFileSync(join(host, 'app.ts'), APP);
  const flags = ['--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--types', 'node'];
  const tsc = [join(host, 'node_modules/typescript/bin/tsc'), '--ignoreConfig', ...flags, 'app.ts'];
  await run(process.execPath, tsc, { cwd: host }).catch((error: unknown) => {
    throw new Error((error as { stdout: string }).stdout);
  });
  expect(await node(['app.js'], {}, host).ended).toEqual({ code: 0, output: `"${ALICE}"\n` });
});

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
