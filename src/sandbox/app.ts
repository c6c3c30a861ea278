import express from 'express';
import helmet from 'helmet';
import { control } from './control.js';
import { watch } from './conversation/watch.js';
import { dropBefore, failAsAsked } from './faults.js';
import { operator } from './operator.js';
import { page } from './page.js';
import { CONTROL } from './paths.js';
import { notFound, onError } from './problem.js';
import { createRecorder, recordAndRead } from './recorder.js';
import { createState } from './state.js';
import type { SandboxDeps, SandboxState, Stage } from './state.js';
import { startTicking } from './ticking.js';
import { vonage } from './vonage.js';

export interface Sandbox {
  app: express.Express;
  state: SandboxState;
  /** From here on Verify requests go on by themselves; the returned function stops that. */
  startTicking(): () => void;
}

const self = ["'self'"];
const none = ["'none'"];

/** The page needs nothing that is inline or from elsewhere. */
const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: none,
      scriptSrc: self,
      styleSrc: self,
      imgSrc: self,
      connectSrc: self,
      formAction: none,
      baseUri: none,
      frameAncestors: none,
    },
  },
});

/** Vonage and the operator in a box: the order of the house on one screen. */
export const createSandbox = (deps: SandboxDeps): Sandbox => {
  const state = createState(deps);
  const stage: Stage = { ...deps, state };
  const record = createRecorder(stage);
  const app = express().disable('x-powered-by').disable('etag');
  app.enable('case sensitive routing').enable('strict routing');
  app.use(securityHeaders);
  app.use(page(deps.root));
  app.use(dropBefore(stage, record));
  app.use(recordAndRead(record));
  app.use(CONTROL, control(stage));
  app.use(watch(stage));
  app.use(failAsAsked(stage));
  app.use(vonage(stage));
  app.use(operator(stage));
  app.use(notFound(deps.world));
  app.use(onError(deps.world));
  return { app, state, startTicking: () => startTicking(stage) };
};
