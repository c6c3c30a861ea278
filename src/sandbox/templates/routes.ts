import type { IRouter, Request, RequestHandler } from 'express';
import type { ZodType } from 'zod';
import { invalidParametersOf, sendProblem } from '../http/problems.js';
import type { InvalidParameter, ProblemName } from '../http/problems.js';
import { handlePath, jsonBody, mediaType } from '../http/requests.js';
import type { SandboxState } from '../state/state.js';
import type { Fragment, Template } from '../state/templates.js';
import { requireApplicationJwt } from '../vonage/application-jwt.js';
import { fragmentBody, FragmentChange, fragmentsUrl, NewFragment, NewTemplate } from './representation.js';
import { pageBody, PageQuery, templateBody, TemplateChange } from './representation.js';
import { TEMPLATES_PATH, templatesUrl } from './representation.js';

const MAX_TEMPLATES = 10;

type Result =
  | { status: 200 | 201 | 204; body?: object }
  | { problem: ProblemName }
  | { invalid: InvalidParameter[] };

type Operation = (req: Request) => Result;

const ok = (body: object): Result => ({ status: 200, body });
const created = (body: object): Result => ({ status: 201, body });
const noContent: Result = { status: 204 };

const handle =
  (operation: Operation): RequestHandler =>
  (req, res) => {
    const result = operation(req);
    if ('problem' in result) sendProblem(res, result.problem);
    else if ('invalid' in result) sendProblem(res, 'invalidParams', { invalid_parameters: result.invalid });
    else if (result.body) res.status(result.status).json(result.body);
    else res.status(result.status).end();
  };

/** Parses the body. Ignores bodies whose content type is not JSON. */
const withBody =
  <T>(schema: ZodType<T>, operation: (body: T) => Result): Operation =>
  (req) => {
    const isJson = mediaType(req) === 'application/json';
    const { success, data, error } = schema.safeParse(isJson ? jsonBody(req) : undefined);
    return success ? operation(data) : { invalid: invalidParametersOf(error) };
  };

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const notUuid = (name: string): Result => ({ invalid: [{ name, reason: 'Value must be an UUID' }] });

const idIn = (req: Request, name: string): string => String(req.params[name]).toLowerCase();

const onTemplate =
  ({ templates }: SandboxState, operation: (template: Template, req: Request) => Result): Operation =>
  (req) => {
    const id = idIn(req, 'template_id');
    if (!UUID.test(id)) return notUuid('Template ID');
    const template = templates.get(id);
    return template ? operation(template, req) : { problem: 'templateNotFound' };
  };

const onFragment = (
  state: SandboxState,
  operation: (fragment: Fragment, template: Template, req: Request) => Result,
): Operation =>
  onTemplate(state, (template, req) => {
    const id = idIn(req, 'template_fragment_id');
    if (!UUID.test(id)) return notUuid('Template fragment ID');
    const fragment = template.fragments.get(id);
    return fragment ? operation(fragment, template, req) : { problem: 'fragmentNotFound' };
  });

const page = (req: Request, collection: Parameters<typeof pageBody>[1]): Result => {
  const { success, data, error } = PageQuery.safeParse(req.query);
  return success ? ok(pageBody(data, collection)) : { invalid: invalidParametersOf(error) };
};

const listTemplates =
  (state: SandboxState): Operation =>
  (req) => {
    const items = state.templates.all().map((each) => templateBody(state, each));
    return page(req, { url: templatesUrl(state), name: 'templates', items });
  };

const createTemplate = (state: SandboxState): Operation =>
  withBody(NewTemplate, ({ name }) => {
    const { templates } = state;
    if (templates.all().some((each) => each.name === name)) return { problem: 'templateExists' };
    if (templates.all().length >= MAX_TEMPLATES) return { problem: 'maxTemplates' };
    const template = templates.add(name);
    // The first template becomes the default (Vonage's guide "Template Management").
    if (templates.all().length === 1) templates.defaultId = template.id;
    return created(templateBody(state, template));
  });

const showTemplate = (state: SandboxState): Operation =>
  onTemplate(state, (template) => ok(templateBody(state, template)));

const changeTemplate = (state: SandboxState): Operation =>
  onTemplate(state, (template, req) =>
    withBody(TemplateChange, ({ name = template.name, is_default }) => {
      const { templates } = state;
      const isTaken = templates.all().some((each) => each !== template && each.name === name);
      if (isTaken) return { problem: 'templateExists' };
      template.name = name;
      if (is_default === true) templates.defaultId = template.id;
      if (is_default === false && templates.defaultId === template.id) templates.defaultId = undefined;
      return ok(templateBody(state, template));
    })(req),
  );

const deleteTemplate = (state: SandboxState): Operation =>
  onTemplate(state, ({ id, fragments }) => {
    if (fragments.size > 0) return { problem: 'notEmptyTemplate' };
    state.templates.remove(id);
    return noContent;
  });

const listFragments = (state: SandboxState): Operation =>
  onTemplate(state, (template, req) => {
    const items = [...template.fragments.values()].map((each) => fragmentBody(state, template, each));
    return page(req, { url: fragmentsUrl(state, template), name: 'template_fragments', items });
  });

const createFragment = (state: SandboxState): Operation =>
  onTemplate(state, (template, req) =>
    withBody(NewFragment, (content) => {
      const exists = [...template.fragments.values()].some(
        ({ channel, locale }) => channel === content.channel && locale === content.locale,
      );
      if (exists) return { problem: 'fragmentExists' };
      return created(fragmentBody(state, template, state.templates.addFragment(template, content)));
    })(req),
  );

const showFragment = (state: SandboxState): Operation =>
  onFragment(state, (fragment, template) => ok(fragmentBody(state, template, fragment)));

const changeFragment = (state: SandboxState): Operation =>
  onFragment(state, (fragment, template, req) =>
    withBody(FragmentChange, ({ text }) => {
      state.templates.changeText(fragment, text);
      return ok(fragmentBody(state, template, fragment));
    })(req),
  );

const deleteFragment = (state: SandboxState): Operation =>
  onFragment(state, ({ id }, { fragments }) => {
    fragments.delete(id);
    return noContent;
  });

/** Template management of Verify v2, with the rules of its reference. */
export const templateRoutes = (state: SandboxState, router: IRouter): void => {
  const jwt = requireApplicationJwt(state, 'jwtExpired');
  const read = (operation: Operation): RequestHandler[] => [jwt, handle(operation)];
  // Like Vonage's gateway, checks whether writing is enabled before it validates the request.
  const write = (operation: Operation): RequestHandler[] =>
    read((req) => (state.templates.enabled ? operation(req) : { problem: 'templatesForbidden' }));
  const template = `${TEMPLATES_PATH}/:template_id`;
  const fragments = `${template}/template_fragments`;
  handlePath(router, TEMPLATES_PATH, { get: read(listTemplates(state)), post: write(createTemplate(state)) });
  handlePath(router, template, {
    get: read(showTemplate(state)),
    patch: write(changeTemplate(state)),
    delete: write(deleteTemplate(state)),
  });
  handlePath(router, fragments, { get: read(listFragments(state)), post: write(createFragment(state)) });
  handlePath(router, `${fragments}/:template_fragment_id`, {
    get: read(showFragment(state)),
    patch: write(changeFragment(state)),
    delete: write(deleteFragment(state)),
  });
};
