import { connect } from 'node:net';
import { ALICE, buildHouse, type House } from '../support/house.js';
import { tally } from './tally.js';
import { sendSlowly } from './wire.js';

/** The server gives headers ten seconds and a whole request fifteen, and looks every second. */
const LIMIT = 20_000;

const HEAD = 'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const login = JSON.stringify({ phone_number: ALICE });
const forEver = (piece: string) => Array.from({ length: 60 }, () => piece);

/** What is sent at once, and what comes after it, one piece every half second. */
const SLOW: Record<string, [atOnce: string, pieces: string[]]> = {
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
 * Sends nothing until the server hangs up, and then a whole request. Browsers do so: they open
 * connections before they need them.
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

describe('whoever is slow', () => {
  let house: House;
  let tooLate: Promise<() => void>;
  beforeAll(async () => {
    house = await buildHouse();
    tooLate = sendTooLate(Number(new URL(house.base).port));
  });
  afterAll(() => house.stop());

  test('is answered with 408 in the end, holds nobody up, and costs nothing', async () => {
    const startedAt = performance.now();
    const port = Number(new URL(house.base).port);
    const answers = Object.entries(SLOW).map(async ([what, [atOnce, pieces]]) => {
      const [answer] = await sendSlowly(port, atOnce, pieces);
      const { error } = JSON.parse(answer?.body ?? '{}') as { error?: string };
      return [what, answer?.status, error];
    });
    const held = await house.app().get('/session').expect(200);
    expect(held.body).toEqual({ authenticated: false });

    const expected = Object.keys(SLOW).map((what) => [what, 408, 'request_timeout']);
    expect(await Promise.all(answers)).toEqual(expected);
    expect(performance.now() - startedAt).toBeLessThan(LIMIT);
    expect([await house.upstream(), await house.redis.dbsize()]).toEqual([[], 0]);
    tally({ 'cases tried': expected.length, 'cases refused': expected.length });
  });

  test('has nothing done any more by a request that arrives behind the 408', async () => {
    const close = await tooLate;
    await house.app().get('/session').expect(200);
    expect(await house.upstream()).toEqual([]);
    close();
  });
});
