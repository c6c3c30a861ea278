import { isIP } from 'node:net';

/** Where to connect to: the host without the brackets of an IPv6 address. */
export interface Place {
  host: string;
  port: number;
  /** What TLS asks for by its name (SNI, RFC 6066 section 3): a name, so absent where the host is an address. */
  servername?: string;
}

/** Where an address of http or https leads. */
export function placeOf({ hostname, port, protocol }: URL): Place {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    ...{ host, port: Number(port) || (protocol === 'https:' ? 443 : 80) },
    ...(isIP(host) === 0 && { servername: host }),
  };
}

/** Whether an address leads to this machine itself, where http will do. */
export const isThisMachine = ({ hostname }: URL): boolean =>
  /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
