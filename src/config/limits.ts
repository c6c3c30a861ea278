import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { isCountry, type Country } from '../core/phone-number.js';
import type { Reader } from './reader.js';

/**
 * How often each thing may be done in its window (README, "Limits"). A carrier puts thousands of phones behind one address, so
 * a range may do much; a number at an address is one user, and a message costs money.
 */
export const RATES = {
  /** Logins of a number from one address: nobody at another address locks its owner out. */
  'login-number': 10,
  /** Logins from one address range. A tenth of what Vonage lets an account do. */
  'login-range': 600,
  /** Logins from one address range in one second: half of what Vonage lets an account do stays with everybody else. */
  'login-range-second': 5,
  /** Messages to a number in an hour and in a day, of which one address range may use up half. */
  'send-number': 5,
  'send-number-day': 10,
  /** Messages asked for from one address range. */
  'send-range': 60,
  /** Messages to numbers that begin with the same seven digits: fraud goes through ranges one number after the other. */
  'send-prefix': 20,
  /** Messages to one country. */
  'send-country': 150,
} as const satisfies Record<string, number>;

/** The highest rate a setting may name. */
export const HIGHEST_RATE = 999_999_999;

export type RateName = keyof typeof RATES;

export interface LimitSettings {
  rates: Readonly<Record<RateName, number>>;
  /** Messages in an hour, all in all. */
  paidSendsPerHour: number;
  /** Calls of Network Enablement in a second, by all processes. */
  upstreamPerSecond: number;
}

export interface LimitConfig {
  limits: LimitSettings;
  /** None means all. */
  allowedCountries: readonly Country[];
  /** Whose `X-Forwarded-For` is believed, as Express's `trust proxy` takes it. */
  trustProxy: false | number | readonly string[];
}

type SettingsReader = Pick<Reader, 'get' | 'list' | 'fail' | 'whole'>;

export function readLimits(reader: SettingsReader): LimitConfig {
  const { list, fail } = reader;
  const perSecond = readCount(reader, 'UPSTREAM_PER_SECOND', '10');
  return {
    limits: {
      rates: readRates(reader, perSecond),
      paidSendsPerHour: readCount(reader, 'PAID_SENDS_PER_HOUR', '300'),
      upstreamPerSecond: perSecond,
    },
    allowedCountries: readCountries(list('ALLOWED_COUNTRIES'), fail),
    trustProxy: readTrustProxy(list('TRUST_PROXY'), fail),
  };
}

const readCount = ({ get, whole }: SettingsReader, name: string, byDefault: string): number =>
  whole(name, get(name) ?? byDefault, { least: 1, most: HIGHEST_RATE });

/**
 * The default rates, but for those that are named: `login-number=20,send-prefix=100`. By default no
 * address range takes more than half of the turns of a second, where there are two or more.
 */
function readRates(
  { list, fail, whole }: SettingsReader,
  upstreamPerSecond: number,
): Record<RateName, number> {
  const half = Math.floor(upstreamPerSecond / 2) || Infinity;
  const rates: Record<RateName, number> = {
    ...RATES,
    'login-range-second': Math.min(RATES['login-range-second'], half),
  };
  for (const item of list('RATE_LIMITS')) {
    const [name = '', count = ''] = item.split('=').map((part) => part.trim());
    if (!Object.hasOwn(RATES, name)) {
      fail(`RATE_LIMITS: "${name}" is none of ${Object.keys(RATES).join(', ')}.`);
    } else rates[name as RateName] = whole(`RATE_LIMITS: ${name}`, count, { least: 1, most: HIGHEST_RATE });
  }
  return rates;
}

/** Countries by ISO 3166 alpha-2; none means all. */
function readCountries(codes: readonly string[], fail: Reader['fail']): readonly Country[] {
  for (const code of codes) {
    if (!isCountry(code))
      fail(
        `ALLOWED_COUNTRIES: "${code}" is not the ISO 3166 code of a country with telephone numbers, in capitals, such as GB.`,
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
