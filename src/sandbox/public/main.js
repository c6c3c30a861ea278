import { drawLogin, drawLoginChoice } from './diagram.js';
import { byId } from './dom.js';
import { showPhone, startPhone } from './phone.js';
import { showSubscribers, startSubscribers } from './subscribers.js';

const state = { logins: [], messages: [], subscribers: {}, behaviours: [], steps: [] };

/** Undefined for the newest login. */
let selectedLoginId;

const drawConversation = () => {
  const shown = state.logins.find(({ id }) => id === selectedLoginId) ?? state.logins[0];
  drawLoginChoice(state.logins, shown);
  drawLogin(shown, state.steps);
};

const drawPhone = () => showPhone(Object.keys(state.subscribers), state.messages);

const drawSubscribers = () => {
  showSubscribers(state.subscribers, state.behaviours);
  drawPhone();
};

const EVENTS = {
  everything: (data) => {
    Object.assign(state, data);
    byId('app').href = state.app;
    byId('untapped').hidden = state.tapped;
    drawSubscribers();
    drawConversation();
  },
  login: (login) => {
    const others = state.logins.filter(({ id }) => id !== login.id);
    const isNew = others.length === state.logins.length;
    if (isNew) selectedLoginId = undefined;
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
  selectedLoginId = Number(target.value);
  drawConversation();
});

// After a reconnection, the sandbox sends `everything` again.
const stream = new EventSource('/__sandbox/conversation/stream');
stream.addEventListener('open', () => (byId('offline').hidden = true));
stream.addEventListener('error', () => (byId('offline').hidden = false));
for (const [event, apply] of Object.entries(EVENTS)) {
  stream.addEventListener(event, ({ data }) => apply(JSON.parse(data)));
}
