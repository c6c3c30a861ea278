/** Everything this script says. */
const WORDS = {
  states: { idle: '', now: 'in progress', done: 'done', failed: 'failed' },
  channels: {
    silent_auth: 'The SIM in your device',
    sms: 'A code by SMS',
    voice: 'A code by phone call',
  },
  checking: 'One moment…',
  notANumber: 'This is not a phone number. Write it as +447700900000: plus sign, country code, number.',
  noSuchNumber: 'No country has such a number. Check the country code and the length.',
  beginning: 'Asking for your link…',
  leaving: 'Opening the link…',
  stuck: 'The link did not open. Check your connection and try again.',
  unavailable: 'A silent login is not possible for this number: its operator does not offer it.',
  asking: 'Asking your operator…',
  verified: 'You are logged in.',
  mismatch: 'You are not logged in: the SIM in this device has another number.',
  notVerified: 'You are not logged in: the number was not confirmed.',
  loggedOut: 'You are logged out.',
  next: { sms: 'Send me a code by SMS', voice: 'Call me with a code' },
  sending: { sms: 'Sending a code…', voice: 'Calling…' },
  sent: { sms: 'A code is on its way by SMS.', voice: 'You are being called, and will hear a code.' },
  orType: {
    sms: 'There is another way: type the code that is on its way by SMS.',
    voice: 'There is another way: type the code that you hear when you are called.',
  },
  codeLabel: { sms: 'Code from the SMS', voice: 'Code from the call' },
  codeHint: (length, number) => `${length} digits, sent to ${number}.`,
  codeTooShort: (length) => `The code has ${length} digits.`,
  checkingCode: 'Checking the code…',
  wrongCode: 'This code is not right. Look at it again and type it anew.',
  codeTooOld: {
    left: 'This code is too old. Ask for another one.',
    none: 'This code is too old. Start again.',
  },
  noMoreChannels: {
    left: 'No code can be sent in this way any more. Choose the other one.',
    none: 'No code can be sent for this login any more. Start again.',
  },
  /** What the server's errors mean for the one who logs in. For any other its own words are shown. */
  errors: {
    too_many_attempts: 'The code was wrong too often, and this login is over. Start again.',
    login_in_progress: 'A login with this number is already under way.',
    login_expired: 'It took too long, and this login is over. Start again.',
    no_login: 'This login is over. Start again.',
  },
  noAnswer: 'The server did not answer. Check your connection and try again.',
  retryAfter: (seconds) => `Try again in ${seconds} s.`,
  /** What came of the redirects. The fragment only chooses among these: anyone can write a link with any text in it. */
  returned: {
    denied:
      'The operator did not let this device in. It may be on Wi-Fi or behind a VPN: turn both off and try again.',
    not_on_cellular:
      'The operator did not see this device on its network. Turn Wi-Fi and VPN off and try again.',
    number_not_supported: 'The operator cannot confirm this number.',
    operator_error: 'The operator could not answer. Try again.',
    not_completed: 'The operator could not confirm the number in this way.',
    other_number: 'You are not logged in: the SIM in this device has another number.',
    login_expired: 'This login is over: its link is too old, or was used before. Start again.',
    wrong_client:
      'This link belongs to a login that was not begun in this browser. Nobody was logged in. If somebody sent it to you, they may be trying to log in as you.',
    upstream_error: 'The operator gave an answer that is of no use. Try again.',
    upstream_timeout: 'The operator did not answer in time. Try again.',
    unavailable: 'The service is not available just now. Try again in a minute.',
  },
  returnedOtherwise: 'The login did not succeed. Start again.',
};

/** The step, counted from zero, at which a login ended that came back without a code. Other errors are of none. */
const ENDED_AT = { silent_auth_failed: 2, login_expired: 2, upstream_error: 3, upstream_timeout: 3 };

/** What Vonage says itself, in a fragment that has no `error`. It is recognised, and never shown: it can be forged as well. */
const SAID_BY_VONAGE = new Map([
  ['The silent auth verification cannot be completed.', 'not_completed'],
  ['Device MSISDN does not match.', 'other_number'],
  ['Device number does not resolve to a supported Mobile Network Operator.', 'number_not_supported'],
  ['IP Address does not resolve to a cellular device.', 'not_on_cellular'],
]);

