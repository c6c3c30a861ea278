import type { EnableNumber } from '../../vonage/network-enablement.js';
import type { VerifyNumber } from '../../vonage/number-verification.js';
import type { ExchangeCode } from '../../vonage/oauth.js';
import type { PhoneNumber } from '../../phone.js';
import type { Engine } from './engine.js';

/** Number Verification, begun by Network Enablement (`SILENT_AUTH=network-enablement`). */
export const networkEnablementEngine = (vonage: {
  enable: EnableNumber;
  exchange: ExchangeCode;
  verify: VerifyNumber;
}): Engine => ({ begin: vonage.enable, exchange: vonage.exchange, verify: vonage.verify });

/** Number Verification, begun by a link that is built here (`SILENT_AUTH=oidc`). */
export const oidcEngine = (vonage: {
  authUrl: (phoneNumber: PhoneNumber, state: string) => string;
  exchange: ExchangeCode;
  verify: VerifyNumber;
}): Engine => ({
  begin: (phoneNumber, newState) => {
    const state = newState();
    return Promise.resolve({ authUrl: vonage.authUrl(phoneNumber, state), state });
  },
  exchange: vonage.exchange,
  verify: vonage.verify,
});
