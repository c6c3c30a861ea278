import { connect } from 'node:net';

/** One answer, as it came over the wire. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * Sends bytes as they are, as no HTTP client would, and reads what comes until the server hangs up: one answer, several,
 * or none.
 * @param pieces sent one after the other, each when the one before it is out
 */
export function sendRaw(port: number, ...pieces: (string | Buffer)[]): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, 'localhost', () => {
      for (const piece of pieces) socket.write(piece);
    });
    socket.setTimeout(8000, () => {
      reject(new Error(`the server did not hang up: ${Buffer.concat(chunks).toString()}`));
      socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A server that hangs up before it has read everything resets the connection: what it said before counts.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(readAnswers(Buffer.concat(chunks))));
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
