import type { PhoneNumber } from '../../phone.js';
import type { AccessToken } from '../../vonage/oauth.js';

export interface Beginning {
  /** Where the device has to go; `undefined` where silence is impossible for this number. */
  authUrl: string | undefined;
  /** The state the device will bring back. */
  state: string;
}

/** A way to verify silently. The flow knows engines as values of this type, and nothing of what is behind them. */
export interface Engine {
  /** @param newState makes a state; each one may go upstream once */
  begin(phoneNumber: PhoneNumber, newState: () => string, correlator: string): Promise<Beginning>;
  /** Turns the authorization code of the callback into a token. Spends the code, whatever the outcome. */
  exchange(authorizationCode: string, correlator: string): Promise<AccessToken>;
  /** Whether the SIM that walked the link has this number. Spends the token. */
  verify(accessToken: string, phoneNumber: PhoneNumber, correlator: string): Promise<boolean>;
}
