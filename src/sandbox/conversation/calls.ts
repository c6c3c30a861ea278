import { PATHS } from '../http/paths.js';
import { bearerToken } from '../http/requests.js';

/** The lanes of the diagram. The device and its app share one. */
export type Lane = 'device' | 'server' | 'vonage' | 'operator';

/** Headers in order, as they were spelt. */
export type HeaderList = [name: string, value: string][];

/** A request, or a message that Vonage delivers. */
export interface CallRequest {
  /** An HTTP method, or one of `SMS`, `RCS`, `WHATSAPP`, `CALL`. */
  method: string;
  /** Absolute, or `tel:` for messages. */
  url: string;
  headers: HeaderList;
  body: string;
}

export interface ReceivedAnswer {
  status: number;
  headers: HeaderList;
  body: string;
}

export interface CallAnswer extends ReceivedAnswer {
  /** Milliseconds from the request to the answer. */
  took: number;
}

export interface OperatorView {
  number: string;
  /** The number of the SIM; null if it is unknown. */
  sim: string | null;
  network: 'cellular' | 'wifi';
}

export interface Call {
  /** The position among all requests, from 1. */
  id: number;
  /** ISO 8601. */
  at: string;
  asked: CallRequest;
  /** The position of the request among all requests and answers. */
  began: number;
  /** The position of the answer, or of the end of the connection; null until then. */
  ended: number | null;
  /** Null until the answer is received. */
  answered: CallAnswer | null;
  broken: boolean;
  /** Whether the call lacks the session cookie of its login. */
  isOtherSession: boolean;
  seen?: OperatorView;
}

export const MAX_BODY_CHARACTERS = 20_000;

/** Converts Node's `rawHeaders`, in which names and values alternate. */
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

export const parametersOf = (url: string): URLSearchParams => {
  if (!URL.canParse(url, 'http://relative')) return new URLSearchParams();
  const { searchParams, hash } = new URL(url, 'http://relative');
  return new URLSearchParams([...searchParams, ...new URLSearchParams(hash.slice(1))]);
};

export const locationOf = ({ headers }: Pick<ReceivedAnswer, 'headers'>): string =>
  headersNamed(headers, 'location')[0] ?? '';

/** The parameters of the `Location` of an answer, else the fields of its body. */
export const contentOf = (answer: ReceivedAnswer): Record<string, unknown> => {
  const location = locationOf(answer);
  return location === '' ? fieldsOf(answer.body) : Object.fromEntries(parametersOf(location));
};

/** Whether the code in the body was typed by a user. The codes of devices contain letters. */
export const isTypedCode = ({ body }: CallRequest): boolean => {
  const { code } = fieldsOf(body);
  return typeof code === 'string' && /^\d+$/.test(code);
};

/** The `login_hint`, also in a request object (OpenID Connect Core, 6.1). */
const loginHintIn = (url: string): unknown => {
  const parameters = parametersOf(url);
  const claims = parameters.get('request')?.split('.')[1] ?? '';
  return parameters.get('login_hint') ?? fieldsOf(Buffer.from(claims, 'base64url').toString())['login_hint'];
};

export const phoneNumberIn = ({ url, body }: CallRequest): string | undefined => {
  const { phone_number, workflow } = fieldsOf(body);
  const to = Array.isArray(workflow) ? (workflow as { to?: unknown }[])[0]?.to : undefined;
  const number = phone_number ?? to ?? loginHintIn(url);
  return typeof number === 'string' && number !== '' ? number.replace(/^(?:tel:)?\+?/, '+') : undefined;
};

/** Fields and parameters whose values are unique to one login. */
const IDENTIFYING = new Set('login_id state code request_id request ticket access_token'.split(' '));

/** No body of an API is as deep. A deeper one could overflow the stack. */
const MAX_DEPTH = 10;

/** Ignores values of digits alone: two logins may have the same code by SMS. */
const identifiersIn = (name: string, value: unknown, depth = 0): string[] => {
  if (depth > MAX_DEPTH) return [];
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([inner, each]) => identifiersIn(inner, each, depth + 1));
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

export const sessionOf = ({ headers }: CallRequest): string[] =>
  headersNamed(headers, 'cookie').flatMap(sessionIn);

export const identifiersInRequest = ({ url, headers, body }: CallRequest): string[] => [
  ...identifiersInUrl(url),
  ...identifiersIn('', fieldsOf(body)),
  ...headersNamed(headers, 'x-correlator'),
];

/**
 * The session cookies and the bearer token. They assign a request to a login that already has them,
 * but are not added to a login: the session may be another user's, and the bearer the application
 * JWT.
 */
export const credentialsInRequest = (asked: CallRequest): string[] => {
  const bearer = bearerToken(headersNamed(asked.headers, 'authorization')[0]);
  return [...sessionOf(asked), ...(bearer === undefined ? [] : [bearer])];
};

export const identifiersInAnswer = ({ headers, body }: CallAnswer): string[] => [
  ...headersNamed(headers, 'set-cookie').flatMap(sessionIn),
  ...headersNamed(headers, 'x-request-id'),
  ...headersNamed(headers, 'location').flatMap(identifiersInUrl),
  ...identifiersIn('', fieldsOf(body)),
];
