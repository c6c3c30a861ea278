/** Milliseconds. */
export const PATIENCE = 20_000;

/**
 * Asks our server. It answers in JSON, with an `error` (RFC 9457) where it refuses; `no_answer` is ours.
 * @returns also how long it took in all, and what the server says it spent (`Server-Timing`), in milliseconds
 */
export async function ask(method, path, body) {
  const asked = performance.now();
  try {
    const answer = await fetch(path, {
      method,
      signal: AbortSignal.timeout(PATIENCE),
      ...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const said = answer.status === 204 ? {} : await answer.json();
    const spent = readTiming(answer.headers.get('Server-Timing') ?? '');
    return { ok: answer.ok, status: answer.status, said, spent, took: performance.now() - asked };
  } catch {
    return { ok: false, status: 0, said: { error: 'no_answer' }, spent: {}, took: performance.now() - asked };
  }
}

/** `callback;dur=12.3, total;dur=45` (Server Timing, section 3). */
const readTiming = (header) =>
  Object.fromEntries([...header.matchAll(/(\w+);dur=([\d.]+)/g)].map(([, name, ms]) => [name, Number(ms)]));

/** Where the operator of this server sends people who need help: `Link: <…>; rel="help"` (RFC 8288). */
export async function helpLink() {
  const link = (await fetch('/', { method: 'HEAD' }).catch(() => undefined))?.headers.get('Link') ?? '';
  return /<(https?:[^>]+)>; rel="help"/.exec(link)?.[1];
}
