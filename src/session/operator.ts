import { hash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IRouter, Request, RequestHandler } from 'express';
import { z } from 'zod';
import { LoginError } from '../core/errors.js';
import { parsePhoneNumber, type PhoneNumber } from '../core/phone-number.js';
import { bodyOf, jsonBody, methodNotAllowed, sendJson } from '../http/json.js';
import { requestIdOf } from '../http/protection.js';
import type { Notify } from '../login/hooks.js';
import type { Journal } from '../observability/journal.js';
import { sessionJson } from './routes.js';
import type { UserSessions } from './user-sessions.js';

const Body = z.strictObject({ phone_number: z.string({ error: 'Must be a string.' }) });

/** In the body, so that no number is in the log of a proxy. @throws LoginError */
function numberOf(req: Request): PhoneNumber {
  const number = parsePhoneNumber(bodyOf(req, Body).phone_number);
  if (number === undefined)
    throw new LoginError('invalid_phone_number', 'Send the number in E.164: "+", country code, number.');
  return number;
}

/** Compares hashes, which have one length, in constant time. */
function expectKey(key: string): RequestHandler {
  const hashOf = (text: string): Buffer => hash('sha256', text, 'buffer');
  const expected = hashOf(key);
  return (req, res, next) => {
    const [, given = ''] = /^bearer +(\S+)$/i.exec(req.headers.authorization ?? '') ?? [];
    if (!timingSafeEqual(hashOf(given), expected)) {
      res.setHeader('WWW-Authenticate', 'Bearer');
      throw new LoginError('not_authenticated', 'Send `Authorization: Bearer` and OPERATOR_KEY.');
    }
    next();
  };
}

/** Ends the sessions of a number, and reports that to the hook. @returns their ids */
export async function revokeByOperator(
  { userSessions, notify }: Pick<OperatorDeps, 'userSessions' | 'notify'>,
  phoneNumber: PhoneNumber,
  requestId: string = randomUUID(),
): Promise<readonly string[]> {
  const sessionIds = await userSessions.revoke(phoneNumber);
  if (sessionIds.length > 0)
    notify?.({ type: 'session_revoked', by: 'operator', phoneNumber, sessionIds, requestId });
  return sessionIds;
}

export interface OperatorDeps {
  /** `OPERATOR_KEY` */
  key: string;
  userSessions: UserSessions;
  journal: Journal;
  notify: Notify | undefined;
}

/** `POST /sessions/list` and `POST /sessions/revoke`, for operators of the server. */
export function operatorRoutes(router: IRouter, { key, userSessions, journal, notify }: OperatorDeps): void {
  const before = [expectKey(key), jsonBody()];
  router
    .route('/sessions/list')
    .post(...before, async (req, res) => {
      const found = await userSessions.list(numberOf(req));
      sendJson(res, { status: 200, body: { sessions: found.map(sessionJson) } });
    })
    .all(methodNotAllowed('POST'));
  router
    .route('/sessions/revoke')
    .post(...before, async (req, res) => {
      const phoneNumber = numberOf(req);
      const requestId = requestIdOf(res);
      const ended = await journal.step({ step: 'revoke', requestId, phoneNumber }, async (annotate) => {
        const sessionIds = await revokeByOperator({ userSessions, notify }, phoneNumber, requestId);
        annotate({ by: 'operator', ended: sessionIds.length });
        return sessionIds.length;
      });
      sendJson(res, { status: 200, body: { ended } });
    })
    .all(methodNotAllowed('POST'));
}
