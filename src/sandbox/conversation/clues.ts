import { fieldsOf, header, parametersOf } from './call.js';
import type { Answered, Asked, Headers } from './call.js';

/** The fields and parameters whose values belong to one login alone. */
const SHARED = new Set(['login_id', 'state', 'code', 'request_id', 'request', 'ticket', 'access_token']);

/** Shorter values, such as the digits of an SMS, may come up in two logins by chance. */
const TELLING = 16;

const valuesOf = (name: string, value: unknown): string[] => {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([inner, each]) => valuesOf(inner, each));
  }
  if (typeof value !== 'string') return [];
  if (/^https?:/.test(value)) return cluesInUrl(value);
  return SHARED.has(name) && value.length >= TELLING ? [value] : [];
};

/** The id of a Verify request stands in the path. */
const REQUEST_IN_PATH = /\/v2\/verify\/([0-9a-f-]{36})/;

const cluesInUrl = (url: string): string[] => {
  const id = REQUEST_IN_PATH.exec(url)?.[1];
  return [
    ...(id === undefined ? [] : [id]),
    ...[...parametersOf(url)].flatMap(([name, value]) => valuesOf(name, value)),
  ];
};

/** The value of the session's cookie, in a header of either direction. */
const sessionIn = (cookies: string | undefined): string[] => {
  const value = /(?:^|;\s*)(?:__Host-)?sid=([^;]+)/.exec(cookies ?? '')?.[1];
  return value === undefined ? [] : [value];
};

const headersCalled = (headers: Headers, name: string): string[] =>
  headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);

/** The number a login is for, as the first call of a login says it. */
export const numberIn = ({ url, body }: Asked): string | undefined => {
  const { phone_number, workflow } = fieldsOf(body);
  const to = Array.isArray(workflow) ? (workflow as { to?: unknown }[])[0]?.to : undefined;
  const number = phone_number ?? to ?? parametersOf(url).get('login_hint') ?? undefined;
  return typeof number === 'string' && number !== '' ? number.replace(/^\+?/, '+') : undefined;
};

/**
 * What a question shares with the other calls of its login. Two may be looked up, but teach nothing: a bearer, which is either a token
 * that is known already or the application's own, and the session that comes with `POST /login`, which is that of the login before.
 */
export const cluesOfAsked = ({
  method,
  url,
  headers,
  body,
}: Asked): { own: string[]; borrowed: string[] } => {
  const correlator = header(headers, 'x-correlator');
  const bearer = /^Bearer (\S+)$/i.exec(header(headers, 'authorization') ?? '')?.[1];
  const isBeginning = method === 'POST' && new URL(url).pathname === '/login';
  return {
    own: [
      ...cluesInUrl(url),
      ...valuesOf('', fieldsOf(body)),
      ...(correlator === undefined ? [] : [correlator]),
      ...(isBeginning ? [] : sessionIn(header(headers, 'cookie'))),
    ],
    borrowed: bearer === undefined ? [] : [bearer],
  };
};

/** What an answer shares with the other calls of its login. */
export const cluesOfAnswered = ({ headers, body }: Answered): string[] => [
  ...headersCalled(headers, 'set-cookie').flatMap(sessionIn),
  ...headersCalled(headers, 'x-request-id'),
  ...headersCalled(headers, 'location').flatMap(cluesInUrl),
  ...valuesOf('', fieldsOf(body)),
];
