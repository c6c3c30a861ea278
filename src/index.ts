export { ConfigError } from './config.js';
export type {
  BeforeLoginAnswer,
  BeforeSessionAnswer,
  Hooks,
  ProvenLogin,
  Visitor,
  WantedLogin,
} from './login/hooks.js';
export type { Channel } from './login/login.js';
export { createSilentAuth, type SilentAuth, type SilentAuthUser } from './mount/mount.js';
export type { SilentAuthOptions } from './mount/options.js';
export type { Log } from './world.js';
