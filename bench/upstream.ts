import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VERIFY_SCOPE } from '../src/vonage/wire.js';
import { answering } from './child.js';

/**
 * The least that can play Vonage: three answers, each after a delay. It checks nothing, so that little of the machine goes to
 * it. A call takes up to a fifth less or more than the others: if all took the same time, logins that come together would stay
 * together, all at once and then nobody, for as long as they go round.
 */
let delayMs = 0;
const DIFFERENCE = 0.2;
/** Milliseconds that the calls of each login took, by the digits of its number. */
let delays: Record<string, number> = {};
let calls = 0;
let connections = 0;

const link = (state: string): object => ({
  scopes: {
    [VERIFY_SCOPE]: {
      auth_url: `https://operator.example.com/go?${new URLSearchParams({ state }).toString()}`,
    },
  },
});
const TOKEN = { access_token: 'a'.repeat(200), token_type: 'Bearer', expires_in: 300 };
const VERIFIED = { devicePhoneNumberVerified: true };

const answerTo = (url = '', body: string): object => {
  if (url.endsWith('/network-enablement')) return link((JSON.parse(body) as { state: string }).state);
  return url.endsWith('/token') ? TOKEN : VERIFIED;
};

/** Milliseconds for the call with this body. */
function delayOf(body: string): number {
  const delay = Math.round(delayMs * (1 - DIFFERENCE + 2 * DIFFERENCE * Math.random()));
  const [number = ''] = /447400\d{6}/.exec(body) ?? [];
  delays[number] = (delays[number] ?? 0) + delay;
  return delay;
}

const server = createServer((req, res) => {
  calls++;
  let body = '';
  req.on('data', (chunk: Buffer) => (body += chunk.toString()));
  req.on('end', () => {
    const text = JSON.stringify(answerTo(req.url, body));
    const send = (): void => {
      res.setHeader('Content-Type', 'application/json');
      res.setHeader('Content-Length', text.length);
      res.end(text);
    };
    if (delayMs === 0) send();
    else setTimeout(send, delayOf(body));
  });
});
server.on('connection', () => connections++);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1');

answering({
  port: () => (server.address() as AddressInfo).port,
  delay: (input: { ms: number }) => void (delayMs = input.ms),
  delays() {
    const told = delays;
    delays = {};
    return told;
  },
  counts: () => ({ calls, connections }),
});
