import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Redis } from 'ioredis';
import { parse } from 'yaml';
import { readConfig } from '../src/config/config.js';
import { ERRORS } from '../src/core/errors.js';
import { newCredentials } from '../src/sandbox/credentials.js';
import { freePort } from './support/redis-server.js';
import { until } from './support/until.js';

const root = resolve(__dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Service {
  profiles?: string[];
  build?: string;
  user?: string;
  command: string[];
  environment: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  networks: Record<string, { ipv4_address: string }>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, Service> };
const wide = Object.entries(compose.services).filter(([, { profiles }]) => profiles?.join() === 'scale');
const named = (start: string) => wide.filter(([name]) => name.startsWith(start));
const only = (name: string) => compose.services[name] as Service;
const proxy = read('deploy/nginx.conf');

describe('the profile `scale`', () => {
  test('is three servers behind a proxy, a Redis with two replicas and three sentinels, and a sandbox', () => {
    expect(wide.map(([name]) => name).sort()).toEqual([
      ...['proxy', 'redis-primary', 'redis-replica-1', 'redis-replica-2', 'sandbox-wide'],
      ...['sentinel-1', 'sentinel-2', 'sentinel-3', 'server-1', 'server-2', 'server-3'],
    ]);
  });

  test.each(wide)('can write only to /tmp, and has no capabilities: %s', (_name, service) => {
    expect(service).toMatchObject({
      ...{ read_only: true, tmpfs: ['/tmp'], cap_drop: ['ALL'] },
      security_opt: ['no-new-privileges:true'],
    });
    // Our image sets its user (packaging.test.ts).
    if (service.build === undefined) expect(['redis', 'nginx']).toContain(service.user);
    for (const volume of service.volumes ?? []) expect(volume).toMatch(/:ro$/);
  });

  test.each(wide)(
    'has a health check, and waits for its dependencies: %s',
    (name, { healthcheck, depends_on = {} }) => {
      // The servers use the health check of their image.
      if (!name.startsWith('server-')) expect(healthcheck?.test[0]).toBe('CMD');
      for (const [other, { condition }] of Object.entries(depends_on)) {
        expect(condition).toBe(other === 'setup' ? 'service_completed_successfully' : 'service_healthy');
        expect(compose.services).toHaveProperty(other);
      }
    },
  );

  test('publishes the proxy and the sandbox on loopback, and no port of Redis', () => {
    const published = wide.flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`));
    expect(published.sort()).toEqual(['proxy 127.0.0.1:8080:8080', 'sandbox-wide 127.0.0.1:4001:4001']);
  });

  test('gives all servers the same valid settings', () => {
    const [first, ...others] = named('server-').map(([, { environment }]) => environment);
    for (const other of others) expect(other).toEqual(first);
    const { applicationId, privateKeyPem, sessionSecret } = newCredentials();
    const keys = { SESSION_SECRET: sessionSecret, VONAGE_APPLICATION_ID: applicationId, BRAND: 'ACME' };
    const config = readConfig({ ...keys, VONAGE_PRIVATE_KEY: privateKeyPem, ...first });
    expect(config).toMatchObject({ publicUrl: 'http://localhost:8080', trustProxy: 1 });
    expect(config.vonage).toMatchObject({
      apiHost: 'http://sandbox-wide:4001',
      authUrlHosts: ['localhost:4001'],
    });
    const sentinels = named('sentinel-').map(([name]) => `${name}:26379`);
    expect(first?.['REDIS_URL']).toBe(`redis+sentinel://${sentinels.join()}/main`);
    expect(only('sandbox-wide').environment).toMatchObject({
      SANDBOX_PORT: '4001',
      SANDBOX_PUBLIC_URL: 'http://localhost:4001',
      PUBLIC_URL: config.publicUrl,
      SANDBOX_WEBHOOK_URL: 'http://proxy:8080/webhooks/verify',
    });
  });

  test('has the sentinels watch the primary, which the replicas follow', () => {
    const address = only('redis-primary').networks['wide']?.ipv4_address ?? '';
    expect(read('deploy/sentinel.conf')).toContain(`\nsentinel monitor main ${address} 6379 2\n`);
    for (const [, { command }] of named('redis-replica-'))
      expect(command.slice(-3)).toEqual(['--replicaof', address, '6379']);
    for (const [, { volumes }] of named('sentinel-'))
      expect(volumes).toEqual(['./deploy/sentinel.conf:/etc/sentinel.conf:ro']);
    for (const [, { volumes }] of named('redis-'))
      expect(volumes).toEqual(['./deploy/redis.conf:/etc/redis.conf:ro']);
  });
});

describe('the proxy', () => {
  test('forwards to each server, and listens on the published port', () => {
    expect(only('proxy').volumes).toEqual(['./deploy/nginx.conf:/etc/nginx/nginx.conf:ro']);
    const servers = [...proxy.matchAll(/^ +server ([\w-]+:\d+) max_fails=0;$/gm)].map(([, server]) => server);
    expect(servers).toEqual(
      named('server-').map(([name, { environment }]) => `${name}:${environment['PORT']}`),
    );
    expect(proxy).toMatch(/^ +listen 8080;$/m);
  });

  test('forwards the client address, and does not change answers of /callback', () => {
    expect(proxy).toContain('proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;');
    const [, callback = ''] = /location = \/callback \{([^}]*)\}/.exec(proxy) ?? [];
    // An error line of nginx would contain the query.
    for (const rule of ['keepalive_timeout 0', 'proxy_pass http://servers', 'error_log /dev/null emerg'])
      expect(callback).toContain(`${rule};`);
    expect(proxy).not.toMatch(/gzip|http2|chunked|proxy_redirect|\$request\b|\$args|\$request_uri/);
  });

  test('answers like the servers if none of them is available, or it refuses a request itself', () => {
    const answers = [...proxy.matchAll(/return (\d+) '(.+)';/g)].map(([, status, body = '']) => {
      const answer = JSON.parse(body) as { error: keyof typeof ERRORS; status: number; title: string };
      expect([answer.status, answer.title]).toEqual(ERRORS[answer.error]);
      expect(Number(status)).toBe(answer.status);
      return answer.error;
    });
    expect(answers).toEqual(['unavailable', 'payload_too_large', 'invalid_request']);
    expect(proxy.match(/error_page .*;/g)).toEqual(
      read('deploy/proxies/nginx.conf').match(/error_page .*;/g),
    );
  });
});

