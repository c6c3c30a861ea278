import { inWords, locale } from './language.js';
import { server, settled } from './server.js';

const part = (id) => document.getElementById(id);
const card = part('session');
let session = { authenticated: false };

/** Shows who is logged in, if anybody is. @returns what the server said */
export async function showSession() {
  const answer = await settled(server.session());
  session = answer.ok ? answer.said : { authenticated: false };
  write();
  return answer;
}

export const isLoggedIn = () => session.authenticated;

const write = inWords((words) => {
  card.hidden = !session.authenticated;
  if (!session.authenticated) return;
  part('session-number').textContent = session.phoneNumber;
  part('session-channel').textContent = words.channels[session.channel] ?? session.channel;
  writeTime(part('session-since'), session.authenticatedAt);
  writeTime(part('session-until'), session.expiresAt);
});

function writeTime(element, iso) {
  element.dateTime = iso;
  element.textContent = new Date(iso).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'short' });
}
