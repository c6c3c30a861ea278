import type { House } from '../../support/house.js';

/** What a case may build on. What its situation does not have is empty. */
export interface Given {
  house: House;
  /** The session cookie, as a client sends it: `sid=…`. */
  cookie: string;
  /** Path and query of the link the device stands before, and what is in it. */
  door: string;
  state: string;
  authorizationCode: string;
  /** What `/callback` gave the device. */
  code: string;
}

/**
 * nothing: nobody began anything; begun: a login of an app; door: its device stands before
 * `/callback`; browser door: the same for a browser; walked: the device has its code; logged in:
 * it was used.
 */
export type Situation = 'nothing' | 'begun' | 'door' | 'browser door' | 'walked' | 'logged in';

/** One request that has to be refused, and what it may cost: nothing. */
export interface Case {
  name: string;
  situation?: Situation;
  bytes: (given: Given) => string | Buffer | Promise<string | Buffer>;
  /** Of the last answer on the connection; 0 when the server hangs up without one. */
  status: number;
  error?: string;
  /** How many answers came, where it was not one. */
  answers?: number;
  /** What Redis changed, where it was not nothing: patterns in order. */
  writes?: readonly RegExp[];
}

export const JSON_TYPE = 'Content-Type: application/json';

/** A request as bytes. @param lines headers beside Host, Connection and Content-Length */
export function http(method: string, path: string, lines: readonly string[] = [], body?: string): string {
  const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    ...lines,
    ...length,
    '',
    body ?? '',
  ].join('\r\n');
}

export const post = (path: string, body: string, ...lines: string[]): string =>
  http('POST', path, [JSON_TYPE, ...lines], body);

export const postBytes = (path: string, body: Buffer, ...lines: string[]): Buffer =>
  Buffer.concat([
    Buffer.from(http('POST', path, [JSON_TYPE, ...lines, `Content-Length: ${body.length}`])),
    body,
  ]);

export const get = (path: string, ...lines: string[]): string => http('GET', path, lines);

export const withCookie = (cookie: string): string => `Cookie: ${cookie}`;
