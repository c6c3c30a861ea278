import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { parseRedisUrl } from '../../src/config/redis-url.ts';
import type { RedisSettings } from '../../src/config/redis.ts';

/** A real Redis on a free local port, started by the suite that uses it. */
export interface RedisServer {
  url: string;
  process: ChildProcess;
  /** Suspends the process; its connections stay open. `thaw` resumes it. */
  freeze(): void;
  thaw(): void;
  /** Closes all connections, as an idle timeout or a failing network does. */
  cut(): Promise<void>;
  /** Runs `work` as an administrator with all rights. */
  administer<T>(work: (admin: Redis) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/** The settings of a server with this `REDIS_URL`. */
export function redisAt(url: string): RedisSettings {
  const place = parseRedisUrl(url);
  if (typeof place === 'string') throw new Error(`REDIS_URL ${place}`);
  return { place, certificates: {}, sentinelAccess: {} };
}

/**
 * A port to listen on a moment later, which no other call gets, in whatever process, until this
 * process ends. By default, Linux gives outgoing connections the ports from 32768 on. The bus of a
 * Redis cluster, which uses a port 10000 higher, stays below them as well.
 */
export async function freePort(): Promise<number> {
  const port = randomInt(11_000, 20_000);
  // UDP has ports of its own. Those from 21000 on, which nothing else here uses, serve as locks.
  const lock = createSocket('udp4').unref();
  const isLocked = await new Promise<boolean>((resolve) => {
    lock.once('error', () => resolve(false));
    lock.bind({ port: port + 10_000, address: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
  if (isLocked && (await canListen(port))) return port;
  lock.close();
  return freePort();
}

async function canListen(port: number): Promise<boolean> {
  const probe = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (isFree) await new Promise((resolve) => probe.close(resolve));
  return isFree;
}

/** Name and password of the administrator of every test Redis. */
const ADMINISTRATOR = 'administrator';

const has = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

/** How Redis is started here. Installs it if that needs no prompt. */
function launcher(more: readonly string[]): (port: number) => ChildProcess {
  const options = ['--save', '', '--appendonly', 'no', '--daemonize', 'no', '--loglevel', 'warning'];
  options.push('--user', ADMINISTRATOR, 'on', `>${ADMINISTRATOR}`, '~*', '&*', '+@all', ...more);
  if (
    !has('redis-server', '--version') &&
    !has('docker', 'info') &&
    process.getuid?.() === 0 &&
    has('apt-get', '--version')
  ) {
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
    execFileSync('apt-get', ['install', '-y', '-qq', 'redis-server'], { stdio: 'ignore' });
  }
  if (has('redis-server', '--version')) {
    return (port) =>
      spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', ...options], { stdio: 'ignore' });
  }
  if (has('docker', 'info')) {
    const run = (port: number) => [
      'run',
      '--rm',
      '-p',
      `127.0.0.1:${port}:6379`,
      'redis:7-alpine',
      'redis-server',
      ...options,
    ];
    return (port) => spawn('docker', run(port), { stdio: 'ignore' });
  }
  throw new Error(
    'The tests need redis-server: install it (`apt-get install redis-server`, `brew install redis`) or run Docker.',
  );
}

/** @param more options of `redis-server` */
export async function startRedis(port?: number, more: readonly string[] = []): Promise<RedisServer> {
  const at = port ?? (await freePort());
  const child = launcher(more)(at);
  const url = `redis://127.0.0.1:${at}`;
  const failed = new Promise<never>((_, reject) =>
    child.once('exit', () => reject(new Error(`redis-server did not start on port ${at}`))),
  );
  await Promise.race([answering(at), failed]);
  return {
    url,
    process: child,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    cut: () =>
      administer(at, async (admin) => {
        await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      }),
    administer: (work) => administer(at, work),
    stop: () => stopped(child),
  };
}

async function administer<T>(port: number, work: (admin: Redis) => Promise<T>): Promise<T> {
  const user = { username: ADMINISTRATOR, password: ADMINISTRATOR };
  const admin = new Redis({ ...user, host: '127.0.0.1', port, enableReadyCheck: false });
  try {
    return await work(admin);
  } finally {
    admin.disconnect();
  }
}

async function answering(port: number): Promise<void> {
  const user = { username: ADMINISTRATOR, password: ADMINISTRATOR };
  const redis = new Redis({
    ...user,
    port,
    host: '127.0.0.1',
    retryStrategy: () => 50,
    maxRetriesPerRequest: 200,
  });
  redis.on('error', () => undefined);
  await redis.ping();
  redis.disconnect();
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  // A suspended process reacts to no other signal.
  child.kill('SIGKILL');
  await gone;
}
