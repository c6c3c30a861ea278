import type { VerifySettings } from '../config/login.js';
import type { VonageSettings } from '../config/vonage.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { World } from '../core/world.js';
import { createIdentityInsights, type AskSimSwap } from './identity-insights.js';
import { createNetworkEnablement, type EnableNumber } from './network-enablement.js';
import { createNumberVerification, type VerifyNumber } from './number-verification.js';
import { buildAuthUrl, createAppToken, createTokenExchange, type ExchangeCode } from './tokens.js';
import { createTransport, observed, pausing } from '../http/transport.js';
import { createVerifyApi, type VerifyApi } from './verify.js';

/** CAMARA Number Verification, with the token it needs. */
export interface NumberVerification {
  exchange: ExchangeCode;
  verify: VerifyNumber;
}

/** The Vonage APIs that a login calls. */
export interface Vonage {
  enableNumber: EnableNumber;
  authUrl: (phoneNumber: PhoneNumber, state: string) => string;
  numberVerification: NumberVerification;
  verify: VerifyApi;
  /** @param hours how far back a swap counts, 1 to 2400 */
  askSimSwap: (hours: number) => AskSimSwap;
}

/** @param deps `pause` is called when an API asks for a pause of so many seconds */
export function createVonage(
  settings: VonageSettings & { verify: VerifySettings },
  deps: { redirectUri: string; world: World; pause: (api: string, seconds: number) => Promise<void> },
): Vonage {
  const { redirectUri, world } = deps;
  const { applicationId, apiHost, oidcUrl, proxy, privateKey } = settings;
  const verifyUrl = `${apiHost}/camara/number-verification/v031/verify`;
  const transport = observed(pausing(createTransport(proxy), deps.pause), world);
  const appToken = createAppToken(applicationId, privateKey, world);
  return {
    enableNumber: createNetworkEnablement({ transport, appToken, ...settings }),
    authUrl: (phoneNumber, state) =>
      buildAuthUrl({ oidcUrl, applicationId, redirectUri, phoneNumber, state }),
    numberVerification: {
      exchange: createTokenExchange({ transport, appToken, redirectUri, ...settings }),
      verify: createNumberVerification({ transport, verifyUrl }),
    },
    verify: createVerifyApi({ transport, appToken, ...settings, settings: settings.verify }),
    askSimSwap: (hours) => createIdentityInsights({ transport, appToken, apiHost }, hours),
  };
}
