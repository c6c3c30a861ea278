import { offerSims, simInPhone, startDevice } from './device.js';
import { drawLogin, offerLogins } from './diagram.js';
import { byId } from './dom.js';
import { showMessages } from './messages.js';
import { showSubscribers, startSubscribers } from './subscribers.js';

/** What the sandbox told last. */
const world = { logins: [], messages: [], subscribers: {}, behaviours: [], steps: [] };

/** The login somebody chose to look at; undefined for the newest. */
let chosen;

const showConversation = () => {
  const shown = world.logins.find(({ id }) => id === chosen) ?? world.logins[0];
  offerLogins(world.logins, shown);
  drawLogin(shown, world.steps);
};

const showPhone = () => {
  offerSims(Object.keys(world.subscribers));
  showMessages(world.messages, simInPhone());
};

const hear = {
  everything: (told) => {
    Object.assign(world, told);
    byId('app').href = world.app;
    byId('untapped').hidden = world.tapped;
    hear.subscribers(world.subscribers);
    showConversation();
  },
  login: (login) => {
    const others = world.logins.filter(({ id }) => id !== login.id);
    // A new login is what is looked at.
    if (others.length === world.logins.length) chosen = undefined;
    world.logins = [...others, login].sort((one, other) => other.id - one.id);
    showConversation();
  },
  messages: (messages) => {
    world.messages = messages;
    showPhone();
  },
  subscribers: (subscribers) => {
    world.subscribers = subscribers;
    showSubscribers(subscribers, world.behaviours);
    showPhone();
  },
};

startDevice(showPhone);
startSubscribers();
byId('login').addEventListener('change', ({ target }) => {
  chosen = Number(target.value);
  showConversation();
});

// An EventSource asks again by itself, and is told everything first.
const news = new EventSource('/__sandbox/conversation/stream');
news.addEventListener('open', () => (byId('offline').hidden = true));
news.addEventListener('error', () => (byId('offline').hidden = false));
for (const [topic, show] of Object.entries(hear)) {
  news.addEventListener(topic, ({ data }) => show(JSON.parse(data)));
}
