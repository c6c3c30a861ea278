import { isIP } from 'node:net';
import { messageOf } from './command.js';

/** A whole answer. */
export interface HttpAnswer {
  status: number;
  statusText: string;
  headers: Headers;
  text: string;
  /** Empty where the body is no JSON object. */
  json: Record<string, unknown>;
}

/**
 * Sends a request, and follows no redirect.
 * @throws Error with a message for the user where no whole answer comes in `timeoutMs`
 */
export async function sendRequest(url: URL, request: RequestInit, timeoutMs: number): Promise<HttpAnswer> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await fetch(url, { ...request, redirect: 'manual', signal });
    const text = await answer.text();
    const { status, statusText, headers } = answer;
    return { status, statusText, headers, text, json: objectIn(text) };
  } catch (error) {
    throw new Error(`${url.host} did not answer: ${messageOf(error)}.`, { cause: error });
  }
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Whether the base URL has a path, so that another app serves the routes (docs/mounting.md). */
export const isMounted = ({ pathname }: URL): boolean => pathname !== '/';

/** The URL of a route. @param path begins with a slash */
export const urlAt = (base: URL, path: string): URL =>
  new URL(isMounted(base) ? base.pathname + path : path, base);

/** What to connect to: the host is without the brackets of an IPv6 address. */
export interface Endpoint {
  host: string;
  port: number;
  /** The name in TLS (SNI, RFC 6066 section 3), so absent where the host is an address. */
  servername?: string;
}

/** The endpoint of an http or https URL. */
export function endpointOf({ hostname, port, protocol }: URL): Endpoint {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    ...{ host, port: Number(port) || (protocol === 'https:' ? 443 : 80) },
    ...(isIP(host) === 0 && { servername: host }),
  };
}

/** Whether a URL leads to this machine, where http is allowed. */
export const isLoopback = ({ hostname }: URL): boolean =>
  /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
