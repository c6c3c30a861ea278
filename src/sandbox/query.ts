import type { Request } from 'express';

/** A parameter of the query; empty when it is absent or comes twice. */
export const parameter = (req: Request, name: string): string => {
  const value = req.query[name];
  return typeof value === 'string' ? value : '';
};

/** `base` with these parameters added to its query. */
export const withQuery = (base: string, parameters: Record<string, string>): string => {
  const url = new URL(base);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
};
