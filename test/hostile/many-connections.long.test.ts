import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MAX_CONNECTIONS } from '../../src/http/undici-adapter.js';
import { built } from '../support/built.js';
import { ALICE, WITH_CODES } from '../support/system.js';
import { until } from '../support/until.js';
import { startOwnProcess, type OwnProcess } from './own-process.js';
import { addToSummary } from './summary.js';

const CONNECTIONS = 2000;

/** Requests of a pipeline. */
const PIPELINED = 10;

/** The longest time for another login meanwhile. */
const MAX_LOGIN_MS = 1000;

const POST = 'POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
const posted = (body: object): string => {
  const text = JSON.stringify(body);
  return `${POST}Content-Length: ${text.length}\r\n\r\n${text}`;
};
const login = (phoneNumber: string): string => posted({ phone_number: phoneNumber });

/** What each connection sends, and whether it hangs up at once. */
const KINDS: Record<string, { sends: string; hangsUp: boolean }> = {
  'that send many bad logins at once and hang up': { sends: posted({}).repeat(PIPELINED), hangsUp: true },
  'that send many logins at once and hang up': { sends: login(ALICE).repeat(PIPELINED), hangsUp: true },
  'that send many logins at once and read no answer': {
    sends: login(ALICE).repeat(PIPELINED),
    hangsUp: false,
  },
  'that send one byte of a body': { sends: `${POST}Content-Length: 30\r\n\r\n{`, hangsUp: false },
  'that send a body without its last byte': { sends: login(ALICE).slice(0, -1), hangsUp: false },
  'that send a chunk of a body': {
    sends: `${POST}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`,
    hangsUp: false,
  },
  'that send no end of their headers': { sends: POST, hangsUp: false },
};

/** A hook that delays the logins of some numbers, so that all of them run at the same time. */
const HOOK = `export const beforeLogin = ({ phoneNumber }) =>
  phoneNumber.startsWith('+4477009') ? undefined : new Promise((resolve) => setTimeout(resolve, 1500));`;
const numberOf = (at: number): string => `+4477100${String(10_000 + at)}`;

const folder = mkdtempSync(join(tmpdir(), 'connections-'));
let server: OwnProcess;
beforeAll(async () => {
  const hooks = join(folder, 'hooks.mjs');
  writeFileSync(hooks, HOOK);
  const env = { ...WITH_CODES, SILENT_AUTH: 'off', HOOKS: hooks, LOG_LEVEL: 'error' };
  server = await startOwnProcess(built('main.js'), env);
}, 30_000);
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** Opens a connection and sends a text. No answer is read. */
const openConnection = async (text: string): Promise<Socket> => {
  const socket = connect(Number(new URL(server.base).port), '127.0.0.1').on('error', () => undefined);
  socket.pause();
  await new Promise<void>((resolve) => socket.write(text, () => resolve()));
  return socket;
};

/** Sends logins at the same time. @returns how many were refused because no slot was free */
async function countRefusals(count: number): Promise<number> {
  const begin = async (at: number) => {
    const answer = await fetch(`${server.base}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ phone_number: numberOf(at) }),
    });
    await answer.arrayBuffer();
    return answer.status;
  };
  const statuses = await Promise.all(Array.from({ length: count }, (_, at) => begin(at)));
  expect(statuses.filter((status) => status !== 201 && status !== 503)).toEqual([]);
  return statuses.filter((status) => status === 503).length;
}

const msOfLogin = async (): Promise<number> => {
  const startedAt = performance.now();
  const { status } = await fetch(`${server.base}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ phone_number: ALICE }),
  });
  expect(status).toBe(201);
  return performance.now() - startedAt;
};

test.each(Object.entries(KINDS))(
  `${CONNECTIONS} connections %s delay no other login, and hold no slot after they are closed`,
  async (_what, { sends, hangsUp }) => {
    const sockets = await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        const socket = await openConnection(sends);
        if (hangsUp) socket.destroy();
        return socket;
      }),
    );
    // The server first works through the complete requests that they sent.
    const took: number[] = [];
    await until(async () => {
      took.push(await msOfLogin());
      return Math.min(...took) < MAX_LOGIN_MS && took.length >= 5;
    }, 60);
    for (const socket of sockets) socket.destroy();
    await pause(200);

    // As many logins as there are slots: each refusal shows a slot that is still held.
    const held = await countRefusals(MAX_CONNECTIONS);
    addToSummary({
      'slots held by other connections': held,
      'cases tried': 1,
      'cases refused': held === 0 ? 1 : 0,
    });
    expect(held).toBe(0);
    expect(server.alive()).toBe(true);
  },
  120_000,
);
