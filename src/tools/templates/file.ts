import { z } from 'zod';
import { messageOf } from '../command.js';

/** The channels of fragments that a file can describe. */
export const CHANNELS: readonly string[] = ['sms', 'rcs', 'voice'];

/** An account can have ten custom templates (Verify v2 reference, error `max-templates`). */
export const MOST_TEMPLATES = 10;

/** The host of PUBLIC_URL. Vonage has no such variable: what the account has is the host itself. */
const HOST = '${host}';

const VARIABLES = ['${code}', '${brand}', '${time-limit}', '${time-limit-unit}', HOST];

const withoutVariables = (text: string): string =>
  VARIABLES.reduce((rest, variable) => rest.replaceAll(variable, ''), text);

/** The last line of an SMS whose code browsers fill in (WICG, "Origin-bound one-time codes"). */
const lastLine = (host: string): string => `\n@${host} #\${code}`;

const withoutEnd = (text: string, end: string): string =>
  text.endsWith(end) ? text.slice(0, -end.length) : text;

const WantedFragment = z.strictObject({
  channel: z.string().refine((channel) => CHANNELS.includes(channel), 'must be sms, rcs or voice'),
  locale: z
    .string()
    .regex(/^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/, 'must be a locale in lower case, such as en-us'),
  text: z
    .string()
    .refine((text) => text.includes('${code}'), 'must contain ${code}')
    .refine((text) => !withoutVariables(text).includes('${'), `may use only ${VARIABLES.join(', ')}`)
    .refine(
      (text) => !withoutEnd(text, lastLine(HOST)).includes(HOST),
      `may use ${HOST} only in a last line @${HOST} #\${code}`,
    ),
});

const WantedTemplate = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -'),
  /** Absent: left as it is in the account. */
  is_default: z.boolean().optional(),
  fragments: z.array(WantedFragment),
});

const TemplatesFile = z.strictObject({
  templates: z
    .array(WantedTemplate)
    .max(MOST_TEMPLATES, `must be at most ${MOST_TEMPLATES}: Vonage keeps no more`),
});

export type WantedTemplate = z.infer<typeof WantedTemplate>;
export type WantedFragment = z.infer<typeof WantedFragment>;
export type TemplatesFile = z.infer<typeof TemplatesFile>;

/** The same file without rules, to find repetitions even where something else is wrong. */
const Anything = z.unknown().optional();
const LooseFragment = z.object({ channel: Anything, locale: Anything }).catch({});
const LooseTemplate = z
  .object({ name: Anything, is_default: Anything, fragments: z.array(LooseFragment).catch([]) })
  .catch({ fragments: [] });
const LooseFile = z.object({ templates: z.array(LooseTemplate) }).catch({ templates: [] });

const pathOf = (path: readonly PropertyKey[]): string =>
  path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at > 0 ? '.' : ''}${String(key)}`))
    .join('');

/** The keys that are repeated, with their index. A key is a text. */
const repeated = (keys: readonly unknown[]): { key: string; at: number }[] =>
  keys.flatMap((key, at) => (typeof key === 'string' && keys.indexOf(key) < at ? [{ key, at }] : []));

function repetitions(value: unknown): string[] {
  const { templates } = LooseFile.parse(value);
  const defaults = templates.flatMap(({ is_default }, at) => (is_default === true ? [at] : []));
  return [
    ...repeated(templates.map(({ name }) => name)).map(
      ({ key, at }) => `templates[${at}].name: "${key}" is there twice`,
    ),
    ...defaults.slice(1).map((at) => `templates[${at}].is_default: only one template can be the default`),
    ...templates.flatMap(({ fragments }, of) =>
      repeated(fragments.map(keyOf)).map(
        ({ key, at }) => `templates[${of}].fragments[${at}]: ${key} is there twice`,
      ),
    ),
  ];
}

/** The key of a fragment within its template. */
const keyOf = ({ channel, locale }: { channel?: unknown; locale?: unknown }): string | undefined =>
  typeof channel === 'string' && typeof locale === 'string' ? `${channel} ${locale}` : undefined;

/** All problems of a file's content, each with its path. */
export function problemsOf(value: unknown): string[] {
  const issues = TemplatesFile.safeParse(value).error?.issues ?? [];
  return [
    ...issues.map(({ path, message }) => `${pathOf(path) || 'the file'}: ${message}`),
    ...repetitions(value),
  ];
}

/** Parses a file's text, or returns all its problems. */
export function parseTemplates(text: string): TemplatesFile | { problems: string[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problems: [`it is not JSON: ${messageOf(error)}`] };
  }
  const problems = problemsOf(value);
  return problems.length > 0 ? { problems } : TemplatesFile.parse(value);
}

const mapTexts = ({ templates }: TemplatesFile, change: (text: string) => string): TemplatesFile => ({
  templates: templates.map((template) => ({
    ...template,
    fragments: template.fragments.map((fragment) => ({ ...fragment, text: change(fragment.text) })),
  })),
});

export const usesHost = ({ templates }: TemplatesFile): boolean =>
  templates.some(({ fragments }) => fragments.some(({ text }) => text.includes(HOST)));

/** The file with the texts as the account has them. */
export const withHost = (file: TemplatesFile, host: string): TemplatesFile =>
  mapTexts(file, (text) => text.replaceAll(HOST, host));

/** The opposite of {@link withHost}: the file fits other hosts as well. */
export const withoutHost = (file: TemplatesFile, host: string): TemplatesFile =>
  mapTexts(file, (text) => {
    const end = lastLine(host);
    return text.endsWith(end) ? `${withoutEnd(text, end)}${lastLine(HOST)}` : text;
  });

export const formatTemplates = (file: TemplatesFile): string => `${JSON.stringify(file, null, 2)}\n`;
