import { drawLogin, offerLogins } from './diagram.js';
import { byId } from './dom.js';
import { showPhone, startPhone } from './phone.js';
import { showSubscribers, startSubscribers } from './subscribers.js';

/** What the sandbox sent last. */
const state = { logins: [], messages: [], subscribers: {}, behaviours: [], steps: [] };

/** The id of the login that was chosen; undefined for the newest. */
let chosen;

const drawConversation = () => {
  const shown = state.logins.find(({ id }) => id === chosen) ?? state.logins[0];
  offerLogins(state.logins, shown);
  drawLogin(shown, state.steps);
};

const drawPhone = () => showPhone(Object.keys(state.subscribers), state.messages);

const drawSubscribers = () => {
  showSubscribers(state.subscribers, state.behaviours);
  drawPhone();
};

/** How each event of the stream changes the page. */
const EVENTS = {
  everything: (sent) => {
    Object.assign(state, sent);
    byId('app').href = state.app;
    byId('untapped').hidden = state.tapped;
    drawSubscribers();
    drawConversation();
  },
  login: (login) => {
    const others = state.logins.filter(({ id }) => id !== login.id);
    // A new login is shown at once.
    if (others.length === state.logins.length) chosen = undefined;
    state.logins = [...others, login].sort((one, other) => other.id - one.id);
    drawConversation();
  },
  messages: (messages) => {
    Object.assign(state, { messages });
    drawPhone();
  },
  subscribers: (subscribers) => {
    Object.assign(state, { subscribers });
    drawSubscribers();
  },
};

startPhone(drawPhone);
startSubscribers();
byId('login').addEventListener('change', ({ target }) => {
  chosen = Number(target.value);
  drawConversation();
});

// An EventSource reconnects by itself, and then receives everything again.
const stream = new EventSource('/__sandbox/conversation/stream');
stream.addEventListener('open', () => (byId('offline').hidden = true));
stream.addEventListener('error', () => (byId('offline').hidden = false));
for (const [event, apply] of Object.entries(EVENTS)) {
  stream.addEventListener(event, ({ data }) => apply(JSON.parse(data)));
}
