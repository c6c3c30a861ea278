import express, { type Router } from 'express';
import { LoginError, SetupError } from '../errors.js';
import type { WebhookReader } from '../vonage/webhook.js';
import { methodNotAllowed } from '../web/answers.js';
import { requestIdOf } from '../web/shield.js';
import type { Journal } from './journal.js';
import type { Reports } from './reports.js';

/** An app that mounts the routes behind a parser of bodies has thrown away the bytes that were signed. */
const BODY_IS_GONE = 'the body of a webhook was parsed before: mount createSilentAuth before express.json()';

/**
 * `POST /webhooks/verify`. It notes how far a verification got, and can do no more: no webhook logs anyone in.
 * @param reader absent where no signature secret is set; then none can be believed
 */
export function webhookRoutes(
  router: Router,
  reader: WebhookReader | undefined,
  reports: Reports,
  journal: Pick<Journal, 'step'>,
): void {
  router
    .route('/webhooks/verify')
    .post(express.raw({ type: () => true, limit: '16kb', inflate: false }), async (req, res) => {
      await journal.step('webhook', requestIdOf(res), {}, async (tell) => {
        if (reader === undefined) throw new LoginError('unavailable', 'VONAGE_SIGNATURE_SECRET is not set.');
        const read: unknown = req.body;
        if (read !== undefined && !Buffer.isBuffer(read)) throw new SetupError(BODY_IS_GONE);
        const body = read ?? Buffer.alloc(0);
        const { jti, news } = await reader.read(req.headers.authorization, body);
        const { loginId, kind, blocked } = news;
        tell({ login_id: loginId, news: kind, ...(kind === 'over' && { channel: news.channel }) });
        const isNew = await reports.add(news, jti);
        if (isNew && blocked) tell({ reason: 'blocked', ...blocked });
      });
      res.status(204).end();
    })
    .all(methodNotAllowed('POST'));
}
