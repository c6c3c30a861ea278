import type { IRouter, Request, RequestHandler } from 'express';
import type { ZodType } from 'zod';
import { parse, Problem } from '../http/problems.js';
import { handlePath, jsonBody, mediaType } from '../http/requests.js';
import type { SandboxState } from '../state/state.js';
import type { Fragment, Template } from '../state/templates.js';
import { requireApplicationJwt } from '../vonage/application-jwt.js';
import { fragmentBody, FragmentChange, fragmentsUrl, NewFragment, NewTemplate } from './representation.js';
import { pageBody, PageQuery, templateBody, TemplateChange } from './representation.js';
import { TEMPLATES_PATH, templatesUrl } from './representation.js';

const MAX_TEMPLATES = 10;

/** Returns the body of the answer, if it has one. @throws Problem */
type Operation = (state: SandboxState, req: Request) => object | undefined;

/** Parses the body. Ignores bodies whose content type is not JSON. */
const bodyOf = <T>(req: Request, schema: ZodType<T>): T =>
  parse(schema, mediaType(req) === 'application/json' ? jsonBody(req) : undefined, 'invalidParams');

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param name of the id in Vonage's texts */
const idIn = ({ params }: Request, parameter: string, name: string): string => {
  const id = String(params[parameter]).toLowerCase();
  if (UUID.test(id)) return id;
  throw new Problem('invalidParams', { invalid_parameters: [{ name, reason: 'Value must be an UUID' }] });
};

const templateIn = ({ templates }: SandboxState, req: Request): Template => {
  const template = templates.get(idIn(req, 'template_id', 'Template ID'));
  if (!template) throw new Problem('templateNotFound');
  return template;
};

const fragmentIn = (template: Template, req: Request): Fragment => {
  const fragment = template.fragments.get(idIn(req, 'template_fragment_id', 'Template fragment ID'));
  if (!fragment) throw new Problem('fragmentNotFound');
  return fragment;
};

const listTemplates: Operation = (state, req) => {
  const items = state.templates.all().map((each) => templateBody(state, each));
  const page = parse(PageQuery, req.query, 'invalidParams');
  return pageBody(page, { url: templatesUrl(state), name: 'templates', items });
};

const createTemplate: Operation = (state, req) => {
  const { templates } = state;
  const { name } = bodyOf(req, NewTemplate);
  if (templates.all().some((each) => each.name === name)) throw new Problem('templateExists');
  if (templates.all().length >= MAX_TEMPLATES) throw new Problem('maxTemplates');
  const template = templates.add(name);
  // The first template becomes the default (Vonage's guide "Template Management").
  if (templates.all().length === 1) templates.defaultId = template.id;
  return templateBody(state, template);
};

const showTemplate: Operation = (state, req) => templateBody(state, templateIn(state, req));

const changeTemplate: Operation = (state, req) => {
  const { templates } = state;
  const template = templateIn(state, req);
  const { name = template.name, is_default } = bodyOf(req, TemplateChange);
  const isTaken = templates.all().some((each) => each !== template && each.name === name);
  if (isTaken) throw new Problem('templateExists');
  template.name = name;
  if (is_default === true) templates.defaultId = template.id;
  if (is_default === false && templates.defaultId === template.id) templates.defaultId = undefined;
  return templateBody(state, template);
};

const deleteTemplate: Operation = (state, req) => {
  const { id, fragments } = templateIn(state, req);
  if (fragments.size > 0) throw new Problem('notEmptyTemplate');
  state.templates.remove(id);
  return undefined;
};

const listFragments: Operation = (state, req) => {
  const template = templateIn(state, req);
  const items = [...template.fragments.values()].map((each) => fragmentBody(state, template, each));
  const page = parse(PageQuery, req.query, 'invalidParams');
  return pageBody(page, { url: fragmentsUrl(state, template), name: 'template_fragments', items });
};

const createFragment: Operation = (state, req) => {
  const template = templateIn(state, req);
  const content = bodyOf(req, NewFragment);
  const exists = [...template.fragments.values()].some(
    ({ channel, locale }) => channel === content.channel && locale === content.locale,
  );
  if (exists) throw new Problem('fragmentExists');
  return fragmentBody(state, template, state.templates.addFragment(template, content));
};

const showFragment: Operation = (state, req) => {
  const template = templateIn(state, req);
  return fragmentBody(state, template, fragmentIn(template, req));
};

const changeFragment: Operation = (state, req) => {
  const template = templateIn(state, req);
  const fragment = fragmentIn(template, req);
  state.templates.changeText(fragment, bodyOf(req, FragmentChange).text);
  return fragmentBody(state, template, fragment);
};

const deleteFragment: Operation = (state, req) => {
  const template = templateIn(state, req);
  template.fragments.delete(fragmentIn(template, req).id);
  return undefined;
};

/** Template management of Verify v2, with the rules of its reference. */
export const templateRoutes = (state: SandboxState, router: IRouter): void => {
  const jwt = requireApplicationJwt(state, 'jwtExpired');
  const read = (operation: Operation, status = 200): RequestHandler[] => [
    jwt,
    (req, res) => {
      const body = operation(state, req);
      res.status(status);
      if (body) res.json(body);
      else res.end();
    },
  ];
  // Like Vonage's gateway, checks whether writing is enabled before it validates the request.
  const write = (operation: Operation, status?: number): RequestHandler[] =>
    read((_state, req) => {
      if (!state.templates.enabled) throw new Problem('templatesForbidden');
      return operation(state, req);
    }, status);
  const template = `${TEMPLATES_PATH}/:template_id`;
  const fragments = `${template}/template_fragments`;
  handlePath(router, TEMPLATES_PATH, { get: read(listTemplates), post: write(createTemplate, 201) });
  handlePath(router, template, {
    get: read(showTemplate),
    patch: write(changeTemplate),
    delete: write(deleteTemplate, 204),
  });
  handlePath(router, fragments, { get: read(listFragments), post: write(createFragment, 201) });
  handlePath(router, `${fragments}/:template_fragment_id`, {
    get: read(showFragment),
    patch: write(changeFragment),
    delete: write(deleteFragment, 204),
  });
};
