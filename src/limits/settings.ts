import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { isCountry, type Country } from '../phone.js';
import type { Reader } from '../settings.js';
import { RATES, type LimitSettings, type RateName } from './rates.js';

/** The highest limit there is. */
const MOST = 999_999_999;

export interface LimitConfig {
  limits: LimitSettings;
  /** None means all. */
  allowedCountries: readonly Country[];
  /** Whose `X-Forwarded-For` is believed, as Express's `trust proxy` takes it. */
  trustProxy: false | number | readonly string[];
}

type SettingsReader = Pick<Reader, 'get' | 'list' | 'fail' | 'whole'>;

export function readLimits(reader: SettingsReader): LimitConfig {
  const { get, list, fail, whole } = reader;
  return {
    limits: {
      rates: readRates(reader),
      paidSendsPerHour: whole('PAID_SENDS_PER_HOUR', get('PAID_SENDS_PER_HOUR') ?? '300', 1, MOST),
      upstreamPerSecond: whole('UPSTREAM_PER_SECOND', get('UPSTREAM_PER_SECOND') ?? '10', 1, MOST),
    },
    allowedCountries: readCountries(list('ALLOWED_COUNTRIES'), fail),
    trustProxy: readTrustProxy(list('TRUST_PROXY'), fail),
  };
}

/** The rates of the house, but for those that are named: `login-number=20,send-prefix=100`. */
function readRates({ list, fail, whole }: SettingsReader): Record<RateName, number> {
  const rates: Record<RateName, number> = { ...RATES };
  for (const item of list('RATE_LIMITS')) {
    const [name = '', count = ''] = item.split('=').map((part) => part.trim());
    if (!Object.hasOwn(RATES, name)) {
      fail(`RATE_LIMITS: "${name}" is none of ${Object.keys(RATES).join(', ')}.`);
    } else rates[name as RateName] = whole(`RATE_LIMITS: ${name}`, count, 1, MOST);
  }
  return rates;
}

/** Countries by ISO 3166 alpha-2; none means all. */
function readCountries(codes: readonly string[], fail: Reader['fail']): readonly Country[] {
  for (const code of codes) {
    if (!isCountry(code))
      fail(
        `ALLOWED_COUNTRIES: "${code}" is not a country code of ISO 3166, such as GB, or a country without numbers of its own.`,
      );
  }
  return codes.filter(isCountry);
}

/** Names Express knows for ranges of private networks. */
const NETWORKS = ['loopback', 'linklocal', 'uniquelocal'];

/**
 * How Express's `trust proxy` is set: not at all, by the number of proxies in front, or by their addresses.
 */
function readTrustProxy(items: readonly string[], fail: Reader['fail']): false | number | readonly string[] {
  const [first = ''] = items;
  if (items.length === 0) return false;
  if (items.length === 1 && /^[1-9]$/.test(first)) return Number(first);
  for (const item of items) {
    if (item === 'true' || /\/0+$/.test(item)) {
      fail(
        `TRUST_PROXY must not be ${item}: anyone could then send X-Forwarded-For and be counted as somebody else. Say how many proxies are in front, or their addresses.`,
      );
    } else if (!NETWORKS.includes(item) && !isAddress(item)) {
      fail(
        `TRUST_PROXY: "${item}" is neither the number of proxies (1 to 9) nor an address, a range like 10.0.0.0/8, or ${NETWORKS.join(', ')}.`,
      );
    }
  }
  return items;
}

const isAddress = (text: string): boolean => isIP(text) !== 0 || ipaddr.isValidCIDR(text);
