import { jsonIn } from '../answer.js';
import { sdkError, type SdkResult } from '../sdk.js';

/** How the SDK reads its one segment: as a redirect, or as a result for the app. */
export type Reading = { follow: string } | { result: SdkResult };

/**
 * The statuses that the `switch` of `sendAndReceiveWithBody` has a case for, beside 204: each range
 * from and to.
 */
const REDIRECTS = [
  [301, 303],
  [307, 308],
] as const;
const SUCCESSES = [[200, 202]] as const;
const ERRORS = [
  [400, 451],
  [500, 511],
] as const;

const within = (status: number, ranges: readonly (readonly [number, number])[]): boolean =>
  ranges.some(([from, to]) => from <= status && status <= to);

export const isExpected = (status: number): boolean =>
  status === 204 || within(status, [...REDIRECTS, ...SUCCESSES, ...ERRORS]);

/** `decodeResponse`, then the `switch` of `sendAndReceiveWithBody`. */
export function readSegment(bytes: Buffer): Reading {
  const response = bytes.toString('utf8');
  // `parseHttpStatusCode` takes the characters 9 to 11 without checking that they exist.
  if (response.length < 12) return { result: { nothing: 'it crashes' } };
  const digits = response.slice(9, 12);
  const status = /^\d+$/.test(digits) ? Number(digits) : 0;
  if (within(status, REDIRECTS)) return readRedirect(response);
  if (status === 204) return { result: { http_status: status } };
  const body = bodyOf(response);
  if (within(status, SUCCESSES)) return { result: handOver(status, body) };
  if (within(status, ERRORS) && body !== undefined) return { result: handOver(status, body) };
  return { result: sdkError('sdk_error', `Unexpected HTTP Status ${status}`) };
}

/** `parseRedirect`: the first line with `ocation: ` in it, whose spaces become `+`. */
function readRedirect(response: string): Reading {
  const location = /ocation: (.*)\r\n/.exec(response)?.[1]?.replaceAll(' ', '+');
  if (location !== undefined && URL.canParse(location, 'http://localhost')) return { follow: location };
  return { result: sdkError('sdk_redirect_error', 'Invalid URL - unable to parseRedirect') };
}

/** `type.contains(…)`. */
export const isJsonType = (type: string): boolean =>
  ['application/json', 'application/hal+json', 'application/problem+json'].some((each) =>
    type.includes(each),
  );

/**
 * `getResponseBody`: the text from the first `{` on, if `Content-Type` is spelt like this and names
 * JSON.
 */
function bodyOf(response: string): string | undefined {
  const type = /Content-Type: (.*)\r\n/.exec(response)?.[1];
  if (type === undefined || !isJsonType(type)) return undefined;
  const head = response.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const lastChunk = response.indexOf('\r\n0\r\n');
  const isChunked = response.includes('Transfer-Encoding: chunked\r\n') && lastChunk >= 0;
  const content = isChunked ? response.slice(head + 4, lastChunk) : response.slice(head + 4);
  const inside = content.indexOf('{') >= 0 ? content : response.slice(head + 4);
  const start = inside.indexOf('{');
  return start < 0 ? undefined : inside.slice(start);
}

/** `convertConnectionResponseToDictionary`. */
function handOver(status: number, body: string | undefined): SdkResult {
  if (body === undefined) return { http_status: status };
  const json = jsonIn(body);
  return { http_status: status, ...(json ? { response_body: json } : { response_raw_body: body }) };
}
