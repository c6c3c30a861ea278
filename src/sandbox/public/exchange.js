import { make } from './dom.js';

/** A body as it is best read: JSON with its lines broken, a form one field a line. */
const readable = (body) => {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return /^[\w%.+-]+=[^\s]*$/.test(body) ? body.replaceAll('&', '\n&') : body;
  }
};

const wire = (label, first, headers, body) =>
  make(
    'pre',
    { tabindex: '0', role: 'group', 'aria-label': label },
    [
      first,
      ...headers.map(([name, value]) => `${name}: ${value}`),
      ...(body ? ['', readable(body)] : []),
    ].join('\n'),
  );

/** The real question and the real answer of a call. */
export const exchange = ({ asked, answered, state }) => {
  const { method, url, headers, body } = asked;
  if (state === 'sent') return make('div', { class: 'exchange' }, wire('Message', '', [], body));
  return make(
    'div',
    { class: 'exchange' },
    make('h4', {}, 'Request'),
    wire('Request', `${method} ${url}`, headers, body),
    make('h4', {}, answered ? `Answer, after ${answered.took} ms` : 'No answer'),
    answered ? wire('Answer', String(answered.status), answered.headers, answered.body) : undefined,
  );
};
