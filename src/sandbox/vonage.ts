import { Router } from 'express';
import { authorization } from './authorize.js';
import { networkEnablement } from './network-enablement.js';
import type { Stage } from './state.js';
import { token } from './token.js';

/** Vonage's side of the sandbox. */
export const vonage = (stage: Stage): Router => {
  const router = Router({ caseSensitive: true, strict: true });
  networkEnablement(stage, router);
  authorization(stage, router);
  token(stage, router);
  return router;
};
