import type { Heard } from './wire.js';

/** A header line: `line` as it was spelt, `name` in lower case. */
export interface HeaderLine {
  line: string;
  name: string;
  value: string;
}

/** An answer as HTTP/1.1 means it (RFC 9112), whatever the SDKs make of it. */
export interface Answer {
  heard: Heard;
  status: number;
  headers: HeaderLine[];
  /** The chunks of the body, taken apart; one where it is not chunked. */
  chunks: Buffer[];
  body: Buffer;
}

const END_OF_HEAD = '\r\n\r\n';

export function answerOf(heard: Heard): Answer {
  const all = Buffer.concat(heard.segments.map(({ bytes }) => bytes));
  const end = all.indexOf(END_OF_HEAD);
  const [statusLine = '', ...lines] = all
    .subarray(0, end < 0 ? all.length : end)
    .toString('latin1')
    .split('\r\n');
  const headers = lines.map((line) => ({
    line,
    name: line.slice(0, line.indexOf(':')).toLowerCase(),
    value: line.slice(line.indexOf(':') + 1).trim(),
  }));
  const rest = end < 0 ? Buffer.alloc(0) : all.subarray(end + END_OF_HEAD.length);
  const isChunked = headers.some(({ name, value }) => name === 'transfer-encoding' && /chunked/i.test(value));
  const chunks = isChunked ? chunksOf(rest) : [rest];
  const status = Number(/^HTTP\/\d\.\d (\d{3})/.exec(statusLine)?.[1] ?? 0);
  return { heard, status, headers, chunks, body: Buffer.concat(chunks) };
}

export const header = ({ headers }: Answer, wanted: string): HeaderLine | undefined =>
  headers.find(({ name }) => name === wanted);

/** RFC 9112 section 7.1; what is cut short ends there. */
function chunksOf(rest: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const end = rest.indexOf('\r\n', at);
    const size = parseInt(rest.subarray(at, end).toString('latin1'), 16);
    if (end < 0 || !(size > 0)) return chunks;
    chunks.push(rest.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

/** The JSON object that begins with the first `{` and ends with the text, as the SDKs take it out. */
export function jsonIn(text: string): Record<string, unknown> | undefined {
  const start = text.indexOf('{');
  if (start < 0) return undefined;
  try {
    return JSON.parse(text.slice(start)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
