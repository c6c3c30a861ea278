import { Agent, request, type IncomingHttpHeaders } from 'node:http';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  json: Record<string, unknown> | undefined;
  /** The session cookie that the answer sets; null if it deletes the cookie. */
  cookie: string | null | undefined;
}

export interface Ask {
  cookie?: string | undefined;
  headers?: Record<string, string>;
  body?: object | undefined;
}

/** A minimal, fast HTTP client without redirects and cookies. */
export function createHttpClient() {
  const agent = new Agent({ keepAlive: true });
  const ask = (method: string, url: string, { cookie, headers, body }: Ask = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const text = body && JSON.stringify(body);
      const sent = request(url, {
        method,
        agent,
        headers: {
          ...headers,
          ...(cookie !== undefined && { cookie: `sid=${cookie}` }),
          ...(text !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
          }),
        },
      });
      sent.on('error', reject).on('response', (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
        res.on('end', () =>
          resolve(read(res.statusCode ?? 0, res.headers, Buffer.concat(chunks).toString())),
        );
      });
      sent.end(text);
    });
  return { ask, close: () => agent.destroy() };
}

export type HttpClient = ReturnType<typeof createHttpClient>;

function read(status: number, headers: IncomingHttpHeaders, text: string): Answer {
  const isJson = /json/.test(headers['content-type'] ?? '') && text.startsWith('{');
  const set = (headers['set-cookie'] ?? []).flatMap((line) => /^sid=([^;]*)/.exec(line)?.[1] ?? []).at(-1);
  return {
    status,
    headers,
    text,
    json: isJson ? (JSON.parse(text) as Record<string, unknown>) : undefined,
    cookie: set === '' ? null : set,
  };
}
