import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { credentials as ofAllSuites } from './credentials.js';
import { freePort } from './redis-server.js';

export const ROOT = resolve(__dirname, '../..');
const { PATH = '' } = process.env;

export type Env = Record<string, string>;

export interface Program {
  child: ChildProcess;
  /** Resolves when the output of the program matches. */
  said(pattern: RegExp): Promise<void>;
  /** The exit code and the whole output. */
  ended: Promise<{ code: number | null; output: string }>;
}

const started = new Set<Program>();

/** Starts Node with these arguments and this environment only. */
export function node(args: string[], env: Env = {}, cwd = ROOT): Program {
  const child = spawn(process.execPath, args, { cwd, env: { PATH, DRAIN_SECONDS: '0', ...env } });
  let output = '';
  const listeners = new Set<() => void>();
  const append = (chunk: Buffer) => {
    output += chunk.toString();
    listeners.forEach((listener) => listener());
  };
  child.stdout.on('data', append);
  child.stderr.on('data', append);
  const program: Program = {
    child,
    said: (pattern) =>
      new Promise((heard, reject) => {
        const look = () => {
          if (pattern.test(output)) heard();
        };
        listeners.add(look);
        child.once('close', () =>
          reject(new Error(`the program never printed ${pattern.source}: ${output}`)),
        );
        look();
      }),
    ended: once(child, 'close').then(([code]) => ({ code: code as number | null, output })),
  };
  started.add(program);
  return program;
}

/** Kills all started programs. */
export async function endPrograms(): Promise<void> {
  for (const { child } of started) child.kill('SIGKILL');
  await Promise.all([...started].map(({ ended }) => ended));
  started.clear();
}

/** The arguments of Node for a program of the tests. */
export const source = (file: string): string[] => ['--import', 'tsx', join(ROOT, file)];
export const LISTENING = /"msg":"listening"/;
export const SANDBOX = /^Sandbox at/m;

/** Two free ports, and the environment for server and sandbox on them. */
export async function places() {
  const [port, sandboxPort] = [await freePort(), await freePort()];
  const [base, sandbox] = [`http://localhost:${port}`, `http://localhost:${sandboxPort}`];
  const env: Env = {
    PORT: `${port}`,
    SANDBOX_PORT: `${sandboxPort}`,
    PUBLIC_URL: base,
    VONAGE_BASE_URL: sandbox,
  };
  return { port, base, sandbox, env };
}

export function credentials(): Env {
  const { applicationId, privateKeyPem, sessionSecret } = ofAllSuites;
  return {
    SESSION_SECRET: sessionSecret,
    VONAGE_APPLICATION_ID: applicationId,
    VONAGE_PRIVATE_KEY: privateKeyPem,
    BRAND: 'ACME',
  };
}
