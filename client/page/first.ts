import { byId } from './elements.js';
import { guessCountry } from './guess.js';

/**
 * What the page does before the script of `main.ts` has arrived, which is seventy times as large:
 * shows the country, remembers that "Log in" was pressed, and says if that script does not come.
 */

const { dataset } = document.documentElement;
const soon = byId('soon');
const country = byId('country') as HTMLSelectElement;
const shown = byId('country-shown');

/** By its two letters, with which the text of each option begins. */
const codes = [...country.options].map(({ text }) => text.slice(0, 2));

function showCountry(): void {
  const { selectedIndex } = country;
  dataset['country'] = codes[selectedIndex];
  shown.textContent = country.options[selectedIndex]?.text ?? '';
}

country.selectedIndex = codes.indexOf(guessCountry(navigator.languages, codes) ?? '');
showCountry();
country.onchange = showCountry;

addEventListener('submit', (event) => {
  // The other script does so, and then handles the form itself.
  if (event.defaultPrevented || 'failed' in dataset) return;
  dataset['pressedAt'] ??= String(Date.now());
  soon.hidden = false;
});

function forget(): void {
  delete dataset['pressedAt'];
  soon.hidden = true;
}

// A number that is changed is not the one that was sent.
addEventListener('input', forget);

const onError = ({ target }: Event): void => {
  // The page works without its logo.
  if (target instanceof HTMLImageElement) return;
  dataset['failed'] = '';
  forget();
};
// Errors of elements do not bubble.
addEventListener('error', onError, true);
