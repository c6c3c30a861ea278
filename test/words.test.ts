import { ERRORS } from '../src/core/errors.js';

type Words = { [name: string]: string | Words | ((...values: unknown[]) => string) };

/** The page's own file, JavaScript as the browser gets it. */
const wordsOf = (language: string) =>
  jest.requireActual<{ default: Words }>(`../public/translations/${language}.js`).default;

/** Every name in it, as a path. */
const namesOf = (words: Words, path = ''): string[] =>
  Object.entries(words).flatMap(([name, each]) =>
    typeof each === 'object' ? namesOf(each, `${path}${name}.`) : [`${path}${name}`],
  );

describe('the words of the page', () => {
  test('every language says all that English says, and nothing else', () => {
    expect(namesOf(wordsOf('de'))).toEqual(namesOf(wordsOf('en')));
  });

  test('no language leaves a sentence of another one in place', () => {
    const [english, german] = [wordsOf('en'), wordsOf('de')].map((words) =>
      JSON.stringify(words).split('","'),
    );
    expect(german?.filter((words) => english?.includes(words) && words.includes(' '))).toEqual([]);
  });

  test('only errors of the table have a meaning, besides the one that no answer is', () => {
    const known = [...Object.keys(ERRORS), 'no_answer', 'otherwise'];
    for (const name of Object.keys(wordsOf('en')['errors'] as Words)) expect(known).toContain(name);
  });
});
