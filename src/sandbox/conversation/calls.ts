import { PATHS } from '../http/paths.js';
import { bearerToken } from '../http/requests.js';

/** Who sends or receives. The device is the phone that runs the app: both are one lane. */
export type Lane = 'device' | 'server' | 'vonage' | 'operator';

/** Headers in their order and spelling. */
export type HeaderList = [name: string, value: string][];

/** A request. The body is text, truncated to `MAX_BODY_CHARACTERS`. */
export interface Asked {
  /** An HTTP method, or `SMS` or `CALL` for a message that Vonage delivers. */
  method: string;
  /** Absolute, so that it names the receiver. */
  url: string;
  headers: HeaderList;
  body: string;
}

/** The parts of an answer as they are received. */
export interface Response {
  status: number;
  headers: HeaderList;
  body: string;
}

export interface Answered extends Response {
  /** Milliseconds from the request to the answer. */
  took: number;
  /** The position among all answers, from 1 on. */
  order: number;
}

/** What the operator saw of the device. `sim` is null when the number of the SIM is unknown. */
export interface Seen {
  number: string;
  sim: string | null;
  network: 'cellular' | 'wifi';
}

/** A request and its answer. */
export interface Call {
  /** The position among all requests, from 1 on. */
  id: number;
  /** ISO 8601. */
  at: string;
  asked: Asked;
  /** Null until the answer is received, and when the connection broke before. */
  answered: Answered | null;
  /** Whether the connection broke before the answer. */
  broken: boolean;
  /** Whether the call came without the session of the login that it belongs to. */
  isStranger: boolean;
  seen?: Seen;
}

/** Characters of a body that are kept. */
export const MAX_BODY_CHARACTERS = 20_000;

/** Pairs the header lines of Node, in which names and values alternate. */
export const headerList = (raw: readonly string[]): HeaderList =>
  raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as [string, string]] : []));

const headersNamed = (headers: HeaderList, name: string): string[] =>
  headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);

/** The fields of a JSON or form body; an empty object for other JSON. */
export const fieldsOf = (body: string): Record<string, unknown> => {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return Object.fromEntries(new URLSearchParams(body));
  }
};

/** The parameters in the query and in the fragment of a URL. */
export const parametersOf = (url: string): URLSearchParams => {
  if (!URL.canParse(url, 'http://relative')) return new URLSearchParams();
  const { searchParams, hash } = new URL(url, 'http://relative');
  return new URLSearchParams([...searchParams, ...new URLSearchParams(hash.slice(1))]);
};

/** The `Location` of a redirect; empty where there is none. */
export const locationOf = ({ headers }: Pick<Response, 'headers'>): string =>
  headersNamed(headers, 'location')[0] ?? '';

/** What an answer says: the parameters of its `Location`, else the fields of its body. */
export const contentOf = (answer: Response): Record<string, unknown> => {
  const location = locationOf(answer);
  return location === '' ? fieldsOf(answer.body) : Object.fromEntries(parametersOf(location));
};

/** Whether the code in the body was typed. The codes of devices are never digits alone. */
export const isTypedCode = ({ body }: Asked): boolean => /^\d+$/.test(String(fieldsOf(body)['code']));

/** The number of the login, as its first call names it. */
export const phoneNumberIn = ({ url, body }: Asked): string | undefined => {
  const { phone_number, workflow } = fieldsOf(body);
  const to = Array.isArray(workflow) ? (workflow as { to?: unknown }[])[0]?.to : undefined;
  const number = phone_number ?? to ?? parametersOf(url).get('login_hint') ?? undefined;
  return typeof number === 'string' && number !== '' ? number.replace(/^\+?/, '+') : undefined;
};

/** Fields and parameters whose values identify one login. */
const IDENTIFYING = new Set('login_id state code request_id request ticket access_token'.split(' '));

/** Values of digits alone do not identify: two logins may have the same code by SMS. */
const identifiersIn = (name: string, value: unknown): string[] => {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([inner, each]) => identifiersIn(inner, each));
  }
  if (typeof value !== 'string') return [];
  if (/^https?:/.test(value)) return identifiersInUrl(value);
  return IDENTIFYING.has(name) && /\D/.test(value) ? [value] : [];
};

const VERIFICATION_ID_IN_PATH = new RegExp(`${PATHS.verifyRequests}/([0-9a-f-]{36})`);

const identifiersInUrl = (url: string): string[] => {
  const id = VERIFICATION_ID_IN_PATH.exec(url)?.[1];
  const inParameters = [...parametersOf(url)].flatMap(([name, value]) => identifiersIn(name, value));
  return id === undefined ? inParameters : [id, ...inParameters];
};

const sessionIn = (cookies: string): string[] =>
  /(?:^|;\s*)(?:__Host-)?sid=([^;]+)/.exec(cookies)?.slice(1) ?? [];

/** The session cookie of a request. */
export const sessionOf = ({ headers }: Asked): string[] => headersNamed(headers, 'cookie').flatMap(sessionIn);

/** The values of a request that identify its login. */
export const identifiersInRequest = ({ url, headers, body }: Asked): string[] => [
  ...identifiersInUrl(url),
  ...identifiersIn('', fieldsOf(body)),
  ...headersNamed(headers, 'x-correlator'),
];

/**
 * Values that assign a request to a login which has them already. They do not identify a new one:
 * the session may be a stranger's, and the bearer may be the JWT of the application.
 */
export const weakIdentifiersInRequest = (asked: Asked): string[] => {
  const bearer = bearerToken(headersNamed(asked.headers, 'authorization')[0]);
  return [...sessionOf(asked), ...(bearer === undefined ? [] : [bearer])];
};

/** The values of an answer that identify its login. */
export const identifiersInAnswer = ({ headers, body }: Answered): string[] => [
  ...headersNamed(headers, 'set-cookie').flatMap(sessionIn),
  ...headersNamed(headers, 'x-request-id'),
  ...headersNamed(headers, 'location').flatMap(identifiersInUrl),
  ...identifiersIn('', fieldsOf(body)),
];
