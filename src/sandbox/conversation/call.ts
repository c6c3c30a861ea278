/** Who speaks to whom: app and device are one lane, because the device is the phone that the app runs on. */
export type Lane = 'device' | 'server' | 'vonage' | 'operator';

/** Headers as they were spelt, in order. */
export type Headers = [name: string, value: string][];

/** What was asked. The body is text, cut off after `MOST_TEXT` characters. */
export interface Asked {
  method: string;
  /** Absolute, so that it says who was asked. */
  url: string;
  headers: Headers;
  body: string;
}

export interface Answered {
  status: number;
  headers: Headers;
  body: string;
  /** Milliseconds from the question to the answer. */
  took: number;
  /** Counted from 1 on, in the order of the answers. */
  order: number;
}

/** What the operator saw of the device, where it looked. A SIM of null is one whose number nobody knows. */
export interface Seen {
  number: string;
  sim: string | null;
  network: 'cellular' | 'wifi';
}

/** One question and its answer. */
export interface Call {
  /** Counted from 1 on, in the order of the questions. */
  id: number;
  /** ISO 8601. */
  at: string;
  asked: Asked;
  /** Null as long as nobody answered; also when the connection broke, which `broken` tells apart. */
  answered: Answered | null;
  broken: boolean;
  /** Not made in the session of the login that it belongs to. */
  isStranger: boolean;
  seen?: Seen;
}

/** How much of a body is kept, in characters. The sandbox reads bodies of 100 kB, and a diagram needs none of that length. */
export const MOST_TEXT = 20_000;

/** Header lines as Node gives them, name and value in turn, as pairs. */
export const pairs = (raw: readonly string[]): Headers =>
  raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as [string, string]] : []));

/** The value of a header, whatever its spelling; the first one where it comes twice. */
export const header = (headers: Headers, name: string): string | undefined =>
  headers.find(([each]) => each.toLowerCase() === name)?.[1];

/** The body as JSON or as a form; an empty object where it is neither. */
export const fieldsOf = (body: string): Record<string, unknown> => {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return Object.fromEntries(new URLSearchParams(body));
  }
};

/** What an answer gives: the parameters of where it sends on, else the fields of its body. */
export const givenIn = ({ headers, body }: Pick<Answered, 'headers' | 'body'>): Record<string, unknown> => {
  const location = header(headers, 'location');
  return location === undefined ? fieldsOf(body) : Object.fromEntries(parametersOf(location));
};

/** What was typed is digits alone; what a device was given never is. */
export const isTyped = ({ body }: Asked): boolean => /^\d+$/.test(String(fieldsOf(body)['code']));

/** The parameters of a URL, those behind its `#` too. */
export const parametersOf = (url: string): URLSearchParams => {
  if (!URL.canParse(url, 'http://relative')) return new URLSearchParams();
  const { searchParams, hash } = new URL(url, 'http://relative');
  return new URLSearchParams([...searchParams, ...new URLSearchParams(hash.slice(1))]);
};
