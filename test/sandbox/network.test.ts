import { ask, openSandbox } from './open-sandbox.js';
import type { OpenSandbox } from './open-sandbox.js';
import { openVerify } from './open-verify.js';

const OTHER = '+447700900555';

let sandbox: OpenSandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
});
afterEach(() => sandbox.close());

describe('the network of the device', () => {
  const wifi = { 'x-sandbox-network': 'wifi' };
  const cellular = { 'x-sandbox-network': 'cellular' };
  const rows: [string, string | undefined, (hop: number) => Record<string, string>, string | null][] = [
    ['is the mobile one by default', undefined, () => ({}), null],
    ['follows the header of the first request', undefined, (hop) => (hop === 0 ? wifi : {}), 'access_denied'],
    ['follows the cookie', undefined, () => ({ cookie: 'a=b; sandbox_network=wifi' }), 'access_denied'],
    [
      'follows the header rather than the cookie',
      undefined,
      () => ({ ...cellular, cookie: 'sandbox_network=wifi' }),
      null,
    ],
    ['hides the SIM on Wi-Fi', undefined, () => ({ ...wifi, 'x-sandbox-sim': OTHER }), 'access_denied'],
    ['does not override a number whose behaviour is Wi-Fi', '+447700900103', () => cellular, 'access_denied'],
  ];
  it.each(rows)('%s', async (_, number, headersOf, error) => {
    const { end } = await sandbox.walk(await sandbox.authUrl(number), headersOf);
    expect(new URL(end).searchParams.get('error')).toBe(error);
    expect(new URL(end).searchParams.has('code')).toBe(error === null);
  });

  it.each([{ 'x-sandbox-network': 'lan' }, { cookie: 'sandbox_network=Wifi' }])(
    'is refused if it is malformed, and the link stays usable: %p',
    async (headers) => {
      const url = await sandbox.authUrl();
      expect((await ask(url, { headers })).status).toBe(400);
      expect((await ask(url)).status).toBe(302);
    },
  );

  it('fails a silent step of Verify on Wi-Fi', async () => {
    const verify = await openVerify();
    const id = await verify.started(['silent_auth', 'sms']);
    const { last } = await verify.walkSilently(id, (hop) => (hop === 0 ? wifi : {}));
    expect([last.status, last.body]).toMatchObject([
      412,
      { detail: 'IP Address does not resolve to a cellular device.' },
    ]);
    verify.close();
  });
});