/** What people write between digits. The server takes digits only. */
const SEPARATORS = /[\s().\-\u00a0\u2010-\u2015]/g;
const E164 = /^\+[1-9][0-9]{6,14}$/;
/** Milliseconds. */
const PATIENCE = 20_000;
/** What Vonage tells the server may arrive there a little later than the browser: how often to ask, and how far apart. */
const ASKS = 8;
const PAUSE = 500;

const part = (id) => document.getElementById(id);
const [message, form, phone, submit, session, logout, steps] = [
  'message',
  'login',
  'phone',
  'submit',
  'session',
  'logout',
  'steps',
].map(part);
const [codeForm, code, confirm, offer, next, restart, instead] = [
  'code-form',
  'code',
  'confirm',
  'offer',
  'next',
  'restart',
  'instead',
].map(part);
let waitingForLink;

/** The number of the login that was begun in this tab, until it is over. It outlives the redirects, and a reload. */
const begun = {
  get number() {
    return sessionStorage.getItem('phone');
  },
  by: (number) => sessionStorage.setItem('phone', number),
  over: () => sessionStorage.removeItem('phone'),
};

function say(text, tone = 'plain') {
  message.textContent = text;
  message.dataset.tone = tone;
}

/** All steps before `reached` are done; that one is in this state, and the others have not come yet. */
function progress(reached, state) {
  [...steps.children].forEach((step, at) =>
    mark(step, at < reached ? 'done' : at === reached ? state : 'idle'),
  );
  instead.hidden = true;
}

/** What comes in place of the steps that failed. */
function progressInstead(state) {
  instead.hidden = false;
  mark(instead.firstElementChild, state);
}

function mark(step, state) {
  step.dataset.state = state;
  step.querySelector('.state').textContent = WORDS.states[state];
  if (state === 'now') step.setAttribute('aria-current', 'step');
  else step.removeAttribute('aria-current');
}

function busy(is) {
  for (const button of [submit, logout, confirm, next, restart]) button.disabled = is;
  code.readOnly = is;
}

