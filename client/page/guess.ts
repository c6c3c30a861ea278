/** The region of `es-419`, in which Mexico has the most people who speak Spanish. */
const LATIN_AMERICA = '419';

/**
 * The country of a user by `navigator.languages`: that of their first language that shows one, if
 * it is one of `countries`.
 */
export function guessCountry<Country extends string>(
  languages: readonly string[],
  countries: readonly Country[],
): Country | undefined {
  const isCountry = (region: string | undefined) => countries.some((code) => code === region);
  const locales = languages.map(localeOf).filter((each) => each !== undefined);
  for (const locale of locales) {
    const { language } = locale;
    const region = locale.region ?? locales.find((each) => each.language === language && each.region)?.region;
    const likely = [locale, localeOf(language)].map((each) => each?.maximize().region);
    const regions = [region === LATIN_AMERICA ? 'MX' : region, ...likely];
    const found = countries.find((code) => code === regions.find(isCountry));
    if (found) return found;
  }
  return countries.find((code) => code === 'US');
}

/** Some browsers list tags that are not well-formed. */
function localeOf(tag: string): Intl.Locale | undefined {
  try {
    return new Intl.Locale(tag);
  } catch {
    return undefined;
  }
}
