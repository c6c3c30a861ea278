import { connect } from 'node:net';

/** A raw HTTP response. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Time without data after which the test fails. */
const IDLE_TIMEOUT_MS = 20_000;

/** Sends raw bytes. @returns all responses until the server closes the connection */
export const sendRaw = (port: number, bytes: string | Buffer): Promise<Answer[]> =>
  sendSlowly(port, bytes, []);

/** Sends raw bytes, and then one piece every half second while the connection is open. */
export function sendSlowly(
  port: number,
  start: string | Buffer,
  pieces: readonly string[],
): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, 'localhost', () => socket.write(start));
    const left = [...pieces];
    const timer = setInterval(() => {
      const piece = left.shift();
      if (piece !== undefined && socket.writable) socket.write(piece);
    }, 500);
    socket.setTimeout(IDLE_TIMEOUT_MS, () => {
      reject(new Error(`the server did not hang up: ${Buffer.concat(chunks).toString()}`));
      socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // The server resets the connection if it closes it with unread data. Its response still counts.
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
