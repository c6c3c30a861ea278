import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { isCountry, type Country } from '../core/phone-number.js';
import type { Reader } from './reader.js';

/**
 * The default limits (docs/limits.md). An operator puts thousands of phones behind one address,
 * so a range may do much. A number at an address is one user, and a message costs money.
 */
export const RATES = {
  /** Logins of a number from one address: another address cannot lock its owner out. */
  'login-number': 10,
  /** Logins from one address range: a tenth of what Vonage allows an account. */
  'login-range': 600,
  /** Logins from one address range in one second: half of what Vonage allows is for others. */
  'login-range-second': 5,
  /** Messages to a number in an hour and in a day. One address range may use up half. */
  'send-number': 6,
  'send-number-day': 12,
  'send-range': 60,
  /** Messages to numbers with the same first seven digits: fraud uses ranges of numbers. */
  'send-prefix': 20,
  'send-country': 150,
} as const satisfies Record<string, number>;

export const HIGHEST_RATE = 999_999_999;

const RATE_RANGE = { least: 1, most: HIGHEST_RATE };

export type RateName = keyof typeof RATES;

export type LimitSettings = ReturnType<typeof readLimits>['limits'];

export function readLimits(reader: Reader) {
  const upstreamPerSecond = reader.whole('UPSTREAM_PER_SECOND', { fallback: 10, ...RATE_RANGE });
  return {
    limits: {
      rates: readRates(reader, upstreamPerSecond),
      paidSendsPerHour: reader.whole('PAID_SENDS_PER_HOUR', { fallback: 300, ...RATE_RANGE }),
      /** Calls to Network Enablement in a second, by all processes. */
      upstreamPerSecond,
    },
    /** Empty: all. */
    allowedCountries: readCountries(reader),
    /** The value of Express's `trust proxy`. */
    trustProxy: readTrustProxy(reader),
  };
}

/**
 * The default rates, and those of `RATE_LIMITS`: `login-number=20,send-prefix=100`. By default no
 * address range takes more than half of the turns of a second, if there are two or more.
 */
function readRates(
  { list, fail, parseWhole }: Reader,
  upstreamPerSecond: number,
): Readonly<Record<RateName, number>> {
  const half = Math.floor(upstreamPerSecond / 2) || Infinity;
  const rates: Record<RateName, number> = {
    ...RATES,
    'login-range-second': Math.min(RATES['login-range-second'], half),
  };
  for (const item of list('RATE_LIMITS')) {
    const [name = '', count = ''] = item.split('=').map((part) => part.trim());
    if (!Object.hasOwn(RATES, name))
      fail(`RATE_LIMITS: "${name}" is none of ${Object.keys(RATES).join(', ')}.`);
    else rates[name as RateName] = parseWhole(`RATE_LIMITS: ${name}`, count, RATE_RANGE);
  }
  return rates;
}

function readCountries({ list, fail }: Reader): readonly Country[] {
  const codes = list('ALLOWED_COUNTRIES');
  for (const code of codes.filter((each) => !isCountry(each)))
    fail(
      `ALLOWED_COUNTRIES: "${code}" is not the ISO 3166 code of a country with phone numbers, in capitals, such as GB.`,
    );
  return codes.filter(isCountry);
}

/** Express's names for ranges of private networks. */
const NETWORKS = ['loopback', 'linklocal', 'uniquelocal'];

/** @returns false for no proxy, how many proxies are in front, or their addresses */
function readTrustProxy({ list, fail }: Reader): false | number | readonly string[] {
  const items = list('TRUST_PROXY');
  const [first = ''] = items;
  if (items.length === 0) return false;
  if (items.length === 1 && /^[1-9]$/.test(first)) return Number(first);
  for (const item of items) {
    if (item === 'true' || /\/0+$/.test(item))
      fail(
        `TRUST_PROXY must not be ${item}: anyone could then send X-Forwarded-For and count as another client. Set the number of proxies in front, or their addresses.`,
      );
    else if (!NETWORKS.includes(item) && !isAddress(item))
      fail(
        `TRUST_PROXY: "${item}" is neither the number of proxies (1 to 9) nor an address, a range like 10.0.0.0/8, or ${NETWORKS.join(', ')}.`,
      );
  }
  return items;
}

const isAddress = (text: string): boolean => isIP(text) !== 0 || ipaddr.isValidCIDR(text);

/** Whether the SIM of a number changed lately; `unknown` if no API could say. */
export const SIM_SWAPS = ['swapped', 'unswapped', 'unknown'] as const;
export type SimSwap = (typeof SIM_SWAPS)[number];

export interface KnownSim {
  simSwap: Exclude<SimSwap, 'unknown'>;
  /** When it was asked (ms since the epoch). */
  at: number;
}

/**
 * `refuse`: no message is sent, and no session is given. `step_up`: one channel is not enough.
 * `tell`: the login goes on, and the hook and the assertion have the answer.
 */
const POLICIES = ['refuse', 'step_up', 'tell'] as const;
export type SimSwapPolicy = (typeof POLICIES)[number];

export type SimSwapSettings = NonNullable<ReturnType<typeof readSimSwap>>;

/**
 * How long an answer may take, because the user waits for it. A later answer counts as unknown.
 */
export const SIM_SWAP_TIMEOUT_MS = 1000;

/** @returns undefined if nothing is asked about SIMs */
export function readSimSwap(reader: Reader) {
  const { get, fail, oneOf } = reader;
  const swapped = oneOf('SIM_SWAP_POLICY', POLICIES, 'refuse');
  const unknown = oneOf('SIM_SWAP_UNKNOWN', POLICIES, swapped);
  if (get('SIM_SWAP_HOURS') === undefined) {
    if (swapped !== 'refuse' || unknown !== 'refuse')
      fail('SIM_SWAP_POLICY and SIM_SWAP_UNKNOWN have no effect without SIM_SWAP_HOURS: set it as well.');
    return undefined;
  }
  // The range of Identity Insights and of CAMARA SIM Swap.
  const hours = reader.whole('SIM_SWAP_HOURS', { fallback: 72, least: 1, most: 2400 });
  return {
    /** How many hours back a swap counts. */
    hours,
    /** What follows, by what is known of the SIM. */
    policies: { swapped, unknown },
  };
}
