import type { Vonage } from '../../vonage/vonage.js';
import type { OtpChannel } from '../login.js';
import type { Otp } from '../otp.js';
import type { Engine } from './engine.js';
import { networkEnablementEngine, oidcEngine } from './network.js';
import { noSilence, verifyEngine } from './verify.js';

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
} satisfies Record<string, (deps: EngineDeps) => Engine>;

export type EngineName = keyof typeof ENGINES;
