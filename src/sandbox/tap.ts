import { Agent, request } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { MOST_TEXT, pairs } from './conversation/call.js';
import type { Conversation, Note } from './conversation/conversation.js';

const AWAY = JSON.stringify({ title: 'Bad Gateway', status: 502, detail: 'The server is not there.' });

const read = async (stream: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** Notes a question once its whole body went by; the answer is noted through what this returns. */
const noteAsked = (req: IncomingMessage, conversation: Conversation): (() => Note | undefined) => {
  const chunks: Buffer[] = [];
  let [length, note]: [number, Note | undefined] = [0, undefined];
  let isNoted = false;
  const open = (): Note | undefined => {
    if (isNoted) return note;
    isNoted = true;
    return (note = conversation.open({
      method: req.method ?? '',
      url: `http://${req.headers.host ?? 'localhost'}${req.url ?? '/'}`,
      headers: pairs(req.rawHeaders),
      body: Buffer.concat(chunks).toString(),
    }));
  };
  req.on('data', (chunk: Buffer) => {
    // All of it is passed on; no more of it is kept than is noted.
    if (length < MOST_TEXT) chunks.push(chunk);
    length += chunk.length;
  });
  req.once('end', open);
  return open;
};

/** The headers to ask with. A POST that frames no body has none (RFC 9112, 6.3): Node by itself would announce one in chunks. */
const headersFor = ({ method = '', headers, rawHeaders }: IncomingMessage): string[] => {
  const isFramed = 'content-length' in headers || 'transfer-encoding' in headers;
  return isFramed || !/^(?:POST|PUT|PATCH)$/.test(method)
    ? rawHeaders
    : [...rawHeaders, 'Content-Length', '0'];
};

/**
 * Opens a connection for each question, so that none that the server closes is used again. Yet the server is not asked to
 * close it: it would say so in its answer.
 */
const agent = Object.assign(new Agent({ keepAlive: true }), { keepSocketAlive: () => false });

/** Asks the server the same; the body is still to come. */
const askOn = (req: IncomingMessage, port: number): ClientRequest =>
  request({ agent, host: 'localhost', port, method: req.method, path: req.url, headers: headersFor(req) });

/** Passes the answer on as it came: the same spelling of headers, and in one piece. */
const passBack = async (
  answer: IncomingMessage,
  res: ServerResponse,
  note: Note | undefined,
): Promise<void> => {
  const { statusCode: status = 502, statusMessage = '', rawHeaders } = answer;
  const body = await read(answer);
  note?.answer({ status, headers: pairs(rawHeaders), body: body.toString() });
  res.sendDate = false;
  res.writeHead(status, statusMessage, rawHeaders);
  if (body.length > 0) res.end(body);
  else res.end();
};

/**
 * A listener before the server: whoever asks it gets the server's answer, byte for byte, and what was said is noted. A proxy
 * that touched anything would hide what an app really sees. To the question it adds what says no more than silence does: that
 * the connection may be kept, and that a body is empty.
 * @param port where the server listens on this machine
 */
export const createTap = (port: () => number, conversation: Conversation): RequestListener => {
  conversation.tap();
  return (req, res) => {
    const noted = noteAsked(req, conversation);
    const onward = askOn(req, port());
    const fail = (): void => {
      noted()?.breakOff();
      if (res.headersSent) res.destroy();
      else res.writeHead(502, { 'Content-Type': 'application/problem+json', Connection: 'close' }).end(AWAY);
    };
    let isAnswered = false;
    onward.once('response', (answer) => {
      isAnswered = true;
      void passBack(answer, res, noted()).catch(fail);
    });
    // A server that refuses a body unread answers, and then closes on what is still being sent.
    onward.on('error', () => {
      if (!isAnswered) fail();
    });
    res.once('close', () => onward.destroy());
    req.pipe(onward);
  };
};
