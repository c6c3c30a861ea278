import { isIP, isIPv4 } from 'node:net';
import type { Express, Request, Response } from 'express';
import ipaddr from 'ipaddr.js';
import type { World } from '../core/world.js';
import type { Caller, Quota } from '../limits/limits.js';

// A port may be obfuscated (RFC 7239 section 6).
const BRACKETED = /^\[([^\]]*)\](?::[\w.-]*)?$/;
const WITH_PORT = /^(.*):(?:\d{0,5}|_[\w.-]+)$/;

/**
 * Reads an address with or without port (`203.0.113.7:51234`, `[2001:db8::1]:443`), brackets,
 * quotes or zone (`fe80::1%eth0`). Returns IPv4-mapped IPv6 (`::ffff:192.0.2.1`) as IPv4.
 */
function plainAddress(text: string): string | undefined {
  // Sockets that listen for IPv6 as well have such addresses. Parsing one takes 4 µs.
  const mapped = text.startsWith('::ffff:') ? text.slice('::ffff:'.length) : text;
  if (isIPv4(mapped)) return mapped;
  const unquoted = text.replace(/^"(.*)"$/, '$1');
  const written = (BRACKETED.exec(unquoted)?.[1] ?? unquoted).replace(/%.*$/, '');
  // `2001:db8::1:443` is an address: only text that is none may end in a port.
  const address = isIP(written) === 0 ? WITH_PORT.exec(written)?.[1] : written;
  return address === undefined || isIP(address) === 0 ? undefined : ipaddr.process(address).toString();
}

/** `req.ip` by Express's `trust proxy`, but for entries with a port or in brackets as well. */
function clientOf({ app, headers, socket }: Request): string | undefined {
  const isTrusted = app.get('trust proxy fn') as (address: string, hop: number) => boolean;
  const list = String(headers['x-forwarded-for'] ?? '').split(',');
  // Empty entries of a list are ignored (RFC 9110 section 5.6.1).
  const entries = list.map((entry) => entry.trim()).filter((entry) => entry !== '');
  let client = socket.remoteAddress ?? '';
  for (let hop = 0; isTrusted(plainAddress(client) ?? client, hop); hop++) {
    const before = entries.pop();
    if (before === undefined) break;
    client = before;
  }
  return plainAddress(client);
}

const WARNING_INTERVAL_MS = 600_000;

/**
 * Makes `req.ip` of an app the client's address, or undefined if the proxy names none. That is
 * logged without the unreadable text, which the client may have written.
 */
export function readClientAddresses(app: Express, { now, log }: Pick<World, 'now' | 'log'>): void {
  let warnedAt = -Infinity;
  Object.defineProperty(app.request, 'ip', {
    get(this: Request) {
      const address = clientOf(this);
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

type Counted = Pick<Caller, 'address' | 'range' | 'within'>;

/**
 * A /48 of IPv6 counts like a /24 of IPv4: it is the most that one customer gets, or thousands of
 * phones of an operator (RFC 6177, RFC 7278). Of its quota a home (/56) may use three quarters, and
 * a device (/64) half.
 */
const IPV6_RANGE_BITS = 48;
const IPV6_WITHIN = [
  { bits: 56, share: 3 / 4 },
  { bits: 64, share: 1 / 2 },
] as const;

/** IPv6 ranges that embed the customer's IPv4 address, and the byte at which it begins. */
const EMBEDDED: Partial<Record<string, { at: number; inverted?: true }>> = {
  // NAT64 and stateless translation (RFC 6052 section 2.1, RFC 8215, RFC 7915).
  rfc6052: { at: 12 },
  rfc6145: { at: 12 },
  // RFC 3056 section 2.
  '6to4': { at: 2 },
  // RFC 4380 section 4.
  teredo: { at: 12, inverted: true },
};

/** How limits identify a client. All clients without a known address count as one. */
function countedAt(address: string | undefined): Counted {
  if (address === undefined) return { address: 'unknown', range: 'unknown', within: [] };
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

function cidrOf(bytes: readonly number[], bits: number): string {
  const network = bytes.map((byte, at) => (at < bits / 8 ? byte : 0));
  return `${ipaddr.fromByteArray(network).toString()}/${bits}`;
}

/**
 * The client of a request, for limits. The answer shows its quotas by
 * draft-ietf-httpapi-ratelimit-headers-10, or only the policy if its address is unknown.
 */
export function callerOf(req: Request, res: Response): Caller {
  const address = req.ip;
  const all: Quota[] = [];
  return {
    ...countedAt(address),
    showQuotas(quotas) {
      all.push(...quotas);
      const policies = all.map(({ name, limit, seconds }) => `"${name}";q=${limit};w=${seconds}`);
      res.setHeader('RateLimit-Policy', policies.join(', '));
      if (address === undefined) return;
      const remains = all.map(({ name, remaining, left }) => `"${name}";r=${remaining};t=${left}`);
      res.setHeader('RateLimit', remains.join(', '));
    },
  };
}
