import type { Request } from 'express';
import { z } from 'zod';
import { invalidParameters } from './problem.js';
import { withQuery } from './query.js';
import type { Outcome } from './template-outcomes.js';

const DEFAULT_SIZE = 10;
const LARGEST_SIZE = 100;

const count = z
  .string()
  .regex(/^\d{1,6}$/, 'must be a whole number')
  .transform(Number)
  .refine((value) => value >= 1, 'must be at least 1');

const Query = z.object({
  page: count.default(1),
  page_size: count
    .refine((value) => value <= LARGEST_SIZE, `must be at most ${LARGEST_SIZE}`)
    .default(DEFAULT_SIZE),
});

/**
 * One page of a collection, as HAL: the items under their name, and links to the pages around. `next` and `prev` are
 * there only where there is such a page; the vendor's client goes by that. A page past the end is empty.
 * @param url where the collection is
 */
export const pageOf = (req: Request, url: string, name: string, all: readonly object[]): Outcome => {
  const { success, data, error } = Query.safeParse(req.query);
  if (!success) return { invalid: invalidParameters(error) };
  const { page, page_size } = data;
  const last = Math.max(1, Math.ceil(all.length / page_size));
  const link = (to: number) => ({ href: withQuery(url, { page: String(to), page_size: String(page_size) }) });
  const body = {
    page_size,
    page,
    total_pages: last,
    total_items: all.length,
    _embedded: { [name]: all.slice((page - 1) * page_size, page * page_size) },
    _links: {
      self: link(page),
      ...(page < last && { next: link(page + 1) }),
      ...(page > 1 && { prev: link(Math.min(page - 1, last)) }),
      first: link(1),
      last: link(last),
    },
  };
  return { status: 200, body };
};
