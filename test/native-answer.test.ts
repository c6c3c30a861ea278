import { ALICE, startSystem, type System } from './support/system.js';

describe('the answer to a native SDK', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem()));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const ANSWERS: [string, string, number, string][] = [
    ['a code', ALICE, 200, 'application/json'],
    ['a refusal', '+447700900103', 400, 'application/problem+json'],
    ['a code that was not accepted', '+447700900106', 400, 'application/problem+json'],
  ];

  describe.each(['ios', 'android'] as const)('for %s', (sdk) => {
    test.each(ANSWERS)(
      'with %s is one segment of JSON, and closes the connection',
      async (_what, number, status, type) => {
        const { home } = await system.walkedLogin(number, { sdk });
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
  });
});
