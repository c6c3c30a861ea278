import { byId, clock, make } from './dom.js';
import { exchange } from './exchange.js';

const LANES = { device: 'Phone', server: 'Server', vonage: 'Vonage', operator: 'Operator' };
const EMPTY = 'Nobody has logged in yet. Open the login page, and each call appears here as it is made.';

/** Who opened what, to keep it open when the login is drawn again. */
const opened = new Set();

/** The long ids of requests, which an opened arrow shows in full. */
const UUID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g;

const pathOf = ({ method, url }) =>
  url.startsWith('tel:') ? method : `${method} ${new URL(url).pathname.replace(UUID, '…')}`;

const outcome = ({ state, answered }) => {
  if (state === 'answered') return `${answered.status}\u00a0·\u00a0${answered.took}\u00a0ms`;
  return { waiting: 'waiting …', broken: 'connection broke', sent: 'delivered' }[state];
};

const call = (arrow) => {
  const { id, from, to, says, heard, state, asked } = arrow;
  const tone = heard?.tone ?? 'plain';
  const details = make(
    'details',
    { 'data-from': from, 'data-to': to, 'data-state': state, 'data-tone': tone },
    make(
      'summary',
      {},
      make('span', { class: 'says' }, says),
      make(
        'span',
        { class: 'arrows', 'aria-hidden': true },
        make('span', { class: 'arrow there' }),
        state === 'answered' ? make('span', { class: 'arrow back' }) : undefined,
      ),
      make(
        'span',
        { class: 'wire' },
        `${LANES[from]} to ${LANES[to]}: `,
        make('code', {}, pathOf(asked)),
        ` ${outcome(arrow)}`,
      ),
      heard ? make('span', { class: 'heard' }, heard.says) : undefined,
    ),
  );
  const fill = () => details.children.length < 2 && details.append(exchange(arrow));
  if (opened.has(id)) {
    details.open = true;
    fill();
  }
  details.addEventListener('toggle', () => {
    if (details.open) opened.add(id);
    else opened.delete(id);
    if (details.open) fill();
  });
  return make('li', { 'data-call': String(id) }, details);
};

const NUMBERED = /^\d$/;

const step = ({ step: name, title, calls }) =>
  make(
    'li',
    { class: 'step', 'data-step': name, 'data-empty': calls.length === 0 },
    make('h3', {}, NUMBERED.test(name) ? make('span', { class: 'count' }, name) : undefined, title),
    calls.length > 0 ? make('ol', { class: 'calls', role: 'list' }, ...calls.map(call)) : undefined,
  );

/** Draws a login; without one, the steps that are to come. */
export const drawLogin = (login, stepsToCome) => {
  const focused = document.activeElement?.closest?.('[data-call]')?.dataset.call;
  byId('steps').replaceChildren(...(login?.steps ?? stepsToCome).map(step));
  const ending = byId('ending');
  if (ending.textContent !== (login?.ending.says ?? EMPTY)) ending.textContent = login?.ending.says ?? EMPTY;
  ending.dataset.tone = login?.ending.tone ?? 'plain';
  if (focused) byId('steps').querySelector(`[data-call="${focused}"] summary`)?.focus();
};

/** Lets one of the logins be chosen. */
export const offerLogins = (logins, shown) => {
  byId('which').hidden = logins.length < 2;
  byId('login').replaceChildren(
    ...logins.map(({ id, number, at }) =>
      make('option', { value: String(id), selected: id === shown?.id }, `${number}, ${clock(at)}`),
    ),
  );
};
