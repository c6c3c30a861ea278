import { openFront, type Front, type Habits } from './front.js';
import { buildHouse, WITH_CODES, type House, type HouseOptions } from './house.js';
import type { Env } from './programs.js';

/** A deployment: the server behind a front that ends TLS, and its settings, in which Vonage is the sandbox by https. */
export interface Deployment {
  front: Front;
  house: House;
  settings: Env;
}

/** How one is set up, and what is wrong with it. */
export interface Plan {
  front?: Habits;
  /** How the server runs. */
  server?: Env;
  house?: (front: Front) => Partial<HouseOptions>;
  /** The settings that are shown, where they are not those of the server. */
  settings?: (deployment: Deployment) => Env;
  /** What else happens before it is looked at. */
  before?: (deployment: Deployment) => unknown;
}

const HOSTS = ['VONAGE_API_HOST', 'VONAGE_TOKEN_URL', 'VONAGE_OIDC_URL', 'VONAGE_VERIFY_HOST'];

const portOf = (url: string): number => Number(new URL(url).port);

/** Sets one up on a Redis of its own, and takes it down whatever happens in it. */
export async function inDeployment<T>(
  redisUrl: string,
  plan: Plan,
  work: (deployment: Deployment) => Promise<T>,
): Promise<T> {
  const [front, vonage] = [await openFront(plan.front), await openFront()];
  const own: Env = {
    ...{ PUBLIC_URL: front.url, TRUST_PROXY: '1', ALLOWED_COUNTRIES: 'GB', ...WITH_CODES },
    ...plan.server,
  };
  const house = await buildHouse({ redisUrl, env: own, ...plan.house?.(front) });
  front.leadTo(portOf(house.base));
  vonage.leadTo(portOf(house.sandbox));
  const { sessionSecrets, vonage: account } = house.config;
  const settings: Env = {
    ...{ ...own, REDIS_URL: redisUrl, BRAND: 'Sandbox', SESSION_SECRET: sessionSecrets.join() },
    ...Object.fromEntries(HOSTS.map((name) => [name, vonage.url])),
    VONAGE_APPLICATION_ID: account.applicationId,
    VONAGE_PRIVATE_KEY: account.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  const deployment = { front, house, settings };
  // The clock of a house stands still, and a doctor's does not.
  let at = performance.now();
  const clock = setInterval(() => {
    house.world.turn((performance.now() - at) / 1000);
    at = performance.now();
  }, 50);
  try {
    await plan.before?.(deployment);
    return await work({ ...deployment, settings: { ...settings, ...plan.settings?.(deployment) } });
  } finally {
    clearInterval(clock);
    await Promise.all([front.close(), vonage.close(), house.stop()]);
  }
}
