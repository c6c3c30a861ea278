import type en from '../../public/words/en.json';

/** The texts of a language: `public/words/<language>.json`, all of the shape of English. */
export type Words = typeof en;

export interface Language {
  words: Words;
  /** The user's variant of the language (BCP 47), such as `en-GB`, for times and numbers. */
  locale: string;
}

/**
 * Text that keeps its order from left to right in a language that is written from right to left.
 */
export interface Ltr {
  ltr: string;
}

export type Text = readonly (string | Ltr)[];

export const ltr = (text: string): Ltr => ({ ltr: text });

/** Replaces the placeholders of a text, which are names in braces. */
export function fill(template: string, values: Record<string, string | number | Ltr>): Text {
  return template
    .split(/(\{\w+\})/)
    .map((part) => {
      const value = values[/^\{(\w+)\}$/.exec(part)?.[1] ?? ''];
      return typeof value === 'object' ? value : String(value ?? part);
    })
    .filter((part) => part !== '');
}

export const plain = (text: Text): string =>
  text.map((part) => (typeof part === 'string' ? part : part.ltr)).join('');

type Forms = Record<string, string> & { other: string };

/** The form of a text for a count, by the plural rules of the language. */
export function plural(forms: Forms, count: number, { locale }: Language): string {
  const form = forms[new Intl.PluralRules(locale).select(count)] ?? forms.other;
  return plain(fill(form, { count: new Intl.NumberFormat(latin(locale)).format(count) }));
}

/** Phone numbers and codes have Latin digits on this page, so all its numbers do. */
const latin = (locale: string): string => `${locale.split('-u-')[0] ?? locale}-u-nu-latn`;

const unit = (
  locale: string,
  amount: number,
  format: Pick<Intl.NumberFormatOptions, 'unit' | 'unitDisplay' | 'maximumFractionDigits'>,
): string => new Intl.NumberFormat(latin(locale), { style: 'unit', ...format }).format(amount);

/** `40 seconds`, `8 minutes`, `2 hours`: never shorter than `seconds`. Short: `8 min`. */
export function timeSpan(
  seconds: number,
  { locale }: Language,
  unitDisplay: 'long' | 'short' = 'long',
): string {
  if (seconds < 60) return unit(locale, Math.max(1, Math.ceil(seconds)), { unit: 'second', unitDisplay });
  if (seconds < 3600) return unit(locale, Math.ceil(seconds / 60), { unit: 'minute', unitDisplay });
  return unit(locale, Math.ceil(seconds / 3600), { unit: 'hour', unitDisplay });
}

/** `0:24`, for a countdown. */
export function countdown(ms: number): Ltr {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return ltr(`${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`);
}

/** `87ms`, `2.3s`. */
export const measured = (ms: number, { locale }: Language): string =>
  ms < 1000
    ? unit(locale, ms, { unit: 'millisecond', unitDisplay: 'narrow', maximumFractionDigits: 0 })
    : unit(locale, ms / 1000, { unit: 'second', unitDisplay: 'narrow', maximumFractionDigits: 1 });

export const dateTime = (iso: string, { locale }: Language): string =>
  new Date(iso).toLocaleString(latin(locale), { dateStyle: 'medium', timeStyle: 'short' });
