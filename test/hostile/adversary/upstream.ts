import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { PATHS } from '../../../src/sandbox/http/paths.js';
import type { Message } from '../../support/house.js';
import { relay, type Truth } from '../falsifying-proxy.js';

/** A verification of Verify v2, as its requests show it. */
export interface Verification {
  /**
   * Ids of the logins it can prove: the one it was started for, and those that met it and took it
   * up.
   */
  logins: Set<string>;
  /** Codes that were checked: of a device, and typed. */
  checks: { device: number; typed: number };
}

/** A message with the verification that sent it. */
export interface Sent extends Message {
  verification: Verification | undefined;
}

interface Deps {
  /** Does a call when its turn comes. */
  pass: <T>(work: () => Promise<T>) => Promise<T>;
  /**
   * Called between the moment the server starts a verification and the moment Vonage hears of it.
   */
  lag: () => void;
  /** The next place in the one order of everything that happens in a game. */
  order: () => number;
}

const TYPED = /^[0-9]{6}$/;

/**
 * Stands between the server and the sandbox and writes down what cannot be seen from outside:
 * which login a verification was started for, how often it was asked about a code, and when
 * Vonage's word on a request was spoken.
 */
export async function openUpstream({ pass, lag, order }: Deps) {
  let sandbox = '';
  let last: Promise<unknown> = Promise.resolve();
  const verifications = new Map<string, Verification>();
  /**
   * The latest verification of each number. A number has one under way at a time (Verify v2,
   * 409).
   */
  const latest = new Map<string, Verification>();
  const sent: Sent[] = [];
  let answers = 0;
  /** When Vonage's last word on one of our requests was spoken. */
  const words = new Map<string, number>();

  /** Takes in the messages that came since it was last called. */
  const readMessages = async (): Promise<readonly Sent[]> => {
    const all = (await (await fetch(`${sandbox}/__sandbox/messages`)).json()) as Message[];
    for (const each of all.slice(sent.length)) sent.push({ ...each, verification: latest.get(each.to) });
    return sent;
  };

  const note = (path: string, body: Record<string, unknown>, truth: Truth): void => {
    const said = parse(truth.body);
    const id = (said['request_id'] ?? path.split('/')[3]) as string;
    const loginId = String(body['client_ref']);
    if (path === PATHS.verifyRequests && truth.status === 202) {
      const to = `+${String((body['workflow'] as { to: string }[])[0]?.to)}`;
      const started = { logins: new Set([loginId]), checks: { device: 0, typed: 0 } };
      verifications.set(id, started);
      latest.set(to, started);
    } else if (path === PATHS.verifyRequests && truth.status === 409) {
      verifications.get(id)?.logins.add(loginId);
    }
    const checks = verifications.get(id)?.checks;
    if (checks && 'code' in body) checks[TYPED.test(String(body['code'])) ? 'typed' : 'device'] += 1;
  };

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const bytes = await buffer(req);
    const { method, url: path = '', headers } = req;
    const ask = async (): Promise<Truth> => {
      if (method === 'POST' && path === PATHS.verifyRequests) {
        lag();
        // What came until now is of the verifications before this one.
        await readMessages();
      }
      const truth = await relay(sandbox, req, bytes);
      if (path.startsWith(PATHS.verifyRequests)) note(path, parse(bytes.toString()), truth);
      words.set(String(headers['x-correlator']), order());
      return truth;
    };
    // One at a time, so that a message belongs to the verification that was started last.
    const truth = await pass(() => {
      const answered = last.then(ask, ask);
      last = answered;
      return answered;
    });
    res.writeHead(truth.status, truth.headers).end(truth.body);
    answers++;
  };
  const server = createServer((req, res) => void answer(req, res).catch(() => req.socket.destroy()));
  await new Promise<void>((listening) => server.listen(0, listening));

  return {
    placeBefore(at: string): string {
      sandbox = at;
      return `http://localhost:${(server.address() as AddressInfo).port}`;
    },
    readMessages,
    /**
     * Resolves when Vonage has answered the next call, or after so many milliseconds without one.
     */
    async nextAnswer(ms: number): Promise<void> {
      const [before, startedAt] = [answers, performance.now()];
      while (answers === before && performance.now() - startedAt < ms)
        await new Promise((resolve) => setImmediate(resolve));
    },
    verifications: verifications as ReadonlyMap<string, Verification>,
    /**
     * When Vonage's last word on one of our requests was spoken; `undefined` where there was
     * none.
     */
    wordOn: (requestId: string): number | undefined => words.get(requestId),
    forget(): void {
      for (const each of [verifications, latest, words]) each.clear();
      sent.length = 0;
    },
    stop(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}

export type Upstream = Awaited<ReturnType<typeof openUpstream>>;

function parse(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}
