import type { ErrorRequestHandler, IRouter, RequestHandler, Response } from 'express';
import type { ZodError } from 'zod';
import type { World } from '../world.js';
import { uuid } from './identifiers.js';

/** Vonage's problems: `fragment` ends the `type` URL, and is what clients should match on. */
const PROBLEMS = {
  badRequest: { status: 400, fragment: 'bad-request', title: 'Bad Request' },
  unauthorized: { status: 401, fragment: 'unauthorized', title: 'Unauthorized' },
  notFound: { status: 404, fragment: 'not-found', title: 'Not Found' },
  methodNotAllowed: { status: 405, fragment: 'method-not-allowed', title: 'Method Not Allowed' },
  payloadTooLarge: { status: 413, fragment: 'payload-too-large', title: 'Payload Too Large' },
  unsupportedMediaType: { status: 415, fragment: 'unsupported-media-type', title: 'Unsupported Media Type' },
  invalidParams: { status: 422, fragment: 'invalid-params', title: 'Unprocessable Entity' },
  throttled: { status: 429, fragment: 'throttled', title: 'Rate Limit Hit' },
  internalError: { status: 500, fragment: 'internal-error', title: 'Internal error' },
} as const;

type ProblemName = keyof typeof PROBLEMS;

/** One entry of `invalid_parameters`. */
export interface InvalidParameter {
  name: string;
  reason: string;
}

export const invalidParameters = (error: ZodError): InvalidParameter[] =>
  error.issues.map(({ path, message }) => ({ name: path.join('.') || 'body', reason: message }));

/** Answers in Vonage's problem shape (RFC 9457, with a UUID for `instance`). @param end what ends the `type` URL */
export const answerProblem = (
  res: Response,
  world: World,
  status: number,
  end: string,
  said: { title: string; detail: string; [more: string]: unknown },
): void => {
  const type = `https://developer.vonage.com/api-errors${end}`;
  res.status(status).type('application/problem+json');
  res.send(JSON.stringify({ type, ...said, instance: uuid(world) }));
};

/** Answers with one of the problems that all of Vonage's APIs have. */
export const sendProblem = (
  res: Response,
  world: World,
  name: ProblemName,
  detail: string,
  more: { invalid_parameters?: InvalidParameter[] } = {},
): void => {
  const { status, fragment, title } = PROBLEMS[name];
  answerProblem(res, world, status, `#${fragment}`, { title, detail, ...more });
};

type Method = 'get' | 'post' | 'patch' | 'delete';

/** Puts handlers at a path, by method; every other method there, HEAD included, is a 405 and does nothing. */
export const allow = (
  world: World,
  router: IRouter,
  path: string | string[],
  handlers: Partial<Record<Method, RequestHandler[]>>,
): void => {
  const methods = Object.keys(handlers) as Method[];
  const refuse: RequestHandler = (req, res) => {
    res.set('Allow', methods.join(', ').toUpperCase());
    sendProblem(res, world, 'methodNotAllowed', `${req.method} is not allowed on ${req.path}.`);
  };
  // Express would hand HEAD to the handler of GET, and a link preview would spend a hop.
  const route = router.route(path).head(refuse);
  for (const method of methods) route[method](...(handlers[method] ?? []));
  route.all(refuse);
};

/** `allow` for one method at one path. */
export const only = (
  world: World,
  router: IRouter,
  method: Method,
  path: string,
  ...handlers: RequestHandler[]
): void => allow(world, router, path, { [method]: handlers });

export const notFound =
  (world: World): RequestHandler =>
  (req, res) =>
    sendProblem(res, world, 'notFound', `There is no ${req.method} ${req.path} here.`);

const statusOf = (error: unknown): number =>
  typeof error === 'object' && error !== null && 'status' in error && typeof error.status === 'number'
    ? error.status
    : 500;

/** The last middleware: what the body reader or the router refused keeps its status, the rest is a 500. */
export const onError =
  (world: World): ErrorRequestHandler =>
  (error: unknown, req, res, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    const status = statusOf(error);
    if (status >= 500) world.log.error({ err: error, path: req.path }, 'sandbox failed');
    const names = Object.keys(PROBLEMS) as ProblemName[];
    const name =
      names.find((each) => PROBLEMS[each].status === status) ??
      (status < 500 ? 'badRequest' : 'internalError');
    sendProblem(
      res,
      world,
      name,
      error instanceof Error ? error.message : 'The request could not be processed.',
    );
  };
