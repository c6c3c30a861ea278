import { bearerIn } from '../bearer.js';
import { PATHS } from '../paths.js';
import { fieldsOf, header, parametersOf } from './call.js';
import type { Answered, Asked, Headers } from './call.js';

/** The fields and parameters whose values belong to one login alone. */
const SHARED = new Set(['login_id', 'state', 'code', 'request_id', 'request', 'ticket', 'access_token']);

/** Digits alone, such as the code of an SMS, may come up in two logins by chance. */
const isTelling = (value: string): boolean => /\D/.test(value);

const valuesOf = (name: string, value: unknown): string[] => {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([inner, each]) => valuesOf(inner, each));
  }
  if (typeof value !== 'string') return [];
  if (/^https?:/.test(value)) return cluesInUrl(value);
  return SHARED.has(name) && isTelling(value) ? [value] : [];
};

/** The id of a Verify request stands in the path. */
const REQUEST_IN_PATH = new RegExp(`${PATHS.verifyRequests}/([0-9a-f-]{36})`);

const cluesInUrl = (url: string): string[] => {
  const id = REQUEST_IN_PATH.exec(url)?.[1];
  return [
    ...(id === undefined ? [] : [id]),
    ...[...parametersOf(url)].flatMap(([name, value]) => valuesOf(name, value)),
  ];
};

/** The value of the session's cookie, in a header of either direction. */
const sessionIn = (cookies: string): string[] => {
  const value = /(?:^|;\s*)(?:__Host-)?sid=([^;]+)/.exec(cookies)?.[1];
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

/** The session that a question comes in. */
export const sessionOf = ({ headers }: Asked): string[] =>
  headersCalled(headers, 'cookie').flatMap(sessionIn);

/** What a question brings that belongs to its login alone. */
export const cluesOfAsked = ({ url, headers, body }: Asked): string[] => [
  ...cluesInUrl(url),
  ...valuesOf('', fieldsOf(body)),
  ...headersCalled(headers, 'x-correlator'),
];

/**
 * What a question is recognised by as well, though it proves nothing: the session, which may be a stranger’s, and a
 * bearer, which is the token of a login or the application's own.
 */
export const hintsOfAsked = (asked: Asked): string[] => {
  const bearer = bearerIn(header(asked.headers, 'authorization'));
  return [...sessionOf(asked), ...(bearer === undefined ? [] : [bearer])];
};

/** What an answer brings that belongs to its login alone. */
export const cluesOfAnswered = ({ headers, body }: Answered): string[] => [
  ...headersCalled(headers, 'set-cookie').flatMap(sessionIn),
  ...headersCalled(headers, 'x-request-id'),
  ...headersCalled(headers, 'location').flatMap(cluesInUrl),
  ...valuesOf('', fieldsOf(body)),
];
