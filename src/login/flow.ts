import { createLock } from '../store/lock.js';
import { createBegin, createCancel, type Begin, type Cancel } from './begin.js';
import type { LoginContext } from './context.js';
import { createExchange, type Exchange } from './exchange.js';
import { createNext, type NextChannel } from './next.js';
import { createReadProgress, type ReadProgress } from './progress.js';
import { createVerify, type Verify } from './verify.js';

/** The steps of a login, one file each. */
export interface Flow {
  begin: Begin;
  exchange: Exchange;
  verify: Verify;
  next: NextChannel;
  cancel: Cancel;
  readProgress: ReadProgress;
}

export function createFlow(deps: Omit<LoginContext, 'lock' | 'readProgress'>): Flow {
  const readProgress = createReadProgress(deps);
  const context = { ...deps, lock: createLock(deps.store, deps.world), readProgress };
  return {
    begin: createBegin(context),
    exchange: createExchange(context),
    verify: createVerify(context),
    next: createNext(context),
    cancel: createCancel(context),
    readProgress,
  };
}
