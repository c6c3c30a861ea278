import { LoginError } from '../../errors.js';
import type { OtpChannel } from '../login.js';
import type { Otp } from '../otp.js';
import type { Engine } from './engine.js';

/**
 * Verify v2 with `silent_auth` first and the fallbacks chained behind it (`SILENT_AUTH=verify`). Vonage goes on to the
 * fallbacks by itself, one after the other, when the silent step fails or its minute is over: this is the one place where
 * messages are sent without being asked for. Where no message may be sent, the login is silent or fails: limits on messages
 * lock nobody out of silence.
 */
export const verifyEngine = (otp: Otp, fallbacks: readonly OtpChannel[]): Engine => ({
  asks: 'verify',
  async begin({ phoneNumber, client, loginId, formerRun, mayPay, correlator }) {
    const wanted = otp.isVirtual(phoneNumber) ? [] : fallbacks;
    const chain = wanted.length > 0 && (await mayPay()) ? wanted : [];
    try {
      const channels = ['silent_auth', ...chain] as const;
      const run = await otp.start({ phoneNumber, channels, client, loginId, formerRun, correlator });
      return { by: 'run', run };
    } catch (error) {
      // Refused before anything began: no coverage, or no such network (412).
      if (error instanceof LoginError && error.code === 'silent_auth_failed')
        return { by: 'nothing', why: 'number_not_supported' };
      throw error;
    }
  },
});

/** No silence at all (`SILENT_AUTH=off`): every login goes by a code to type. */
export const noSilence: Engine = { begin: () => Promise.resolve({ by: 'nothing' }) };
