import type { Request, Response } from 'express';
import type { Caller, Quota } from '../limits/limits.js';
import { rangeOf } from './range.js';

/**
 * The one who sent a request, as limits see him. What is left to him goes out with the answer, whatever it is, in the
 * headers of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy: "name";q=10;w=600`, `RateLimit: "name";r=9;t=17`.
 */
export function callerOf(req: Request, res: Response): Caller {
  const all: Quota[] = [];
  return {
    range: rangeOf(req.ip),
    told(quotas) {
      all.push(...quotas);
      const list = (item: (quota: Quota) => string) =>
        all.map((quota) => `"${quota.name}";${item(quota)}`).join(', ');
      res.setHeader(
        'RateLimit-Policy',
        list(({ limit, seconds }) => `q=${limit};w=${seconds}`),
      );
      res.setHeader(
        'RateLimit',
        list(({ remaining, left }) => `r=${remaining};t=${left}`),
      );
    },
  };
}
