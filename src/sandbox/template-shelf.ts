import type { World } from '../world.js';
import { uuid } from './identifiers.js';

/** The channels a fragment can be for (Verify v2 reference, "Template Fragments"). */
export const TEMPLATE_CHANNELS = ['sms', 'voice'] as const;

export type TemplateChannel = (typeof TEMPLATE_CHANNELS)[number];

/** The text of a template for one channel in one locale. */
export interface Fragment {
  id: string;
  channel: TemplateChannel;
  /** In lower case, such as `en-us`. */
  locale: string;
  text: string;
  /** ISO 8601. */
  created: string;
  updated: string;
}

export interface Template {
  id: string;
  name: string;
  /** In insertion order, by id. */
  fragments: Map<string, Fragment>;
}

/** Where a request's locale has no text of its own, Verify speaks its default one. */
const FALLBACK_LOCALE = 'en-us';

export interface TemplateShelf {
  /** Whether this account may write templates: an account asks Vonage's support for that. */
  enabled: boolean;
  /** The template used where a request names none; undefined means Vonage's own words. */
  defaultId: string | undefined;
  all(): readonly Template[];
  get(templateId: string): Template | undefined;
  has(templateId: string): boolean;
  /** What a template says on a channel in a locale, else in en-us; undefined where it says nothing. */
  text(templateId: string, channel: string, locale: string): string | undefined;
  add(name: string): Template;
  remove(templateId: string): void;
  addFragment(template: Template, fragment: Pick<Fragment, 'channel' | 'locale' | 'text'>): Fragment;
  rewrite(fragment: Fragment, text: string): void;
  reset(): void;
}

/** The account's templates and their fragments, in memory. What may be in them is for the routes to say. */
export const createTemplateShelf = (world: Pick<World, 'now' | 'random'>): TemplateShelf => {
  const templates = new Map<string, Template>();
  const now = (): string => new Date(world.now()).toISOString();
  const shelf: TemplateShelf = {
    enabled: true,
    defaultId: undefined,
    all: () => [...templates.values()],
    get: (templateId) => templates.get(templateId),
    has: (templateId) => templates.has(templateId),
    text: (templateId, channel, locale) => {
      const fragments = [...(templates.get(templateId)?.fragments.values() ?? [])];
      const textIn = (wanted: string) =>
        fragments.find((each) => each.channel === channel && each.locale === wanted)?.text;
      return textIn(locale.toLowerCase()) ?? textIn(FALLBACK_LOCALE);
    },
    add: (name) => {
      const template: Template = { id: uuid(world), name, fragments: new Map() };
      templates.set(template.id, template);
      return template;
    },
    remove: (templateId) => {
      templates.delete(templateId);
      if (shelf.defaultId === templateId) shelf.defaultId = undefined;
    },
    addFragment: (template, words) => {
      const fragment: Fragment = { id: uuid(world), ...words, created: now(), updated: now() };
      template.fragments.set(fragment.id, fragment);
      return fragment;
    },
    rewrite: (fragment, text) => {
      fragment.text = text;
      fragment.updated = now();
    },
    reset: () => {
      templates.clear();
      shelf.enabled = true;
      shelf.defaultId = undefined;
    },
  };
  return shelf;
};
