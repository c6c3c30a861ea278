import { z } from 'zod';
import { PATHS } from './paths.js';
import type { Stage } from './state.js';
import { TEMPLATE_CHANNELS, type Fragment, type Template } from './template-shelf.js';

/** Where the templates are found, in Vonage's API as here. */
export const TEMPLATES = `${PATHS.verifyRequests}/templates`;

const Name = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z0-9_-]+$/, 'may have only letters, digits, _ and -');

const RESERVED = ['${code}', '${brand}', '${time-limit}', '${time-limit-unit}'];

const withoutReserved = (text: string): string =>
  RESERVED.reduce((rest, variable) => rest.replaceAll(variable, ''), text);

const Text = z
  .string()
  .refine((text) => text.includes('${code}'), 'must contain ${code}')
  .refine((text) => !withoutReserved(text).includes('${'), `may use only ${RESERVED.join(', ')}`);

/** What may be sent. Unknown fields are refused: they would be ignored in silence, or be mistakes. */
export const NewTemplate = z.strictObject({ name: Name });
export const TemplateChange = z.strictObject({ name: Name.optional(), is_default: z.boolean().optional() });
export const NewFragment = z.strictObject({
  channel: z.enum(TEMPLATE_CHANNELS),
  locale: z
    .string()
    .regex(/^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/, 'must be a locale in lower case, such as en-us'),
  text: Text,
});
export const FragmentChange = z.strictObject({ text: Text });

/** How templates and fragments look on the wire. */
export const shapes = (stage: Stage) => {
  const collection = (): string => `${stage.publicUrl()}${TEMPLATES}`;
  const self = ({ id }: Template): string => `${collection()}/${id}`;
  const fragments = (template: Template): string => `${self(template)}/template_fragments`;
  return {
    collection,
    fragments,
    template: (template: Template) => ({
      template_id: template.id,
      name: template.name,
      is_default: stage.state.templates.defaultId === template.id,
      _links: { self: { href: self(template) }, fragments: { href: fragments(template) } },
    }),
    fragment: (template: Template, { id, channel, locale, text, created, updated }: Fragment) => ({
      template_fragment_id: id,
      channel,
      locale,
      text,
      date_updated: updated,
      date_created: created,
      _links: { self: { href: `${fragments(template)}/${id}` }, template: { href: self(template) } },
    }),
  };
};
