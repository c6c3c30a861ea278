import type { PhoneNumber } from '../core/phone-number.js';
import { unlessEnded } from './attempt.js';
import { createBegin, type Begin } from './begin.js';
import type { Holder } from './login.js';
import { createLock } from '../store/lock.js';
import type { Login, Run } from './login.js';
import { createNext, type NextChannel } from './next.js';
import type { FlowDeps, Parts } from './context.js';
import { leftUnderWay, progressOf, sentByVonage, type Progress } from './progress.js';
import { createProof, type Prove } from './verify.js';
import { createReturn, type Return } from './exchange.js';

/**
 * The story of a login, a chapter a file: the number comes in and a link goes out (`begin`), the device comes back and
 * gets a code (`returned`), the code comes back to the session that began (`verify`); and where silence fails, the same
 * login goes on by a code to type (`next`).
 */
export interface Flow {
  begin: Begin;
  returned: Return;
  verify: Prove;
  next: NextChannel;
  /** Where the login stands. */
  progress(login: Login): Promise<Progress>;
  /** Ends the login of this session, if there is one; its link and its codes are worthless from then on. */
  cancel(holder: Holder, correlator: string): Promise<void>;
}

/** Every secret is taken before it is believed, and every binding checked before a call is spent. */
export function createFlow(deps: FlowDeps): Flow {
  const { otp, world, reports } = deps;
  const fallbacksOf = (number: PhoneNumber) => (otp.isVirtual(number) ? [] : deps.fallbacks);
  const progress = async (login: Login) => {
    const report = await reports.of(login.run?.requestId);
    const now = world.now();
    if (login.run) await reports.countMessages(login.run.requestId, sentByVonage(login, now, report));
    return progressOf(login, now, fallbacksOf(login.phoneNumber), report);
  };
  const known = (login: Login | undefined) =>
    login === undefined
      ? {}
      : { login_id: login.id, number: deps.pseudonym(login.phoneNumber), client: login.client };
  const parts: Parts = { ...deps, known, lock: createLock(deps.store, world), fallbacksOf, progress };

  return {
    begin: createBegin(parts),
    returned: createReturn(parts),
    verify: createProof(parts),
    next: createNext(parts),
    progress,
    cancel: createCancel(parts),
  };
}

function createCancel({ otp, tickets, world, journal, known }: Parts): Flow['cancel'] {
  return async (holder, correlator) => {
    const { login } = holder;
    if (login === undefined) return;
    await journal.step('cancel', correlator, known(login), async (tell) => {
      tell({ channel: login.channel });
      if (login.ticket !== undefined) await tickets.cancelState(login.ticket);
      let run: Run | undefined;
      const change = holder.change((stands) => {
        run = stands.id === login.id ? leftUnderWay(stands, world.now()) : undefined;
        if (stands.id !== login.id) return stands;
        // The next login of this number meets a request that is still under way: remember it.
        return run && { ...stands, status: 'cancelled', run: { ...run, cancelled: true } };
      });
      await change.catch(unlessEnded);
      if (run !== undefined) otp.cancel(run, correlator);
    });
  };
}
