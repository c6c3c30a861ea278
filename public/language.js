import de from './translations/de.js';
import en from './translations/en.js';

const LANGUAGES = { en, de };
const STORAGE_KEY = 'language';

const preferred = [localStorage.getItem(STORAGE_KEY), ...navigator.languages.map((tag) => tag.split('-')[0])];
let chosen = preferred.find((name) => Object.hasOwn(LANGUAGES, name)) ?? 'en';
const listeners = [];

/** The user's variant of the language (BCP 47), such as `en-GB`, for times and numbers. */
export const locale = () =>
  navigator.languages.find((tag) => /^[a-z-]+$/i.test(tag) && tag.split('-')[0] === chosen) ?? chosen;

/**
 * Calls `write` with the texts of the language, now and when the language changes.
 * @returns a function that calls `write` again
 */
export function onLanguage(write) {
  const rewrite = () => write(LANGUAGES[chosen]);
  listeners.push(rewrite);
  rewrite();
  return rewrite;
}

const textAt = (texts, path) => path.split('.').reduce((part, name) => part[name], texts);

function writePage(texts) {
  document.documentElement.lang = chosen;
  for (const element of document.querySelectorAll('[data-text]'))
    element.textContent = textAt(texts, element.dataset.text);
  for (const element of document.querySelectorAll('[data-text-label]'))
    element.setAttribute('aria-label', textAt(texts, element.dataset.textLabel));
}

function choose(name) {
  chosen = name;
  localStorage.setItem(STORAGE_KEY, name);
  for (const rewrite of listeners) rewrite();
}

function buttonFor([name, texts]) {
  const button = document.createElement('button');
  button.type = 'button';
  button.lang = name;
  button.textContent = texts.name;
  button.addEventListener('click', () => choose(name));
  onLanguage(() => button.setAttribute('aria-pressed', String(name === chosen)));
  return button;
}

document.getElementById('languages').append(...Object.entries(LANGUAGES).map(buttonFor));
onLanguage(writePage);
