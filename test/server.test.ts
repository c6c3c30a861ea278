import { connect, type Socket } from 'node:net';
import { listen, type Listening } from '../src/web/server.js';

describe('the socket of the server', () => {
  let server: Listening;
  let arrived: Promise<void>;
  beforeEach(async () => {
    let arrive: () => void = () => undefined;
    arrived = new Promise((resolve) => (arrive = resolve));
    // It never answers what it was asked.
    server = await listen(() => arrive(), 0, 'errors');
  });
  afterEach(() => server.drain(0));

  const open = (text: string): { socket: Socket; said: Promise<string> } => {
    const socket = connect(server.port, 'localhost', () => socket.write(text));
    let said = '';
    socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
    return { socket, said: new Promise((resolve) => socket.on('close', () => resolve(said))) };
  };

  test('a request that does not end in its time of grace is cut off, so that the server stops', async () => {
    const { said } = open('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await arrived;
    await server.drain(100);
    expect(await said).toBe('');
  });
});
