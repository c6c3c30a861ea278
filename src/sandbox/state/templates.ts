import { randomUUID } from 'node:crypto';
import type { World } from '../../core/world.js';

/** The channels of fragments (Verify v2 reference and "Verify Languages"). */
export const TEMPLATE_CHANNELS = ['sms', 'rcs', 'voice'] as const;

export interface Fragment {
  id: string;
  channel: (typeof TEMPLATE_CHANNELS)[number];
  /** Lower case, such as `en-us`. */
  locale: string;
  text: string;
  /** ISO 8601. */
  created: string;
  updated: string;
}

export interface Template {
  id: string;
  name: string;
  fragments: Map<string, Fragment>;
}

/** The templates of the account. Values are validated by the routes. */
export class TemplateStore {
  readonly #templates = new Map<string, Template>();
  /** Whether the account may write templates. Vonage's support enables it. */
  enabled = true;
  /** Used by verifications without `template_id`. If undefined, they have Vonage's texts. */
  defaultId: string | undefined;

  constructor(private readonly world: Pick<World, 'now'>) {}

  all(): readonly Template[] {
    return [...this.#templates.values()];
  }

  get(id: string): Template | undefined {
    return this.#templates.get(id);
  }

  /** The text of a template for a channel in a locale. */
  text(id: string | undefined, channel: string, locale: string): string | undefined {
    const fragments = [...(this.#templates.get(id ?? '')?.fragments.values() ?? [])];
    return fragments.find((each) => each.channel === channel && each.locale === locale)?.text;
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

  addFragment(template: Template, content: Pick<Fragment, 'channel' | 'locale' | 'text'>): Fragment {
    const fragment = { id: randomUUID(), ...content, created: this.#now(), updated: this.#now() };
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
