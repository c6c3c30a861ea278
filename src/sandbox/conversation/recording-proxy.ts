import { Agent, request } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { headerList, MAX_BODY_CHARACTERS } from './calls.js';
import type { CallRecorder, Conversation } from './conversation.js';

const BAD_GATEWAY = JSON.stringify({ title: 'Bad Gateway', status: 502, detail: 'The server is not there.' });

/** Records a request when its body is complete. Returns a getter of the recorder of its answer. */
const recordRequest = (req: IncomingMessage, conversation: Conversation) => {
  const chunks: Buffer[] = [];
  let length = 0;
  let record = (): CallRecorder | undefined => {
    const recorder = conversation.record({
      method: req.method ?? '',
      url: `http://${req.headers.host ?? 'localhost'}${req.url ?? '/'}`,
      headers: headerList(req.rawHeaders),
      body: Buffer.concat(chunks).toString(),
    });
    record = () => recorder;
    return recorder;
  };
  req.on('data', (chunk: Buffer) => {
    if (length < MAX_BODY_CHARACTERS) chunks.push(chunk);
    length += chunk.length;
  });
  req.once('end', () => record());
  return () => record();
};

/**
 * A POST without framing has no body (RFC 9112, 6.3). `Content-Length: 0` keeps Node from adding
 * `Transfer-Encoding: chunked`.
 */
const forwardedHeaders = ({ method = '', headers, rawHeaders }: IncomingMessage): string[] => {
  const isFramed = 'content-length' in headers || 'transfer-encoding' in headers;
  return isFramed || !/^(?:POST|PUT|PATCH)$/.test(method)
    ? rawHeaders
    : [...rawHeaders, 'Content-Length', '0'];
};

/**
 * Opens a new connection for each request, so that the server cannot close it in the meantime.
 * `keepAlive` avoids a `Connection: close` in the request, which would change the answer.
 */
const agent = Object.assign(new Agent({ keepAlive: true }), { keepSocketAlive: () => false });

const forward = (req: IncomingMessage, port: number): ClientRequest => {
  const { method, url: path } = req;
  return request({ agent, host: 'localhost', port, method, path, headers: forwardedHeaders(req) });
};

/** Sends the answer in one write, with the headers as they were spelt. */
const passBack = async (answer: IncomingMessage, res: ServerResponse, recorder?: CallRecorder) => {
  const { statusCode: status = 502, statusMessage = '', rawHeaders } = answer;
  const body = await buffer(answer);
  recorder?.answer({ status, headers: headerList(rawHeaders), body: body.toString() });
  res.sendDate = false;
  res.writeHead(status, statusMessage, rawHeaders);
  if (body.length > 0) res.end(body);
  else res.end();
};

const sendBadGateway = (res: ServerResponse): void => {
  const headers = { 'Content-Type': 'application/problem+json', Connection: 'close' };
  if (res.headersSent) res.destroy();
  else res.writeHead(502, headers).end(BAD_GATEWAY);
};

/**
 * A proxy in front of the server that records each call. It does not change answers.
 * @param port the port of the server on this machine
 */
export const createRecordingProxy = (port: () => number, conversation: Conversation): RequestListener => {
  conversation.includesServer = true;
  return (req, res) => {
    const recorder = recordRequest(req, conversation);
    let forwarded: ClientRequest;
    try {
      forwarded = forward(req, port());
    } catch {
      // Node sends not all that it receives, such as `Trailer` without chunks.
      return sendBadGateway(res);
    }
    const fail = (): void => {
      recorder()?.breakOff();
      sendBadGateway(res);
    };
    let isAnswered = false;
    forwarded.once('response', (answer) => {
      isAnswered = true;
      void passBack(answer, res, recorder()).catch(fail);
    });
    // A server may answer before it has read the body, and close the connection.
    forwarded.on('error', () => {
      if (!isAnswered) fail();
    });
    res.once('close', () => forwarded.destroy());
    req.pipe(forwarded);
  };
};
