import { jsonIn } from '../answer.js';
import type { SdkResult } from '../sdk.js';

/** What the SDK makes of the one segment it reads: where to go on, or what the app gets. */
export type Reading = { follow: string } | { result: SdkResult };

const unexpected = (status: number): SdkResult => ({
  error: 'sdk_error',
  error_description: `Unexpected HTTP Status ${status}`,
});

const within = (status: number, ...ranges: [number, number][]): boolean =>
  ranges.some(([from, to]) => from <= status && status <= to);

/** `decodeResponse`, then the `switch` of `sendAndReceiveWithBody`. */
export function readSegment(bytes: Buffer): Reading {
  const response = bytes.toString('utf8');
  // `parseHttpStatusCode` takes the characters 9 to 11 without looking whether they are there.
  if (response.length < 12) return { result: { nothing: 'it crashes' } };
  const digits = response.slice(9, 12);
  const status = /^\d+$/.test(digits) ? Number(digits) : 0;
  if (within(status, [301, 303], [307, 308])) return readRedirect(response);
  if (status === 204) return { result: { http_status: status } };
  const body = bodyOf(response);
  if (within(status, [200, 202])) return { result: handOver(status, body) };
  if (within(status, [400, 451], [500, 511]) && body !== undefined) return { result: handOver(status, body) };
  return { result: unexpected(status) };
}

/** `parseRedirect`: the first line with `ocation: ` in it, whose spaces become `+`. */
function readRedirect(response: string): Reading {
  const location = /ocation: (.*)\r\n/.exec(response)?.[1]?.replaceAll(' ', '+');
  if (location !== undefined && URL.canParse(location, 'http://localhost')) return { follow: location };
  return {
    result: { error: 'sdk_redirect_error', error_description: 'Invalid URL - unable to parseRedirect' },
  };
}

const MEDIA_TYPES = ['application/json', 'application/hal+json', 'application/problem+json'];

/** `getResponseBody`: what stands from the first `{` on, if `Content-Type` is spelt like this and names JSON. */
function bodyOf(response: string): string | undefined {
  const type = /Content-Type: (.*)\r\n/.exec(response)?.[1];
  if (type === undefined || !MEDIA_TYPES.some((each) => type.includes(each))) return undefined;
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
