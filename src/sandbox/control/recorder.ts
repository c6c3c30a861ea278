import type { Request, Response } from 'express';
import { headerList, type HeaderList, type OperatorView } from '../conversation/calls.js';
import type { CallRecorder } from '../conversation/conversation.js';
import { callerOf, CONTROL_PATH } from '../http/paths.js';
import { bodyText, readText, recordedBody, onClose } from '../http/requests.js';
import type { RecordedRequest } from '../state/records.js';
import type { Handler, SandboxState } from '../state/state.js';

const isRecorded = (path: string): boolean =>
  path !== '/' && path !== CONTROL_PATH && !path.startsWith(`${CONTROL_PATH}/`);

/** Records a request when its headers arrive, so that the list is in order of arrival. */
export const recordRequest = (state: SandboxState, req: Request, res: Response): RecordedRequest => {
  const { method, originalUrl: path, headers } = req;
  const at = new Date(state.world.now()).toISOString();
  const from = callerOf(req.path);
  const record: RecordedRequest = { at, from, method, path, headers, body: null, status: null };
  if (isRecorded(req.path)) state.requests.add(record);
  res.once('finish', () => (record.status = res.statusCode));
  return record;
};

export const recordAndRead: Handler = (state) => (req, res, next) => {
  const record = recordRequest(state, req, res);
  readText(req, res, (error?: unknown) => {
    record.body = recordedBody(req);
    next(error);
  });
};

const headersOf = (res: Response): HeaderList =>
  res.getHeaderNames().flatMap((name) => {
    const values = [res.getHeader(name)].flat();
    return values.map((value): [string, string] => [name, String(value)]);
  });

/** Records the answer before its last byte is sent, because the next request may follow at once. */
const recordAnswer = (res: Response, recorder: CallRecorder): void => {
  const end = res.end.bind(res) as (...args: unknown[]) => Response;
  res.end = ((...args: unknown[]) => {
    const [chunk] = args;
    const body = typeof chunk === 'string' || Buffer.isBuffer(chunk) ? chunk.toString() : '';
    const answer = { status: res.statusCode, headers: headersOf(res), body };
    recorder.answer(answer, res.locals.seen as OperatorView | undefined);
    return end(...args);
  }) as Response['end'];
  onClose(res, () => recorder.breakOff());
};

/** Records the calls of server and device for the diagram. Requires bodies to be read. */
export const recordConversation: Handler = (state) => (req, res, next) => {
  const recorder = state.conversation.record({
    method: req.method,
    url: `${req.protocol}://${req.host}${req.originalUrl}`,
    headers: headerList(req.rawHeaders),
    body: bodyText(req),
  });
  if (recorder) recordAnswer(res, recorder);
  next();
};
