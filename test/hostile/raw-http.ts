import { connect } from 'node:net';

/** One answer, as it came over the wire. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Milliseconds of silence after which a server is taken to hang. */
const PATIENCE = 20_000;

/**
 * Sends bytes as they are, as no HTTP client would, and reads what comes until the server hangs
 * up: one answer, several, or none.
 */
export const sendRaw = (port: number, bytes: string | Buffer): Promise<Answer[]> =>
  sendSlowly(port, bytes, []);

/**
 * The same, with further pieces behind it, one every half second for as long as the server
 * listens.
 */
export function sendSlowly(
  port: number,
  atOnce: string | Buffer,
  pieces: readonly string[],
): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, 'localhost', () => socket.write(atOnce));
    const left = [...pieces];
    const timer = setInterval(() => {
      const piece = left.shift();
      if (piece !== undefined && socket.writable) socket.write(piece);
    }, 500);
    socket.setTimeout(PATIENCE, () => {
      reject(new Error(`the server did not hang up: ${Buffer.concat(chunks).toString()}`));
      socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A server that hangs up before it has read everything resets the connection: what it said
    // before counts.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(timer);
      resolve(readAnswers(Buffer.concat(chunks)));
    });
  });
}

function readAnswers(bytes: Buffer): Answer[] {
  const answers: Answer[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const end = rest.indexOf('\r\n\r\n');
    const [statusLine = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    );
    rest = rest.subarray(end + 4);
    const length = Number(headers['content-length'] ?? 0);
    answers.push({
      status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]),
      headers,
      body: rest.subarray(0, length).toString('utf8'),
    });
    rest = rest.subarray(length);
  }
  return answers;
}
