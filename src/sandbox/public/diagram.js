import { byId, clock, make, showItems } from './dom.js';

const LANES = { device: 'Phone', server: 'Server', vonage: 'Vonage', operator: 'Operator' };
const STATES = { waiting: 'waiting …', broken: 'connection closed', sent: 'delivered' };
const EMPTY = 'No login yet. Open the login page, and log in: each call appears here as it is made.';

/** Calls that stay open when the login is drawn again. */
const openCallIds = new Set();

/** Shortened in paths. An open call shows the full URL. */
const UUID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g;

const pathOf = ({ method, url }) =>
  url.startsWith('tel:') ? method : `${method} ${new URL(url).pathname.replace(UUID, '…')}`;

const outcomeOf = ({ state, answered }) =>
  state === 'answered' ? `${answered.status}\u00a0·\u00a0${answered.took}\u00a0ms` : STATES[state];

/** Formats JSON, and forms with one field per line. */
const formatBody = (body) => {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return /^[\w%.+-]+=[^\s]*$/.test(body) ? body.replaceAll('&', '\n&') : body;
  }
};

const httpMessage = (label, firstLine, { headers, body }) => {
  const lines = [firstLine, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const text = [...lines, ...(body ? ['', formatBody(body)] : [])].join('\n');
  return make('pre', { tabindex: '0', role: 'group', 'aria-label': label }, text);
};

const exchange = ({ asked, answered, state }) => {
  const parts =
    state === 'sent'
      ? [httpMessage('Message', '', asked)]
      : [
          make('h4', {}, 'Request'),
          httpMessage('Request', `${asked.method} ${asked.url}`, asked),
          make('h4', {}, answered ? `Answer, after ${answered.took} ms` : 'No answer'),
          answered && httpMessage('Answer', String(answered.status), answered),
        ];
  return make('div', { class: 'exchange' }, ...parts.filter(Boolean));
};

const arrowsOf = ({ from, to, state }) => {
  const [start, end] = [from, to].map((lane) => Object.keys(LANES).indexOf(lane));
  const arrow = (name, isLeftward) =>
    make('span', { class: `arrow ${name}${isLeftward ? ' leftward' : ''}` });
  const arrows = make(
    'span',
    { class: 'arrows', 'aria-hidden': true },
    arrow('there', end < start),
    state === 'answered' ? arrow('back', start < end) : undefined,
  );
  arrows.style.setProperty('--left', Math.min(start, end));
  arrows.style.setProperty('--right', Math.max(start, end));
  return arrows;
};

const summaryOf = (call) => {
  const { from, to, says, heard, asked } = call;
  const lanes = `${LANES[from]} to ${LANES[to]}: `;
  return make(
    'summary',
    {},
    make('span', { class: 'says' }, says),
    arrowsOf(call),
    make('span', { class: 'wire' }, lanes, make('code', {}, pathOf(asked)), ` ${outcomeOf(call)}`),
    heard ? make('span', { class: 'heard' }, heard.says) : undefined,
  );
};

const callItem = (call) => {
  const { id, state, heard } = call;
  const tone = heard?.tone ?? 'plain';
  const details = make('details', { 'data-state': state, 'data-tone': tone }, summaryOf(call));
  const fill = () => details.children.length < 2 && details.append(exchange(call));
  details.open = openCallIds.has(id);
  if (details.open) fill();
  details.addEventListener('toggle', () => {
    if (details.open) openCallIds.add(id);
    else openCallIds.delete(id);
    if (details.open) fill();
  });
  return make('li', { 'data-call': String(id) }, details);
};

const stepItem = ({ step, title, isEmpty }) =>
  make(
    'li',
    { class: 'step', 'data-step': step, 'data-empty': isEmpty },
    make('h3', {}, /^\d$/.test(step) ? make('span', { class: 'count' }, step) : undefined, title),
    isEmpty ? undefined : make('ol', { class: 'calls', role: 'list' }),
  );

/** Adds what is new, and leaves the rest as it is. */
const drawSteps = (steps) => {
  const list = byId('steps');
  const items = steps.map(({ step, title, calls }) => ({ step, title, isEmpty: calls.length === 0 }));
  showItems(list, items, stepItem);
  steps.forEach(({ calls }, index) => {
    if (calls.length > 0) showItems(list.children[index].querySelector('.calls'), calls, callItem);
  });
};

/** Draws a login, or the empty steps if there is none. Keeps the focus. */
export const drawLogin = (login, emptySteps) => {
  const focused = document.activeElement?.closest?.('[data-call]')?.dataset.call;
  drawSteps(login?.steps ?? emptySteps);
  const ending = byId('ending');
  if (ending.textContent !== (login?.ending.says ?? EMPTY)) ending.textContent = login?.ending.says ?? EMPTY;
  ending.dataset.tone = login?.ending.tone ?? 'plain';
  if (focused) byId('steps').querySelector(`[data-call="${focused}"] summary`)?.focus();
};

export const drawLoginChoice = (logins, shown) => {
  byId('which').hidden = logins.length < 2;
  byId('login').replaceChildren(
    ...logins.map(({ id, number, at }) =>
      make('option', { value: String(id), selected: id === shown?.id }, `${number}, ${clock(at)}`),
    ),
  );
};
