import type { Request, RequestHandler, Response } from 'express';
import { headerList } from '../conversation/calls.js';
import type { Seen } from '../conversation/calls.js';
import type { CallRecorder } from '../conversation/conversation.js';
import { callerOf, CONTROL_PATH } from '../http/paths.js';
import { bodyText, readText, recordedBody } from '../http/requests.js';
import type { RecordedRequest } from '../records.js';
import type { SandboxState } from '../state.js';

/** The page and the control API are not recorded. */
const isRecorded = (path: string): boolean =>
  path !== '/' && path !== CONTROL_PATH && !path.startsWith(`${CONTROL_PATH}/`);

/** Records a request as soon as its headers are received, so that the records are in the order of arrival. */
export const recordRequest =
  ({ world, requests }: SandboxState) =>
  (req: Request, res: Response): RecordedRequest => {
    const record: RecordedRequest = {
      at: new Date(world.now()).toISOString(),
      from: callerOf(req.path),
      method: req.method,
      path: req.originalUrl,
      headers: req.headers,
      body: null,
      status: null,
    };
    if (isRecorded(req.path)) requests.add(record);
    res.once('finish', () => (record.status = res.statusCode));
    return record;
  };

/** Records the request, then reads its body and adds it to the record. */
export const recordAndRead =
  (record: ReturnType<typeof recordRequest>): RequestHandler =>
  (req, res, next) => {
    const entry = record(req, res);
    readText(req, res, (error?: unknown) => {
      entry.body = recordedBody(req);
      next(error);
    });
  };

const headersOf = (res: Response) =>
  headerList(
    res
      .getHeaderNames()
      .flatMap((name) => [res.getHeader(name)].flat().flatMap((value) => [name, String(value)])),
  );

/** Records the answer before its last byte is sent: the receiver may send the next request at once. */
const recordAnswer = (res: Response, recorder: CallRecorder): void => {
  const end = res.end.bind(res) as (...args: unknown[]) => Response;
  res.end = ((...args: unknown[]) => {
    const [chunk] = args;
    const body = typeof chunk === 'string' || Buffer.isBuffer(chunk) ? chunk.toString() : '';
    const answer = { status: res.statusCode, headers: headersOf(res), body };
    recorder.answer(answer, res.locals.seen as Seen | undefined);
    return end(...args);
  }) as Response['end'];
  res.once('close', () => recorder.breakOff());
};

/** Records the calls of server and device for the diagram. Their bodies were read before. */
export const recordConversation =
  ({ conversation }: SandboxState): RequestHandler =>
  (req, res, next) => {
    const recorder = conversation.record({
      method: req.method,
      url: `${req.protocol}://${req.host}${req.originalUrl}`,
      headers: headerList(req.rawHeaders),
      body: bodyText(req),
    });
    if (recorder) recordAnswer(res, recorder);
    next();
  };
