import { byId, make, NO_NUMBER, numberIn } from './dom.js';

/** What a number does, and what the app receives. */
const BEHAVIOURS = {
  match: ['The SIM has this number', 'The app gets: verified.'],
  other_sim: ['The SIM has another number', 'The app gets: not verified, number_mismatch.'],
  unsupported: ['The operator does not offer it', 'The app gets no link, and asks for a code by SMS.'],
  wifi: ['The device is always on Wi-Fi', 'The app gets: silent_auth_failed, denied.'],
  not_mobile: ['It was not cellular after all', 'The app gets: silent_auth_failed, not_on_cellular.'],
  slow: ['The answer takes six seconds', 'The app gets: upstream_timeout.'],
  invalid_grant: ['Vonage refuses the operator’s code', 'The app gets: silent_auth_failed, operator_error.'],
  server_error: ['The operator breaks down', 'The app gets: silent_auth_failed, operator_error.'],
  garbage: ['The answer is a broken page', 'The app gets: upstream_error.'],
  rate_limited: ['Vonage asks to slow down', 'The app gets no link.'],
};

/** Sets what a number does. Returns whether the sandbox accepted it, and shows if not. */
const save = async (number, subscriber) => {
  const url = `/__sandbox/subscribers/${encodeURIComponent(number)}`;
  const request = { method: 'PUT', body: JSON.stringify(subscriber) };
  const answer = await fetch(url, request).catch(() => undefined);
  const isSaved = answer?.ok ?? false;
  byId('add-problem').textContent = isSaved ? '' : `The sandbox did not take what was set for ${number}.`;
  return isSaved;
};

/** A select of behaviours. Another behaviour comes with the SIM that belongs to it. */
const behaviourSelect = (number, { behaviour }, behaviours) => {
  const select = make(
    'select',
    { 'aria-label': `What ${number} does` },
    ...behaviours.map((each) =>
      make('option', { value: each, selected: each === behaviour }, BEHAVIOURS[each]?.[0] ?? each),
    ),
  );
  select.addEventListener('change', () => save(number, { behaviour: select.value }));
  return select;
};

const simInput = (number, { behaviour, sim }) => {
  const input = make('input', {
    type: 'tel',
    'aria-label': `SIM of ${number}`,
    placeholder: sim === null ? 'nobody knows' : behaviour === 'other_sim' ? 'another one' : 'its own',
    value: sim ?? undefined,
  });
  input.addEventListener('change', () => {
    const named = numberIn(input.value);
    const isWrong = input.value.trim() !== '' && named === undefined;
    input.setCustomValidity(isWrong ? NO_NUMBER : '');
    input.setAttribute('aria-invalid', String(isWrong));
    if (isWrong) input.reportValidity();
    else save(number, { behaviour, ...(named && { sim: named }) });
  });
  return input;
};

const row = (number, subscriber, behaviours) =>
  make(
    'li',
    {},
    make('strong', {}, number),
    behaviourSelect(number, subscriber, behaviours),
    make(
      'span',
      { class: 'with' },
      make('span', { 'aria-hidden': true }, 'SIM'),
      simInput(number, subscriber),
    ),
    make('span', { class: 'gets' }, BEHAVIOURS[subscriber.behaviour]?.[1] ?? ''),
  );

/** Draws the table, and keeps the focus. */
export const showSubscribers = (subscribers, behaviours) => {
  const label = document.activeElement?.getAttribute('aria-label');
  byId('subscribers').replaceChildren(
    ...Object.entries(subscribers).map(([number, each]) => row(number, each, behaviours)),
  );
  if (label) byId('subscribers').querySelector(`[aria-label="${label}"]`)?.focus();
};

export const startSubscribers = () => {
  byId('add').addEventListener('submit', async (event) => {
    event.preventDefault();
    const number = numberIn(byId('new-number').value);
    byId('add-problem').textContent = number ? '' : NO_NUMBER;
    if (!number) return;
    if (await save(number, { behaviour: 'match' })) byId('add').reset();
  });
  byId('reset').addEventListener('click', () => fetch('/__sandbox/reset', { method: 'POST' }));
};
