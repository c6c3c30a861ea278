import { Router } from 'express';
import { authorization } from './authorize.js';
import { networkEnablement } from './network-enablement.js';
import type { Stage } from './state.js';
import { templates } from './templates.js';
import { token } from './token.js';
import { verifyRequests } from './verify-requests.js';

/** Vonage's side of the sandbox. */
export const vonage = (stage: Stage): Router => {
  const router = Router({ caseSensitive: true, strict: true });
  // Before the requests of Verify: in their paths, `templates` would be the id of one.
  templates(stage, router);
  networkEnablement(stage, router);
  authorization(stage, router);
  token(stage, router);
  verifyRequests(stage, router);
  return router;
};
