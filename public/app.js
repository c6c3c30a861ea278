import { begin, linkOpened } from './begin.js';
import { beginAnew, sendNext, submitCode } from './codes.js';
import { busy, codeForm, form, logout, next, phone, restart, submit } from './controls.js';
import './devices.js';
import { isOfLogin, takeFragment, tellError, verify } from './home.js';
import { complain, focusMessage, isSilent, say, sayAlso, silence } from './message.js';
import { isNumberEmpty, writeNumber } from './number-field.js';
import { server, settled } from './server.js';
import { isLoggedIn } from './session-card.js';
import { forget } from './steps.js';
import { tab } from './tab.js';
import { goOn, offerForItsNumber, showCauses, whereItStands } from './ways.js';
import { hearOtherTabs, showWhoIsLoggedIn, tellOtherTabs } from './who.js';

/** The page: what happens when it appears, and what each button does. The chapters of a login are begin, home and codes. */

async function logOut() {
  if (logout.disabled) return;
  busy(true);
  const { ok, said } = await settled(server.logout());
  forget();
  if (ok) {
    tellOtherTabs('out');
    writeNumber('');
    say((words) => words.loggedOut);
    if (!(await showWhoIsLoggedIn())) goOn({});
  } else complain(said);
  busy(false);
  if (!form.hidden) phone.focus();
}

async function hearOtherTab(way) {
  const wasLoggedIn = isLoggedIn();
  const is = await showWhoIsLoggedIn();
  if (is === wasLoggedIn) return;
  forget();
  showCauses(false);
  say((words) => words.otherTab[way]);
  if (!is) goOn({});
  else tab.over();
}

async function start() {
  linkOpened();
  const home = takeFragment();
  busy(true);
  forget();
  say((words) => words.checking);
  if (isNumberEmpty() && tab.number) writeNumber(tab.number);
  const failed = home.has('error') || home.has('error_description');
  let said = {};
  if (home.has('code')) said = await verify(home);
  else if (failed && (await isOfLogin(home))) tellError(home);
  else silence();
  if (!(await showWhoIsLoggedIn())) {
    const stands = said.nextChannels ? said : await afterwards(home);
    const sent = goOn(stands);
    if (sent && isSilent()) say((words) => words.sent[sent]);
    else if (sent && home.get('error') === 'wrong_client') sayAlso((words) => words.sent[sent]);
    else if (sent) sayAlso((words) => words.orType[sent]);
    else if (isSilent() && stands.gone) say((words) => words.errors.no_login, 'bad');
    else if (isSilent()) say((words) => words.found[stands.status] ?? '');
  }
  busy(false);
  // A message that was there when the page appeared is not read out, so it gets the focus; a field has it read with it.
  if ((home.has('code') || failed) && codeForm.hidden) focusMessage();
}

/** Silence failed, and Vonage goes on by itself: to a message, if there is one to go on to. */
const isStillSilent = ({ status, channel, nextChannels: left }) =>
  status === 'pending' && channel === 'silent_auth' && left.length > 0;

/** How the login of this tab can go on after what came home. */
async function afterwards(home) {
  const byVonage = home.has('error_description') && !home.has('error');
  return (await whereItStands(byVonage ? isStillSilent : undefined)) ?? {};
}

form.addEventListener('submit', (event) => void begin(event));
phone.addEventListener('input', offerForItsNumber);
codeForm.addEventListener('submit', (event) => void submitCode(event));
next.addEventListener('click', (event) => void sendNext(event));
restart.addEventListener('click', beginAnew);
logout.addEventListener('click', () => void logOut());
hearOtherTabs((way) => void hearOtherTab(way));
// The back button may bring this page back as it was left: busy, and ignorant of what happened since.
window.addEventListener('pageshow', (event) => void (event.persisted && start()));
// The redirects load the page anew. A fragment that appears in the open page is somebody else's,
// and must not disturb what is under way.
window.addEventListener('hashchange', () => {
  if (submit.disabled || !codeForm.hidden) takeFragment();
  else void start();
});
void start();
