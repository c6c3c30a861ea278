import { busy, phone, submit } from './controls.js';
import { complain, say } from './message.js';
import { readNumber } from './number-field.js';
import { server, settled, timingOf } from './server.js';
import { forget, progress, took } from './steps.js';
import { tab } from './tab.js';
import { goOn, hideOffer, showCauses, whereItStands } from './ways.js';

/** Steps 1 to 3: the number goes out, the link comes back, and the page is left for it. */

/** Milliseconds after which a link that was to be opened is taken for stuck. */
const PATIENCE = 20_000;

let waitingForLink;

/** The page is here again: its link was opened. */
export const linkOpened = () => clearTimeout(waitingForLink);

export async function begin(event) {
  event.preventDefault();
  if (submit.disabled) return;
  const { number, wrong } = readNumber();
  forget();
  showCauses(false);
  if (wrong) return refuseNumber((words) => words.number[wrong]);
  busy(true);
  phone.removeAttribute('aria-invalid');
  hideOffer();
  progress(0, 'now');
  say((words) => words.beginning);
  const { ok, said } = await settled(server.login(number, { client: 'browser' }));
  if (ok) return begun(number, said);
  progress(said.status >= 500 ? 1 : 0, 'failed');
  busy(false);
  if (said.error === 'invalid_phone_number') refuseNumber((words) => words.number.unknown);
  else complain(said);
}

async function begun(number, said) {
  const { took: all, spent } = timingOf('/login');
  tab.begins(number, said.loginId, [all - (spent.total ?? 0), spent.total]);
  took(tab.took);
  const stands = waitsForLink(said) ? ((await whereItStands(waitsForLink)) ?? said) : said;
  if (stands.authUrl) return leave(stands);
  progress(1, 'failed');
  const sent = goOn(stands);
  if (sent) say((words) => words.sent[sent]);
  else say((words) => words.unavailable, 'bad');
  busy(false);
}

/** The silent step is under way, and nobody has told the server its link yet. */
const waitsForLink = ({ channel, authUrl: link }) => channel === 'silent_auth' && !link;

function leave(stands) {
  progress(2, 'now');
  say((words) => words.leaving);
  waitingForLink = setTimeout(linkDidNotOpen, PATIENCE, stands);
  tab.leaves();
  location.assign(stands.authUrl);
}

function refuseNumber(pick) {
  say(pick, 'bad');
  phone.setAttribute('aria-invalid', 'true');
  phone.focus();
}

function linkDidNotOpen(stands) {
  progress(2, 'failed');
  say((words) => words.stuck, 'bad');
  showCauses(true);
  goOn(stands);
  busy(false);
}
