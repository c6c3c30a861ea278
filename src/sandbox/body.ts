import express from 'express';
import type { Request, RequestHandler } from 'express';
import type { World } from '../world.js';
import { sendProblem } from './problem.js';

/**
 * Reads every body as text (at most 100 kB). What it means is for each endpoint to say, so that a wrong content type is
 * refused in the words of that endpoint and not in those of a body parser.
 */
export const readText: RequestHandler = express.text({ type: () => true, limit: '100kb' });

/** The body as it came; empty when there was none. */
export const bodyText = (req: Request): string => {
  const body: unknown = req.body;
  return typeof body === 'string' ? body : '';
};

/** The content type without its parameters, in lower case. */
export const mediaType = (req: Request): string =>
  (req.headers['content-type'] ?? '').replace(/;.*/, '').trim().toLowerCase();

/** The body as JSON; undefined when it is not JSON. */
export const parseJson = (req: Request): unknown => {
  try {
    return JSON.parse(bodyText(req)) as unknown;
  } catch {
    return undefined;
  }
};

export const requireJson =
  ({ world }: { world: World }): RequestHandler =>
  (req, res, next) => {
    if (mediaType(req) === 'application/json') next();
    else sendProblem(res, world, 'unsupportedMediaType', 'Content-Type must be application/json.');
  };

/** The body as a form: the fields that come once, and whether all do, as OAuth demands (RFC 6749, 3.2). */
export const parseForm = (req: Request): { fields: Partial<Record<string, string>>; hasRepeats: boolean } => {
  const form = new URLSearchParams(bodyText(req));
  const fields = Object.fromEntries([...form].filter(([name]) => form.getAll(name).length === 1));
  return { fields, hasRepeats: Object.keys(fields).length < form.size };
};

/** The body for a reader of the ledger: an object where it is one, the raw text where it is not, null where there is none. */
export const readableBody = (req: Request): unknown => {
  const text = bodyText(req);
  if (text === '') return null;
  if (mediaType(req) === 'application/x-www-form-urlencoded')
    return Object.fromEntries(new URLSearchParams(text));
  return parseJson(req) ?? text;
};
