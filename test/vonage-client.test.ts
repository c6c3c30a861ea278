import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { readLoginSettings } from '../src/config/login.js';
import { createReader } from '../src/config/reader.js';
import { parsePhoneNumber, type PhoneNumber } from '../src/core/phone-number.js';
import { createNetworkEnablement } from '../src/vonage/network-enablement.js';
import { createTransport, Unanswered, type Call, type Transport } from '../src/http/transport.js';
import { createVerifyApi, type VerifyStart } from '../src/vonage/verify.js';

const ALICE = parsePhoneNumber('+447700900000') as PhoneNumber;
const LINK = 'https://api-eu.vonage.com/oauth2/auth?x=1';
const SCOPE = 'dpv:FraudPreventionAndDetection#number-verification-verify-read';
const authUrlHosts = ['api-eu.vonage.com'];

describe('Network Enablement', () => {
  const enableOver = (transport: Transport) =>
    createNetworkEnablement({ transport, apiHost: 'https://api-eu.vonage.com', authUrlHosts });
  const newStates = () => {
    let made = 0;
    return () => Promise.resolve(`state-${++made}`);
  };

  test('is retried once with a new state if no connection was made, within the same deadline', async () => {
    const calls: Call[] = [];
    const enable = enableOver((call) => {
      calls.push(call);
      if (calls.length === 1)
        return Promise.reject(new Unanswered('x', { sent: false, cause: 'ECONNREFUSED' }));
      return Promise.resolve({ status: 200, json: { scopes: { [SCOPE]: { auth_url: LINK } } } });
    });
    expect(await enable(ALICE, newStates(), 'c')).toEqual({ authUrl: LINK, state: 'state-2' });
    expect(calls.map(({ body }) => (body as { state: string }).state)).toEqual(['state-1', 'state-2']);
    expect(calls[1]?.timeoutMs).toBeLessThanOrEqual(3000);
  });

  test.each([
    ['no connection was made in two attempts', false, 2],
    ['the request was sent', true, 1],
  ])('fails when %s', async (_what, sent, times) => {
    let calls = 0;
    const enable = enableOver(() => {
      calls++;
      return Promise.reject(new Unanswered('x', { sent, cause: 'x' }));
    });
    await expect(enable(ALICE, newStates(), 'c')).rejects.toMatchObject({ code: 'upstream_error' });
    expect(calls).toBe(times);
  });
});

describe('Verify', () => {
  const SETTINGS = readLoginSettings(createReader({ BRAND: 'ACME' })).verify;
  const LEAST: VerifyStart = { phoneNumber: ALICE, channels: ['sms'], clientRef: 'abc' };
  const bodyOf = async (start: Partial<VerifyStart>, settings: Partial<typeof SETTINGS>) => {
    let sent: Call | undefined;
    const api = createVerifyApi({
      transport: (call) => {
        sent = call;
        return Promise.resolve({ status: 202, json: { request_id: 'r' } });
      },
      verifyHost: 'https://api.nexmo.com',
      authUrlHosts,
      settings: { ...SETTINGS, ...settings },
    });
    await api.start({ ...LEAST, ...start }, 'c');
    return JSON.parse(JSON.stringify(sent?.body)) as unknown;
  };
  const base = {
    ...{ brand: 'ACME', channel_timeout: 300, client_ref: 'abc', code_length: 6 },
    workflow: [{ channel: 'sms', to: '447700900000' }],
  };

  test.each<[string, Partial<VerifyStart>, Partial<typeof SETTINGS>, object]>([
    ['the required fields only', {}, {}, {}],
    ['a template', {}, { templateId: 't' }, { template_id: 't' }],
    [
      'three steps',
      { channels: ['silent_auth', 'sms', 'voice'], redirectUrl: 'https://a.example/' },
      { coverageCheck: false },
      {
        workflow: [
          {
            channel: 'silent_auth',
            to: '447700900000',
            redirect_url: 'https://a.example/',
            coverage_check: false,
          },
          { channel: 'sms', to: '447700900000' },
          { channel: 'voice', to: '447700900000' },
        ],
      },
    ],
  ])('receives %s', async (_what, start, settings, expected) => {
    expect(await bodyOf(start, settings)).toEqual({ ...base, ...expected });
  });
});

test('connections to Vonage are reused', async () => {
  let connections = 0;
  const server = createServer((_req, res) => res.setHeader('content-type', 'application/json').end('{}'));
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  const transport = createTransport();
  const url = `http://localhost:${port}/`;
  for (let each = 0; each < 5; each++) {
    await transport({
      api: 'x',
      method: 'POST',
      url,
      bearer: 'b',
      body: {},
      timeoutMs: 3000,
      requestId: 'c',
    });
    // undici waits one event loop turn, in which a server may close a kept connection.
    await setImmediate();
  }
  expect(connections).toBe(1);
  server.close();
  server.closeAllConnections();
});

test('an answer of more than 64 KiB is aborted, and is an error', async () => {
  const server = createServer((req, res) => {
    res
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify('x'.repeat(Number(req.url?.slice(1)))));
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  const transport = createTransport();
  const ask = (bytes: number) =>
    transport({
      ...{ api: 'x', method: 'POST', url: `http://localhost:${port}/${bytes}`, bearer: 'b', body: {} },
      ...{ timeoutMs: 3000, requestId: 'c' },
    });
  expect(await ask(60_000)).toMatchObject({ status: 200, json: 'x'.repeat(60_000) });
  await expect(ask(70_000)).rejects.toMatchObject({ code: 'upstream_error', sent: true });
  server.close();
  server.closeAllConnections();
});

test('a call without an answer ends at its deadline', async () => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  const call = { api: 'x', method: 'POST', url: `http://localhost:${port}/`, bearer: 'b', body: {} } as const;
  const asked = createTransport()({ ...call, timeoutMs: 50, requestId: 'c' });
  await expect(asked).rejects.toMatchObject({ code: 'upstream_timeout', sent: true });
  server.close();
  server.closeAllConnections();
});

const AT = 'Sat, 28 Nov 2026 10:00:00 GMT';
test.each<[string, string, number | undefined]>([
  ['7', AT, 7],
  ['0', AT, undefined],
  ['-5', AT, undefined],
  ['soon', AT, undefined],
  ['Sat, 28 Nov 2026 10:00:20 GMT', AT, 20],
  ['Sat, 28 Nov 2026 09:59:59 GMT', AT, undefined],
  ['Sat, 28 Nov 2026 10:00:20 GMT', '', undefined],
  ['Sun, 29 Nov 2026 10:00:00 GMT', AT, 600],
  ['9'.repeat(30), AT, 600],
])('Retry-After %p in an answer of %p asks for %p seconds', async (wait, date, seconds) => {
  const server = createServer((_req, res) => {
    res.sendDate = false;
    res.writeHead(429, { 'retry-after': wait, ...(date !== '' && { date }) }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  const call = { api: 'x', method: 'POST', url: `http://localhost:${port}/`, bearer: 'b', body: {} } as const;
  const { retryAfter } = await createTransport()({ ...call, timeoutMs: 3000, requestId: 'c' });
  server.close();
  server.closeAllConnections();
  expect(retryAfter).toBe(seconds);
});
