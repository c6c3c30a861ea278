import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { field, openSandbox } from './open-sandbox.js';
import type { Answer } from './open-sandbox.js';

export const ALICE = '447700900000';
export const SECRET = 'a signature secret of 32 characters';
export const ACCOUNT = 'abcd1234';

export interface Heard {
  headers: IncomingHttpHeaders;
  raw: string;
  body: Record<string, unknown>;
}

/** A customer's webhook endpoint. It answers with the statuses in turn, then with 204. */
export const openListener = async () => {
  const heard: Heard[] = [];
  const statuses: number[] = [];
  const server = createServer((req, res) => {
    let raw = '';
    req.setEncoding('utf8').on('data', (chunk: string) => (raw += chunk));
    req.on('end', () => {
      heard.push({ headers: req.headers, raw, body: JSON.parse(raw) as Heard['body'] });
      res.writeHead(statuses.shift() ?? 204).end();
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/verify`;
  /** Waits until it has received `count` webhooks. */
  const hear = async (count: number, withinMs = 30_000): Promise<Heard[]> => {
    for (const end = Date.now() + withinMs; heard.length < count;) {
      if (Date.now() > end) throw new Error(`only ${heard.length} webhooks came`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return heard;
  };
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url, heard, statuses, hear, close };
};

export interface Message {
  to: string;
  channel: string;
  from: string | null;
  text: string;
  code: string;
  at: string;
  locale: string;
}

/** The number of a WhatsApp Business account. */
export const SHOP = '447700900900';

/** Starts a sandbox with the requests that a customer of Verify makes. */
export const openVerify = async (options: { listenerUrl?: string; startAt?: number } = {}) => {
  const { listenerUrl, startAt } = options;
  const webhooks = listenerUrl && {
    url: () => listenerUrl,
    apiKey: ACCOUNT,
    signatureSecret: SECRET,
  };
  const sandbox = await openSandbox({ ...(startAt && { startAt }), ...(webhooks && { webhooks }) });
  const postJson = (path: string, body: unknown, token?: string): Promise<Answer> =>
    sandbox.post(path, 'application/json', JSON.stringify(body), token);
  /** Starts a verification with these channels. The other parameters change its fields. */
  const start = (
    channels: readonly string[] = ['sms'],
    changes: Record<string, unknown> = {},
    ofStep: Record<string, unknown> = {},
  ): Promise<Answer> => {
    const workflow = channels.map((channel, index) => ({
      channel,
      to: ALICE,
      ...(channel === 'whatsapp' && { from: SHOP }),
      ...(index === 0 ? ofStep : {}),
    }));
    return postJson('/v2/verify', { brand: 'ACME', workflow, ...changes });
  };
  const started = async (...args: Parameters<typeof start>): Promise<string> => {
    const answer = await start(...args);
    expect([answer.status, answer.body]).toEqual([202, expect.anything()]);
    return field(answer.body, 'request_id');
  };
  const check = (id: string, code: string): Promise<Answer> => postJson(`/v2/verify/${id}`, { code });
  const next = (id: string): Promise<Answer> => postJson(`/v2/verify/${id}/next_workflow`, {});
  const cancel = (id: string): Promise<Answer> => sandbox.send('DELETE', `/v2/verify/${id}`);
  const checkUrl = (id: string): string => `${sandbox.url}/v2/verify/${id}/silent-auth/redirect`;
  /** Opens the check URL, follows the redirects, and returns the last answer. */
  const walkSilently = async (
    id: string,
    headersOf?: (hop: number) => Record<string, string>,
  ): Promise<{ last: Answer; hops: Answer[]; end: string }> => {
    const { hops, end } = await sandbox.walk(checkUrl(id), headersOf);
    const last = hops.at(-1);
    if (!last) throw new Error('nothing was walked');
    return { last, hops, end };
  };
  const messages = async (): Promise<Message[]> =>
    (await sandbox.control('GET', '/messages')).body as Message[];
  const lastCode = async (): Promise<string> => (await messages()).at(-1)?.code ?? '';
  const turn = (seconds: number): void => void (sandbox.clock.ms += seconds * 1000);
  return {
    ...sandbox,
    postJson,
    start,
    started,
    check,
    next,
    cancel,
    checkUrl,
    walkSilently,
    messages,
    lastCode,
    turn,
  };
};

export type OpenVerify = Awaited<ReturnType<typeof openVerify>>;
