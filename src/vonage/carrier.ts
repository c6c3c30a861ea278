import { AxiosError, type AxiosAdapter } from 'axios';
import { Agent } from 'undici';

/** Connections to one host at the most; a call beyond them waits for one, within its deadline. */
const MAX_CONNECTIONS = 1000;

/**
 * Carries the requests of axios over undici, whose own share of a call is small (docs/performance.md). It follows no redirect, undoes no
 * compression, asks no proxy, repeats nothing that was sent, and keeps connections alive as long as the other side allows.
 * The deadline of a call is its `signal`, so undici keeps no time of its own.
 * @param maxAnswerBytes a longer body is cut off, and is an error
 */
export function undiciAdapter(maxAnswerBytes: number): AxiosAdapter {
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    pipelining: 1,
    maxResponseSize: maxAnswerBytes,
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  return async (config) => {
    const { origin, pathname, search } = new URL(config.url ?? '');
    try {
      const answer = await agent.request({
        origin,
        path: pathname + search,
        method: config.method?.toUpperCase() as 'POST',
        headers: config.headers.toJSON() as Record<string, string>,
        body: (config.data as string | undefined) ?? null,
        signal: config.signal,
      });
      const data = Buffer.from(await answer.body.arrayBuffer());
      return { status: answer.statusCode, statusText: '', headers: answer.headers as never, data, config };
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      throw new AxiosError(message, code, config);
    }
  };
}
