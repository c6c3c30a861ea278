import { z } from 'zod';
import { PATHS, withQuery } from '../http/paths.js';
import type { SandboxState } from '../state/state.js';
import { TEMPLATE_CHANNELS, type Fragment, type Template } from '../state/templates.js';

export const TEMPLATES_PATH = `${PATHS.verifyRequests}/templates`;

const VARIABLES = ['${code}', '${brand}', '${time-limit}', '${time-limit-unit}'];

const usesOnlyVariables = (text: string): boolean =>
  !VARIABLES.reduce((rest, variable) => rest.replaceAll(variable, ''), text).includes('${');

const Name = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z0-9_-]+$/, 'may have only letters, digits, _ and -');

const Text = z
  .string()
  .refine((text) => text.includes('${code}'), 'must contain ${code}')
  .refine(usesOnlyVariables, `may use only ${VARIABLES.join(', ')}`);

const Locale = z
  .string()
  .regex(/^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/, 'must be a locale in lower case, such as en-us');

export const NewTemplate = z.strictObject({ name: Name });
export const TemplateChange = z.strictObject({ name: Name.optional(), is_default: z.boolean().optional() });
export const NewFragment = z.strictObject({ channel: z.enum(TEMPLATE_CHANNELS), locale: Locale, text: Text });
export const FragmentChange = z.strictObject({ text: Text });

export const templatesUrl = ({ publicUrl }: SandboxState): string => `${publicUrl()}${TEMPLATES_PATH}`;

const templateUrl = (state: SandboxState, { id }: Template): string => `${templatesUrl(state)}/${id}`;

export const fragmentsUrl = (state: SandboxState, template: Template): string =>
  `${templateUrl(state, template)}/template_fragments`;

export const templateBody = (state: SandboxState, template: Template) => ({
  template_id: template.id,
  name: template.name,
  is_default: state.templates.defaultId === template.id,
  _links: {
    self: { href: templateUrl(state, template) },
    fragments: { href: fragmentsUrl(state, template) },
  },
});

export const fragmentBody = (state: SandboxState, template: Template, fragment: Fragment) => ({
  template_fragment_id: fragment.id,
  channel: fragment.channel,
  locale: fragment.locale,
  text: fragment.text,
  date_updated: fragment.updated,
  date_created: fragment.created,
  _links: {
    self: { href: `${fragmentsUrl(state, template)}/${fragment.id}` },
    template: { href: templateUrl(state, template) },
  },
});

const MAX_PAGE_SIZE = 100;

const count = z
  .string()
  .regex(/^\d{1,6}$/, 'must be a whole number')
  .transform(Number)
  .refine((value) => value >= 1, 'must be at least 1');

export const PageQuery = z.object({
  page: count.default(1),
  page_size: count.refine((value) => value <= MAX_PAGE_SIZE, `must be at most ${MAX_PAGE_SIZE}`).default(10),
});

interface Collection {
  url: string;
  name: string;
  items: readonly object[];
}

/** One page of a collection, in HAL. Links to pages that do not exist are absent. */
export const pageBody = ({ page, page_size }: z.infer<typeof PageQuery>, collection: Collection) => {
  const { url, name, items } = collection;
  const last = Math.max(1, Math.ceil(items.length / page_size));
  const link = (to: number) => ({ href: withQuery(url, { page: String(to), page_size: String(page_size) }) });
  return {
    page_size,
    page,
    total_pages: last,
    total_items: items.length,
    _embedded: { [name]: items.slice((page - 1) * page_size, page * page_size) },
    _links: {
      self: link(page),
      ...(page < last && { next: link(page + 1) }),
      ...(page > 1 && { prev: link(Math.min(page - 1, last)) }),
      first: link(1),
      last: link(last),
    },
  };
};
