import type { LimitSettings } from './limits.js';
import type { CodeChannel, EngineName } from './login.js';
import type { TraceSettings } from './observability.js';
import { parseUrl, type Reader } from './reader.js';
import type { RedisSettings } from './redis.js';

/** The settings that can break a requirement of OWASP ASVS 5.0.0 at level 1 or 2. */
interface Assessed {
  publicUrl: string;
  redis: RedisSettings | undefined;
  silentAuth: EngineName;
  fallbackChannels: readonly CodeChannel[];
  verify: { channelTimeout: number };
  limits: Pick<LimitSettings, 'rates'>;
  logLevel: string;
  traces: TraceSettings | undefined;
}

/** The longest life of a code (6.5.5), in seconds. */
const MAX_CODE_TTL_SECONDS = 600;

/** A code has three tries, and NIST SP 800-63B section 5.2.2 allows 100 (6.6.3). */
const MAX_MESSAGES_PER_DAY = 33;

/**
 * With `ASSURANCE=asvs-l2`, refuses what cannot meet that level (docs/conformance.md).
 * @param isMounted in another app, which has its own factors and hooks
 */
export function checkAssurance(reader: Reader, settings: Assessed, isMounted: boolean): void {
  const level = reader.get('ASSURANCE');
  if (level === undefined) return;
  if (level !== 'asvs-l2') return void reader.fail('ASSURANCE must be asvs-l2, or left out.');
  const refuse = (number: string, problem: string) =>
    reader.fail(`${problem} (ASSURANCE=asvs-l2, requirement ${number}).`);
  checkDeployment(reader, settings, refuse);
  checkCodes(settings, refuse);
  const isAlone = reader.get('ASSERTION_KEYS') === undefined && reader.get('HOOKS') === undefined;
  if (isAlone && !isMounted)
    refuse(
      '6.3.3',
      'ASSERTION_KEYS or HOOKS is missing: a phone number is one factor, and only a service that gets assertions, or a hook, can ask for another',
    );
}

type Refuse = (number: string, problem: string) => void;

function checkDeployment(
  { get }: Reader,
  { publicUrl, redis, logLevel, traces }: Assessed,
  refuse: Refuse,
): void {
  if (get('NODE_ENV') !== 'production') refuse('13.4.2', 'NODE_ENV must be production');
  if (publicUrl.startsWith('http:')) refuse('12.2.1', 'PUBLIC_URL must begin with https://');
  if (redis !== undefined) checkRedis(redis, refuse);
  if (get('OPERATOR_KEY') !== undefined)
    refuse('13.2.1', 'OPERATOR_KEY is one unchanging key for all operators: use `silent-auth sessions`');
  const collector = parseUrl(traces?.url ?? '');
  if (collector?.protocol === 'http:' && !isLoopback(collector.hostname))
    refuse('12.3.1', 'OTEL_EXPORTER_OTLP_ENDPOINT must begin with https://');
  if (!['debug', 'info'].includes(logLevel))
    refuse('16.3.1', `LOG_LEVEL=${logLevel} leaves out logins and refusals: set it to info`);
}

function checkRedis({ place, certificates }: RedisSettings, refuse: Refuse): void {
  if (!place.tls && !place.nodes.every(({ host }) => isLoopback(host)))
    refuse('12.3.1', 'REDIS_URL must ask for TLS: begin it with rediss');
  const isNamed = place.username !== undefined && place.username !== 'default';
  if (!isNamed && certificates.cert === undefined)
    refuse('13.2.1', 'REDIS_URL must name a user of this server, or REDIS_CERT its certificate');
}

function checkCodes({ silentAuth, fallbackChannels, verify, limits }: Assessed, refuse: Refuse): void {
  if (fallbackChannels.length === 0) return;
  if (silentAuth === 'off' && fallbackChannels.some((channel) => channel === 'sms' || channel === 'voice'))
    refuse(
      '6.6.1',
      'SILENT_AUTH=off leaves no stronger method beside SMS and calls: choose an engine, or leave sms and voice out of FALLBACK_CHANNELS',
    );
  if (verify.channelTimeout > MAX_CODE_TTL_SECONDS)
    refuse('6.5.5', `CHANNEL_TIMEOUT must be at most ${MAX_CODE_TTL_SECONDS}`);
  if (limits.rates['send-number-day'] > MAX_MESSAGES_PER_DAY)
    refuse('6.6.3', `RATE_LIMITS: send-number-day must be at most ${MAX_MESSAGES_PER_DAY}`);
}

/** What stays on this machine, where a proxy may add TLS. */
const isLoopback = (host: string): boolean => /^(?:localhost|127\.[\d.]+|\[?::1\]?)$/.test(host);
