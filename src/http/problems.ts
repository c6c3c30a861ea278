import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { ERRORS, LoginError, type ErrorCode } from '../core/errors.js';
import { sendJson, sinceArrival } from './json.js';
import { isNavigation, type SendErrorPage } from './pages.js';
import { requestIdOf } from './protection.js';

/** RFC 9457. */
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

export const notFound: RequestHandler = () => {
  throw new LoginError('not_found', 'Paths are case-sensitive and have no trailing slash.');
};

export type Failed = (error: LoginError, request: { id: string; route: string; ms: number }) => void;

export const reportFailure = (failed: Failed, error: LoginError, res: Response): void =>
  failed(error, { id: requestIdOf(res), route: `${res.req.method} ${res.req.path}`, ms: sinceArrival(res) });

const setRetryAfter = (res: Response, { fields }: LoginError): Response =>
  fields.retry_after === undefined ? res : res.setHeader('Retry-After', fields.retry_after);

export function sendProblem(res: Response, error: LoginError, docsUrl: string): void {
  sendJson(setRetryAfter(res, error), {
    status: error.status,
    body: problemOf(error, docsUrl, requestIdOf(res)),
    type: 'application/problem+json',
  });
}

/** Answers errors: programs get a problem, people a page with the same status. */
export function problemHandler(deps: {
  docsUrl: string;
  failed: Failed;
  sendPage: SendErrorPage;
}): ErrorRequestHandler {
  const { docsUrl, failed, sendPage } = deps;
  // Express counts the parameters.
  return (thrown: unknown, req: Request, res: Response, _next) => {
    const error = thrown instanceof LoginError ? thrown : asLoginError(thrown);
    reportFailure(failed, error, res);
    if (res.headersSent) return void res.destroy();
    if (isNavigation(req)) sendPage(setRetryAfter(res, error), error);
    else sendProblem(res, error, docsUrl);
  };
}

/** By the `status` of errors of Express and its body parser. */
const BY_STATUS = new Map<number, [ErrorCode, string]>([
  [400, ['invalid_request', 'The request cannot be read.']],
  [413, ['payload_too_large', 'The body must not exceed 16 KiB.']],
  [415, ['unsupported_media_type', 'Send application/json in UTF-8, uncompressed.']],
]);

function asLoginError(thrown: unknown): LoginError {
  const status = thrown instanceof Error && 'status' in thrown ? Number(thrown.status) : 500;
  const otherwise: [ErrorCode, string] =
    status >= 400 && status < 500
      ? ['invalid_request', 'The request is not valid.']
      : ['internal_error', 'The server log has the error under this instance id.'];
  const [code, detail] = BY_STATUS.get(status) ?? otherwise;
  return new LoginError(code, detail, { cause: thrown });
}
