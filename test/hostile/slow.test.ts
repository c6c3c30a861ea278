import { connect } from 'node:net';
import { ALICE, startSystem, type System } from '../support/system.js';
import { addToSummary } from './summary.js';
import { sendSlowly } from './raw-http.js';

/** The server allows 10 s for headers and 15 s for a request, and checks every second. */
const LIMIT_MS = 20_000;

const HEAD = 'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const login = JSON.stringify({ phone_number: ALICE });
const forEver = (piece: string) => Array.from({ length: 60 }, () => piece);

/** What is sent at once, and then one piece every half second. */
const SLOW: Record<string, [start: string, pieces: string[]]> = {
  'half a request line': ['GET /sess', []],
  'a request line a letter at a time': ['', Array.from(`GET /${'x'.repeat(60)}`)],
  'headers that never end': ['GET /session HTTP/1.1\r\nHost: a\r\n', []],
  'a header at a time': ['GET /session HTTP/1.1\r\nHost: a\r\n', forEver('X: 1\r\n')],
  'a body that never comes': [`${HEAD}Content-Length: ${login.length}\r\n\r\n`, []],
  'a body a letter at a time': [`${HEAD}Content-Length: 100\r\n\r\n`, Array.from(login.padEnd(100))],
  'a body that lacks its last letter': [`${HEAD}Content-Length: ${login.length + 1}\r\n\r\n${login}`, []],
  'a chunk at a time': [`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, forEver('1\r\n \r\n')],
  'chunks without the last one': [
    `${HEAD}Transfer-Encoding: chunked\r\n\r\n${login.length.toString(16)}\r\n${login}\r\n`,
    [],
  ],
};

/**
 * Sends a request after the server has closed its half of the connection. Browsers do so, because
 * they open connections before they need them.
 * @returns closes the client's half of the connection
 */
const sendTooLate = (port: number): Promise<() => void> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: 'localhost', allowHalfOpen: true });
    const request = `${HEAD}Content-Length: ${login.length}\r\n\r\n${login}`;
    socket.resume();
    socket.on('error', () => undefined);
    socket.on('end', () => socket.write(request, () => resolve(() => socket.destroy())));
  });

describe('a slow request', () => {
  let system: System;
  let tooLate: Promise<() => void>;
  beforeAll(async () => {
    system = await startSystem();
    tooLate = sendTooLate(Number(new URL(system.base).port));
  });
  afterAll(() => system.stop());

  test('is answered with 408, delays no other request, and causes no call', async () => {
    const startedAt = performance.now();
    const port = Number(new URL(system.base).port);
    const answers = Object.entries(SLOW).map(async ([what, [start, pieces]]) => {
      const [answer] = await sendSlowly(port, start, pieces);
      const { error } = JSON.parse(answer?.body ?? '{}') as { error?: string };
      return [what, answer?.status, error];
    });
    const other = await system.app().get('/session').expect(200);
    expect(other.body).toEqual({ authenticated: false });

    const expected = Object.keys(SLOW).map((what) => [what, 408, 'request_timeout']);
    expect(await Promise.all(answers)).toEqual(expected);
    expect(performance.now() - startedAt).toBeLessThan(LIMIT_MS);
    expect([await system.upstream(), await system.redis.dbsize()]).toEqual([[], 0]);
    addToSummary({ 'cases tried': expected.length, 'cases refused': expected.length });
  });

  test('has no effect if it arrives after the 408', async () => {
    const close = await tooLate;
    await system.app().get('/session').expect(200);
    expect(await system.upstream()).toEqual([]);
    close();
  });
});