/** Skips tests whose program is not installed outside of Docker. */
const withRedis = spawnSync('redis-server', ['--version']).status === 0 ? describe : describe.skip;

withRedis('Redis and its sentinels, started as they are there,', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scale-'));
  const started: ChildProcess[] = [];
  const ended: Promise<unknown>[] = [];
  const ports = new Map<string, number>();
  const portOf = (name: string): number => ports.get(name) ?? 0;
  const primary = only('redis-primary').networks['wide']?.ipv4_address ?? '';

  beforeAll(async () => {
    for (const [name] of [...named('redis-'), ...named('sentinel-')]) ports.set(name, await freePort());
  });
  afterAll(async () => {
    for (const child of started) child.kill('SIGKILL');
    await Promise.all(ended);
    rmSync(folder, { recursive: true });
  });

  /** Starts a service with its command and files, on local addresses and folders. */
  const start = (name: string): ChildProcess => {
    const own = join(folder, name);
    const here = (text: string): string =>
      text
        .replace(/\/(etc|tmp)\b/g, (_, part) => join(own, String(part)))
        .replace(new RegExp(`${primary}(\\W+)6379`), (_, gap) => `127.0.0.1${gap}${portOf('redis-primary')}`)
        .replace('port 26379', `port ${portOf(name)}`);
    for (const part of ['etc', 'tmp']) mkdirSync(join(own, part), { recursive: true });
    for (const file of ['redis.conf', 'sentinel.conf'])
      writeFileSync(join(own, 'etc', file), here(read(`deploy/${file}`)));
    const [program = '', ...args] = JSON.parse(here(JSON.stringify(only(name).command))) as string[];
    if (name.startsWith('redis-')) args.push('--port', `${portOf(name)}`);
    const child = spawn(program, args, { stdio: 'ignore' });
    started.push(child);
    ended.push(once(child, 'exit'));
    return child;
  };
  const ask = async (name: string, command: string, ...args: string[]): Promise<string> => {
    const redis = new Redis({ port: portOf(name), maxRetriesPerRequest: 100, retryStrategy: () => 50 });
    redis.on('error', () => undefined);
    return String(await redis.call(command, ...args).finally(() => redis.disconnect()));
  };
  const says = (name: string, what: string, ...command: [string, ...string[]]): Promise<void> =>
    until(async () => (await ask(name, ...command)).includes(what), 20);

  test('the sentinels promote a replica after the primary failed, and it soon accepts writes', async () => {
    const first = start('redis-primary');
    const replicas = named('redis-replica-').map(([name]) => name);
    for (const name of replicas) start(name);
    for (const name of replicas) await says(name, 'master_link_status:up', 'INFO');
    for (const [name] of named('sentinel-')) start(name);
    await says('sentinel-1', 'slaves=2,sentinels=3', 'INFO');
    // The configuration of Redis is mounted read-only.
    for (const name of replicas) rmSync(join(folder, name, 'etc'), { recursive: true });
    first.kill('SIGKILL');
    const isPrimary = (name: string) => ask(name, 'INFO').then((info) => info.includes('role:master'));
    let promoted: string | undefined;
    await until(async () => {
      for (const name of replicas) if (await isPrimary(name)) promoted = name;
      return promoted !== undefined;
    }, 20);
    const moved = `127.0.0.1,${portOf(promoted ?? '')}`;
    for (const [name] of named('sentinel-'))
      await says(name, moved, 'SENTINEL', 'get-master-addr-by-name', 'main');
    // Without a replica in sync it refuses writes.
    const write = (name: string) => ask(name, 'SET', 'ping', '1').catch((error: unknown) => String(error));
    await until(async () => (await write(promoted ?? '')) === 'OK', 20);
    expect(await ask(promoted ?? '', 'INFO')).toContain('connected_slaves:1');
  });

  test('a primary that has lost its replicas accepts no writes', () => {
    const conf = read('deploy/redis.conf');
    for (const line of ['min-replicas-to-write 1', 'min-replicas-max-lag 10', 'repl-diskless-sync-delay 0'])
      expect(conf).toContain(`\n${line}\n`);
    expect(named('redis-replica-').length).toBeGreaterThanOrEqual(2);
  });
});
