import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An address as it is written; IPv4 as such, though the socket speaks IPv6 (`::ffff:192.0.2.1`). */
export const plainAddress = (address: string): string =>
  isIP(address) === 0 ? address : ipaddr.process(address).toString();

/**
 * The range an address is counted in: /24 of IPv4, /64 of IPv6, which is what one household or one machine has of each (RFC
 * 6177). IPv4 written as IPv6 (`::ffff:192.0.2.1`) is IPv4. What is no address shares one range.
 */
export function rangeOf(address = ''): string {
  // Nearly all who come have IPv4, however the socket writes it: they need no parser.
  const v4 = address.startsWith('::ffff:') ? address.slice(7) : address;
  if (isIPv4(v4)) return `${v4.slice(0, v4.lastIndexOf('.'))}.0/24`;
  if (isIP(address) === 0) return 'unknown';
  const bytes = ipaddr.process(address).toByteArray();
  const [kept, bits] = bytes.length === 4 ? [3, 24] : [8, 64];
  return `${ipaddr.fromByteArray([...bytes.slice(0, kept), ...bytes.slice(kept).fill(0)]).toString()}/${bits}`;
}
