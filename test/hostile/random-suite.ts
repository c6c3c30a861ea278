import { Agent, request } from 'node:http';
import { Redis } from 'ioredis';
import { source } from '../support/programs.js';
import { ASSERTIONS } from '../support/assertions.js';
import { outcomesOf } from '../support/contract.js';
import { walk } from '../support/device.js';
import { redisUrlOfWorker } from '../support/system.js';
import { createGenerator, seeded, type RandomRequest } from './fuzz.js';
import { startOwnProcess, type OwnProcess } from './own-process.js';
import { addToSummary } from './summary.js';

const AT_ONCE = 16;
/** The share of the requests after which all caches and connections exist. */
const WARM_UP = 0.2;
/** The most by which the heap may grow after the warm-up. */
const MAX_GROWTH_MB_PER_REQUEST = 10 / 8_000;

interface Answered {
  status: number;
  cookie: string | undefined;
  body: string;
}

let server: OwnProcess;
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
beforeAll(async () => {
  const redis = new Redis(redisUrlOfWorker());
  await redis.flushdb();
  redis.disconnect();
  const env = { ...ASSERTIONS, REDIS_URL: redisUrlOfWorker(), LOG_LEVEL: 'warn' };
  server = await startOwnProcess(source('test/hostile/server-process.ts'), env);
});
afterAll(async () => {
  agent.destroy();
  await server.stop();
});

/** Repeats a request only if the server had closed its kept-alive connection meanwhile. */
const send = (asked: RandomRequest): Promise<Answered> =>
  sendOnce(asked).catch((error: unknown) => {
    if (error instanceof ConnectionError && error.reused) return sendOnce(asked);
    throw error;
  });

class ConnectionError extends Error {
  constructor(
    { method, path, headers, body }: RandomRequest,
    readonly reused: boolean,
    cause: Error,
  ) {
    super(`${cause.message}: ${JSON.stringify({ method, path, headers, body })}`);
  }
}

const sendOnce = ({ method, path, headers, body }: RandomRequest): Promise<Answered> =>
  new Promise((answered, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const sent = request(server.base + path, { method, agent, headers: { ...headers, ...length } }, (res) => {
      let text = '';
      res.on('data', (chunk: Buffer) => (text += chunk.toString()));
      res.on('end', () =>
        answered({
          status: res.statusCode ?? 0,
          cookie: res.headers['set-cookie']?.[0]?.split(';')[0],
          body: text,
        }),
      );
    });
    sent.on('error', (cause: Error) =>
      reject(new ConnectionError({ method, path, headers, body }, sent.reusedSocket, cause)),
    );
    sent.end(body);
  });

/**
 * Keeps sessions and codes of earlier answers, so that later requests get past the first checks.
 */
function createMemory(random: () => number) {
  const known: { cookie: string; code?: string }[] = [];
  return {
    async keep({ cookie, body }: Answered) {
      if (cookie === undefined || cookie.endsWith('=')) return;
      const { auth_url: link } = body.startsWith('{') ? (JSON.parse(body) as { auth_url?: string }) : {};
      const code = link && random() < 0.3 ? (await walk(link)).json?.['code'] : undefined;
      known.push({ cookie, ...(typeof code === 'string' && { code }) });
      if (known.length > 50) known.shift();
    },
    use(asked: RandomRequest): RandomRequest {
      const own = known[Math.floor(random() * known.length * 2)];
      if (own === undefined) return asked;
      const body = asked.path === '/verify' && own.code ? JSON.stringify({ code: own.code }) : asked.body;
      return { ...asked, body, headers: { ...asked.headers, cookie: own.cookie } };
    },
  };
}

/**
 * Whether openapi.yaml lists the answer; for HEAD, which has no body, only the status is
 * compared.
 */
function isAsDeclared(asked: RandomRequest, { status, body }: Answered): boolean {
  const outcomes = outcomesOf(asked.method, new URL(server.base + asked.path).pathname);
  if (asked.method === 'HEAD' || status < 400) return outcomes.some((each) => each.startsWith(`${status}`));
  return outcomes.includes(`${status} ${errorOf(body)}`);
}

/** The error of a problem, or of the page that a person gets. */
const errorOf = (body: string): string =>
  /<code>(\w+) /.exec(body)?.[1] ?? String((JSON.parse(body) as { error?: unknown }).error);

async function ask(count: number, next: () => RandomRequest, memory: ReturnType<typeof createMemory>) {
  const undeclared: unknown[] = [];
  let left = count;
  const worker = async () => {
    while (left-- > 0) {
      const asked = memory.use(next());
      const answer = await send(asked);
      if (!isAsDeclared(asked, answer)) undeclared.push([asked, answer.status, answer.body.slice(0, 200)]);
      await memory.keep(answer);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return undeclared;
}

/** @param requests how many random requests are sent @param seed draws them */
export const describeRandom = (requests: number, seed: number) =>
  test(`${requests} random requests (SEED=${seed}) get documented answers, and the server neither ends nor leaks memory`, async () => {
    const random = seeded(seed);
    const next = createGenerator(random);
    const memory = createMemory(random);
    const warm = await ask(requests * WARM_UP, next, memory);
    const heapBefore = await server.heap();
    const left = requests * (1 - WARM_UP);
    const rest = await ask(left, next, memory);
    const heapAfter = await server.heap();

    const undeclared = [...warm, ...rest];
    addToSummary({
      'random requests': requests,
      'random requests with an undeclared answer': undeclared.length,
    });
    expect(undeclared.slice(0, 5)).toEqual([]);
    expect([server.alive(), server.output()]).toEqual([
      true,
      expect.not.stringMatching(/internal_error|nhandled/),
    ]);
    expect(heapAfter - heapBefore).toBeLessThan(left * MAX_GROWTH_MB_PER_REQUEST);
  });
