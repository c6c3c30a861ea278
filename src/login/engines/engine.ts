import type { ErrorCode, SilentFailure } from '../../errors.js';
import type { PacedApi } from '../../limits/limits.js';
import type { PhoneNumber } from '../../phone.js';
import type { AccessToken } from '../../vonage/oauth.js';
import type { Client, Run } from '../login.js';

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
