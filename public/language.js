import de from './words/de.js';
import en from './words/en.js';

/** Another language is a file in words/ and a name here. The first one is for everybody whose own is not there. */
const LANGUAGES = { en, de };
const KEPT = 'language';

const spoken = [localStorage.getItem(KEPT), ...navigator.languages.map((tag) => tag.split('-')[0])];
let chosen = spoken.find((name) => Object.hasOwn(LANGUAGES, name)) ?? 'en';
const written = [];

/** The language as this person writes it (BCP 47), for times and figures: `en-GB` rather than `en`. */
export const locale = () => navigator.languages.find((tag) => tag.split('-')[0] === chosen) ?? chosen;

/**
 * Has something written in the words of the language: now, and again whenever another one is chosen.
 * @returns writes it once more
 */
export function inWords(write) {
  const rewrite = () => write(LANGUAGES[chosen]);
  written.push(rewrite);
  rewrite();
  return rewrite;
}

const at = (words, path) => path.split('.').reduce((part, name) => part[name], words);

function writePage(words) {
  document.documentElement.lang = chosen;
  for (const element of document.querySelectorAll('[data-word]'))
    element.textContent = at(words, element.dataset.word);
  for (const element of document.querySelectorAll('[data-word-label]'))
    element.setAttribute('aria-label', at(words, element.dataset.wordLabel));
}

function choose(name) {
  chosen = name;
  localStorage.setItem(KEPT, name);
  for (const rewrite of written) rewrite();
}

function buttonFor([name, words]) {
  const button = document.createElement('button');
  button.type = 'button';
  button.lang = name;
  button.textContent = words.name;
  button.addEventListener('click', () => choose(name));
  inWords(() => button.setAttribute('aria-pressed', String(name === chosen)));
  return button;
}

document.getElementById('languages').append(...Object.entries(LANGUAGES).map(buttonFor));
inWords(writePage);
