import { createClient, LoginError } from './client.js';

/** The timing of the last request by path, in milliseconds: the total, and the server's own. */
const timings = new Map();
const UNKNOWN = { durationMs: undefined, serverMs: {} };

async function timedFetch(path, request) {
  timings.delete(path);
  const startedAt = performance.now();
  const answer = await fetch(path, request);
  const serverMs = readTiming(answer.headers.get('Server-Timing') ?? '');
  timings.set(path, { durationMs: performance.now() - startedAt, serverMs });
  return answer;
}

export const timingOf = (path) => timings.get(path) ?? UNKNOWN;

/** `callback;dur=12.3, total;dur=45` (Server Timing, section 3). */
const readTiming = (header) =>
  Object.fromEntries([...header.matchAll(/(\w+);dur=([\d.]+)/g)].map(([, name, ms]) => [name, Number(ms)]));

export const server = createClient({ fetch: timedFetch });

/** `result` is the answer, or the `LoginError`. */
export const settled = (request) =>
  request.then(
    (result) => ({ ok: true, result }),
    (error) => {
      if (error instanceof LoginError) return { ok: false, result: error };
      throw error;
    },
  );

/** The URL of the help page: `Link: <…>; rel="help"` (RFC 8288). */
export async function helpLink() {
  const link = (await fetch('/', { method: 'HEAD' }).catch(() => undefined))?.headers.get('Link') ?? '';
  return /<(https?:[^>]+)>; rel="help"/.exec(link)?.[1];
}
