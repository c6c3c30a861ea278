import type { PhoneNumber } from '../core/phone-number.js';
import type { World } from '../core/world.js';
import { createAppToken } from './tokens.js';
import { createNetworkEnablement, type EnableNumber } from './network-enablement.js';
import { createNumberVerification, type VerifyNumber } from './number-verification.js';
import { buildAuthUrl, createTokenExchange, type ExchangeCode } from './tokens.js';
import type { VonageSettings } from '../config/vonage.js';
import { createTransport, heeding } from './transport.js';
import { watched } from './transport.js';
import { createVerifyApi, type VerifyApi } from './verify.js';

/** What this product asks of Vonage. */
export interface Vonage {
  enable: EnableNumber;
  authUrl: (phoneNumber: PhoneNumber, state: string) => string;
  exchange: ExchangeCode;
  verify: VerifyNumber;
  otp: VerifyApi;
}

/** @param slowDown hears which API asked not to be called for how many seconds */
export function createVonage(
  vonage: VonageSettings,
  redirectUri: string,
  world: World,
  slowDown: (api: string, seconds: number) => Promise<void>,
): Vonage {
  const transport = watched(heeding(createTransport(vonage.proxy), slowDown), world);
  const appToken = createAppToken(vonage.applicationId, vonage.privateKey, world);
  const { applicationId, oidcUrl } = vonage;
  return {
    enable: createNetworkEnablement({ transport, appToken, ...vonage }),
    authUrl: (phoneNumber, state) =>
      buildAuthUrl({ oidcUrl, applicationId, redirectUri, phoneNumber, state }),
    exchange: createTokenExchange({ transport, appToken, redirectUri, ...vonage }),
    verify: createNumberVerification({ transport, ...vonage }),
    otp: createVerifyApi({ transport, appToken, ...vonage }),
  };
}