/** Asks our server. It answers in JSON, and says in `detail` what is wrong (RFC 9457). */
async function ask(method, path, body) {
  try {
    const answer = await fetch(path, {
      method,
      signal: window.AbortSignal.timeout(PATIENCE),
      ...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return {
      ok: answer.ok,
      status: answer.status,
      said: answer.status === 204 ? {} : await answer.json(),
    };
  } catch {
    return { ok: false, status: 0, said: { detail: WORDS.noAnswer } };
  }
}

function complain({ error, detail = WORDS.returnedOtherwise, retry_after: seconds }) {
  const words = Object.hasOwn(WORDS.errors, error) ? WORDS.errors[error] : detail;
  say(seconds === undefined ? words : `${words} ${WORDS.retryAfter(seconds)}`, 'bad');
}

/** Takes what the redirects left in the address, and leaves nothing of it there or in the history. */
function takeFragment() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  return fragment;
}

async function begin(event) {
  event.preventDefault();
  if (submit.disabled) return;
  const number = phone.value.replace(SEPARATORS, '');
  if (!E164.test(number)) {
    progress(0, 'idle');
    return refuseNumber(WORDS.notANumber);
  }
  busy(true);
  phone.removeAttribute('aria-invalid');
  offer.hidden = true;
  progress(0, 'now');
  say(WORDS.beginning);
  const { ok, status, said } = await ask('POST', '/login', { phone_number: number, client: 'browser' });
  if (ok) {
    begun.by(number);
    const stands = waitsForLink(said) ? ((await whereItStands(waitsForLink)) ?? said) : said;
    if (stands.auth_url) return leave(stands);
    progress(1, 'failed');
    const sent = goOn(stands);
    if (sent) say(WORDS.sent[sent]);
    else say(WORDS.unavailable, 'bad');
    return busy(false);
  }
  progress(status >= 500 ? 1 : 0, 'failed');
  busy(false);
  if (said.error === 'invalid_phone_number') refuseNumber(WORDS.noSuchNumber);
  else complain(said);
}

/** The silent step is under way, and nobody has told the server its link yet. */
const waitsForLink = ({ channel, auth_url: link }) => channel === 'silent_auth' && !link;

function leave(stands) {
  progress(2, 'now');
  say(WORDS.leaving);
  waitingForLink = window.setTimeout(linkDidNotOpen, PATIENCE, stands);
  location.assign(stands.auth_url);
}

function refuseNumber(why) {
  say(why, 'bad');
  phone.setAttribute('aria-invalid', 'true');
  phone.focus();
}

function linkDidNotOpen(stands) {
  progress(2, 'failed');
  say(WORDS.stuck, 'bad');
  goOn(stands);
  busy(false);
}

/** Posts the code that the redirects brought. Returns what the server said. */
async function verify(codeOfDevice) {
  progress(4, 'now');
  say(WORDS.asking);
  const { ok, said } = await ask('POST', '/verify', { code: codeOfDevice });
  if (ok && said.verified === true) {
    begun.over();
    progress(5);
    say(WORDS.verified, 'good');
    return said;
  }
  progress(4, 'failed');
  if (ok) say(said.reason === 'number_mismatch' ? WORDS.mismatch : WORDS.notVerified, 'bad');
  else complain(said);
  return said;
}

function tellError(fragment) {
  const [error, reason] = [fragment.get('error'), fragment.get('reason')];
  const byVonage = error === null ? SAID_BY_VONAGE.get(fragment.get('error_description')) : undefined;
  const at = byVonage ? 2 : Object.hasOwn(ENDED_AT, error) ? ENDED_AT[error] : 0;
  progress(at, at === 0 ? 'idle' : 'failed');
  const known = [byVonage, reason, error].find((name) => Object.hasOwn(WORDS.returned, name ?? ''));
  say(known === undefined ? WORDS.returnedOtherwise : WORDS.returned[known], 'bad');
}

/**
 * Asks where the login of this tab stands, and asks again while the answer is one to wait on. Nothing is known without a
 * login, and undefined comes back without an answer.
 */
async function whereItStands(isToWaitOn = () => false) {
  if (begun.number === null) return {};
  for (let asked = 1; ; asked += 1) {
    const { ok, status, said } = await ask('GET', '/login');
    if (status === 404) {
      begun.over();
      return {};
    }
    if (!ok) return undefined;
    if (asked === ASKS || !isToWaitOn(said)) return said;
    await new Promise((wake) => window.setTimeout(wake, PAUSE));
  }
}

/** Silence failed, and Vonage goes on by itself: to a message, if there is one to go on to. */
const isStillSilent = ({ status, channel, next_channels: left }) =>
  status === 'pending' && channel === 'silent_auth' && left.length > 0;

/**
 * Shows how a login goes on: the field for the code that was sent, a button for the next one, the form to begin anew.
 * Returns the channel by which a code was sent.
 */
function goOn({ status = 'pending', channel, code_length: length, next_channels: [left] = [] }) {
  const sent = status === 'pending' && length !== undefined ? channel : undefined;
  form.hidden = sent !== undefined;
  codeForm.hidden = sent === undefined;
  restart.hidden = sent === undefined;
  next.hidden = left === undefined;
  offer.hidden = next.hidden && restart.hidden;
  if (left !== undefined) {
    next.value = left;
    next.textContent = WORDS.next[left];
  }
  if (sent !== undefined) {
    code.maxLength = length;
    part('code-label').textContent = WORDS.codeLabel[sent];
    part('code-hint').textContent = WORDS.codeHint(length, begun.number);
    progressInstead('now');
    code.focus();
  }
  return sent;
}

async function sendNext(event) {
  // The second click of a double click may meet a button that was not there at the first.
  if (next.disabled || event.detail > 1) return;
  const channel = next.value;
  busy(true);
  say(WORDS.sending[channel]);
  const { ok, said } = await ask('POST', '/login/next', { channel });
  if (ok) {
    emptyCode();
    say(WORDS.sent[goOn(said)] ?? '');
  } else if (said.error === 'no_more_channels') {
    const stands = (await whereItStands()) ?? {};
    goOn(stands);
    say(WORDS.noMoreChannels[stands.next_channels?.length ? 'left' : 'none'], 'bad');
  } else {
    if (said.error === 'no_login' || said.error === 'login_expired') end();
    complain(said);
  }
  busy(false);
  if (!ok) message.focus();
}

/** Leaves nothing of this login but its number in the form. */
function end() {
  begun.over();
  emptyCode();
  if (!instead.hidden) progressInstead('failed');
  goOn({});
}

async function submitCode(event) {
  event.preventDefault();
  if (confirm.disabled) return;
  if (code.value.length < code.maxLength) return refuseCode(WORDS.codeTooShort(code.maxLength));
  busy(true);
  code.removeAttribute('aria-invalid');
  progressInstead('now');
  say(WORDS.checkingCode);
  const { ok, said } = await ask('POST', '/verify', { code: code.value });
  if (ok && said.verified === true) {
    begun.over();
    emptyCode();
    progressInstead('done');
    say(WORDS.verified, 'good');
    await showSession();
  } else await tellCodeError(said);
  busy(false);
  if (codeForm.hidden) message.focus();
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
      if (maybe) return refuseCode(WORDS.wrongCode);
      progressInstead('failed');
      return say(WORDS.codeTooOld[stands?.next_channels?.length ? 'left' : 'none'], 'bad');
    }
    case 'too_many_attempts':
      end();
  }
  complain(said);
}

