import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { PATHS } from '../../../src/sandbox/http/paths.js';
import type { Message } from '../../support/system.js';
import { relay, type CorrectAnswer } from '../falsifying-proxy.js';

/** A Verify v2 verification, derived from its requests. */
export interface Verification {
  /** Ids of the logins that it can complete: the one that started it, and those that reused it. */
  logins: Set<string>;
  /** How many codes Vonage compared, and how many it refused to compare. */
  checks: { device: number; typed: number; uncompared: number };
}

/** A message with the verification that sent it. */
export interface Sent extends Message {
  verification: Verification | undefined;
}

interface UpstreamOptions {
  /** Runs a call when its turn comes. */
  pass: <T>(work: () => Promise<T>) => Promise<T>;
  /** Called before Vonage receives the start of a verification. */
  lag: () => void;
  /** The next number in the order of all events. */
  order: () => number;
  /** All messages of the sandbox. */
  messages: () => Promise<Message[]>;
}

const TYPED = /^[0-9]{6}$/;

/**
 * A proxy between server and sandbox. It records which login started a verification, how often
 * codes were checked, and when Vonage answered.
 */
export async function openUpstream({ pass, lag, order, messages }: UpstreamOptions) {
  let sandbox = '';
  let last: Promise<unknown> = Promise.resolve();
  const verifications = new Map<string, Verification>();
  /** The latest verification of each number, which has only one at a time (Verify v2, 409). */
  const latest = new Map<string, Verification>();
  const sent: Sent[] = [];
  let answers = 0;
  /** When Vonage last answered a call, by our request id. */
  const lastAnswers = new Map<string, number>();

  /** Reads the messages since the last call. */
  const readMessages = async (): Promise<readonly Sent[]> => {
    for (const each of (await messages()).slice(sent.length))
      sent.push({ ...each, verification: latest.get(each.to) });
    return sent;
  };

  const note = (path: string, body: Record<string, unknown>, answer: CorrectAnswer): void => {
    const answerBody = parse(answer.body);
    const id = (answerBody['request_id'] ?? path.split('/')[3]) as string;
    const loginId = String(body['client_ref']);
    if (path === PATHS.verifyRequests && answer.status === 202) {
      const to = `+${String((body['workflow'] as { to: string }[])[0]?.to)}`;
      const started = { logins: new Set([loginId]), checks: { device: 0, typed: 0, uncompared: 0 } };
      verifications.set(id, started);
      latest.set(to, started);
    } else if (path === PATHS.verifyRequests && answer.status === 409) {
      verifications.get(id)?.logins.add(loginId);
    }
    const checks = verifications.get(id)?.checks;
    if (checks === undefined || !('code' in body)) return;
    const isCompared = !/#(?:no-code|invalid-params)$/.test(String(answerBody['type']));
    const kind = TYPED.test(String(body['code'])) ? 'typed' : 'device';
    checks[isCompared ? kind : 'uncompared'] += 1;
  };

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const bytes = await buffer(req);
    const { method, url: path = '', headers } = req;
    const ask = async (): Promise<CorrectAnswer> => {
      if (method === 'POST' && path === PATHS.verifyRequests) {
        lag();
        // Messages until now belong to earlier verifications.
        await readMessages();
      }
      const correct = await relay(sandbox, req, bytes);
      if (path.startsWith(PATHS.verifyRequests)) note(path, parse(bytes.toString()), correct);
      lastAnswers.set(String(headers['x-correlator']), order());
      return correct;
    };
    // One call at a time, so that each message belongs to the latest verification.
    const correct = await pass(() => {
      const answered = last.then(ask, ask);
      last = answered;
      return answered;
    });
    res.writeHead(correct.status, correct.headers).end(correct.body);
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
    /** Resolves when Vonage has answered the next call, or after `ms`. */
    async nextAnswer(ms: number): Promise<void> {
      const [before, startedAt] = [answers, performance.now()];
      while (answers === before && performance.now() - startedAt < ms)
        await new Promise((resolve) => setImmediate(resolve));
    },
    verifications: verifications as ReadonlyMap<string, Verification>,
    /** When Vonage last answered a call for a request, in the order of events. */
    lastAnswerTo: (requestId: string): number | undefined => lastAnswers.get(requestId),
    forget(): void {
      for (const each of [verifications, latest, lastAnswers]) each.clear();
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
