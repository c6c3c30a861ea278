import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

/** Resources that a process has used. */
export interface Usage {
  /** User and system time of all threads since the start (µs). */
  cpu: number;
  /** Bytes. */
  rss: number;
  heapUsed: number;
}

/** A process of the bench. */
export interface Child {
  pid: number;
  /**
   * Calls a function of the program, or of the probe that was loaded into it (process-probe.js).
   */
  ask<T>(question: string, input?: object): Promise<T>;
  /** Resolves when the program answers questions. */
  ready: Promise<unknown>;
  usage(): Promise<Usage>;
  stop(): Promise<void>;
}

interface Reply {
  id: number;
  value?: unknown;
  error?: string;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const PROBE = ['--import', new URL('process-probe.js', import.meta.url).href];
const { PATH = '' } = process.env;

/** Starts a program with no environment variables but `env`. Discards its log, passes on stderr. */
export function startChild(file: string, env: Record<string, string>, nodeFlags: string[] = []): Child {
  const child = fork(file, {
    env: { PATH, ...env },
    execArgv: [...PROBE, ...nodeFlags],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  let asked = 0;
  const ask = async <T>(question: string, input: object = {}): Promise<T> => {
    const id = ++asked;
    const replied = new Promise<Reply>((resolve, reject) => {
      const onMessage = (reply: Reply): void => {
        if (reply.id !== id) return;
        child.off('message', onMessage);
        resolve(reply);
      };
      child.on('message', onMessage);
      void exited.then(() => reject(new Error(`${file} has ended`)));
    });
    child.send({ id, question, input });
    const { value, error } = await replied;
    if (error !== undefined) throw new Error(error);
    return value as T;
  };
  const ready = Promise.race([once(child, 'message'), exited]);
  return {
    pid: child.pid ?? 0,
    ask,
    ready,
    usage: () => ask<Usage>('usage'),
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Programs that answer questions. */
type Answering = 'load' | 'random-load' | 'upstream';

/** Starts a TypeScript program of this folder. */
export const startOwn = (name: 'floor' | Answering, env: Record<string, string> = {}): Child =>
  startChild(here(`${name}.ts`), env, ['--import', 'tsx']);

/** Starts a program that answers questions, and waits until it does. */
export async function startAnswering(name: Answering): Promise<Child> {
  const child = startOwn(name);
  await child.ready;
  return child;
}

/** Answers questions that come by IPC. The program runs until its parent ends. */
export function answering(answers: Record<string, (input: never) => unknown>): void {
  // Undoes the `unref` of the probe: nothing else keeps a program alive that waits for questions.
  process.channel?.ref();
  process.on('message', ({ id, question, input }: { id: number; question: string; input: never }) => {
    const answer = answers[question];
    if (answer === undefined) return;
    Promise.resolve(answer(input)).then(
      (value) => process.send?.({ id, value }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
  });
  process.send?.({ id: 0 });
}

/** Resolves when a process listens on a local port. @throws after ten seconds */
export async function listeningOn(port: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await isOpen(port))) {
    if (performance.now() > deadline) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((answer) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => answer(false));
    socket.once('connect', () => {
      socket.destroy();
      answer(true);
    });
  });
