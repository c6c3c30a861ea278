import { byId, clock, make, NO_NUMBER, numberIn } from './dom.js';

/** The cookies in which the sandbox reads the SIM and the network of this browser. */
const [SIM_COOKIE, NETWORK_COOKIE] = ['sandbox_sim', 'sandbox_network'];

/** The option of the SIM whose number is typed. */
const TYPED = 'typed';

const setCookie = (name, value) => {
  const end = value === '' ? '; Max-Age=0' : '';
  document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; SameSite=Lax${end}`;
};

const cookie = (name) => {
  const pair = document.cookie.split('; ').find((each) => each.startsWith(`${name}=`));
  return pair ? decodeURIComponent(pair.slice(name.length + 1)) : '';
};

/** The number of the SIM in the phone; empty for the number of each login. */
const simInPhone = () => cookie(SIM_COOKIE);
const isOnWifi = () => cookie(NETWORK_COOKIE) === 'wifi';

const showLine = () => {
  const sim = simInPhone();
  const seen = sim === '' ? 'that its SIM has the number of the login' : `the SIM ${sim}`;
  byId('line').textContent = isOnWifi()
    ? 'On Wi-Fi the operator sees no SIM: a silent login fails.'
    : `On this line the operator sees ${seen}.`;
  byId('line').dataset.tone = isOnWifi() || sim !== '' ? 'plain' : 'good';
};

/** Offers the SIMs of all listed numbers, and selects the one in the phone. */
const showSims = (numbers) => {
  const sim = simInPhone();
  const others = [...new Set([...numbers, ...(sim === '' ? [] : [sim])])];
  byId('sim').replaceChildren(
    make('option', { value: '' }, 'The number of the login'),
    ...others.map((number) => make('option', { value: number }, number)),
    make('option', { value: TYPED }, 'Another number …'),
  );
  byId('sim').value = byId('typed').hidden ? sim : TYPED;
  showLine();
};

const CHANNELS = { sms: 'SMS', voice: 'Call' };

/** Absent where pages may not write to the clipboard: over http from another host. */
const copyButton = ({ code, to }) => {
  if (!navigator.clipboard) return undefined;
  const label = `Copy the code for ${to}`;
  const button = make('button', { type: 'button', class: 'second', 'aria-label': label }, 'Copy');
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(code);
    button.textContent = 'Copied';
  });
  return button;
};

const messageItem = (message, isElsewhere) => {
  const { channel, to, at, code, text } = message;
  const elsewhere = `It went to another phone: the SIM in this one is ${simInPhone()}.`;
  return make(
    'li',
    { 'data-elsewhere': isElsewhere },
    make(
      'p',
      { class: 'to' },
      `${CHANNELS[channel] ?? channel} to ${to}`,
      make('time', { datetime: at }, clock(at)),
    ),
    make('p', { class: 'code' }, make('output', { class: 'digits' }, code), copyButton(message)),
    make('p', { class: 'text' }, text),
    isElsewhere ? make('p', { class: 'text' }, elsewhere) : undefined,
  );
};

/** Shows all messages, newest first, those to the SIM in this phone before the others. */
const showMessages = (messages) => {
  const sim = simInPhone();
  const isElsewhere = ({ to }) => sim !== '' && to !== sim;
  const newest = [...messages].reverse();
  const sorted = [...newest.filter((each) => !isElsewhere(each)), ...newest.filter(isElsewhere)];
  byId('messages').replaceChildren(...sorted.map((each) => messageItem(each, isElsewhere(each))));
  byId('no-messages').hidden = messages.length > 0;
};

export const showPhone = (numbers, messages) => {
  showSims(numbers);
  showMessages(messages);
};

/** @param onChange is called when another SIM is in the phone */
export const startPhone = (onChange) => {
  const insert = (sim) => {
    setCookie(SIM_COOKIE, sim);
    byId('typed').hidden = true;
    onChange();
  };
  byId('sim').addEventListener('change', ({ target }) => {
    byId('typed').hidden = target.value !== TYPED;
    if (target.value === TYPED) byId('typed-sim').focus();
    else insert(target.value);
  });
  byId('typed').addEventListener('submit', (event) => {
    event.preventDefault();
    const number = numberIn(byId('typed-sim').value);
    byId('typed-problem').textContent = number ? '' : NO_NUMBER;
    if (number) insert(number);
  });
  for (const radio of document.getElementsByName('network')) {
    radio.checked = (radio.value === 'wifi') === isOnWifi();
    radio.addEventListener('change', () => {
      setCookie(NETWORK_COOKIE, radio.value === 'wifi' ? 'wifi' : '');
      showLine();
    });
  }
};
