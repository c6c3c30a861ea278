import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { ERRORS, LoginError, type ErrorCode } from '../core/errors.js';
import { sendJson, sinceArrival } from './answers.js';
import { requestIdOf } from './protection.js';

/** RFC 9457. `error` is the stable name programs go by; `instance` is the request id, which the log has too. */
export function problemOf(error: LoginError, docsUrl: string, requestId: string): object {
  const [status, title] = ERRORS[error.code];
  return {
    type: `${docsUrl}#${error.code}`,
    title,
    status,
    detail: error.detail,
    error: error.code,
    instance: requestId,
    ...error.fields,
  };
}

/** Nothing answered: there is no such path. */
export const notFound: RequestHandler = () => {
  throw new LoginError('not_found', 'There is no such path.');
};

/** Hears of every request that is answered with an error, and of the milliseconds it took. */
export type Failed = (error: LoginError, request: { id: string; route: string; ms: number }) => void;

/** Tells it of one. */
export const tellFailure = (failed: Failed, error: LoginError, req: Request, res: Response): void =>
  failed(error, { id: requestIdOf(res), route: `${req.method} ${req.path}`, ms: sinceArrival(res) });

/** Answers with an error. */
export function sendProblem(res: Response, error: LoginError, docsUrl: string): void {
  if (error.fields.retry_after !== undefined) res.setHeader('Retry-After', error.fields.retry_after);
  sendJson(res, error.status, problemOf(error, docsUrl, requestIdOf(res)), {
    type: 'application/problem+json',
  });
}

/** Where everything that was thrown becomes an answer. */
export function problemHandler(docsUrl: string, failed: Failed): ErrorRequestHandler {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- Express knows an error handler by its four parameters.
  return (thrown: unknown, req: Request, res: Response, _next) => {
    const error = thrown instanceof LoginError ? thrown : asLoginError(thrown);
    tellFailure(failed, error, req, res);
    if (res.headersSent) return void res.destroy();
    sendProblem(res, error, docsUrl);
  };
}

/** What Express and its body parser throw carries a status; everything else is a fault of ours. */
const BY_STATUS = new Map<number, [ErrorCode, string]>([
  [400, ['invalid_request', 'The request cannot be read.']],
  [413, ['payload_too_large', 'A body has at most 16 KiB.']],
  [415, ['unsupported_media_type', 'Send application/json in UTF-8, uncompressed.']],
]);

function asLoginError(thrown: unknown): LoginError {
  const status = thrown instanceof Error && 'status' in thrown ? Number(thrown.status) : 500;
  const otherwise: [ErrorCode, string] =
    status >= 400 && status < 500
      ? ['invalid_request', 'The request cannot be answered as it is.']
      : ['internal_error', 'The error is logged under the instance id.'];
  const [code, detail] = BY_STATUS.get(status) ?? otherwise;
  return new LoginError(code, detail, {}, undefined, thrown);
}
