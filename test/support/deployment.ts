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

/** Deployments on one Redis. */
export interface Deployments {
  /**
   * Runs `work` in a deployment by this plan. Plans without settings of the running server share
   * one, which is reset before.
   */
  run<T>(plan: Plan, work: (deployment: Deployment) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function deploymentsAt(redisUrl: string): Deployments {
  let shared: Promise<Running> | undefined;
  return {
    async run(plan, work) {
      const isShared = plan.server === undefined && plan.system === undefined;
      const running = await (isShared ? (shared ??= start(redisUrl, plan)) : start(redisUrl, plan));
      const { front, system, settings } = running;
      if (isShared) {
        front.behave(plan.front);
        system.world.turn((Date.now() - system.world.now()) / 1000);
        await system.reset();
      }
      try {
        await plan.before?.(running);
        return await work({ ...running, settings: { ...settings, ...plan.settings?.(running) } });
      } finally {
        if (!isShared) await running.stop();
      }
    },
    close: async () => (await shared)?.stop(),
  };
}

interface Running extends Deployment {
  stop(): Promise<void>;
}

async function start(redisUrl: string, plan: Plan): Promise<Running> {
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
  // The clock of the tested server stands still, and that of `doctor` does not.
  let at = performance.now();
  const clock = setInterval(() => {
    system.world.turn((performance.now() - at) / 1000);
    at = performance.now();
  }, 50);
  return {
    ...{ front, system, settings },
    async stop() {
      clearInterval(clock);
      await Promise.all([front.close(), vonage.close(), system.stop()]);
    },
  };
}
