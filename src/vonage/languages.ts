interface Language {
  /** As Vonage writes it. */
  name: string;
  language: string;
  script: string;
  region: string;
}

/** A language tag with its usual script and region filled in. */
function maximize(tag: string): Omit<Language, 'name'> {
  const { language, script = '', region = '' } = new Intl.Locale(tag).maximize();
  return { language, script, region };
}

const languagesOf = (names: string): readonly Language[] =>
  names.split(' ').map((name) => ({ name, ...maximize(name) }));

/**
 * The languages in which Vonage has texts of its own (guide "Verify Languages",
 * https://developer.vonage.com/en/verify/guides/verify-v2-languages, as of November 2026). After
 * `da-dk`, the list has only what Vonage's guide to the first Verify API names as well
 * (https://developer.vonage.com/en/verify/guides/verify-languages); `he-il` is from Vonage's PHP
 * SDK. Vonage uses en-us for a language that it does not have.
 */
const EVERYWHERE =
  'ar-xa cs-cz da-dk de-de el-gr en-us en-au en-gb en-in es-es es-mx es-us fi-fi fil-ph fr-fr fr-ca hi-in ' +
  'hu-hu id-id it-it ja-jp ko-kr nb-no nl-nl pl-pl pt-br pt-pt ro-ro ru-ru sv-se th-th tr-tr vi-vn zh-cn';

const SMS = languagesOf(`${EVERYWHERE} cy-gb he-il is-is yue-cn zh-tw zh-hk`);

const LANGUAGES = {
  sms: SMS,
  rcs: SMS,
  // The guide has no Chinese of Taiwan or Hong Kong for calls.
  voice: languagesOf(`${EVERYWHERE} cy-gb is-is yue-cn`),
  // Nor that of Hong Kong for WhatsApp, whose templates have no Welsh, Icelandic or Cantonese.
  whatsapp: languagesOf(`${EVERYWHERE} zh-tw`),
};

/**
 * The languages that the guide lists for templates of the account only. They are for SMS and RCS: a
 * `template_id` does not apply to other channels.
 */
const OF_TEMPLATES = languagesOf('af-za az-az bg-bg bn-bd ca-es cmn-cn hr-hr sq-al');

export type LanguageChannel = keyof typeof LANGUAGES;

/** Regions that share a variant of a language other than the usual one (CLDR, `parentLocales`). */
const VARIANTS: Record<string, [regions: string, variant: string]> = {
  'en-Latn': ['001 150 BD GH HK IE JM KE LK MT MY NG NZ PK SG TT TZ UG ZA ZM ZW', 'GB'],
  'es-Latn': ['419 AR BO BR BZ CL CO CR CU DO EC GT HN NI PA PE PR PY SV UY VE', 'MX'],
  'pt-Latn': ['AO CH CV FR GQ GW LU MO MZ ST TL', 'PT'],
  'zh-Hant': ['MO', 'HK'],
};

/** The language that is closest to one that Vonage does not have. */
const RELATED: Record<string, string> = { nn: 'nb', no: 'nb', yue: 'zh' };

/** The regions of Chinese where a call speaks Cantonese. */
const CANTONESE_REGIONS = ['HK', 'MO'];

/**
 * The language of a message, in Vonage's spelling (`de-de`, `pt-br`, `yue-cn`): the same region,
 * else the variant of the language that is usual there, else any text in the same script. A call
 * has no script.
 * @param locale a language tag from `parseLocale`
 * @param options `template`: the request names a template of the account, so that languages without
 *   a text of Vonage count as well. Whether the template has a text in the language is not known
 *   here: where it has none, Vonage uses its own, or en-us.
 * @returns undefined if Vonage has nothing near: without a language, it chooses by the number
 */
export function languageFor(
  channel: LanguageChannel,
  locale: string,
  { template = false }: { template?: boolean } = {},
): string | undefined {
  if (/^und(?:-|$)/.test(locale)) return undefined;
  const own = LANGUAGES[channel];
  const languages = template && own === SMS ? [...own, ...OF_TEMPLATES] : own;
  const spoken = channel === 'voice';
  const { language, script, region } = maximize(locale);
  const isCantonese = spoken && language === 'zh' && CANTONESE_REGIONS.includes(region);
  for (const wanted of isCantonese ? ['yue'] : [language, RELATED[language]]) {
    const near = languages.filter((each) => each.language === wanted && (spoken || each.script === script));
    if (near.length === 0) continue;
    const usual = usualRegion(`${wanted}-${script}`, region);
    const inRegion = (name: string) => near.find((each) => each.region === name);
    return (inRegion(region) ?? inRegion(usual) ?? near[0])?.name;
  }
  return undefined;
}

function usualRegion(variety: string, region: string): string {
  const [regions, variant] = VARIANTS[variety] ?? ['', ''];
  return regions.split(' ').includes(region) ? variant : maximize(variety).region;
}
