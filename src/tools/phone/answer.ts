import type { RawAnswer } from './wire.js';

/** A header: `line` as it was sent, `name` in lower case. */
export interface HeaderLine {
  line: string;
  name: string;
  value: string;
}

/** An answer parsed by HTTP/1.1 (RFC 9112), as opposed to how the SDKs read it. */
export interface Answer {
  raw: RawAnswer;
  status: number;
  headers: HeaderLine[];
  /** The chunks of the body; one where it is not chunked. */
  chunks: Buffer[];
  body: Buffer;
}

const END_OF_HEAD = '\r\n\r\n';

export function answerOf(raw: RawAnswer): Answer {
  const all = Buffer.concat(raw.segments.map(({ bytes }) => bytes));
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
  return { raw, status, headers, chunks, body: Buffer.concat(chunks) };
}

export const header = ({ headers }: Answer, wanted: string): HeaderLine | undefined =>
  headers.find(({ name }) => name === wanted);

/** RFC 9112 section 7.1. An incomplete chunk is the last. */
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

/** The JSON object from the first `{` to the end of the text, as the SDKs extract it. */
export function jsonIn(text: string): Record<string, unknown> | undefined {
  const start = text.indexOf('{');
  if (start < 0) return undefined;
  try {
    return JSON.parse(text.slice(start)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
