import { createClient, LoginError } from './client.js';

/** Our server, as any app talks to it, and what only this page wants to know of it. */

/** The last answer of each path: how long it took in all, and what the server says it spent, in milliseconds. */
const timings = new Map();
const UNKNOWN = { took: undefined, spent: {} };

async function timedFetch(path, request) {
  timings.delete(path);
  const asked = performance.now();
  const answer = await fetch(path, request);
  const spent = readTiming(answer.headers.get('Server-Timing') ?? '');
  timings.set(path, { took: performance.now() - asked, spent });
  return answer;
}

export const timingOf = (path) => timings.get(path) ?? UNKNOWN;

/** `callback;dur=12.3, total;dur=45` (Server Timing, section 3). */
const readTiming = (header) =>
  Object.fromEntries([...header.matchAll(/(\w+);dur=([\d.]+)/g)].map(([, name, ms]) => [name, Number(ms)]));

export const server = createClient({ fetch: timedFetch });

/** What came of asking: the answer, or the error that was said in its place. */
export const settled = (asking) =>
  asking.then(
    (said) => ({ ok: true, said }),
    (error) => {
      if (error instanceof LoginError) return { ok: false, said: error };
      throw error;
    },
  );

/** Where the operator of this server sends people who need help: `Link: <…>; rel="help"` (RFC 8288). */
export async function helpLink() {
  const link = (await fetch('/', { method: 'HEAD' }).catch(() => undefined))?.headers.get('Link') ?? '';
  return /<(https?:[^>]+)>; rel="help"/.exec(link)?.[1];
}
