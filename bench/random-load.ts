import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Pool } from 'undici';
import { answering } from './child.js';

/**
 * Logins that arrive at random and independently of each other, so that a slow server does not
 * slow the arrivals down.
 */
export interface RandomLoad {
  base: string;
  /** Mean rate of arrivals; the intervals are exponentially distributed. */
  perSecond: number;
  seconds: number;
  /** Milliseconds after which a client aborts a request. */
  timeoutMs: number;
  /**
   * The longest pause before `/callback` and before `/verify` (ms); pauses are evenly distributed.
   */
  maxPauseMs: number;
}

export interface RandomLoadResult {
  offered: number;
  /** Logins that were answered with 503 to `POST /login`. */
  refused: number;
  begun: number;
  completed: number;
  /** Logins that ended without success, by request and status (or `late`). */
  lost: Record<string, number>;
  /** Milliseconds of the three requests of each completed login. */
  took: number[];
  /** Milliseconds of each refusal. */
  refusals: number[];
  /** Milliseconds of `GET /healthz`, ten times a second, each on a new connection. */
  health: number[];
  /** The 99th percentile of the delay of this program's own event loop (ms). */
  lateMs: number;
}

interface Answered {
  status: number;
  json: Record<string, unknown>;
  cookie: string;
}

interface Sent {
  path: string;
  /** Sent by POST; without it, the request is a GET. */
  body?: object;
  cookie?: string;
  /** Closes the connection after the answer. */
  reset?: boolean;
}

/** A client with an unlimited number of connections, so that no request waits for one. */
function createClient(base: string, timeoutMs: number) {
  const pool = new Pool(base, { connections: null, headersTimeout: 0, bodyTimeout: 0 });
  const ask = async ({ path, body, cookie = '', reset = false }: Sent): Promise<Answered> => {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    try {
      const answer = await pool.request({
        method: body === undefined ? 'GET' : 'POST',
        path,
        headers: { 'content-type': 'application/json', ...(cookie && { cookie }) },
        body: body === undefined ? null : JSON.stringify(body),
        signal: abort.signal,
        reset,
      });
      const json = (await answer.body.json()) as Record<string, unknown>;
      const cookies = [answer.headers['set-cookie'] ?? ''].flat();
      return { status: answer.statusCode, json, cookie: cookies[0]?.split(';')[0] ?? '' };
    } catch {
      return { status: 0, json: {}, cookie: '' };
    } finally {
      clearTimeout(timer);
    }
  };
  return { ask, close: () => pool.destroy() };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let numbersUsed = 0;
/** One of a million numbers in a range of mobile phones. */
const nextNumber = (): string => `+447400${String(numbersUsed++ % 1_000_000).padStart(6, '0')}`;

async function run(load: RandomLoad): Promise<RandomLoadResult> {
  const { base, perSecond, seconds, timeoutMs, maxPauseMs } = load;
  const newClient = () => createClient(base, timeoutMs);
  const [app, device, probe] = [newClient(), newClient(), newClient()];
  const result: RandomLoadResult = {
    ...{ offered: 0, refused: 0, begun: 0, completed: 0, lost: {} },
    ...{ took: [], refusals: [], health: [], lateMs: 0 },
  };
  const lose = (step: string, { status }: Answered): void => {
    const outcome = `${step} ${status === 0 ? 'late' : status}`;
    result.lost[outcome] = (result.lost[outcome] ?? 0) + 1;
  };
  const timed = async (answer: Promise<Answered>): Promise<[Answered, ms: number]> => {
    const from = performance.now();
    return [await answer, performance.now() - from];
  };

  const logIn = async (): Promise<void> => {
    result.offered++;
    const [begun, first] = await timed(app.ask({ path: '/login', body: { phone_number: nextNumber() } }));
    if (begun.status === 503) {
      result.refused++;
      result.refusals.push(first);
      return;
    }
    if (begun.status !== 201) {
      lose('login', begun);
      return;
    }
    result.begun++;
    await pause(Math.random() * maxPauseMs);
    const link = begun.json['auth_url'];
    // The server did not reach the upstream in time, and offers a message instead.
    if (typeof link !== 'string') {
      lose('no link', begun);
      return;
    }
    const state = new URL(link).searchParams.get('state') ?? '';
    const query = new URLSearchParams({ code: 'c'.repeat(40), state }).toString();
    const [callback, second] = await timed(device.ask({ path: `/callback?${query}` }));
    if (callback.status !== 200) {
      lose('callback', callback);
      return;
    }
    await pause(Math.random() * maxPauseMs);
    const [end, third] = await timed(
      app.ask({ path: '/verify', body: { code: callback.json['code'] }, cookie: begun.cookie }),
    );
    if (end.json['verified'] !== true) {
      lose('verify', end);
      return;
    }
    result.completed++;
    result.took.push(first + second + third);
  };

  const late = monitorEventLoopDelay({ resolution: 1 });
  late.enable();
  const running: Promise<void>[] = [];
  const from = performance.now();
  const end = from + seconds * 1000;
  const health = setInterval(() => {
    void timed(probe.ask({ path: '/healthz', reset: true })).then(([, ms]) => result.health.push(ms));
  }, 100);
  let next = from;
  while (next < end) {
    while (next <= performance.now() && next < end) {
      running.push(logIn());
      next += (-Math.log(1 - Math.random()) / perSecond) * 1000;
    }
    await pause(1);
  }
  clearInterval(health);
  await Promise.all(running);
  result.lateMs = late.percentile(99) / 1e6;
  await Promise.all([app, device, probe].map((each) => each.close()));
  return result;
}

answering({ run });
