import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { isCountry } from '../phone.js';
import { RATES, type LimitSettings, type RateName } from './rates.js';

type Fail = (problem: string) => string;

export interface LimitConfig {
  limits: LimitSettings;
  /** ISO 3166 alpha-2; none means all. */
  allowedCountries: readonly string[];
  /** Whose `X-Forwarded-For` is believed, as Express's `trust proxy` takes it. */
  trustProxy: false | number | readonly string[];
}

export function readLimits(reader: {
  get: (name: string) => string | undefined;
  list: (name: string) => string[];
  fail: Fail;
}): LimitConfig {
  const { get, list, fail } = reader;
  const count = (name: string, fallback: string) => readCount(name, get(name) ?? fallback, fail);
  return {
    limits: {
      rates: readRates(list('RATE_LIMITS'), fail),
      paidSendsPerHour: count('PAID_SENDS_PER_HOUR', '300'),
      upstreamPerSecond: count('UPSTREAM_PER_SECOND', '10'),
    },
    allowedCountries: readCountries(list('ALLOWED_COUNTRIES'), fail),
    trustProxy: readTrustProxy(list('TRUST_PROXY'), fail),
  };
}

/** A whole number of at least one. */
function readCount(name: string, text: string, fail: Fail): number {
  const count = /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : undefined;
  if (count === undefined) fail(`${name} must be a whole number, 1 or more.`);
  return count ?? 1;
}

/** The rates of the house, but for those that are named: `login-number=20,send-prefix=100`. */
function readRates(items: readonly string[], fail: Fail): Record<RateName, number> {
  const rates: Record<RateName, number> = { ...RATES };
  for (const item of items) {
    const [name = '', count = ''] = item.split('=').map((part) => part.trim());
    if (!Object.hasOwn(RATES, name)) {
      fail(`RATE_LIMITS: "${name}" is none of ${Object.keys(RATES).join(', ')}.`);
    } else rates[name as RateName] = readCount(`RATE_LIMITS: ${name}`, count, fail);
  }
  return rates;
}

/** Countries by ISO 3166 alpha-2; none means all. */
function readCountries(codes: readonly string[], fail: Fail): readonly string[] {
  for (const code of codes) {
    if (!isCountry(code)) fail(`ALLOWED_COUNTRIES: "${code}" is not a country code of ISO 3166, such as GB.`);
  }
  return codes;
}

/** Names Express knows for ranges of private networks. */
const NETWORKS = ['loopback', 'linklocal', 'uniquelocal'];

/**
 * How Express's `trust proxy` is set: not at all, by the number of proxies in front, or by their addresses.
 */
function readTrustProxy(items: readonly string[], fail: Fail): false | number | readonly string[] {
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
