import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { http, JSON_TYPE, post, type Case, type Given } from './case.js';

const SECRET = 'w'.repeat(40);
const API_KEY = 'abcd1234';

/** Settings of the server for webhooks. */
export const WEBHOOK_ENV = { VONAGE_API_KEY: API_KEY, VONAGE_SIGNATURE_SECRET: SECRET };

const key = (secret: string) => new TextEncoder().encode(secret);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const b64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const event = (fields: object = {}): string =>
  JSON.stringify({ type: 'event', request_id: randomUUID(), channel: 'sms', status: 'failed', ...fields });

const claimsFor = (body: string, now: number) => ({
  iss: 'Vonage',
  iat: now,
  jti: randomUUID(),
  api_key: API_KEY,
  payload_hash: sha256(body),
});
type Claims = ReturnType<typeof claimsFor>;

const sign = (claims: object, secret = SECRET, alg = 'HS256') =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg, typ: 'JWT' }).sign(key(secret));

const FORGED: [what: string, forge: (claims: Claims, body: string) => Promise<string> | string][] = [
  ['with another secret', (claims) => sign(claims, 'x'.repeat(40))],
  ['without a signature (alg none)', (claims) => `${b64({ alg: 'none' })}.${b64(claims)}.`],
  ['without a signature (alg None)', (claims) => `${b64({ alg: 'None' })}.${b64(claims)}.`],
  ['with a key pair', (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)],
  ['by HS512', (claims) => sign(claims, 'w'.repeat(64), 'HS512')],
  [
    'by HS256, and the claims changed afterwards',
    async (claims) => changed(await sign({ ...claims, iat: 1 }), claims),
  ],
  ['by another issuer', (claims) => sign({ ...claims, iss: 'Nexmo' })],
  ['without an issuer', (claims) => sign({ ...claims, iss: undefined })],
  ['for another account', (claims) => sign({ ...claims, api_key: 'other' })],
  ['for no account', (claims) => sign({ ...claims, api_key: undefined })],
  ['for a list of accounts', (claims) => sign({ ...claims, api_key: [API_KEY] })],
  ['for another application', (claims) => sign({ ...claims, application_id: randomUUID() })],
  ['an hour ago', (claims) => sign({ ...claims, iat: claims.iat - 3600 })],
  ['five minutes and a second ago', (claims) => sign({ ...claims, iat: claims.iat - 301 })],
  ['an hour ahead', (claims) => sign({ ...claims, iat: claims.iat + 3600 })],
  ['at no time', (claims) => sign({ ...claims, iat: undefined })],
  ['without an id', (claims) => sign({ ...claims, jti: undefined })],
  ['with an empty id', (claims) => sign({ ...claims, jti: '' })],
  ['over no body', (claims) => sign({ ...claims, payload_hash: undefined })],
  ['over another body', (claims, body) => sign({ ...claims, payload_hash: sha256(`${body} `) })],
  ['over a malformed hash', (claims) => sign({ ...claims, payload_hash: 'zz' })],
  ['over a list of hashes', (claims) => sign({ ...claims, payload_hash: [claims.payload_hash] })],
  ['to end before it arrived', (claims) => sign({ ...claims, exp: claims.iat - 1 })],
  ['to begin after it arrived', (claims) => sign({ ...claims, nbf: claims.iat + 600 })],
];

const changed = (token: string, claims: object): string =>
  token
    .split('.')
    .map((part, at) => (at === 1 ? b64(claims) : part))
    .join('.');

const BODIES: [what: string, body: string][] = [
  ['nothing', ''],
  ['a list', '[]'],
  ['an empty object', '{}'],
  ['a string', '"x"'],
  ['half of a JSON', '{'],
  ['an event without fields', '{"type":"event"}'],
  ['an unknown type', '{"type":"other","request_id":"x"}'],
  ['an id of 101 characters', event({ request_id: 'x'.repeat(101) })],
  ['an id that is a list', event({ request_id: ['x'] })],
  ['an id that is empty', event({ request_id: '' })],
  ['an action that is a string', event({ action: 'x' })],
  ['an id twice', event().replace('{', '{"request_id":"x",')],
];

const nowOf = ({ system }: Given): number => Math.floor(system.world.now() / 1000);

/** Forged or malformed requests to `POST /webhooks/verify`. */
export const WEBHOOKS: Case[] = [
  ...FORGED.map(([what, forge]) => ({
    name: `a webhook signed ${what}`,
    bytes: async (given: Given) => {
      const body = event();
      return post(
        '/webhooks/verify',
        body,
        `Authorization: Bearer ${await forge(claimsFor(body, nowOf(given)), body)}`,
      );
    },
    status: 401,
    error: 'invalid_signature',
  })),
  ...['Bearer', 'Bearer ???', 'Basic YTpi', 'x.y.z', 'Bearer x.y.z', ''].map((authorization) => ({
    name: `a webhook with the header ${JSON.stringify(authorization)}`,
    bytes: () => post('/webhooks/verify', event(), `Authorization: ${authorization}`),
    status: 401,
    error: 'invalid_signature',
  })),
  ...BODIES.map(([what, body]) => ({
    name: `a signed webhook with ${what}`,
    bytes: async (given: Given) =>
      post('/webhooks/verify', body, `Authorization: Bearer ${await sign(claimsFor(body, nowOf(given)))}`),
    status: 400,
    error: 'invalid_request',
  })),
  {
    name: 'an unsigned webhook, which Vonage sends again after a 503',
    bytes: () => post('/webhooks/verify', event()),
    status: 503,
    error: 'unavailable',
  },
  {
    name: 'a webhook with two signatures',
    bytes: async (given) => {
      const body = event();
      const line = `Authorization: Bearer ${await sign(claimsFor(body, nowOf(given)))}`;
      return post('/webhooks/verify', body, line, line);
    },
    status: 400,
    error: 'invalid_request',
  },
  {
    name: 'a webhook in gzip',
    bytes: () =>
      http('POST', '/webhooks/verify', { lines: [JSON_TYPE, 'Content-Encoding: gzip'], body: event() }),
    status: 415,
    error: 'unsupported_media_type',
  },
  {
    name: 'a webhook to /WEBHOOKS/verify',
    bytes: () => post('/WEBHOOKS/verify', event()),
    status: 404,
    error: 'not_found',
  },
];
