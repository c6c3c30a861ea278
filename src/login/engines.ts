import type { EngineName } from '../config/login.js';
import { LoginError, type ErrorCode, type SilentFailure } from '../core/errors.js';
import type { PacedApi } from '../limits/limits.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { AccessToken, ExchangeCode } from '../vonage/tokens.js';
import type { Client, OtpChannel, Run } from './login.js';
import type { EnableNumber } from '../vonage/network-enablement.js';
import type { VerifyNumber } from '../vonage/number-verification.js';
import { Abandoned, type Otp } from './verification.js';
import { stepOf } from './progress.js';
import type { Vonage } from '../vonage/vonage.js';

export interface BeginRequest {
  loginId: string;
  phoneNumber: PhoneNumber;
  client: Client;
  /** Makes a state, and puts its ticket; each one may go upstream once. */
  newState: () => Promise<string>;
  /** The Verify request that may still be under way for this session and number. */
  formerRun: Run | undefined;
  /** Whether so many messages may be sent, which cost money: asking is counting them. */
  mayPay: (messages: number) => Promise<boolean>;
  /** Goes upstream as `x-correlator`. */
  correlator: string;
}

/** How a silent login begins. */
export type Beginning =
  /** The device goes to `authUrl`, and comes back to our `/callback` with `state` and an authorization code. */
  | { by: 'redirect'; authUrl: string; state: string }
  /**
   * A Verify request is under way. Its silent step gives the device a code by itself; where that
   * was found impossible (`why`) a message is on its way.
   */
  | { by: 'run'; run: Run; why?: SilentFailure }
  /**
   * Silence is impossible: for this number, or at the moment. `why`, where it was tried, is for
   * those who count. `abandoned` is a Verify request that was started all the same, and is being
   * cancelled.
   */
  | { by: 'nothing'; why?: SilentFailure | ErrorCode; abandoned?: Run };

/**
 * A way to verify silently. The flow knows engines as values of this type, and nothing of what is behind them: a new one
 * is a file in this folder and a line in `engines.ts`.
 */
export interface Engine {
  /** The API of Vonage that a beginning calls, if any. */
  asks?: PacedApi;
  begin(request: BeginRequest): Promise<Beginning>;
  /** For engines that begin by redirect: what to do with what comes back. Neither call is ever repeated. */
  redirect?: {
    /** Turns the authorization code of the callback into a token. Spends the code, whatever the outcome. */
    exchange(authorizationCode: string, correlator: string): Promise<AccessToken>;
    /** Whether the SIM that walked the link has this number. Spends the token. */
    verify(accessToken: string, phoneNumber: PhoneNumber, correlator: string): Promise<boolean>;
  };
}

interface NumberVerification {
  exchange: ExchangeCode;
  verify: VerifyNumber;
}

/** Number Verification, begun by Network Enablement (`SILENT_AUTH=network-enablement`). */
const networkEnablementEngine = (enable: EnableNumber, { exchange, verify }: NumberVerification): Engine => ({
  asks: 'network-enablement',
  async begin({ phoneNumber, newState, correlator }) {
    const { authUrl, state } = await enable(phoneNumber, newState, correlator);
    if (authUrl === undefined) return { by: 'nothing', why: 'number_not_supported' };
    return { by: 'redirect', authUrl, state };
  },
  redirect: { exchange, verify },
});

/** Number Verification, begun by a link that is built here (`SILENT_AUTH=oidc`). */
const oidcEngine = (
  authUrl: (phoneNumber: PhoneNumber, state: string) => string,
  { exchange, verify }: NumberVerification,
): Engine => ({
  async begin({ phoneNumber, newState }) {
    const state = await newState();
    return { by: 'redirect', authUrl: authUrl(phoneNumber, state), state };
  },
  redirect: { exchange, verify },
});

/**
 * Verify v2 with `silent_auth` first and the fallbacks chained behind it (`SILENT_AUTH=verify`).
 * Vonage goes on to the fallbacks by itself, one after the other, when the silent step fails or its
 * minute is over: this is the one place where messages are sent without being asked for. So all
 * that a chain may send is counted before it is started, and it is cut to what limits allow, down
 * to silence alone: limits on messages lock nobody out of that.
 */
const verifyEngine = (otp: Otp, fallbacks: readonly OtpChannel[]): Engine => ({
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
const noSilence: Engine = { begin: () => Promise.resolve({ by: 'nothing' }) };

interface EngineDeps {
  vonage: Vonage;
  otp: Otp;
  fallbacks: readonly OtpChannel[];
}

/** Every engine, under the name that `SILENT_AUTH` calls it by. */
export const ENGINES = {
  'network-enablement': ({ vonage }) => networkEnablementEngine(vonage.enable, vonage),
  oidc: ({ vonage }) => oidcEngine(vonage.authUrl, vonage),
  verify: ({ otp, fallbacks }) => verifyEngine(otp, fallbacks),
  off: () => noSilence,
} satisfies Record<EngineName, (deps: EngineDeps) => Engine>;
