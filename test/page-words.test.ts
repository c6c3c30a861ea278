import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ERRORS, MESSAGE_FAILURES } from '../src/core/errors.js';

const folder = resolve(__dirname, '../public/words');
const LANGUAGES = ['ar', 'de', 'en', 'es', 'fr', 'pt'];

interface Words {
  [name: string]: string | Words;
}

const read = (language: string) =>
  JSON.parse(readFileSync(join(folder, `${language}.json`), 'utf8')) as Words;

const isPlural = (words: Words): boolean => 'other' in words;

/** All texts by their path. The plural forms of a text are one entry. */
const textsOf = (words: Words, path = ''): [path: string, texts: Record<string, string>][] =>
  Object.entries(words).flatMap(([name, each]) => {
    const at = path === '' ? name : `${path}.${name}`;
    if (typeof each === 'string') return [[at, { text: each }]];
    return isPlural(each) ? [[at, each as Record<string, string>]] : textsOf(each, at);
  });

const english = new Map(textsOf(read('en')));
const placeholders = (text = ''): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

/** Names that are the same in every language. */
const NAMES = /\b(?:Wi-Fi|VPN|SIMs?|SMS|RCS|QR|WhatsApp|iCloud|JavaScript|Vonage|localhost)\b/g;

const wordsIn = (text: string): string[] =>
  text
    .replace(/\{\w+\}/g, ' ')
    .replace(NAMES, ' ')
    .toLowerCase()
    .match(/[\p{L}’]+/gu) ?? [];

/** Texts on buttons, links and labels, which have little room. */
const SHORT =
  /^(?:title|footer\..*|number\.(?:label|country|submit|hint\.(?:take|keep))|wait\.(?:sent|operator|done|cancel)|code\.(?:submit|checking|resend\..*|resendIn\..*|instead\..*|get\..*|label)|failed\.(?:retry|retryIn|change|changeLabel)|done\.(?:number|until|continue|logout)|explain\.(?:before|after|states\..*))$/;
const MAX_SHORT = 40;

/** Headings. Some messages join them with a full stop to the text that follows. */
const HEADING = /\.title(?:\.\w+|Code)?$|^failures\.\w+\.title$/;
const MAX_HEADING = 52;

describe('the texts of the page', () => {
  test('are there in each language', () =>
    expect(readdirSync(folder).sort()).toEqual(LANGUAGES.map((each) => `${each}.json`)));

  test('name every failure of a message, and no error that does not exist', () => {
    const { failures, number } = read('en') as Record<string, Words>;
    const named = Object.keys(failures ?? {});
    expect(named).toEqual(expect.arrayContaining([...MESSAGE_FAILURES]));
    const known = [...Object.keys(ERRORS), 'none', 'short', 'long'];
    expect(
      Object.keys((number?.['problem'] as Words | undefined) ?? {}).filter((each) => !known.includes(each)),
    ).toEqual([]);
  });
});

describe.each(LANGUAGES)('the texts in %s', (language) => {
  const texts = textsOf(read(language));
  const all = texts.flatMap(([path, forms]) => Object.values(forms).map((text) => [path, text] as const));

  test('are those of English, in the same order', () =>
    expect(texts.map(([path]) => path)).toEqual([...english.keys()]));

  test('have the plural forms of the language', () => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories.sort();
    const plurals = texts.filter(([, each]) => isPlural(each));
    expect(plurals.length).toBeGreaterThan(2);
    for (const [path, each] of plurals) expect([path, Object.keys(each).sort()]).toEqual([path, forms]);
  });

  test('have the placeholders of English', () => {
    for (const [path, { text, other, ...forms }] of texts) {
      const wanted = placeholders(english.get(path)?.['text'] ?? english.get(path)?.['other']);
      expect([path, placeholders(text ?? other)]).toEqual([path, wanted]);
      // The form of a single number may name it in a word.
      for (const form of Object.values(forms))
        expect([path, wanted]).toEqual([path, expect.arrayContaining(placeholders(form))]);
    }
  });

  test('are not empty, and have no stray space or straight quote', () =>
    expect(
      all.filter(
        ([, text]) => text.trim() !== text || text === '' || /\s\s|['"]|\.\.\.|undefined/.test(text),
      ),
    ).toEqual([]));

  test('fit on their buttons and headings', () => {
    expect(all.filter(([path, text]) => SHORT.test(path) && text.length > MAX_SHORT)).toEqual([]);
    expect(all.filter(([path, text]) => HEADING.test(path) && text.length > MAX_HEADING)).toEqual([]);
  });

  test('end a sentence with a full stop, and a heading without one', () => {
    expect(all.filter(([path, text]) => HEADING.test(path) && /[.!؟?]$/.test(text))).toEqual([]);
    const sentences = all.filter(([path]) =>
      /^failures\.\w+\.text$|\.problem\.|\.hint\.[a-z]+_|sentAgain/.test(path),
    );
    expect(sentences.filter(([, text]) => !text.endsWith('.'))).toEqual([]);
  });
});

describe.each(LANGUAGES.filter((each) => each !== 'en'))('the translation to %s', (language) => {
  const texts = textsOf(read(language)).flatMap(([path, forms]) =>
    Object.values(forms).map((text) => [path, text] as const),
  );

  test('has no English left', () => {
    const ofEnglish = new Set(
      [...english.values()].flatMap((forms) => Object.values(forms)).flatMap(wordsIn),
    );
    // Languages share words, such as "Code", and by chance even two in a row.
    const isLeft = (text: string): boolean =>
      wordsIn(text).some((word, at, words) =>
        [word, words[at + 1] ?? '', words[at + 2] ?? ''].every((each) => ofEnglish.has(each)),
      );
    expect(texts.filter(([, text]) => isLeft(text))).toEqual([]);
  });

  test('is another text than in English', () => {
    const isSame = ([path, forms]: readonly [string, Record<string, string>]): boolean =>
      Object.values(english.get(path) ?? {}).some((text) => Object.values(forms).includes(text));
    expect(textsOf(read(language)).filter(isSame)).toEqual([]);
  });
});

test('French has narrow spaces before its double signs', () => {
  const texts = textsOf(read('fr')).flatMap(([, forms]) => Object.values(forms));
  expect(texts.filter((text) => /[^\u202f][:;?!]/.test(text))).toEqual([]);
});

test('Spanish questions begin with their sign', () => {
  const texts = textsOf(read('es')).flatMap(([, forms]) => Object.values(forms));
  expect(texts.filter((text) => text.split('?').length !== text.split('¿').length)).toEqual([]);
});

test('Arabic has its own punctuation and Arabic letters only, and keeps calling codes in order', () => {
  const texts = textsOf(read('ar')).flatMap(([, forms]) => Object.values(forms));
  expect(texts.filter((text) => /[,;?]/.test(text))).toEqual([]);
  expect(texts.filter((text) => /[A-Za-z]/.test(text.replace(/\{\w+\}/g, '').replace(NAMES, '')))).toEqual(
    [],
  );
  expect(texts.filter((text) => /(?<!\u2066)\+\d/.test(text))).toEqual([]);
});
