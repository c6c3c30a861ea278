import { randomUUID } from 'node:crypto';
import type { World } from '../../core/world.js';

/** The channels of fragments (Verify v2 reference, "Template Fragments"). */
export const TEMPLATE_CHANNELS = ['sms', 'voice'] as const;

/** The text of a template for one channel in one locale. */
export interface Fragment {
  id: string;
  channel: (typeof TEMPLATE_CHANNELS)[number];
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
  /** By id, in the order in which they were added. */
  fragments: Map<string, Fragment>;
}

/** The locale of a text where there is none in the locale of the verification. */
const FALLBACK_LOCALE = 'en-us';

/** The templates of the account, in memory. The routes check what is put into them. */
export class TemplateStore {
  readonly #templates = new Map<string, Template>();
  /** Whether the account may write templates, which Vonage's support enables. */
  enabled = true;
  /** The template of verifications that name none; undefined for Vonage's own texts. */
  defaultId: string | undefined;

  constructor(private readonly world: Pick<World, 'now'>) {}

  all(): readonly Template[] {
    return [...this.#templates.values()];
  }

  get(id: string): Template | undefined {
    return this.#templates.get(id);
  }

  /** The text for a channel in a locale, else in en-us; undefined where there is none. */
  text(id: string, channel: string, locale: string): string | undefined {
    const fragments = [...(this.get(id)?.fragments.values() ?? [])].filter(
      (each) => each.channel === channel,
    );
    const textIn = (wanted: string) => fragments.find((each) => each.locale === wanted)?.text;
    return textIn(locale.toLowerCase()) ?? textIn(FALLBACK_LOCALE);
  }

  add(name: string): Template {
    const template: Template = { id: randomUUID(), name, fragments: new Map() };
    this.#templates.set(template.id, template);
    return template;
  }

  remove(id: string): void {
    this.#templates.delete(id);
    if (this.defaultId === id) this.defaultId = undefined;
  }

  addFragment(template: Template, words: Pick<Fragment, 'channel' | 'locale' | 'text'>): Fragment {
    const fragment = { id: randomUUID(), ...words, created: this.#now(), updated: this.#now() };
    template.fragments.set(fragment.id, fragment);
    return fragment;
  }

  changeText(fragment: Fragment, text: string): void {
    fragment.text = text;
    fragment.updated = this.#now();
  }

  clear(): void {
    this.#templates.clear();
    this.enabled = true;
    this.defaultId = undefined;
  }

  #now(): string {
    return new Date(this.world.now()).toISOString();
  }
}
