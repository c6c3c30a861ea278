import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { Redis } from 'ioredis';
import { parse } from 'yaml';
import { readConfig } from '../src/config/config.js';
import { newCredentials } from '../src/sandbox/credentials.js';
import { postCode, withSystem } from './support/system.js';
import { freePort } from './support/redis-server.js';

const root = resolve(__dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Service {
  profiles?: string[];
  image?: string;
  build?: string;
  user?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  secrets: string[];
  networks: string[];
  depends_on?: object;
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<'production' | 'production-redis', Service>;
  networks: Record<string, { internal?: boolean } | null>;
  secrets: Record<string, { file: string }>;
};
const { production: server, 'production-redis': redis } = compose.services;
const own = Object.entries(compose.services).filter(([, { profiles }]) => profiles?.join() === 'production');

describe('the profile `production`', () => {
  test.each(own)('is read-only, restarts and rotates its log: %s', (_, service) => {
    expect(service).toMatchObject({
      ...{ restart: 'unless-stopped', read_only: true, cap_drop: ['ALL'] },
      security_opt: ['no-new-privileges:true'],
      logging: { driver: 'local', options: { 'max-size': '10m', 'max-file': '5' } },
    });
    // Our image sets its user (packaging.test.ts).
    if (service.build === undefined) expect(service.user).toBe('redis');
    for (const volume of service.volumes ?? []) expect(volume).toMatch(/:ro$/);
  });

  test('consists of the server and its Redis only', () => {
    expect(own.map(([name]) => name)).toEqual(['production', 'production-redis']);
    expect(Object.keys(server.depends_on ?? {})).toEqual(['production-redis']);
    expect(redis.depends_on).toBeUndefined();
    expect(JSON.stringify(own)).not.toMatch(/sandbox|development|NODE_ENV|setup/);
    for (const [name, { networks = ['default'], volumes = [] }] of Object.entries(compose.services)) {
      if (name in Object.fromEntries(own)) continue;
      expect([...Object.values(networks), ...volumes].join()).not.toMatch(/store|outside|secrets/);
    }
  });

  test('publishes the server on loopback, and no port of Redis', () => {
    const { ports, environment } = server;
    expect(ports).toEqual([`127.0.0.1:3000:${environment?.['PORT'] ?? ''}`, '127.0.0.1:9464:9464']);
    expect(redis.ports).toBeUndefined();
    expect(redis.networks).toEqual(['store']);
    expect(compose.networks['store']).toEqual({ internal: true });
  });

  test('sets only existing settings', () => {
    const example = [...read('deploy/production.env.example').matchAll(/^([A-Z_]+)=/gm)].map(
      ([, name]) => name,
    );
    const known = [...read('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name);
    const set = [...Object.keys(server.environment ?? {}), ...example];
    for (const name of set) expect(known).toContain(name?.replace(/_FILE$/, ''));
  });

  test('contains no secret: each is a file that deploy/new-secrets.sh creates or names, and git ignores it', () => {
    expect(JSON.stringify(own)).not.toMatch(/\$\{|password|(SECRET|KEY)":/);
    for (const [name, { file }] of Object.entries(compose.secrets)) {
      expect(file).toBe(`./secrets/${name}`);
      expect(read('deploy/new-secrets.sh')).toContain(`/${name}`);
    }
    expect([...server.secrets, ...redis.secrets].sort()).toEqual(Object.keys(compose.secrets));
    expect(read('.gitignore').split('\n')).toContain('/secrets/');
  });
});

describe('the secrets of deploy/new-secrets.sh', () => {
  const folder = mkdtempSync(join(tmpdir(), 'production-'));
  const secret = (name: string): string => readFileSync(join(folder, 'secrets', name), 'utf8').trim();
  let running: ChildProcess | undefined;
  const clients: Redis[] = [];

  beforeAll(() => execFileSync(join(root, 'deploy/new-secrets.sh'), { cwd: folder }));
  afterAll(() => {
    for (const client of clients) client.disconnect();
    running?.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  test('are protected by their folder, and existing ones are not overwritten', () => {
    expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'secrets/redis_users')).mode & 0o777).toBe(0o644);
    const before = secret('session_secret');
    expect(spawnSync(join(root, 'deploy/new-secrets.sh'), { cwd: folder }).status).not.toBe(0);
    expect(secret('session_secret')).toBe(before);
    expect(readdirSync(folder)).toEqual(['secrets']);
  });

  test.each([
    ...[
      ['mktemp', ''],
      ['cp', ''],
      ['openssl', 'rand -hex'],
      ['openssl', 'rand -base64'],
    ],
    ...[
      ['openssl', 'dgst'],
      ['cat', ''],
      ['chmod', ''],
      ['mv', ''],
    ],
  ])('are not left half made if a step fails: %s %s', (program = '', args = '') => {
    const [elsewhere, programs] = [
      mkdtempSync(join(tmpdir(), 'half-')),
      mkdtempSync(join(tmpdir(), 'programs-')),
    ];
    const { PATH: others = '' } = process.env;
    const failing = `#!/bin/sh\ncase "$*" in ${args === '' ? '' : `"${args}"`}*) exit 1 ;; esac\nPATH=${others} exec ${program} "$@"\n`;
    writeFileSync(join(programs, program), failing, { mode: 0o755 });
    const PATH = `${programs}:${others}`;
    const { status } = spawnSync(join(root, 'deploy/new-secrets.sh'), { cwd: elsewhere, env: { PATH } });
    expect(status).not.toBe(0);
    expect(readdirSync(elsewhere)).toEqual([]);
    for (const each of [elsewhere, programs]) rmSync(each, { recursive: true });
  });

  test('are settings that the server accepts in production, once completed', () => {
    const { applicationId, privateKeyPem } = newCredentials();
    writeFileSync(join(folder, 'secrets/vonage_private_key'), privateKeyPem);
    const filledIn = {
      ...parseEnv(secret('settings')),
      VONAGE_APPLICATION_ID: applicationId,
      BRAND: 'ACME',
      PUBLIC_URL: 'https://login.acme.test',
      SILENT_AUTH: 'verify',
    };
    const here = Object.entries(server.environment ?? {}).map(([name, value]) => [
      name,
      value.replace('/run', folder),
    ]);
    const config = readConfig({ ...filledIn, ...Object.fromEntries(here), NODE_ENV: 'production' });
    expect(config).toMatchObject({ production: true, port: 3000, trustProxy: 1 });
    expect(config.redis?.place).toMatchObject({
      username: 'bff',
      nodes: [{ host: 'production-redis', port: 6379 }],
    });
    expect(server.command).toEqual(['silent-auth', 'serve', '--settings', '/run/secrets/settings']);
  });

  test('contain the rights of docs/redis.md, and a hash of the Redis password', () => {
    const [, rights] = /```acl\nuser bff on >change-me (.*)\n```/.exec(read('docs/redis.md')) ?? [];
    expect(secret('redis_users').split('\n')).toEqual([
      'user default on nopass resetkeys resetchannels -@all +ping',
      expect.stringMatching(/^user bff on #[0-9a-f]{64} resetchannels /),
    ]);
    expect(secret('redis_users')).toContain(` ${rights ?? 'no rights'}`);
  });

  /** Skips tests whose program is not installed outside of Docker. */
  const withRedis = spawnSync('redis-server', ['--version']).status === 0 ? test : test.skip;

  withRedis('give the server access to its Redis, and other users only PING', async () => {
    const conf = join(folder, 'redis.conf');
    writeFileSync(conf, read('deploy/redis-production.conf').replace('/run', folder));
    expect(redis.command).toEqual(['redis-server', '/etc/redis.conf']);
    expect(redis.volumes).toEqual(['./deploy/redis-production.conf:/etc/redis.conf:ro']);
    const port = await freePort();
    running = spawn('redis-server', [conf, '--port', `${port}`, '--bind', '127.0.0.1'], {
      stdio: 'ignore',
    });
    const redisUrl = secret('redis_url').replace('@production-redis:6379', `@127.0.0.1:${port}`);
    const patient = { maxRetriesPerRequest: 200, retryStrategy: () => 50, enableReadyCheck: false };
    const [unauthenticated, own] = [new Redis(port, patient), new Redis(redisUrl, patient)];
    clients.push(unauthenticated, own);
    for (const each of clients) each.on('error', () => undefined);

    expect(await unauthenticated.ping()).toBe('PONG');
    await expect(unauthenticated.get('ping')).rejects.toThrow('NOPERM');
    await expect(unauthenticated.info()).rejects.toThrow('NOPERM');
    const info = await own.info();
    for (const line of ['maxmemory_policy:noeviction', 'aof_enabled:0', 'maxmemory:536870912']) {
      expect(info).toContain(line);
    }
    await withSystem({ redisUrl, emptied: false }, async (system) => {
      const { app, code } = await system.walkedLogin();
      await postCode(app, code).expect(200);
    });
  });
});
