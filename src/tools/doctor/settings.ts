import { ConfigError, readConfig, type Config } from '../../config/config.js';
import { lookUp, type Env } from '../../config/reader.js';
import { about, type Finding } from './finding.js';
import { isMounted } from '../http.js';
import type { Check, Settings } from './deployment.js';

/**
 * Reads the settings as the server would. With an https URL they are read as in production, even
 * if `NODE_ENV` is not set here.
 * @returns undefined where there are none
 */
export function readSettings(env: Env, base: URL): Settings | undefined {
  const own = ['SESSION_SECRET', 'VONAGE_APPLICATION_ID', 'VONAGE_PRIVATE_KEY'];
  if (!own.some((name) => env[name]?.trim() || env[`${name}_FILE`]?.trim())) return undefined;
  // `readConfig` reports what is wrong with a file.
  const get = lookUp(env, () => undefined);
  try {
    const read = base.protocol === 'https:' ? { ...env, NODE_ENV: 'production' } : env;
    // The app may give the routes its own client of Redis.
    const mount = isMounted(base) ? { hasStore: true } : undefined;
    return { get, config: readConfig(read, [], mount), problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { get, config: undefined, problems: error.problems };
  }
}

/** The settings, without the deployment. */
export const checkSettings: Check = ({ settings, base }) => {
  const { ok, mistake, unchecked } = about('settings');
  if (settings === undefined)
    return Promise.resolve([
      unchecked('There are none here: run the doctor where .env or the environment of the server is.'),
    ]);
  const problems = settings.problems.map((each) =>
    mistake(each, 'Correct it where the server runs, and restart the server.'),
  );
  const { config } = settings;
  const rest = config ? [ok('They can be used.'), ...configFindings(config, base)] : [];
  return Promise.resolve([...problems, ...sandboxFinding(settings, base), ...rest]);
};

function sandboxFinding({ get }: Settings, base: URL): Finding[] {
  if (base.protocol !== 'https:' || get('VONAGE_BASE_URL') === undefined) return [];
  return [
    about('Vonage').mistake(
      'VONAGE_BASE_URL is set, so the server asks a sandbox instead of Vonage.',
      'Leave VONAGE_BASE_URL out.',
    ),
  ];
}

const configFindings = (config: Config, base: URL): Finding[] => [
  publicUrlFinding(config, base),
  ...(base.protocol === 'https:' ? [proxyFinding(config)] : []),
  secretFinding(config),
  countryFinding(config),
];

function publicUrlFinding({ publicUrl }: Config, base: URL): Finding {
  const { ok, mistake } = about('PUBLIC_URL of the settings');
  return publicUrl === base.origin
    ? ok('It is the base URL.')
    : mistake(
        `It is ${publicUrl}, and the base URL to check is ${base.origin}.`,
        'Give the doctor the base URL of these settings, or set PUBLIC_URL to what phones and browsers reach.',
      );
}

/** The server ends no TLS itself, so https means a proxy in front. */
function proxyFinding({ trustProxy }: Config): Finding {
  const { ok, mistake } = about('TRUST_PROXY');
  return trustProxy === false
    ? mistake(
        'It is not set, but a proxy ends TLS: the limits count all clients as one.',
        'Set TRUST_PROXY to the number of proxies in front (1), or to their addresses.',
      )
    : ok(`Trusted proxies: ${typeof trustProxy === 'number' ? trustProxy : trustProxy.join(', ')}.`);
}

function secretFinding({ sessionSecrets }: Config): Finding {
  const { ok, warning } = about('SESSION_SECRET');
  return sessionSecrets.length > 2
    ? warning('It has more than two secrets.', 'Drop those that were replaced more than 12 hours ago.')
    : ok(`Its number of secrets is ${sessionSecrets.length}.`);
}

function countryFinding({ allowedCountries, fallbackChannels }: Config): Finding {
  const { ok, warning } = about('ALLOWED_COUNTRIES');
  return allowedCountries.length === 0 && fallbackChannels.length > 0
    ? warning(
        'Messages may be sent to every country.',
        'Set ALLOWED_COUNTRIES to the countries of your users.',
      )
    : ok('Only numbers of these countries can cost money.');
}
