/** Everything this script says. */
const WORDS = {
  states: { idle: '', now: 'in progress', done: 'done', failed: 'failed' },
  channels: { silent_auth: 'Your mobile operator' },
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

/** What people write between digits. The server takes digits only. */
const SEPARATORS = /[\s().\-\u00a0\u2010-\u2015]/g;
const E164 = /^\+[1-9][0-9]{6,14}$/;
/** Milliseconds. */
const PATIENCE = 20_000;

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
let waitingForLink;

function say(text, tone = 'plain') {
  message.textContent = text;
  message.dataset.tone = tone;
}

/** All steps before `reached` are done; that one is in this state, and the others have not come yet. */
function progress(reached, state) {
  [...steps.children].forEach((step, at) => {
    const is = at < reached ? 'done' : at === reached ? state : 'idle';
    step.dataset.state = is;
    step.querySelector('.state').textContent = WORDS.states[is];
    if (is === 'now') step.setAttribute('aria-current', 'step');
    else step.removeAttribute('aria-current');
  });
}

function busy(is) {
  submit.disabled = is;
  logout.disabled = is;
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

function complain({ detail = WORDS.returnedOtherwise, retry_after: seconds }) {
  say(seconds === undefined ? detail : `${detail} ${WORDS.retryAfter(seconds)}`, 'bad');
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
  progress(0, 'now');
  say(WORDS.beginning);
  const { ok, status, said } = await ask('POST', '/login', { phone_number: number, client: 'browser' });
  if (ok && said.auth_url !== null) {
    sessionStorage.setItem('phone', number);
    progress(2, 'now');
    say(WORDS.leaving);
    waitingForLink = window.setTimeout(linkDidNotOpen, PATIENCE);
    location.assign(said.auth_url);
    return;
  }
  progress(ok || status >= 500 ? 1 : 0, 'failed');
  busy(false);
  if (said.error === 'invalid_phone_number') refuseNumber(WORDS.noSuchNumber);
  else if (ok) say(WORDS.unavailable, 'bad');
  else complain(said);
}

function refuseNumber(why) {
  say(why, 'bad');
  phone.setAttribute('aria-invalid', 'true');
  phone.focus();
}

function linkDidNotOpen() {
  progress(2, 'failed');
  say(WORDS.stuck, 'bad');
  busy(false);
}

async function verify(code) {
  progress(4, 'now');
  say(WORDS.asking);
  const { ok, said } = await ask('POST', '/verify', { code });
  if (ok && said.verified === true) {
    sessionStorage.removeItem('phone');
    progress(5);
    say(WORDS.verified, 'good');
    return;
  }
  progress(4, 'failed');
  if (ok) say(said.reason === 'number_mismatch' ? WORDS.mismatch : WORDS.notVerified, 'bad');
  else complain(said);
}

function tellError(fragment) {
  const [error, reason] = [fragment.get('error'), fragment.get('reason')];
  const at = Object.hasOwn(ENDED_AT, error) ? ENDED_AT[error] : 0;
  progress(at, at === 0 ? 'idle' : 'failed');
  const known = [reason, error].find((name) => name !== null && Object.hasOwn(WORDS.returned, name));
  say(known === undefined ? WORDS.returnedOtherwise : WORDS.returned[known], 'bad');
}

/** Shows who is logged in, or the form. */
async function showSession() {
  const { ok, said } = await ask('GET', '/session');
  const loggedIn = ok && said.authenticated === true;
  if (loggedIn) {
    part('session-number').textContent = said.phone_number;
    part('session-channel').textContent = WORDS.channels[said.channel] ?? said.channel;
    showTime(part('session-since'), said.authenticated_at);
    showTime(part('session-until'), said.expires_at);
  }
  session.hidden = !loggedIn;
  form.hidden = loggedIn;
  if (!ok) complain(said);
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
    await showSession();
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
  phone.value ||= sessionStorage.getItem('phone') ?? '';
  if (home.has('code')) await verify(home.get('code'));
  else if (home.has('error')) tellError(home);
  else say('');
  await showSession();
  busy(false);
  // A message that was there when the page appeared is not read out, so it gets the focus.
  if (home.has('code') || home.has('error')) message.focus();
}

form.addEventListener('submit', (event) => void begin(event));
logout.addEventListener('click', () => void logOut());
// The back button may bring this page back as it was left: busy, and ignorant of what happened since.
window.addEventListener('pageshow', (event) => void (event.persisted && start()));
// Somebody opened a fragment in a page that is already here.
window.addEventListener('hashchange', () => location.reload());
void start();
