import { Router } from 'express';
import type { Store } from '../store/store.js';
import { methodNotAllowed, sendJson } from './answers.js';

/** `GET /healthz`: the process answers. `GET /readyz`: the store takes writes too, so requests can be sent here. */
export function healthRoutes(store: Store): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router
    .route('/healthz')
    .get((_req, res) => sendJson(res, 200, { status: 'ok' }))
    .all(methodNotAllowed('GET, HEAD'));
  router
    .route('/readyz')
    .get(async (_req, res) => {
      await store.ping();
      sendJson(res, 200, { status: 'ok' });
    })
    .all(methodNotAllowed('GET, HEAD'));
  return router;
}
