import type { Request, Response } from 'express';
import type { Caller, Quota } from '../limits/limits.js';
import { countedAt } from './address.js';

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
    told(quotas) {
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
