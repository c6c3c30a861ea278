import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Pool } from 'undici';
import { answering } from './child.js';

/** People who come when they please, and do not wait for each other. */
export interface Rush {
  base: string;
  /** Logins that are begun in a second, on the average: how far apart they are is exponentially distributed. */
  perSecond: number;
  seconds: number;
  /** Milliseconds after which whoever asked hangs up, at each of the three requests. */
  patienceMs: number;
  /** Milliseconds, at the most, from the link to `/callback`, and from there to `/verify`: evenly distributed. */
  walkMs: number;
}

export interface RushResult {
  offered: number;
  /** Answered by 503 to `POST /login`. */
  refused: number;
  begun: number;
  completed: number;
  /** Requests whose answer did not come in time, and answers that were no part of a login, by what and where. */
  lost: Record<string, number>;
  /** Milliseconds of the three requests of each login that was completed. */
  took: number[];
  refusals: number[];
  /** Milliseconds of `GET /healthz`, asked ten times a second on connections of their own; whoever hung up counts with his patience. */
  health: number[];
  /** Milliseconds that this program was late itself, at the worst but for a hundredth. */
  lateMs: number;
}

interface Answered {
  status: number;
  json: Record<string, unknown>;
  cookie: string;
}

/** What somebody asks with: nothing waits for a connection, and an answer that is late is not waited for. */
function phone(base: string, patienceMs: number) {
  const pool = new Pool(base, { connections: null, headersTimeout: 0, bodyTimeout: 0 });
  const ask = async (path: string, body?: object, cookie = '', reset = false): Promise<Answered> => {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), patienceMs);
    try {
      const answer = await pool.request({
        method: body === undefined ? 'GET' : 'POST',
        path,
        headers: { 'content-type': 'application/json', ...(cookie && { cookie }) },
        body: body === undefined ? null : JSON.stringify(body),
        signal: patience.signal,
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

let people = 0;
/** A million numbers of a range that is for mobile phones. */
const nextNumber = (): string => `+447400${String(people++ % 1_000_000).padStart(6, '0')}`;

async function rush({ base, perSecond, seconds, patienceMs, walkMs }: Rush): Promise<RushResult> {
  const [app, device, probe] = [phone(base, patienceMs), phone(base, patienceMs), phone(base, patienceMs)];
  const result: RushResult = {
    ...{ offered: 0, refused: 0, begun: 0, completed: 0, lost: {} },
    ...{ took: [], refusals: [], health: [], lateMs: 0 },
  };
  const lose = (where: string, { status }: Answered): void => {
    const what = `${where} ${status === 0 ? 'late' : status}`;
    result.lost[what] = (result.lost[what] ?? 0) + 1;
  };
  const timed = async (asked: Promise<Answered>): Promise<[Answered, number]> => {
    const from = performance.now();
    return [await asked, performance.now() - from];
  };

  const logIn = async (): Promise<void> => {
    result.offered++;
    const [begun, first] = await timed(app.ask('/login', { phone_number: nextNumber() }));
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
    await pause(Math.random() * walkMs);
    const link = begun.json['auth_url'];
    // The server could not reach the upstream in time, and would go on by a message.
    if (typeof link !== 'string') {
      lose('no link', begun);
      return;
    }
    const state = new URL(link).searchParams.get('state') ?? '';
    const query = new URLSearchParams({ code: 'c'.repeat(40), state }).toString();
    const [home, second] = await timed(device.ask(`/callback?${query}`));
    if (home.status !== 200) {
      lose('callback', home);
      return;
    }
    await pause(Math.random() * walkMs);
    const [end, third] = await timed(app.ask('/verify', { code: home.json['code'] }, begun.cookie));
    if (end.json['verified'] !== true) {
      lose('verify', end);
      return;
    }
    result.completed++;
    result.took.push(first + second + third);
  };

  const late = monitorEventLoopDelay({ resolution: 1 });
  late.enable();
  const under: Promise<void>[] = [];
  const from = performance.now();
  const end = from + seconds * 1000;
  const health = setInterval(() => {
    void timed(probe.ask('/healthz', undefined, '', true)).then(([, ms]) => result.health.push(ms));
  }, 100);
  let next = from;
  while (next < end) {
    while (next <= performance.now() && next < end) {
      under.push(logIn());
      next += (-Math.log(1 - Math.random()) / perSecond) * 1000;
    }
    await pause(1);
  }
  clearInterval(health);
  await Promise.all(under);
  result.lateMs = late.percentile(99) / 1e6;
  await Promise.all([app, device, probe].map((each) => each.close()));
  return result;
}

answering({ rush });
