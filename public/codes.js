import { emptyCode, refuseCode, stopListening } from './code-field.js';
import { busy, code, codeForm, confirm, next, phone } from './controls.js';
import { complain, focusMessage, say, silence } from './message.js';
import { writeNumber } from './number-field.js';
import { server, settled } from './server.js';
import { conclude, forget, progressInstead } from './steps.js';
import { tab } from './tab.js';
import { goOn, showCauses, whereItStands } from './ways.js';
import { loggedIn, showWhoIsLoggedIn } from './who.js';

/** Instead of the steps that failed: a code to type. */

export async function sendNext(event) {
  // The second click of a double click may meet a button that was not there at the first.
  if (next.disabled || event.detail > 1) return;
  const channel = next.value;
  busy(true);
  say((words) => words.sending[channel]);
  // If another tab began a login meanwhile, a code would go to the number of that tab.
  const { gone, replaced } = (await whereItStands()) ?? {};
  const isSent = !gone && !replaced && (await send(channel));
  if (gone) {
    end();
    complain({ error: 'no_login' });
  } else if (replaced) {
    goOn({});
    say((words) => words.otherTab.replaced, 'bad');
  }
  busy(false);
  if (!isSent) focusMessage();
}

/** Has a code sent, and says what came of it. @returns whether it is on its way */
async function send(channel) {
  const { ok, said } = await settled(server.next(channel));
  if (ok) {
    emptyCode();
    showCauses(false);
    const sent = goOn(said);
    if (sent) say((words) => words.sent[sent]);
  } else if (said.error === 'no_more_channels') {
    const stands = (await whereItStands()) ?? {};
    goOn(stands);
    say((words) => words.noMoreChannels[isThereAnother(stands)], 'bad');
  } else {
    if (said.error === 'no_login' || said.error === 'login_expired') end();
    complain(said);
  }
  return ok;
}

const isThereAnother = (stands) => (stands?.nextChannels?.length ? 'left' : 'none');

/** Leaves nothing of this login but its number in the form. */
function end() {
  tab.over();
  emptyCode();
  if (!codeForm.hidden) progressInstead('failed');
  goOn({});
}

export async function submitCode(event) {
  event.preventDefault();
  if (confirm.disabled) return;
  if (code.value.length < code.maxLength)
    return refuseThisCode((words) => words.codeTooShort(code.maxLength));
  busy(true);
  code.removeAttribute('aria-invalid');
  progressInstead('now');
  say((words) => words.checkingCode);
  const { ok, said } = await settled(server.verify(code.value));
  if (ok && said.verified === true) {
    emptyCode();
    progressInstead('done');
    conclude('code');
    loggedIn();
    await showWhoIsLoggedIn();
  } else await tellCodeError(said);
  busy(false);
  if (codeForm.hidden) focusMessage();
}

async function tellCodeError(said) {
  switch (said.error) {
    case 'invalid_code':
    case 'login_expired': {
      emptyCode();
      // Vonage may have gone on to a call meanwhile, or the session may be over: then no code is ever right.
      const stands = await whereItStands();
      const sent = stands && goOn(stands);
      const maybe = said.error === 'invalid_code' && (sent || stands === undefined);
      if (maybe) return refuseThisCode((words) => words.wrongCode);
      progressInstead('failed');
      if (stands?.replaced) return say((words) => words.otherTab.replaced, 'bad');
      return say((words) => words.codeTooOld[isThereAnother(stands)], 'bad');
    }
    case 'login_refused':
    case 'too_many_attempts':
      end();
  }
  complain(said);
}

function refuseThisCode(pick) {
  say(pick, 'bad');
  refuseCode();
}

export function beginAnew() {
  tab.over();
  emptyCode();
  stopListening();
  writeNumber('');
  forget();
  showCauses(false);
  silence();
  goOn({});
  phone.focus();
}
