import type { PhoneNumber } from '../../phone.js';
import type { EnableNumber } from '../../vonage/network-enablement.js';
import type { VerifyNumber } from '../../vonage/number-verification.js';
import type { ExchangeCode } from '../../vonage/oauth.js';
import type { Engine } from './engine.js';

interface NumberVerification {
  exchange: ExchangeCode;
  verify: VerifyNumber;
}

/** Number Verification, begun by Network Enablement (`SILENT_AUTH=network-enablement`). */
export const networkEnablementEngine = (
  enable: EnableNumber,
  { exchange, verify }: NumberVerification,
): Engine => ({
  asks: 'network-enablement',
  async begin({ phoneNumber, newState, correlator }) {
    const { authUrl, state } = await enable(phoneNumber, newState, correlator);
    if (authUrl === undefined) return { by: 'nothing', why: 'number_not_supported' };
    return { by: 'redirect', authUrl, state };
  },
  redirect: { exchange, verify },
});

/** Number Verification, begun by a link that is built here (`SILENT_AUTH=oidc`). */
export const oidcEngine = (
  authUrl: (phoneNumber: PhoneNumber, state: string) => string,
  { exchange, verify }: NumberVerification,
): Engine => ({
  async begin({ phoneNumber, newState }) {
    const state = await newState();
    return { by: 'redirect', authUrl: authUrl(phoneNumber, state), state };
  },
  redirect: { exchange, verify },
});
