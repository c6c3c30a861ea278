import express from 'express';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { LoginError } from '../core/errors.js';
import { hasDoubledNames } from '../core/json.js';

const LIMIT = '16kb';
const JSON_UTF8 = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

const raw = new WeakMap<object, string>();

/** Reads a body of JSON, of at most 16 KiB, uncompressed and in UTF-8. Anything else that has a body is refused. */
export function jsonBody(): RequestHandler {
  const read: RequestHandler = express.json({
    limit: LIMIT,
    inflate: false,
    verify: (req, _res, bytes) => raw.set(req, bytes.toString('utf8')),
  });
  return (req, res, next) => {
    const type = req.headers['content-type'];
    const hasBody = 'transfer-encoding' in req.headers || Number(req.headers['content-length'] ?? 0) > 0;
    if (type === undefined ? hasBody : !JSON_UTF8.test(type)) {
      throw new LoginError('unsupported_media_type', 'Send application/json in UTF-8.');
    }
    read(req, res, next);
  };
}

/**
 * The body of a request, when it is what the schema says and has no field more.
 * @throws LoginError `invalid_request`, naming each field that is wrong
 */
export function bodyOf<T extends object>(req: Request, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(req.body ?? {});
  if (!parsed.success) {
    const errors = parsed.error.issues.flatMap((issue) =>
      (issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.join('.')]).map((field) => ({
        field: field.slice(0, 64),
        message: issue.code === 'unrecognized_keys' ? 'This field is not known.' : issue.message,
      })),
    );
    throw new LoginError('invalid_request', 'The body is not what this route takes.', {
      errors: errors.slice(0, 10),
    });
  }
  if (hasDoubledNames(raw.get(req) ?? '', req.body)) {
    throw new LoginError('invalid_request', 'A field stands twice in the body.');
  }
  return parsed.data;
}
