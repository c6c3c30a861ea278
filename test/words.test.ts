import { ERRORS } from '../src/core/errors.js';

type Words = { [name: string]: string | Words | ((...values: unknown[]) => string) };

/** A file of the page, as the browser loads it. */
const wordsOf = (language: string) =>
  jest.requireActual<{ default: Words }>(`../public/translations/${language}.js`).default;

/** The paths of all texts. */
const namesOf = (words: Words, path = ''): string[] =>
  Object.entries(words).flatMap(([name, each]) =>
    typeof each === 'object' ? namesOf(each, `${path}${name}.`) : [`${path}${name}`],
  );

describe('the texts of the page', () => {
  test('every language has exactly the texts of English', () => {
    expect(namesOf(wordsOf('de'))).toEqual(namesOf(wordsOf('en')));
  });

  test('no text is left untranslated', () => {
    const [english, german] = [wordsOf('en'), wordsOf('de')].map((words) =>
      JSON.stringify(words).split('","'),
    );
    expect(german?.filter((words) => english?.includes(words) && words.includes(' '))).toEqual([]);
  });

  test.each(['next', 'resend', 'sending', 'sent', 'orType', 'codeLabel'])(
    'every channel of codes has texts in %s',
    (name) => expect(Object.keys(wordsOf('en')[name] as Words)).toEqual(['sms', 'rcs', 'whatsapp', 'voice']),
  );

  test('exactly the errors of the table have texts, and one for a missing answer', () => {
    const known = [...Object.keys(ERRORS), 'no_answer', 'otherwise'];
    for (const name of Object.keys(wordsOf('en')['errors'] as Words)) expect(known).toContain(name);
  });
});
