import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';

/** A real Redis on a free port of this machine, started by the suite that uses it. */
export interface RedisServer {
  url: string;
  process: ChildProcess;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const has = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

/** How Redis is started here; installs it where that is possible without asking. */
function launcher(): (port: number) => ChildProcess {
  const options = ['--save', '', '--appendonly', 'no', '--daemonize', 'no', '--loglevel', 'warning'];
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

export async function startRedis(port?: number): Promise<RedisServer> {
  const at = port ?? (await freePort());
  const child = launcher()(at);
  const url = `redis://127.0.0.1:${at}`;
  await answering(url);
  return { url, process: child, stop: () => stopped(child) };
}

async function answering(url: string): Promise<void> {
  const redis = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: 200 });
  redis.on('error', () => undefined);
  await redis.ping();
  redis.disconnect();
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  // A frozen process hears nothing but this.
  child.kill('SIGKILL');
  await gone;
}
