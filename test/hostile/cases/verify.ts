import { post, withCookie, type Case, type Given } from './case.js';

const code = (fields: object) => JSON.stringify(fields);

const BODIES: [what: string, body: (code: string) => string, status?: number, error?: string][] = [
  ['no code', () => '{}'],
  ['a number', () => '{"code":123456}'],
  ['null', () => '{"code":null}'],
  ['true', () => '{"code":true}'],
  ['a list', (own) => code({ code: [own] })],
  ['an object', (own) => code({ code: { $eq: own } })],
  ['a list as a whole', (own) => code([{ code: own }])],
  ['a request id', (own) => code({ code: own, request_id: 'b' })],
  ['a number to be logged in as', (own) => code({ code: own, phone_number: '+447700900001' })],
  ['a claim that it is verified', (own) => code({ code: own, verified: true })],
  ['a login', (own) => code({ code: own, login_id: 'x' })],
  ['__proto__', (own) => `{"code":"${own}","__proto__":{"verified":true}}`],
  ['a code twice', (own) => `{"code":"${own}","code":"${own}"}`],
  ['a code twice, once escaped', (own) => `{"code":"${own}","\\u0063ode":"${own}"}`],
  ['a code of 257 characters', () => code({ code: 'a'.repeat(257) })],
  ['a code of 100 kB', () => code({ code: 'a'.repeat(100_000) }), 413, 'payload_too_large'],
  ['a verifier that is too short', (own) => code({ code: own, code_verifier: 'b' })],
  ['a verifier that is too long', (own) => code({ code: own, code_verifier: 'b'.repeat(129) })],
  ['a verifier with a space', (own) => code({ code: own, code_verifier: `${'b'.repeat(43)} ` })],
];

/** Well-formed codes that do not belong to this login. All get the same answer. */
const CODES: [what: string, body: (code: string) => string][] = [
  ['an empty code', () => code({ code: '' })],
  ['an unknown code', () => code({ code: 'A'.repeat(43) })],
  ['six digits where none were sent', () => code({ code: '123456' })],
  ['six zeros', () => code({ code: '000000' })],
  ['a code with a trailing space', (own) => code({ code: `${own} ` })],
  ['a code with a trailing NUL', (own) => code({ code: `${own}\u0000` })],
  ['a code in capitals', (own) => code({ code: own.toUpperCase() })],
  ['a code cut short', (own) => code({ code: own.slice(0, -1) })],
  ['a code and a letter', (own) => code({ code: `${own}A` })],
  ['a code with full-width digits', () => code({ code: '１２３４５６' })],
  ['a pattern', () => code({ code: '*' })],
  ['a key of the store', () => code({ code: `code:${'A'.repeat(43)}` })],
  ['dot segments', () => code({ code: '../../v2/verify' })],
  ['a line break', () => code({ code: 'a\r\nb' })],
  ['a lone surrogate', () => code({ code: '\ud800' })],
];

/** Invalid requests to `POST /verify`. The code stays valid for its own session. */
export const VERIFY: Case[] = [
  ...BODIES.map(([what, body, status = 400, error = 'invalid_request']) => ({
    name: `as a body: ${what}`,
    situation: 'code' as const,
    bytes: ({ cookie, code: own }: Given) => post('/verify', body(own), withCookie(cookie)),
    status,
    error,
  })),
  ...CODES.map(([what, body]) => ({
    name: `as a code: ${what}`,
    situation: 'code' as const,
    bytes: ({ cookie, code: own }: Given) => post('/verify', body(own), withCookie(cookie)),
    status: 400,
    error: 'invalid_code',
  })),
  {
    name: 'as a code: the state of the login',
    situation: 'app callback',
    bytes: ({ cookie, state }) => post('/verify', code({ code: state.slice(1) }), withCookie(cookie)),
    status: 400,
    error: 'invalid_code',
  },
  {
    name: 'as a code: the authorization code of the operator',
    situation: 'app callback',
    bytes: ({ cookie, authorizationCode }) =>
      post('/verify', code({ code: authorizationCode }), withCookie(cookie)),
    status: 400,
    error: 'invalid_code',
  },
  {
    name: 'a code without the session that began it',
    situation: 'code',
    bytes: ({ code: own }) => post('/verify', code({ code: own })),
    status: 400,
    error: 'invalid_code',
  },
  {
    name: 'a code of a completed login',
    situation: 'logged in',
    bytes: ({ cookie, code: own }) => post('/verify', code({ code: own }), withCookie(cookie)),
    status: 400,
    error: 'invalid_code',
  },
];
