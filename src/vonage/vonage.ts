import type { VerifySettings } from '../config/login.js';
import type { VonageSettings } from '../config/vonage.js';
import { createIdentityInsights } from './identity-insights.js';
import { createNetworkEnablement } from './network-enablement.js';
import { createNumberVerification } from './number-verification.js';
import { createAppToken, createAuthUrl, createTokenExchange, withAppToken } from './tokens.js';
import { openTransport, type TransportDeps } from '../http/transport.js';
import { createVerifyApi } from './verify.js';

export type Vonage = ReturnType<typeof createVonage>;

/** The Vonage APIs that a login calls. */
export function createVonage(
  settings: VonageSettings & { verify: VerifySettings },
  { redirectUri, ...deps }: TransportDeps & { redirectUri: string },
) {
  const { applicationId, apiHost, privateKey } = settings;
  const verifyUrl = `${apiHost}/camara/number-verification/v031/verify`;
  const transport = openTransport(deps);
  const appToken = createAppToken(applicationId, privateKey, deps.world);
  const asApplication = { ...settings, redirectUri, transport: withAppToken(transport, appToken) };
  return {
    enableNumber: createNetworkEnablement(asApplication),
    authUrl: createAuthUrl(asApplication),
    /** CAMARA Number Verification, with the token it needs. */
    numberVerification: {
      exchange: createTokenExchange(asApplication),
      verify: createNumberVerification({ transport, verifyUrl }),
    },
    verify: createVerifyApi({ ...asApplication, settings: settings.verify }),
    /** @param hours how far back a swap counts, 1 to 2400 */
    askSimSwap: (hours: number) => createIdentityInsights(asApplication, hours),
  };
}
