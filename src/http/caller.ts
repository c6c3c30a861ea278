import { isIP, isIPv4 } from 'node:net';
import type { Express, Request, Response } from 'express';
import ipaddr from 'ipaddr.js';
import type { Caller, Quota } from '../limits/limits.js';
import type { World } from '../core/world.js';

/**
 * An address in brackets, and one with a port behind it, which may be obfuscated (RFC 7239 section
 * 6).
 */
const BRACKETED = /^\[([^\]]*)\](?::[\w.-]*)?$/;
const WITH_PORT = /^(.*):(?:\d{0,5}|_[\w.-]+)$/;

/**
 * Reads an address as sockets and proxies write it: alone, with a port (`203.0.113.7:51234`,
 * `[2001:db8::1]:443`), in brackets, in quotes, or with a zone (`fe80::1%eth0`).
 * @returns the address alone, IPv4-mapped IPv6 (`::ffff:192.0.2.1`) as IPv4; undefined where the
 * text holds no address
 */
function plainAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const unquoted = text.replace(/^"(.*)"$/, '$1');
  const written = (BRACKETED.exec(unquoted)?.[1] ?? unquoted).replace(/%.*$/, '');
  // A text that is an address as it stands ends in no port, though `2001:db8::1:443` may look like
  // it.
  const address = isIP(written) === 0 ? WITH_PORT.exec(written)?.[1] : written;
  return address === undefined || isIP(address) === 0 ? undefined : ipaddr.process(address).toString();
}

/**
 * The client of a request as Express's `trust proxy` finds it: going from the socket back through
 * `X-Forwarded-For`, the first one that is no trusted proxy. Express compares addresses alone, so
 * an entry is read before it is compared.
 */
function clientOf({ app, headers, socket }: Request): string | undefined {
  const isTrusted = app.get('trust proxy fn') as (address: string, hop: number) => boolean;
  const entries = String(headers['x-forwarded-for'] ?? '').split(',');
  let client = socket.remoteAddress ?? '';
  for (let hop = 0; isTrusted(plainAddress(client) ?? client, hop); hop++) {
    const before = lastOf(entries);
    if (before === undefined) break;
    client = before;
  }
  return plainAddress(client);
}

/**
 * Takes the last entry of a list header, in which empty ones count for nothing (RFC 9110 section
 * 5.6.1).
 */
function lastOf(entries: string[]): string | undefined {
  for (let entry = entries.pop(); entry !== undefined; entry = entries.pop()) {
    if (entry.trim() !== '') return entry.trim();
  }
  return undefined;
}

/** Milliseconds between two warnings of addresses that cannot be read. */
const WARNING_INTERVAL_MS = 600_000;

/**
 * Makes `req.ip` of an app the client's address and nothing else: undefined where there is none,
 * which is logged. What stood in its place is not, for anyone may have written it.
 */
export function readClientAddresses(app: Express, { now, log }: Pick<World, 'now' | 'log'>): void {
  let warnedAt = -Infinity;
  Object.defineProperty(app.request, 'ip', {
    get(this: Request) {
      const address = clientOf(this);
      // The socket of a client that hung up has no address any more.
      const isUnreadable = address === undefined && !this.socket.destroyed;
      if (isUnreadable && now() - warnedAt >= WARNING_INTERVAL_MS) {
        warnedAt = now();
        log.warn(
          { setting: 'TRUST_PROXY', header: 'X-Forwarded-For' },
          'the proxy names no address of the client: limits count all such clients as one',
        );
      }
      return address;
    },
  });
}

/** How limits identify a client. */
type Counted = Pick<Caller, 'address' | 'range' | 'within'>;

/**
 * The range of IPv6 that is counted as a /24 of IPv4 is: a /48 is the most that one customer is
 * given, or thousands of phones of a carrier (RFC 6177, RFC 7278). A home has a /56 of it, and a
 * device a /64: a home leaves a quarter to its neighbours, and a device half.
 */
const IPV6_RANGE_BITS = 48;
const IPV6_WITHIN = [
  { bits: 56, share: 3 / 4 },
  { bits: 64, share: 1 / 2 },
] as const;

/**
 * Where the IPv4 address of the customer stands in IPv6 that is made of it: the first of its four
 * bytes.
 */
const EMBEDDED: Partial<Record<string, { at: number; inverted?: true }>> = {
  // NAT64 and stateless translation (RFC 6052 section 2.1, RFC 8215, RFC 7915).
  rfc6052: { at: 12 },
  rfc6145: { at: 12 },
  // RFC 3056 section 2.
  '6to4': { at: 2 },
  // RFC 4380 section 4.
  teredo: { at: 12, inverted: true },
};

/**
 * How limits identify the client at an address.
 * @param address undefined where it is not known: all such clients are one
 */
function countedAt(address: string | undefined): Counted {
  if (address === undefined) return { address: 'unknown', range: 'unknown', within: [] };
  // Nearly all callers have IPv4, and need no parser.
  if (isIPv4(address)) return countedAtIPv4(address);
  const parsed = ipaddr.parse(address);
  const bytes = parsed.toByteArray();
  const embedded = EMBEDDED[parsed.range()];
  if (embedded !== undefined) {
    const octets = bytes.slice(embedded.at, embedded.at + 4);
    return countedAtIPv4(octets.map((octet) => (embedded.inverted ? octet ^ 0xff : octet)).join('.'));
  }
  return {
    address: cidrOf(bytes, 64),
    range: cidrOf(bytes, IPV6_RANGE_BITS),
    within: IPV6_WITHIN.map(({ bits, share }) => ({ range: cidrOf(bytes, bits), share })),
  };
}

const countedAtIPv4 = (address: string): Counted => ({
  address,
  range: `${address.slice(0, address.lastIndexOf('.'))}.0/24`,
  within: [],
});

/** @param bits whole bytes of them */
function cidrOf(bytes: readonly number[], bits: number): string {
  const network = bytes.map((byte, at) => (at < bits / 8 ? byte : 0));
  return `${ipaddr.fromByteArray(network).toString()}/${bits}`;
}

/**
 * The client that sent a request, as limits see it. What is left to it goes out with the answer,
 * whatever it is, in the headers of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy:
 * "name";q=10;w=600`, `RateLimit: "name";r=9;t=17`. Where its address is not known nothing is its
 * own, and the policy alone goes out.
 */
export function callerOf(req: Request, res: Response): Caller {
  const address = req.ip;
  const all: Quota[] = [];
  return {
    ...countedAt(address),
    showQuotas(quotas) {
      all.push(...quotas);
      const list = (item: (quota: Quota) => string) =>
        all.map((quota) => `"${quota.name}";${item(quota)}`).join(', ');
      res.setHeader(
        'RateLimit-Policy',
        list(({ limit, seconds }) => `q=${limit};w=${seconds}`),
      );
      if (address === undefined) return;
      res.setHeader(
        'RateLimit',
        list(({ remaining, left }) => `r=${remaining};t=${left}`),
      );
    },
  };
}
