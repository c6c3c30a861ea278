import express, { type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import { LoginError, SetupError } from '../core/errors.js';

const BODY_LIMIT = '16kb';
const JSON_UTF8 = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

const bodyTexts = new WeakMap<object, string>();

/** A middleware of the app has read the body, and left no JSON of it. */
const BODY_IS_GONE =
  'the body of a request was read before: mount createSilentAuth before other body parsers';

const isUnparsed = (body: unknown): boolean =>
  body === undefined || typeof body === 'string' || Buffer.isBuffer(body);

/** Parses a JSON body of at most 16 KiB, uncompressed, in UTF-8. Refuses any other body. */
export function jsonBody(): RequestHandler {
  const read: RequestHandler = express.json({
    limit: BODY_LIMIT,
    inflate: false,
    verify: (req, _res, bytes) => bodyTexts.set(req, bytes.toString('utf8')),
  });
  return (req, res, next) => {
    const type = req.headers['content-type'];
    const hasBody = 'transfer-encoding' in req.headers || Number(req.headers['content-length'] ?? 0) > 0;
    if (type === undefined ? hasBody : !JSON_UTF8.test(type)) {
      throw new LoginError('unsupported_media_type', 'Send application/json in UTF-8.');
    }
    if (hasBody && req.readableEnded && isUnparsed(req.body)) throw new SetupError(BODY_IS_GONE);
    read(req, res, next);
  };
}

/** @throws LoginError `invalid_request` with the fields that are wrong, unknown or doubled */
export function bodyOf<T extends object>(req: Request, schema: z.ZodType<T>): T {
  if (Array.isArray(req.body)) throw new LoginError('invalid_request', 'The body has to be a JSON object.');
  const parsed = schema.safeParse(req.body ?? {});
  if (!parsed.success) {
    const errors = parsed.error.issues.flatMap((issue) =>
      (issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.join('.')]).map((field) => ({
        field: field.slice(0, 64),
        message: issue.code === 'unrecognized_keys' ? 'This field is unknown.' : issue.message,
      })),
    );
    throw new LoginError('invalid_request', 'The body is not valid for this route.', {
      errors: errors.slice(0, 10),
    });
  }
  if (hasDoubledNames(bodyTexts.get(req) ?? '', req.body)) {
    throw new LoginError('invalid_request', 'A field occurs twice in the body.');
  }
  return parsed.data;
}

const NoFields = z.strictObject({});

/** Refuses a body with fields. @throws LoginError as `bodyOf` */
export const refuseFields: RequestHandler = (req, _res, next) => {
  bodyOf(req, NoFields);
  next();
};

const startedAt = new WeakMap<Response, number>();

export const noteArrival = (res: Response): void => void startedAt.set(res, performance.now());

export const sinceArrival = (res: Response): number =>
  performance.now() - (startedAt.get(res) ?? performance.now());

/** The value of `Server-Timing` (W3C): the time since the request arrived, and `also` (ms). */
function serverTiming(res: Response, also: Record<string, number>): string | undefined {
  const started = startedAt.get(res);
  if (started === undefined) return undefined;
  let entries = '';
  for (const [name, ms] of Object.entries(also)) entries += `${name};dur=${ms.toFixed(1)}, `;
  return `${entries}total;dur=${(performance.now() - started).toFixed(1)}`;
}

export interface JsonAnswer {
  status: number;
  body: object;
  type?: string;
  /** Entries of `Server-Timing` (ms). */
  timing?: Record<string, number>;
}

/**
 * Answers with JSON in one write, with `Content-Length` and without `charset` (RFC 8259 defines
 * none): some mobile SDKs read only one segment, and compare the whole media type.
 */
export const sendJson = (res: Response, { body, type = 'application/json', ...answer }: JsonAnswer): void =>
  sendText(res, { ...answer, text: JSON.stringify(body), type });

/** A time (ms since the epoch) in an answer. */
export const iso = (ms: number): string => new Date(ms).toISOString();

/** Answers in one write. */
export function sendText(
  res: Response,
  { status, text, type, timing = {} }: Omit<JsonAnswer, 'body' | 'type'> & { text: string; type: string },
): void {
  const spent = serverTiming(res, timing);
  res.statusCode = status;
  if (spent !== undefined) res.setHeader('Server-Timing', spent);
  res.setHeader('Content-Type', type);
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.end(text);
}

/** Refuses the other methods of a route. @param allowed the value of the `Allow` header */
export const methodNotAllowed =
  (allowed: string): RequestHandler =>
  (_req, res) => {
    res.setHeader('Allow', allowed);
    throw new LoginError('method_not_allowed', `Allowed here: ${allowed}.`);
  };

/** A name or a string of JSON, and whether a colon follows; or where an object begins or ends. */
const TOKEN = /[{}]|("[^"\\]*(?:\\.[^"\\]*)*")\s*(:?)/g;

/**
 * Whether an object in this text names a field twice. JSON.parse keeps the last of two equal names
 * and other parsers the first (RFC 8259 section 4), so they read different values.
 * @param json the result of JSON.parse for `text`
 */
export function hasDoubledNames(text: string, json: unknown): boolean {
  // Text that JSON.stringify reproduces names no field twice: a quick check, which most texts pass.
  if (JSON.stringify(json) === text) return false;
  const open: Set<string>[] = [];
  for (const [token, literal, colon] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (literal !== undefined && colon === ':') {
      const names = open.at(-1);
      const name = literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
      if (names?.has(name)) return true;
      names?.add(name);
    }
  }
  return false;
}
