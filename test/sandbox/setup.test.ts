import { execFile, spawn } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newCredentials } from '../../src/sandbox/credentials.js';
import { readSettings, type Settings } from '../../src/sandbox/settings.js';
import { built } from '../support/built.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { applicationId, privateKeyPem, sessionSecret, apiKey, signatureSecret } = newCredentials();

describe('credentials', () => {
  it('are an application, a key, an account, and secrets of 32 bytes', () => {
    expect(applicationId).toMatch(/^[0-9a-f-]{36}$/);
    expect(privateKeyPem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(Buffer.from(sessionSecret, 'base64url')).toHaveLength(32);
    expect(apiKey).toMatch(/^[0-9a-f]{8}$/);
    expect(Buffer.from(signatureSecret, 'base64url')).toHaveLength(32);
  });
});

const SHORT = generateKeyPairSync('rsa', {
  modulusLength: 1024,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;

describe('the settings', () => {
  const enough = { VONAGE_APPLICATION_ID: applicationId, VONAGE_PRIVATE_KEY: privateKeyPem };

  it('have defaults for everything but the application', () => {
    expect(readSettings(enough)).toMatchObject({
      port: 4000,
      publicUrl: 'http://localhost:4000',
      redirectUri: 'http://localhost:3000/callback',
      applicationId,
    });
  });

  it('contain the public half of the key', () => {
    const { publicKey } = readSettings(enough) as Settings;
    expect(publicKey.equals(createPublicKey(privateKeyPem))).toBe(true);
  });

  it('are read from the environment', () => {
    const env = { SANDBOX_PORT: '4100', PUBLIC_URL: 'https://bff.example.com/' };
    expect(readSettings({ ...enough, ...env })).toMatchObject({
      port: 4100,
      publicUrl: 'http://localhost:4100',
      redirectUri: 'https://bff.example.com/callback',
    });
    expect(readSettings({ ...enough, SANDBOX_PUBLIC_URL: 'http://sandbox:4000/' })).toMatchObject({
      publicUrl: 'http://sandbox:4000',
    });
  });

  const account = { VONAGE_API_KEY: apiKey, VONAGE_SIGNATURE_SECRET: signatureSecret };
  const webhooks: [string, Record<string, string>, string][] = [
    ['the server', {}, 'http://localhost:3000/webhooks/verify'],
    ['PUBLIC_URL', { PUBLIC_URL: 'https://bff.example.com' }, 'https://bff.example.com/webhooks/verify'],
    ['SANDBOX_WEBHOOK_URL', { SANDBOX_WEBHOOK_URL: 'http://bff:3000/hooks' }, 'http://bff:3000/hooks'],
  ];
  it.each(webhooks)('send webhooks to %s, given the account', (_, env, url) => {
    expect(readSettings({ ...enough, ...account, ...env })).toMatchObject({
      webhooks: { url, apiKey, signatureSecret },
    });
    expect(readSettings({ ...enough, ...env })).not.toHaveProperty('webhooks');
  });

  const halves: [string, Record<string, string>, string][] = [
    ['no key', { ...account, VONAGE_API_KEY: '' }, 'VONAGE_API_KEY is missing'],
    ['no secret', { ...account, VONAGE_SIGNATURE_SECRET: '' }, 'VONAGE_SIGNATURE_SECRET is missing'],
    [
      'a short secret',
      { ...account, VONAGE_SIGNATURE_SECRET: 'x'.repeat(31) },
      'VONAGE_SIGNATURE_SECRET must',
    ],
    ['a private key of 1024 bits', { VONAGE_PRIVATE_KEY: SHORT }, 'VONAGE_PRIVATE_KEY must'],
    ['an unreadable private key', { VONAGE_PRIVATE_KEY: 'nonsense' }, 'VONAGE_PRIVATE_KEY is neither'],
    ['a bad URL', { ...account, SANDBOX_WEBHOOK_URL: 'nowhere' }, 'SANDBOX_WEBHOOK_URL must'],
  ];
  it.each(halves)('are refused with %s', (_, env, problem) => {
    const settings = readSettings({ ...enough, ...env });
    expect(settings).toEqual({ problems: [expect.stringContaining(problem)] });
  });

  it('report every problem at once', () => {
    const env = { NODE_ENV: 'production', SANDBOX_PORT: 'x', SANDBOX_PUBLIC_URL: 'ftp://x', PUBLIC_URL: 'x' };
    const { problems } = readSettings(env) as { problems: string[] };
    expect(problems.map((problem) => problem.split(' ', 1)[0])).toEqual([
      'NODE_ENV',
      'SANDBOX_PORT',
      'SANDBOX_PUBLIC_URL',
      'PUBLIC_URL',
      'VONAGE_APPLICATION_ID',
      'VONAGE_PRIVATE_KEY',
    ]);
  });
});

describe('silent-auth sandbox --init', () => {
  const setup = (...args: string[]) =>
    run(process.execPath, [...built('tools/cli.js'), 'sandbox', '--init', ...args]);

  it('writes an env file that Node reads, and keeps an existing one', async () => {
    const file = join(folder, 'env');
    expect((await setup(file)).stdout).toContain('written');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const written = readFileSync(file, 'utf8');
    const { stdout } = await run(process.execPath, [
      `--env-file=${file}`,
      '-p',
      'JSON.stringify(process.env)',
    ]);
    const env = JSON.parse(stdout) as Record<string, string>;
    expect(env).toMatchObject({
      VONAGE_BASE_URL: 'http://localhost:4000',
      PUBLIC_URL: 'http://localhost:3000',
    });
    expect(env.SESSION_SECRET).toHaveLength(43);
    expect(() => createPublicKey(env.VONAGE_PRIVATE_KEY ?? '')).not.toThrow();
    expect(env.BRAND).toBe('Sandbox');
    expect(readSettings(env)).toMatchObject({
      webhooks: { url: 'http://localhost:3000/webhooks/verify', apiKey: env.VONAGE_API_KEY },
    });

    expect((await setup(file)).stdout).toContain('already there');
    expect(readFileSync(file, 'utf8')).toBe(written);
  });

  it('says why the file cannot be written', async () => {
    const file = join(folder, 'missing', 'env');
    await expect(setup(file)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(`^${file} cannot be written: ENOENT.*\n$`) as string,
    });
  });

  it('requires the name of a file', async () => {
    await expect(setup()).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'--init <value>' argument missing") as string,
    });
  });
});

describe('the process', () => {
  const env = {
    PATH: process.env.PATH,
    VONAGE_APPLICATION_ID: applicationId,
    VONAGE_PRIVATE_KEY: privateKeyPem,
  };

  it('prints its URL and the redirect URI, and stops on SIGTERM', async () => {
    const sandbox = spawn(process.execPath, built('sandbox/main.js'), {
      env: { ...env, SANDBOX_PORT: '0' },
    });
    const [line] = (await once(sandbox.stdout, 'data')) as [Buffer];
    expect(line.toString()).toMatch(
      /^Sandbox at http:\/\/localhost:0, .+ http:\/\/localhost:3000\/callback\n$/,
    );
    sandbox.kill('SIGTERM');
    expect(await once(sandbox, 'exit')).toEqual([0, null]);
  });

  it('refuses to start in production', async () => {
    const refused = run(process.execPath, built('sandbox/main.js'), {
      env: { ...env, NODE_ENV: 'production' },
    });
    await expect(refused).rejects.toMatchObject({
      code: 1,
      stderr: 'The sandbox cannot start:\n  - NODE_ENV is production: the sandbox is not for production\n',
    });
  });
});
