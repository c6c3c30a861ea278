import type { System } from '../../support/system.js';

/** The values that a case can use. Those that its situation does not have are empty. */
export interface Given {
  system: System;
  /** The session cookie, as a client sends it: `sid=…`. */
  cookie: string;
  /** Path and query of the callback that the device is redirected to. */
  callback: string;
  /** The `state` of the callback. */
  state: string;
  /** The `code` of the callback. */
  authorizationCode: string;
  /** The code that `/callback` gave the device. */
  code: string;
}

/**
 * The login before the request: none; begun by an app; its device is redirected to `/callback`
 * (`app callback`), or that of a browser (`browser callback`); the device has its code (`code`);
 * the code was used (`logged in`).
 */
export type Situation = 'none' | 'begun' | 'app callback' | 'browser callback' | 'code' | 'logged in';

/** A request that has to be refused without a call to Vonage. */
export interface Case {
  name: string;
  situation?: Situation;
  bytes: (given: Given) => string | Buffer | Promise<string | Buffer>;
  /** The status of the last answer on the connection; 0 if there is none. */
  status: number;
  error?: string;
  /** Whether the answer is a page for a person. */
  isPage?: boolean;
  /** The number of answers; 1 by default. */
  answers?: number;
  /** The changes in Redis, as patterns in order; none by default. */
  writes?: readonly RegExp[];
}

export const JSON_TYPE = 'Content-Type: application/json';

interface Content {
  /** Headers beside Host, Connection and Content-Length. */
  lines?: readonly string[];
  body?: string;
}

/** A request as bytes. */
export function http(method: string, path: string, { lines = [], body }: Content = {}): string {
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
  http('POST', path, { lines: [JSON_TYPE, ...lines], body });

export const postBytes = (path: string, body: Buffer, ...lines: string[]): Buffer =>
  Buffer.concat([
    Buffer.from(http('POST', path, { lines: [JSON_TYPE, ...lines, `Content-Length: ${body.length}`] })),
    body,
  ]);

export const get = (path: string, ...lines: string[]): string => http('GET', path, { lines });

export const withCookie = (cookie: string): string => `Cookie: ${cookie}`;
