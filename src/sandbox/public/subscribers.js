import { byId, INVALID_NUMBER, make, numberIn } from './dom.js';

const BEHAVIOURS = {
  match: ['The SIM has this number', 'The app gets: verified.'],
  other_sim: ['The SIM has another number', 'The app gets: not verified, number_mismatch.'],
  unsupported: ['The operator is not supported', 'The app gets no link, and asks for a code by SMS.'],
  wifi: ['The device is on Wi-Fi', 'The app gets: silent_auth_failed, denied.'],
  not_mobile: ['The device was not on cellular', 'The app gets: silent_auth_failed, not_on_cellular.'],
  slow: ['The answer takes six seconds', 'The app gets: upstream_timeout.'],
  invalid_grant: ['Vonage refuses the code', 'The app gets: silent_auth_failed, operator_error.'],
  server_error: ['The operator has an error', 'The app gets: silent_auth_failed, operator_error.'],
  garbage: ['The answer is a broken page', 'The app gets: upstream_error.'],
  rate_limited: ['Vonage limits the rate', 'The app gets no link.'],
  blocked: ['Vonage blocks SMS and calls', 'The app gets no link. The code never arrives: blocked.'],
  rejected: ['The network rejects messages', 'The app gets no link. The code never arrives: rejected.'],
  user_rejected: ['The user rejects messages', 'The app gets no link. The code ends: user_rejected.'],
  unreachable: ['The phone is unreachable', 'The app gets no link. The code never arrives: unreachable.'],
  no_consent: ['The operator wants consent', 'The app gets: silent_auth_failed, consent_required.'],
  no_link: ['Verify skips the silent step', 'The app gets no link, and asks for a code by SMS.'],
};

/** Saves a subscriber, and shows whether that failed. Returns whether it was saved. */
const save = async (number, subscriber) => {
  const url = `/__sandbox/subscribers/${encodeURIComponent(number)}`;
  const request = { method: 'PUT', body: JSON.stringify(subscriber) };
  const answer = await fetch(url, request).catch(() => undefined);
  const isSaved = answer?.ok ?? false;
  byId('add-problem').textContent = isSaved ? '' : `The sandbox did not accept the settings of ${number}.`;
  return isSaved;
};

/** A select of behaviours. A change resets the SIM to the default of the behaviour. */
const behaviourSelect = (number, { behaviour }, behaviours) => {
  const select = make(
    'select',
    { 'aria-label': `Behaviour of ${number}` },
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
    placeholder: sim === null ? 'unknown' : behaviour === 'other_sim' ? 'another one' : 'this number',
    value: sim ?? undefined,
  });
  input.addEventListener('change', () => {
    const typed = numberIn(input.value);
    const isInvalid = input.value.trim() !== '' && typed === undefined;
    input.setCustomValidity(isInvalid ? INVALID_NUMBER : '');
    input.setAttribute('aria-invalid', String(isInvalid));
    if (isInvalid) input.reportValidity();
    else save(number, { behaviour, ...(typed && { sim: typed }) });
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

/** Draws the list. Keeps the focus. */
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
    byId('add-problem').textContent = number ? '' : INVALID_NUMBER;
    if (!number) return;
    if (await save(number, { behaviour: 'match' })) byId('add').reset();
  });
  byId('reset').addEventListener('click', () => fetch('/__sandbox/reset', { method: 'POST' }));
};
