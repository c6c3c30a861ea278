import { createReadStream } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { listen, type Listening } from '../src/http/server.js';
import { until } from './support/until.js';

const asking = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

describe('the sockets of the server', () => {
  let server: Listening;
  let waiting: { path: string; res: ServerResponse }[];
  let closed: string[];
  let begun: () => void;
  beforeEach(async () => {
    [waiting, closed, begun] = [[], [], () => undefined];
    // It answers when the test says so.
    server = await listen(
      ({ url: path = '' }, res) => {
        begun();
        waiting.push({ path, res });
        res.on('close', () => closed.push(path));
      },
      { port: 0, docsUrl: 'errors', keepAliveSeconds: 620 },
    );
  });
  afterEach(() => server.drain(0));

  const open = (text: string): { socket: Socket; said: Promise<string> } => {
    const socket = connect(server.port, 'localhost', () => socket.write(text));
    let said = '';
    socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
    return { socket, said: new Promise((resolve) => socket.on('close', () => resolve(said))) };
  };
  const arrived = (count: number): Promise<void> => until(() => Promise.resolve(waiting.length === count));
  const haveClosed = (count: number): Promise<void> => until(() => Promise.resolve(closed.length >= count));

  test('a request that does not end within the grace period is aborted, so that the server stops', async () => {
    const { said } = open(asking('/'));
    await arrived(1);
    await server.drain(100);
    expect(await said).toBe('');
  });

  test('an idle connection is kept for the configured time, which answers announce', async () => {
    const { socket, said } = open(asking('/'));
    await arrived(1);
    waiting[0]?.res.end();
    await haveClosed(1);
    socket.end();
    expect(await said).toMatch(/^Keep-Alive: timeout=620\r$/m);
  });

  test('of pipelined requests one is begun per event loop turn', async () => {
    let turn = 0;
    const turns: number[] = [];
    const counting = (): void => {
      turn++;
      if (waiting.length < 20) setImmediate(counting);
    };
    counting();
    begun = () => void turns.push(turn);
    const { socket } = open(asking('/').repeat(20));
    await arrived(20);
    socket.destroy();
    expect(new Set(turns).size).toBe(20);
  });

  test.each([
    [1000, true],
    [1001, false],
  ])('a connection with %i requests queued behind the first stays open: %s', async (count, isOpen) => {
    const { socket, said } = open(asking('/').repeat(1 + count));
    await (isOpen ? arrived(1 + count) : said);
    socket.destroy();
    expect(waiting.length === 1 + count).toBe(isOpen);
    await haveClosed(waiting.length);
  });

  test.each([
    ['before', 'ends'],
    ['after', 'has ended'],
  ])('a file that is sent %s the connection %s is closed', async (when) => {
    const { socket, said } = open(asking('/').repeat(2));
    await arrived(2);
    const [, pipelined] = waiting;
    const send = () =>
      createReadStream(__filename, { highWaterMark: 1 }).pipe(pipelined?.res as ServerResponse);
    let file: Readable | undefined;
    pipelined?.res.on('pipe', (source: Readable) => (file = source));
    if (when === 'before') send();
    socket.destroy();
    await said;
    await haveClosed(2);
    if (when === 'after') send();
    await until(() => Promise.resolve(file?.closed === true));
    expect(file?.readableEnded).toBe(false);
  });

  test('a client that reads none of its pipelined answers loses its connection', async () => {
    const answer = Buffer.alloc(64 * 1024);
    begun = () => setImmediate(() => waiting.at(-1)?.res.end(answer));
    const { socket, said } = open('');
    socket.pause();
    socket.once('connect', () => socket.write(asking('/').repeat(1000)));
    await until(() => Promise.resolve(closed.length > 0 && closed.length === waiting.length));
    expect(waiting.length).toBeLessThan(500);
    socket.destroy();
    await said;
  });

  test('a client that asks for a tunnel and resets the connection ends no process', async () => {
    for (let client = 0; client < 50; client++) {
      const { socket, said } = open('');
      socket.once('connect', () =>
        socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', () => socket.resetAndDestroy()),
      );
      await said;
    }
    const { socket } = open(asking('/'));
    await arrived(1);
    socket.destroy();
  });

  const PATHS = ['/1', '/2', '/3', '/4'];
  test.each([
    ['before any of them is answered', [], false],
    ['once the first is answered', [0], false],
    ['when all but the first are answered', [1, 2, 3], false],
    ['once all are answered', [0, 1, 2, 3], false],
    ['when it is reset', [], true],
  ])('the end of a connection closes each pipelined response once: %s', async (_when, answered, isReset) => {
    const { socket, said } = open(PATHS.map(asking).join(''));
    await arrived(PATHS.length);
    for (const each of answered) waiting[each]?.res.end('answer');
    if (answered.length === PATHS.length) await haveClosed(PATHS.length);
    if (isReset) socket.resetAndDestroy();
    else socket.destroy();
    await said;
    await haveClosed(PATHS.length);
    // Later answers are dropped without an error.
    for (const { res } of waiting) if (!res.writableEnded) res.end('answer');
    const last = open(asking('/last'));
    await arrived(PATHS.length + 1);
    last.socket.destroy();
    await haveClosed(PATHS.length + 1);
    expect(closed.sort()).toEqual([...PATHS, '/last']);
  });
});
