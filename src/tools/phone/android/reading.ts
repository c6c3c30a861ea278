import type { SdkResult } from '../sdk.js';
import type { Connection } from '../wire.js';
import { cookieIn, type Cookie } from './cookies.js';

/** The bytes of a connection, as the SDK takes them. */
export interface Input {
  /** Up to the next CRLF, each byte a character; undefined at the end. */
  line(): Promise<string | undefined>;
  skip(bytes: number): Promise<void>;
}

/** `readHttpLine`. @param timeoutMs for each read of the socket (`soTimeout`) */
export function inputOf(connection: Connection, timeoutMs: number): Input {
  let ahead = '';
  const more = async (): Promise<boolean> => {
    const bytes = await connection.read(timeoutMs);
    ahead += bytes?.toString('latin1') ?? '';
    return bytes !== undefined;
  };
  const take = (length: number, dropped = 0): string => {
    const taken = ahead.slice(0, length);
    ahead = ahead.slice(length + dropped);
    return taken;
  };
  return {
    async line() {
      for (;;) {
        const end = ahead.indexOf('\r\n');
        if (end >= 0) return take(end, 2);
        if (!(await more())) return ahead === '' ? undefined : take(ahead.length);
      }
    },
    async skip(bytes) {
      while (ahead.length < bytes && (await more()));
      take(bytes);
    },
  };
}

/** What the SDK has read of an answer. */
export interface Reading {
  status: number;
  type: string;
  /** -1 where it is not known. */
  length: number;
  redirect: URL | undefined;
  cookies: Cookie[];
  body: string | undefined;
  /** The body of a redirect could not be skipped, so the connection cannot be used again. */
  mustClose: boolean;
}

/** The lines it reads, by their beginning in lower case. */
const LINES: Record<string, (reading: Reading, line: string, at: URL) => void> = {
  'http/': (reading, line) => (reading.status = integer(line.split(' ')[1]) ?? 0),
  'set-cookie:': (reading, line) => {
    const cookie = cookieIn(line.split('ookie:')[1] ?? '');
    if (cookie) reading.cookies.push(cookie);
  },
  'location:': (reading, line, at) => (reading.redirect = redirectIn(line, at)),
  'content-type:': (reading, line) => (reading.type = typeIn(line) ?? reading.type),
  'content-length:': (reading, line) => (reading.length = integer(line.split(':')[1]) ?? -1),
};

const integer = (text = ''): number | undefined =>
  /^[+-]?\d+$/.test(text.trim()) ? Number(text.trim()) : undefined;

/** `line.split(" ")[1].replace(";", "")` of the line of the media type. */
export const typeIn = (line: string): string | undefined => line.split(' ')[1]?.replaceAll(';', '');

export const isJsonType = (type: string): boolean =>
  ['application/json', 'application/hal+json', 'application/problem+json'].includes(type);

/**
 * `sendAndReceive`: reads lines, and a body until the connection closes.
 * @throws ConnectionFailure, or TypeError for an invalid URL
 */
export async function readAnswer(input: Input, at: URL, cookies: readonly Cookie[]): Promise<Reading> {
  const reading: Reading = {
    ...{ status: 0, type: '', length: -1, redirect: undefined, body: undefined, mustClose: false },
    cookies: [...cookies],
  };
  const isEarly = () => reading.redirect !== undefined && reading.status >= 300 && reading.status < 400;
  for (let line = await input.line(); line !== undefined; line = await input.line()) {
    const start = line.toLowerCase();
    const known = Object.keys(LINES).find((each) => start.startsWith(each));
    if (known !== undefined) {
      LINES[known]?.(reading, line, at);
    } else if (line === '' && isJsonType(reading.type)) {
      reading.body ??= '';
    } else if (line === '' && isEarly()) {
      if (reading.length < 0) reading.mustClose = true;
      else await input.skip(reading.length);
      break;
    } else if (reading.body !== undefined) {
      reading.body += line;
      if (reading.length >= 0 && reading.body.length >= reading.length) break;
    }
  }
  return reading;
}

/** `parseRedirect`. */
function redirectIn(line: string, at: URL): URL | undefined {
  const address = line.split('ocation: ')[1]?.replaceAll(' ', '+') ?? '';
  if (address.trim() === '') return undefined;
  const url = address.startsWith('http') ? new URL(address) : new URL(address, at);
  return at.protocol === 'https:' && url.protocol === 'http:' ? undefined : url;
}

/**
 * `parseBodyIntoJSONString` and `convertResultHandler`. org.json is more lenient than `JSON.parse`.
 * @throws Error where there is no brace
 */
export function resultOf({ status, body }: Reading): SdkResult {
  if (body === undefined || body === '') return { http_status: status };
  const [start, end] = [body.indexOf('{'), body.lastIndexOf('}')];
  if (start < 0) throw new Error(`begin -1, end ${end + 1}, length ${body.length}`);
  const text = body.slice(start, end + 1);
  try {
    return { http_status: status, response_body: JSON.parse(text) as Record<string, unknown> };
  } catch {
    return { http_status: status, response_raw_body: text };
  }
}
