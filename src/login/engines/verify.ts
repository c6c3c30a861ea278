import { LoginError } from '../../errors.js';
import type { OtpChannel } from '../login.js';
import { Abandoned, type Otp } from '../otp.js';
import { stepOf } from '../progress.js';
import type { Engine } from './engine.js';

/**
 * Verify v2 with `silent_auth` first and the fallbacks chained behind it (`SILENT_AUTH=verify`).
 * Vonage goes on to the fallbacks by itself, one after the other, when the silent step fails or its
 * minute is over: this is the one place where messages are sent without being asked for. So all
 * that a chain may send is counted before it is started, and it is cut to what limits allow, down
 * to silence alone: limits on messages lock nobody out of that.
 */
export const verifyEngine = (otp: Otp, fallbacks: readonly OtpChannel[]): Engine => ({
  asks: 'verify',
  async begin({ phoneNumber, client, loginId, formerRun, mayPay, correlator }) {
    const chain = otp.isVirtual(phoneNumber) ? [] : [...fallbacks];
    while (chain.length > 0 && !(await mayPay(chain.length))) chain.pop();
    try {
      const channels = ['silent_auth', ...chain] as const;
      const run = await otp.start({ phoneNumber, channels, client, loginId, formerRun, correlator });
      const isSkipped = run.requestId !== formerRun?.requestId && stepOf(run).channel !== 'silent_auth';
      return { by: 'run', run, ...(isSkipped && { why: 'number_not_supported' }) };
    } catch (error) {
      // No coverage, or no such network: refused before anything began (412), or begun in vain.
      if (!(error instanceof LoginError && error.code === 'silent_auth_failed')) throw error;
      const abandoned = error instanceof Abandoned && { abandoned: error.run };
      return { by: 'nothing', why: 'number_not_supported', ...abandoned };
    }
  },
});

/** No silence at all (`SILENT_AUTH=off`): every login goes by a code to type. */
export const noSilence: Engine = { begin: () => Promise.resolve({ by: 'nothing' }) };
