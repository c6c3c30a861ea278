import { connect } from 'node:net';
import { ALICE, buildHouse, type House } from './support/house.js';

describe('the answer to a native SDK', () => {
  let house: House;
  beforeAll(async () => (house = await buildHouse()));
  beforeEach(() => house.reset());
  afterAll(() => house.stop());

  test.each([
    ['a code', ALICE, 200, 'application/json'],
    ['a refusal', '+447700900103', 400, 'application/problem+json'],
    ['a code that was not accepted', '+447700900106', 400, 'application/problem+json'],
  ])(
    'with %s comes in one piece, closes the connection, and carries nothing but JSON',
    async (_what, number, status, type) => {
      const { home } = await house.walkedLogin(number);
      expect(home.status).toBe(status);
      expect(home.json).toBeDefined();
      expect(home.reads).toBe(1);
      expect(home.headers).toMatchObject({
        'content-type': type,
        'content-length': String(Buffer.byteLength(home.body)),
        connection: 'close',
        'cache-control': 'no-store',
      });
      for (const name of ['set-cookie', 'location', 'transfer-encoding', 'content-encoding', 'etag']) {
        expect(home.headers).not.toHaveProperty(name);
      }
      expect(home.hops.length).toBeLessThan(10);
    },
  );

  test('spells its headers as the SDK of iOS compares them', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const { port } = new URL(house.base);
      const socket = connect(Number(port), 'localhost', () =>
        socket.write('GET /callback HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      );
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('end', () => resolve(text)).on('error', reject);
    });
    expect(answer).toContain('\r\nContent-Type: application/problem+json\r\n');
    expect(answer).toContain('\r\nConnection: close\r\n');
  });
});
