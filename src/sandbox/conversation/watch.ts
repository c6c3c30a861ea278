import type { RequestHandler, Response } from 'express';
import { bodyText } from '../body.js';
import { whenOver } from '../later.js';
import type { Stage } from '../state.js';
import { pairs } from './call.js';
import type { Headers, Seen } from './call.js';
import type { Note } from './conversation.js';

const headersOf = (res: Response): Headers =>
  pairs(
    res
      .getHeaderNames()
      .flatMap((name) => [res.getHeader(name)].flat().flatMap((each) => [name, String(each)])),
  );

/** Says what the operator saw of the device, for the note of the answer under way. */
export const noteSeen = (res: Response, seen: Seen): void => void (res.locals.seen = seen);

/** Notes the answer before its last byte leaves: who hears it may ask the next question at once. */
const noteAnswer = (res: Response, note: Note): void => {
  const end = res.end.bind(res) as (...args: unknown[]) => Response;
  res.end = ((...args: unknown[]) => {
    const [body] = args;
    const text = typeof body === 'string' || Buffer.isBuffer(body) ? body.toString() : '';
    note.answer(
      { status: res.statusCode, headers: headersOf(res), body: text },
      res.locals.seen as Seen | undefined,
    );
    return end(...args);
  }) as Response['end'];
  whenOver(res, () => note.breakOff());
};

/** Overhears what the server and the device say to Vonage and the operator. The body has been read by now. */
export const watch =
  ({ state }: Stage): RequestHandler =>
  (req, res, next) => {
    const note = state.conversation.open({
      method: req.method,
      url: `${req.protocol}://${req.host}${req.originalUrl}`,
      headers: pairs(req.rawHeaders),
      body: bodyText(req),
    });
    if (note) noteAnswer(res, note);
    next();
  };
