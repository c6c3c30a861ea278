import { createPage } from './dom.js';
import { createEffects } from './effects.js';
import { byId, inputOf } from './elements.js';
import { getCountries } from './numbering.js';
import { countries } from './phone-number.js';
import { initialState, type Event, type Settings } from './state.js';
import { keepsCookies, loadLogin, onOtherTab, takeLeft } from './storage.js';
import { isTicking, update } from './update.js';
import { view } from './view.js';
import type { Language, Words } from './words.js';

/** Joins the state, the view and the page, and turns what the user does into events. */

interface PageData {
  words: Words;
  settings: Settings;
}

const TICK_MS = 1000;

function start(): void {
  const { words, settings } = JSON.parse(byId('data').textContent) as PageData;
  const chosen = document.documentElement.lang;
  const locale = navigator.languages.find((tag) => /^[a-z-]+$/i.test(tag) && tag.split('-')[0] === chosen);
  const language: Language = { words, locale: locale ?? chosen };
  const { country = regionOf(language.locale), pressedAt } = document.documentElement.dataset;
  readCountries();
  // Later, because the form works without the names.
  setTimeout(writeCountries, 0, language.locale);

  const known = getCountries().find((code) => code === country);
  let state = initialState(settings, known ?? 'US', Date.now());
  const show = createPage();
  const run = createEffects({ emit, turn: () => state.turn, locale: language.locale });
  let clock: ReturnType<typeof setInterval> | undefined;

  function emit(event: Event): void {
    const { state: next, effects } = update(state, event, Date.now());
    state = next;
    show(view(state, language));
    for (const effect of effects) run(effect);
    if (isTicking(state)) clock ??= setInterval(() => emit({ on: 'tick' }), TICK_MS);
    else {
      clearInterval(clock);
      clock = undefined;
    }
  }

  // What was typed before this script ran, or what the browser filled in.
  const phone = inputOf('phone');
  if (phone.value !== '') emit({ on: 'type', text: phone.value, format: true });
  listen(emit);
  open(emit);
  byId('unready').hidden = true;
  byId('soon').hidden = true;
  delete document.documentElement.dataset['pressedAt'];
  if (pressedAt !== undefined)
    emit({ on: 'submit', keepsCookies: keepsCookies(), pressedAt: Number(pressedAt) });
}

/** The country, if the script of `first.ts`, which finds it better, has not run. */
const regionOf = (locale: string): string | undefined => new Intl.Locale(locale).maximize().region;

function open(emit: (event: Event) => void): void {
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  emit({
    on: 'open',
    fragment: takeFragment(),
    login: loadLogin(),
    left: takeLeft(),
    keepsCookies: keepsCookies(),
    loadedAt: performance.timeOrigin + (navigation?.responseStart ?? 0),
  });
}

/** Removes the fragment from the address and the history. */
function takeFragment(): string {
  const { hash, pathname, search } = location;
  if (hash !== '') history.replaceState(null, '', pathname + search);
  return hash;
}

/** By `data-do` of the button. */
const CLICKS: Record<string, (button: HTMLButtonElement) => Event> = {
  cancel: () => ({ on: 'cancel' }),
  change: () => ({ on: 'change' }),
  logout: () => ({ on: 'logout' }),
  retry: () => ({ on: 'retry', keepsCookies: keepsCookies() }),
  take_hint: () => ({ on: 'take_hint', keepsCookies: keepsCookies() }),
  send: ({ value }) => ({ on: 'send', channel: value as 'sms', resend: false }),
  resend: ({ value }) => ({ on: 'send', channel: value as 'sms', resend: true }),
};

function listen(emit: (event: Event) => void): void {
  document.addEventListener('click', (event) => {
    const language = (event.target as Element).closest<HTMLAnchorElement>('a[hreflang]');
    if (language && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
      event.preventDefault();
      emit({ on: 'language', url: language.href });
    }
    const button = (event.target as Element).closest<HTMLButtonElement>('button[data-do]');
    const made = CLICKS[button?.dataset['do'] ?? ''];
    // The second click of a double click may hit a button that has just appeared.
    if (button && made && event.detail <= 1 && button.ariaDisabled !== 'true') emit(made(button));
  });
  onSubmit('number', () => emit({ on: 'submit', keepsCookies: keepsCookies() }));
  onSubmit('code', () => emit({ on: 'submit_code' }));

  const phone = inputOf('phone');
  phone.addEventListener('input', (event) => {
    // Formatting moves the cursor to the end, which would disturb other edits.
    const isAtEnd = phone.selectionEnd === phone.value.length;
    // The browser fills the field in without an input type.
    const { inputType = '' } = event as Partial<InputEvent>;
    emit({ on: 'type', text: phone.value, format: isAtEnd && !inputType.startsWith('delete') });
  });
  const country = byId('country') as HTMLSelectElement;
  country.onchange = () => emit({ on: 'country', country: country.value as 'GB' });
  const code = inputOf('code-field');
  code.addEventListener('input', () => emit({ on: 'type_code', text: code.value }));

  onOtherTab((change) => emit({ on: 'other_tab', change }));
  // The back/forward cache restores the page as it was left, with an outdated login.
  window.addEventListener('pageshow', ({ persisted }) => {
    if (persisted) open(emit);
  });
  window.addEventListener('hashchange', () => emit({ on: 'hashchange', fragment: takeFragment() }));
  listenToDevice(emit);
}

const onSubmit = (id: string, send: () => void): void =>
  byId(id).addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });

function listenToDevice(emit: (event: Event) => void): void {
  const { connection } = navigator as { connection?: EventTarget & { type?: string } };
  const look = (): void => emit({ on: 'network', type: connection?.type });
  connection?.addEventListener('change', look);
  look();
  byId('localhost').hidden = !/^(?:localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);
  byId('other-phone').addEventListener(
    'toggle',
    () => void import('./qr.js').then(({ drawQr }) => drawQr(byId('qr'), `${location.origin}/`)),
    { once: true },
  );
}

/** The options that the server sends have only a text, such as `GB +44`. */
function readCountries(): void {
  for (const option of (byId('country') as HTMLSelectElement).options) {
    const [code = '', calling = ''] = option.text.split(' +');
    Object.assign(option, { value: code }).dataset['calling'] = calling;
  }
}

/** Writes the names of the countries, in their order. */
function writeCountries(locale: string): void {
  const country = byId('country') as HTMLSelectElement;
  const { value } = country;
  const options = countries(locale).map(({ code, name, callingCode }) => {
    const option = new Option(`${name} (+${callingCode})`, code);
    option.dataset['calling'] = callingCode;
    return option;
  });
  country.replaceChildren(...options);
  country.value = value;
}

start();
