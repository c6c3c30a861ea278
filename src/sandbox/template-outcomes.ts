import type { IRouter, Request, RequestHandler } from 'express';
import type { ZodType } from 'zod';
import { requireApplicationJwt } from './application-jwt.js';
import { mediaType, parseJson } from './body.js';
import { allow, invalidParameters, type InvalidParameter } from './problem.js';
import type { Stage } from './state.js';
import type { Fragment, Template } from './template-shelf.js';
import { sendVerifyProblem, type VerifyProblem } from './verify-problem.js';

/** What a request comes to: an answer, one of the named problems, or parameters that are not as they should be. */
export type Outcome =
  { status: 200 | 201 | 204; body?: object } | { problem: VerifyProblem } | { invalid: InvalidParameter[] };

/** What is done at a path, by method. */
export type Works = Partial<Record<'get' | 'post' | 'patch' | 'delete', (req: Request) => Outcome>>;

const handle =
  ({ world }: Stage, work: (req: Request) => Outcome): RequestHandler =>
  (req, res) => {
    const outcome = work(req);
    if ('problem' in outcome) {
      sendVerifyProblem(res, world, outcome.problem);
    } else if ('invalid' in outcome) {
      sendVerifyProblem(res, world, 'invalidParams', { invalid_parameters: outcome.invalid });
    } else {
      res.status(outcome.status);
      if (outcome.body) res.json(outcome.body);
      else res.end();
    }
  };

/**
 * Puts `works` at one path, behind the application's JWT. Only accounts that Vonage's support has enabled may write; all
 * may read. That is said before anything else about the request is looked at, as the tests of Vonage's own gateway show:
 * a PATCH of a template that cannot exist is a 403 too.
 */
export const serve = (stage: Stage, router: IRouter, path: string, works: Works): void => {
  const jwt = requireApplicationJwt(stage, (res) => sendVerifyProblem(res, stage.world, 'jwtExpired'));
  const handlers = Object.entries(works).map(([method, work]) => {
    const isAllowed = (): boolean => method === 'get' || stage.state.templates.enabled;
    const permitted = (req: Request): Outcome =>
      isAllowed() ? work(req) : { problem: 'templatesForbidden' };
    return [method, [jwt, handle(stage, permitted)]];
  });
  allow(stage.world, router, path, Object.fromEntries(handlers) as Parameters<typeof allow>[3]);
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const notUuid = (name: string): Outcome => ({ invalid: [{ name, reason: 'Value must be an UUID' }] });

const idIn = (req: Request, name: string): string => String(req.params[name]).toLowerCase();

/** Finds the template that the path names. */
export const onTemplate =
  ({ state }: Stage, work: (template: Template, req: Request) => Outcome) =>
  (req: Request): Outcome => {
    const id = idIn(req, 'template_id');
    if (!UUID.test(id)) return notUuid('Template ID');
    const template = state.templates.get(id);
    return template ? work(template, req) : { problem: 'templateNotFound' };
  };

/** Finds the fragment that the path names, in its template. */
export const onFragment = (
  stage: Stage,
  work: (template: Template, fragment: Fragment, req: Request) => Outcome,
): ((req: Request) => Outcome) =>
  onTemplate(stage, (template, req) => {
    const id = idIn(req, 'template_fragment_id');
    if (!UUID.test(id)) return notUuid('Template fragment ID');
    const fragment = template.fragments.get(id);
    return fragment ? work(template, fragment, req) : { problem: 'fragmentNotFound' };
  });

/** Reads the body; one that does not say it is JSON counts as none. */
export const withBody = <T>(schema: ZodType<T>, req: Request, work: (body: T) => Outcome): Outcome => {
  const { success, data, error } = schema.safeParse(
    mediaType(req) === 'application/json' ? parseJson(req) : undefined,
  );
  return success ? work(data) : { invalid: invalidParameters(error) };
};
