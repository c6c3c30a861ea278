import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VERIFY_SCOPE } from '../src/vonage/wire.js';
import { answering } from './child.js';

/**
 * A minimal Vonage: three answers, each after a delay, without checks, so that it uses little CPU
 * time. Delays vary by up to 20 %: with equal delays, logins that begin together would send all
 * their requests at the same moments.
 */
let delayMs = 0;
const VARIATION = 0.2;
/** The sum of the delays of each login (ms), by the digits of its number. */
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

/** An operator of the CAMARA profile. */
const key = generateKeyPairSync('rsa', { modulusLength: 2048 });
const operator = (): string => `http://localhost:${(server.address() as AddressInfo).port}`;
const metadata = (): object => ({
  issuer: operator(),
  authorization_endpoint: `${operator()}/authorize`,
  token_endpoint: `${operator()}/token`,
  jwks_uri: `${operator()}/jwks`,
});

const encode = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');

/**
 * An ID token by RS256, the default of OpenID Connect (Dynamic Client Registration 1.0 section 2).
 * The load generator puts the nonce into the code.
 */
function idToken(nonce: string): string {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: operator(), sub: 's'.repeat(43), aud: 'bench', iat, exp: iat + 300, nonce };
  const text = `${encode({ alg: 'RS256' })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(text), key.privateKey);
  return `${text}.${signature.toString('base64url')}`;
}

const answerTo = (url = '', body: string): object => {
  if (url.endsWith('/network-enablement')) return link((JSON.parse(body) as { state: string }).state);
  if (url.endsWith('/openid-configuration')) return metadata();
  if (url.endsWith('/jwks')) return { keys: [key.publicKey.export({ format: 'jwk' })] };
  if (!url.endsWith('/token')) return VERIFIED;
  const nonce = /code=c+n([\w-]{43})/.exec(body)?.[1];
  return nonce === undefined ? TOKEN : { ...TOKEN, id_token: idToken(nonce) };
};

/** The delay of the call with this body (ms). */
function delayOf(body: string): number {
  const delay = Math.round(delayMs * (1 - VARIATION + 2 * VARIATION * Math.random()));
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
  operator,
  delay: (input: { ms: number }) => void (delayMs = input.ms),
  delays() {
    const recorded = delays;
    delays = {};
    return recorded;
  },
  counts: () => ({ calls, connections }),
});
