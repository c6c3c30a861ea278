import { byId, clock, make, showItems } from './dom.js';

const LANES = { device: 'Phone', server: 'Server', vonage: 'Vonage', operator: 'Operator' };
const LANE_NAMES = Object.keys(LANES);
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

/** An element whose lanes are the custom properties of its style. */
const placed = (className, places) => {
  const element = make('span', { class: className });
  for (const [name, lane] of Object.entries(places)) {
    element.style.setProperty(name, LANE_NAMES.indexOf(lane));
  }
  return element;
};

/** Bars on the lanes that work on an answer: above an arrow, below it, or beside a title. */
const barsOf = (lanes, where) => lanes.map((lane) => placed(`bar ${where}`, { '--lane': lane }));

/** The lanes of an arrow and the bars beside it. */
const drawingOf = ({ from, to, state, isEnd, activeBefore, activeAfter }) => {
  const [start, end] = isEnd ? [to, from] : [from, to];
  const isLeftward = LANE_NAMES.indexOf(end) < LANE_NAMES.indexOf(start);
  const [left, right] = isLeftward ? [end, start] : [start, end];
  const kind = `arrow${isLeftward ? ' leftward' : ''}${isEnd ? ' back' : ''}`;
  return make(
    'span',
    { class: 'drawing', 'aria-hidden': true },
    ...barsOf(activeBefore, 'above'),
    ...barsOf(activeAfter, 'below'),
    isEnd && state === 'broken' ? undefined : placed(kind, { '--left': left, '--right': right }),
  );
};

const between = (start, end) =>
  make(
    'span',
    { class: 'between' },
    `${LANES[start]} `,
    make('span', { role: 'img', 'aria-label': 'to' }, '→'),
    ` ${LANES[end]}`,
  );

const heardIn = ({ heard }) => (heard ? make('span', { class: 'heard' }, heard.says) : undefined);

const outcomeIn = (call) => make('span', { class: 'outcome' }, outcomeOf(call));

const summaryOf = (call) => {
  const { from, to, says, asked } = call;
  const path = make('code', {}, pathOf(asked));
  const wire = make('span', { class: 'wire' }, between(from, to), ' ', path, ' ', outcomeIn(call));
  return make('summary', {}, make('span', { class: 'says' }, says), wire, heardIn(call));
};

const detailsOf = (call) => {
  const { id } = call;
  const details = make('details', {}, summaryOf(call));
  const fill = () => details.children.length < 2 && details.append(exchange(call));
  details.open = openCallIds.has(id);
  if (details.open) fill();
  details.addEventListener('toggle', () => {
    if (details.open) openCallIds.add(id);
    else openCallIds.delete(id);
    if (details.open) fill();
  });
  return details;
};

const answerOf = (call) => {
  const { from, to, state } = call;
  const lanes = state === 'answered' ? between(to, from) : '';
  return make('p', {}, heardIn(call), make('span', { class: 'wire' }, lanes, ' ', outcomeIn(call)));
};

const arrowItem = (arrow) => {
  const { id, isEnd, depth, state, heard } = arrow;
  const item = make(
    'li',
    {
      [isEnd ? 'data-answer' : 'data-call']: String(id),
      'data-state': state,
      'data-tone': heard?.tone ?? 'plain',
    },
    drawingOf(arrow),
    isEnd ? answerOf(arrow) : detailsOf(arrow),
  );
  item.style.setProperty('--depth', depth);
  return item;
};

const stepItem = ({ step, title, isEmpty, active }) =>
  make(
    'li',
    { class: 'step', 'data-step': step, 'data-empty': isEmpty },
    make(
      'h3',
      {},
      ...barsOf(active, 'beside'),
      /^\d$/.test(step) ? make('span', { class: 'count' }, step) : undefined,
      title,
    ),
    isEmpty ? undefined : make('ol', { class: 'calls', role: 'list' }),
  );

/** Adds what is new, and leaves the rest as it is. */
const drawSteps = (steps) => {
  const list = byId('steps');
  const calls = new Map(steps.flatMap((step) => step.calls).map((call) => [call.id, call]));
  const items = steps.map(({ step, title, arrows }) => {
    const active = arrows[0]?.activeBefore ?? [];
    return { step, title, isEmpty: arrows.length === 0, active };
  });
  showItems(list, items, stepItem);
  steps.forEach(({ arrows }, index) => {
    if (arrows.length === 0) return;
    const drawn = arrows.map((arrow) => ({ ...calls.get(arrow.call), ...arrow }));
    showItems(list.children[index].querySelector('.calls'), drawn, arrowItem);
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