function emptyCode() {
  code.value = '';
  code.removeAttribute('aria-invalid');
}

function refuseCode(why) {
  say(why, 'bad');
  code.setAttribute('aria-invalid', 'true');
  code.focus();
}

/** Keeps the digits, as many as there may be. A full code goes off by itself. */
function takeCode(text) {
  code.value = text.replace(/\D/g, '').slice(0, code.maxLength);
  if (code.value.length === code.maxLength) codeForm.requestSubmit();
}

function pasteCode(event) {
  // The browser would cut what is pasted to the length before its spaces are taken out.
  event.preventDefault();
  if (!code.readOnly) takeCode(event.clipboardData.getData('text'));
}

/** What is offered belongs to the number the login was begun with: no code is sent while another one is being typed. */
function offerForItsNumber() {
  offer.hidden = next.hidden || phone.value.replace(SEPARATORS, '') !== begun.number;
}

function beginAnew() {
  begun.over();
  emptyCode();
  phone.value = '';
  progress(0, 'idle');
  say('');
  goOn({});
  phone.focus();
}

/** Shows who is logged in, and returns whether somebody is. */
async function showSession() {
  const { ok, said } = await ask('GET', '/session');
  const loggedIn = ok && said.authenticated === true;
  if (loggedIn) {
    part('session-number').textContent = said.phone_number;
    part('session-channel').textContent = WORDS.channels[said.channel] ?? said.channel;
    showTime(part('session-since'), said.authenticated_at);
    showTime(part('session-until'), said.expires_at);
    for (const each of [form, codeForm, offer]) each.hidden = true;
  }
  session.hidden = !loggedIn;
  if (!ok) complain(said);
  return loggedIn;
}

function showTime(element, iso) {
  element.dateTime = iso;
  element.textContent = new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

async function logOut() {
  if (logout.disabled) return;
  busy(true);
  const { ok, said } = await ask('POST', '/logout');
  progress(0, 'idle');
  if (ok) {
    phone.value = '';
    say(WORDS.loggedOut);
    if (!(await showSession())) goOn({});
  } else complain(said);
  busy(false);
  if (!form.hidden) phone.focus();
}

async function start() {
  window.clearTimeout(waitingForLink);
  const home = takeFragment();
  busy(true);
  progress(0, 'idle');
  say(WORDS.checking);
  phone.value ||= begun.number ?? '';
  const failed = home.has('error') || home.has('error_description');
  let said = {};
  if (home.has('code')) said = await verify(home.get('code'));
  else if (failed) tellError(home);
  else say('');
  if (!(await showSession())) {
    const sent = goOn(said.next_channels ? said : await afterwards(home));
    if (sent && message.textContent === '') say(WORDS.sent[sent]);
    else if (sent) say(`${message.textContent} ${WORDS.orType[sent]}`, 'bad');
  }
  busy(false);
  // A message that was there when the page appeared is not read out, so it gets the focus; a field has it read with it.
  if ((home.has('code') || failed) && codeForm.hidden) message.focus();
}

/** How the login of this tab can go on after what came home. Somebody else's link has nothing to do with it. */
async function afterwards(home) {
  if (home.get('error') === 'wrong_client') return {};
  const byVonage = home.has('error_description') && !home.has('error');
  return (await whereItStands(byVonage ? isStillSilent : undefined)) ?? {};
}

form.addEventListener('submit', (event) => void begin(event));
phone.addEventListener('input', offerForItsNumber);
codeForm.addEventListener('submit', (event) => void submitCode(event));
code.addEventListener('input', () => takeCode(code.value));
code.addEventListener('paste', pasteCode);
next.addEventListener('click', (event) => void sendNext(event));
restart.addEventListener('click', beginAnew);
logout.addEventListener('click', () => void logOut());
// The back button may bring this page back as it was left: busy, and ignorant of what happened since.
window.addEventListener('pageshow', (event) => void (event.persisted && start()));
// Somebody opened a fragment in a page that is already here.
window.addEventListener('hashchange', () => location.reload());
void start();
