import type { Request, RequestHandler, Response } from 'express';
import { readableBody, readText } from './body.js';
import type { RecordedRequest } from './ledger.js';
import { askedBy, CONTROL } from './paths.js';
import type { Stage } from './state.js';

/** Everything is recorded but the sandbox's own rooms: its control API and the page a person reads. */
const isOwnRoom = (path: string): boolean =>
  path === '/' || path === CONTROL || path.startsWith(`${CONTROL}/`);

/** Notes a request in the ledger as soon as it arrives, so that the ledger is in order of arrival. */
export const createRecorder =
  ({ world, state }: Stage) =>
  (req: Request, res: Response): RecordedRequest => {
    const entry: RecordedRequest = {
      at: new Date(world.now()).toISOString(),
      from: askedBy(req.path),
      method: req.method,
      path: req.originalUrl,
      headers: req.headers,
      body: null,
      status: null,
    };
    if (!isOwnRoom(req.path)) state.ledger.requests.add(entry);
    res.once('finish', () => (entry.status = res.statusCode));
    return entry;
  };

/** Records the request, reads its body, and adds that to the record. */
export const recordAndRead =
  (record: ReturnType<typeof createRecorder>): RequestHandler =>
  (req, res, next) => {
    const entry = record(req, res);
    readText(req, res, (error?: unknown) => {
      entry.body = readableBody(req);
      next(error);
    });
  };
