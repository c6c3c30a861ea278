import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

/** What a process has used. */
export interface Usage {
  /** User and system time since its start, of all its threads: microseconds. */
  cpu: number;
  /** Bytes. */
  rss: number;
  heapUsed: number;
}

/** A program of the bench, in a process of its own. */
export interface Child {
  pid: number;
  /** Asks the program, or, for its `usage`, the witness that was loaded into it. */
  ask<T>(question: string, input?: object): Promise<T>;
  /** Resolves when the program has said that it answers. */
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
const WITNESS = ['--import', new URL('witness.js', import.meta.url).href];
const { PATH = '' } = process.env;

/** Starts a program in an environment that holds nothing but `env`. Its log goes nowhere, its complaints to ours. */
export function startChild(file: string, env: Record<string, string>, nodeFlags: string[] = []): Child {
  const child = fork(file, {
    env: { PATH, ...env },
    execArgv: [...WITNESS, ...nodeFlags],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const gone = once(child, 'exit');
  let asked = 0;
  const ask = async <T>(question: string, input: object = {}): Promise<T> => {
    const id = ++asked;
    const replied = new Promise<Reply>((resolve, reject) => {
      const hear = (reply: Reply): void => {
        if (reply.id !== id) return;
        child.off('message', hear);
        resolve(reply);
      };
      child.on('message', hear);
      void gone.then(() => reject(new Error(`${file} has ended`)));
    });
    child.send({ id, question, input });
    const { value, error } = await replied;
    if (error !== undefined) throw new Error(error);
    return value as T;
  };
  const ready = Promise.race([once(child, 'message'), gone]);
  return {
    pid: child.pid ?? 0,
    ask,
    ready,
    usage: () => ask<Usage>('usage'),
    async stop() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Programs that answer questions. */
type Answering = 'load' | 'rush' | 'upstream';

/** Starts one of the programs beside this file, which are TypeScript. */
export const startOwn = (name: 'floor' | Answering, env: Record<string, string> = {}): Child =>
  startChild(here(`${name}.ts`), env, ['--import', 'tsx']);

/** Starts one that answers questions, and waits until it does. */
export async function startAnswering(name: Answering): Promise<Child> {
  const child = startOwn(name);
  await child.ready;
  return child;
}

/** Answers the questions that the bench asks of a program. */
export function answering(answers: Record<string, (input: never) => unknown>): void {
  // The witness let go of the channel, which is all that keeps a program alive that only waits for questions.
  process.channel?.ref();
  process.on('message', ({ id, question, input }: { id: number; question: string; input: never }) => {
    const work = answers[question];
    if (work === undefined) return;
    Promise.resolve(work(input)).then(
      (value) => process.send?.({ id, value }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
  });
  process.send?.({ id: 0 });
}

/** Resolves when something listens on a port of this machine. @throws after ten seconds of nothing */
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
