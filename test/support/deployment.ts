import { openFront, type Front, type Habits } from './front.js';
import { startSystem, WITH_CODES, type System, type SystemOptions } from './system.js';
import type { Env } from './programs.js';

/** A deployment: the server behind a proxy that ends TLS, and its settings. */
export interface Deployment {
  front: Front;
  system: System;
  settings: Env;
}

/** The set-up of a deployment, and its faults. */
export interface Plan {
  front?: Habits;
  /** Settings of the running server. */
  server?: Env;
  system?: (front: Front) => Partial<SystemOptions>;
  /** The settings that `doctor` reads, if they differ from those of the server. */
  settings?: (deployment: Deployment) => Env;
  /** Runs before `doctor`. */
  before?: (deployment: Deployment) => unknown;
}

const HOSTS = ['VONAGE_API_HOST', 'VONAGE_TOKEN_URL', 'VONAGE_OIDC_URL', 'VONAGE_VERIFY_HOST'];

const portOf = (url: string): number => Number(new URL(url).port);

/** Starts a deployment for `work`, and stops it in any case. */
export async function inDeployment<T>(
  redisUrl: string,
  plan: Plan,
  work: (deployment: Deployment) => Promise<T>,
): Promise<T> {
  const [front, vonage] = [await openFront(plan.front), await openFront()];
  const own: Env = {
    ...{
      PUBLIC_URL: front.url,
      TRUST_PROXY: '1',
      ALLOWED_COUNTRIES: 'GB',
      SILENT_AUTH: 'network-enablement',
    },
    ...WITH_CODES,
    ...plan.server,
  };
  const system = await startSystem({ redisUrl, env: own, ...plan.system?.(front) });
  front.leadTo(portOf(system.base));
  vonage.leadTo(portOf(system.sandbox));
  const { sessionSecrets, vonage: account } = system.config;
  const settings: Env = {
    ...{ ...own, REDIS_URL: redisUrl, BRAND: 'Sandbox', SESSION_SECRET: sessionSecrets.join() },
    ...Object.fromEntries(HOSTS.map((name) => [name, vonage.url])),
    VONAGE_APPLICATION_ID: account.applicationId,
    VONAGE_PRIVATE_KEY: account.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  const deployment = { front, system, settings };
  // The clock of the tested server stands still, and that of `doctor` does not.
  let at = performance.now();
  const clock = setInterval(() => {
    system.world.turn((performance.now() - at) / 1000);
    at = performance.now();
  }, 50);
  try {
    await plan.before?.(deployment);
    return await work({ ...deployment, settings: { ...settings, ...plan.settings?.(deployment) } });
  } finally {
    clearInterval(clock);
    await Promise.all([front.close(), vonage.close(), system.stop()]);
  }
}
