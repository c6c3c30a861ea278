import express from 'express';
import helmet from 'helmet';
import { control } from './control.js';
import { dropBefore, failAsAsked } from './faults.js';
import { operator } from './operator.js';
import { CONTROL } from './paths.js';
import { notFound, onError } from './problem.js';
import { createRecorder, recordAndRead } from './recorder.js';
import { createState } from './state.js';
import type { SandboxDeps, SandboxState, Stage } from './state.js';
import { startTicking } from './ticking.js';
import { vonage } from './vonage.js';

export type { SandboxDeps, SandboxState } from './state.js';

export interface Sandbox {
  app: express.Express;
  state: SandboxState;
  /** From here on Verify requests go on by themselves; the returned function stops that. */
  startTicking(): () => void;
}

/** Vonage and the operator in a box: the order of the house on one screen. */
export const createSandbox = (deps: SandboxDeps): Sandbox => {
  const state = createState(deps);
  const stage: Stage = { ...deps, state };
  const record = createRecorder(stage);
  const app = express().disable('x-powered-by').disable('etag');
  app.enable('case sensitive routing').enable('strict routing');
  app.use(helmet());
  app.use(dropBefore(stage, record));
  app.use(recordAndRead(record));
  app.use(CONTROL, control(stage));
  app.use(failAsAsked(stage));
  app.use(vonage(stage));
  app.use(operator(stage));
  app.use(notFound(deps.world));
  app.use(onError(deps.world));
  return { app, state, startTicking: () => startTicking(stage) };
};
