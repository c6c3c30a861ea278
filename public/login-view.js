import { expectCode } from './code-field.js';
import { codeForm, form, next, offer, restart } from './controls.js';
import { inWords } from './language.js';
import { readNumber } from './number-field.js';
import { server, settled } from './server.js';
import { progressInstead } from './steps.js';
import { tab } from './tab.js';

/** How a login can go on: which ways are open just now, and where it stands. */

const causes = document.getElementById('causes');

/** What Vonage tells the server may arrive there a little later than the browser: how often to ask, and how far apart. */
const ASKS = 8;
const PAUSE = 500;

let shown = {};
const write = inWords((words) => {
  const { sent, length, left } = shown;
  if (left) next.textContent = words.next[left];
  if (!sent) return;
  document.getElementById('code-label').textContent = words.codeLabel[sent];
  document.getElementById('code-hint').textContent = words.codeHint(length, tab.number);
});

/**
 * Shows how a login goes on: the field for the code that was sent, a button for the next one, the form to begin anew.
 * @returns the channel by which a code was sent
 */
export function goOn({ status = 'pending', channel, codeLength: length, nextChannels: [left] = [] }) {
  const sent = status === 'pending' && length !== undefined ? channel : undefined;
  shown = { sent, length, left };
  form.hidden = sent !== undefined;
  codeForm.hidden = sent === undefined;
  restart.hidden = sent === undefined;
  next.hidden = left === undefined;
  next.value = left ?? '';
  offer.hidden = next.hidden && restart.hidden;
  write();
  if (sent !== undefined) {
    progressInstead('now');
    expectCode(length, sent);
  }
  return sent;
}

export const hideOffer = () => (offer.hidden = true);

/** Somebody is logged in: there is nothing to go on with. */
export function hideAll() {
  for (const each of [form, codeForm, offer]) each.hidden = true;
}

/** What is offered belongs to the number the login was begun with: no code is sent while another one is being typed. */
export function offerForItsNumber() {
  offer.hidden = next.hidden || readNumber().number !== tab.number;
}

export const showCauses = (is) => (causes.hidden = !is);

/**
 * Asks where the login of this tab stands, and asks again while the answer is one to wait on. Nothing is known without a
 * login; `gone` when the session has none any more, `replaced` when it has another one; undefined when there is no answer.
 */
export async function whereItStands(isToWaitOn = () => false) {
  if (tab.number === undefined) return {};
  for (let asked = 1; ; asked += 1) {
    const { ok, said } = await settled(server.current());
    if (!ok) return undefined;
    if (said === undefined) {
      tab.over();
      return { gone: true };
    }
    if (said.loginId !== tab.loginId) return { replaced: true };
    if (asked === ASKS || !isToWaitOn(said)) return said;
    await new Promise((wake) => setTimeout(wake, PAUSE));
  }
}

/** Whether a code is on its way that the user has to type. */
export async function waitsForCode() {
  const { status, codeLength } = (await whereItStands()) ?? {};
  return status === 'pending' && codeLength !== undefined;
}
