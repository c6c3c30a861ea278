import { parseLocale } from '../src/config/login.js';
import { languageFor, type LanguageChannel } from '../src/vonage/languages.js';

describe('parseLocale', () => {
  it.each([
    ['de-at', 'de-AT'],
    ['DE', 'de'],
    ['zh-hant-hk', 'zh-Hant-HK'],
    ['iw-il', 'he-IL'],
    ['tl', 'fil'],
    ['cmn-cn', 'zh-CN'],
    ['de-DE-1996-u-co-phonebk', 'de-DE-1996'],
    ['en-US-u-fw-mon-hc-h23-mu-celsius-nu-latn', 'en-US'],
    ['zh-yue-HK', 'yue-HK'],
  ])('reads %s as %s', (tag, canonical) => expect(parseLocale(tag)).toBe(canonical));

  it.each([
    ...['', '*', ' ', 'de_AT', 'de-', '-', 'de, en', 'de;q=0.5', 'de AT', 'de-AT\n', 'x-app', 'i-klingon'],
    ...['d', 'deutschland', 'de-DE-DE', '__proto__', '\u0000', 'dé', `de-${'a1b2c3d4-'.repeat(4)}x`],
  ])('refuses %j', (tag) => expect(parseLocale(tag)).toBeUndefined());

  it('accepts tags of up to 100 characters', () => {
    const tag = `de-x${'-aaaaaaa'.repeat(12)}`;
    expect([tag.length, parseLocale(tag), parseLocale(`${tag}a`)]).toEqual([100, 'de', undefined]);
  });
});

const languages = (locale: string) => {
  const canonical = parseLocale(locale) ?? '';
  const of = (channel: LanguageChannel) => languageFor(channel, canonical);
  return { sms: of('sms'), rcs: of('rcs'), voice: of('voice'), whatsapp: of('whatsapp') };
};

/** What a locale becomes for SMS and RCS, for calls, and for WhatsApp, where that differs. */
const TABLE: [locale: string, sms: string | undefined, voice?: string | null, whatsapp?: string | null][] = [
  ['de', 'de-de'],
  ['de-DE', 'de-de'],
  ['de-AT', 'de-de'],
  ['de-CH-1996', 'de-de'],
  ['en', 'en-us'],
  ['en-AU', 'en-au'],
  ['en-CA', 'en-us'],
  ['en-NZ', 'en-gb'],
  ['en-IE', 'en-gb'],
  ['en-IN', 'en-in'],
  ['en-150', 'en-gb'],
  ['es', 'es-es'],
  ['es-MX', 'es-mx'],
  ['es-419', 'es-mx'],
  ['es-AR', 'es-mx'],
  ['es-US', 'es-us'],
  ['es-DE', 'es-es'],
  ['pt', 'pt-br'],
  ['pt-PT', 'pt-pt'],
  ['pt-AO', 'pt-pt'],
  ['pt-US', 'pt-br'],
  ['fr', 'fr-fr'],
  ['fr-BE', 'fr-fr'],
  ['fr-CA', 'fr-ca'],
  ['no', 'nb-no'],
  ['nb', 'nb-no'],
  ['nn-NO', 'nb-no'],
  ['nb-SJ', 'nb-no'],
  ['tl', 'fil-ph'],
  ['fil', 'fil-ph'],
  ['ar', 'ar-xa'],
  ['ar-SA', 'ar-xa'],
  ['iw', 'he-il', null, null],
  ['he', 'he-il', null, null],
  ['cy', 'cy-gb', 'cy-gb', null],
  ['is', 'is-is', 'is-is', null],
  ['zh', 'zh-cn'],
  ['cmn', 'zh-cn'],
  ['zh-Hans', 'zh-cn'],
  ['zh-SG', 'zh-cn'],
  ['zh-Hant', 'zh-tw', 'zh-cn', 'zh-tw'],
  ['zh-TW', 'zh-tw', 'zh-cn', 'zh-tw'],
  ['zh-HK', 'zh-hk', 'yue-cn', 'zh-tw'],
  ['zh-MO', 'zh-hk', 'yue-cn', 'zh-tw'],
  ['yue', 'zh-hk', 'yue-cn', 'zh-tw'],
  ['yue-CN', 'yue-cn', 'yue-cn', 'zh-cn'],
  ['sr', undefined],
  ['sr-Latn', undefined],
  ['hi-Latn', undefined, 'hi-in'],
  ['hr', undefined],
  ['eo', undefined],
  ['und', undefined],
  ['und-DE', undefined],
];

describe('languageFor', () => {
  it.each(TABLE)('%s', (locale, sms, voice = sms ?? null, whatsapp = sms ?? null) => {
    expect(languages(locale)).toEqual({
      sms,
      rcs: sms,
      voice: voice ?? undefined,
      whatsapp: whatsapp ?? undefined,
    });
  });

  it.each([
    ['hr', 'hr-hr'],
    ['hr-BA', 'hr-hr'],
    ['bg', 'bg-bg'],
    ['az', 'az-az'],
    ['az-Cyrl', undefined],
    ['de-AT', 'de-de'],
    ['cmn', 'zh-cn'],
    ['sr-Latn', undefined],
  ])('%s with a template of the account', (locale, expected) => {
    const of = (channel: LanguageChannel) => languageFor(channel, locale, { template: true });
    expect([of('sms'), of('rcs')]).toEqual([expected, expected]);
    expect([of('voice'), of('whatsapp')]).toEqual([
      languageFor('voice', locale),
      languageFor('whatsapp', locale),
    ]);
  });
});
