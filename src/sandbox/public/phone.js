import { byId, clock, INVALID_NUMBER, make, numberIn, showItems } from './dom.js';

/** The sandbox reads the SIM and the network of this browser from these cookies. */
const [SIM_COOKIE, NETWORK_COOKIE] = ['sandbox_sim', 'sandbox_network'];

/** The option for a typed number. */
const TYPED = 'typed';

const setCookie = (name, value) => {
  const end = value === '' ? '; Max-Age=0' : '';
  document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; SameSite=Lax${end}`;
};

const cookie = (name) => {
  const pair = document.cookie.split('; ').find((each) => each.startsWith(`${name}=`));
  return pair ? decodeURIComponent(pair.slice(name.length + 1)) : '';
};

/** Empty for a SIM with the number of each login. */
const simInPhone = () => cookie(SIM_COOKIE);
const isOnWifi = () => cookie(NETWORK_COOKIE) === 'wifi';

const showNetworkState = () => {
  const sim = simInPhone();
  const seen = sim === '' ? 'a SIM with the number of the login' : `the SIM ${sim}`;
  byId('line').textContent = isOnWifi()
    ? 'On Wi-Fi the operator sees no SIM: a silent login fails.'
    : `On this network the operator sees ${seen}.`;
  byId('line').dataset.tone = isOnWifi() || sim !== '' ? 'plain' : 'good';
};

const showSims = (numbers) => {
  const sim = simInPhone();
  const others = [...new Set([...numbers, ...(sim === '' ? [] : [sim])])];
  byId('sim').replaceChildren(
    make('option', { value: '' }, 'The number of the login'),
    ...others.map((number) => make('option', { value: number }, number)),
    make('option', { value: TYPED }, 'Another number …'),
  );
  byId('sim').value = byId('typed').hidden ? sim : TYPED;
  showNetworkState();
};

const CHANNELS = { sms: 'SMS', rcs: 'RCS', whatsapp: 'WhatsApp', voice: 'Call' };

/** Undefined without a clipboard API: over http from another host. */
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

const messageItem = ({ message, otherSim }) => {
  const { channel, to, from, at, code, text, locale } = message;
  const note = `Sent to another phone: the SIM in this one is ${otherSim}.`;
  return make(
    'li',
    { 'data-channel': channel },
    make(
      'p',
      { class: 'to' },
      `${CHANNELS[channel] ?? channel} to ${to}`,
      make('time', { datetime: at }, clock(at)),
    ),
    from === null ? undefined : make('p', { class: 'text from' }, `From ${from}`),
    make('p', { class: 'code' }, make('output', { class: 'digits' }, code), copyButton(message)),
    make('p', { class: 'words', lang: locale }, text),
    otherSim ? make('p', { class: 'text' }, note) : undefined,
  );
};

/** Shows messages to the SIM in this phone before the others, the newest first. */
const showMessages = (messages) => {
  const sim = simInPhone();
  const isToOtherPhone = ({ to }) => sim !== '' && to !== sim;
  const sorted = [...messages]
    .reverse()
    .sort((one, other) => Number(isToOtherPhone(one)) - Number(isToOtherPhone(other)));
  const items = sorted.map((message) => ({ message, otherSim: isToOtherPhone(message) ? sim : undefined }));
  showItems(byId('messages'), items, messageItem);
  byId('no-messages').hidden = messages.length > 0;
};

export const showPhone = (numbers, messages) => {
  showSims(numbers);
  showMessages(messages);
};

export const startPhone = (onSimChange) => {
  const insertSim = (sim) => {
    setCookie(SIM_COOKIE, sim);
    byId('typed').hidden = true;
    onSimChange();
  };
  byId('sim').addEventListener('change', ({ target }) => {
    byId('typed').hidden = target.value !== TYPED;
    if (target.value === TYPED) byId('typed-sim').focus();
    else insertSim(target.value);
  });
  byId('typed').addEventListener('submit', (event) => {
    event.preventDefault();
    const number = numberIn(byId('typed-sim').value);
    byId('typed-problem').textContent = number ? '' : INVALID_NUMBER;
    if (number) insertSim(number);
  });
  for (const radio of document.getElementsByName('network')) {
    radio.checked = (radio.value === 'wifi') === isOnWifi();
    radio.addEventListener('change', () => {
      setCookie(NETWORK_COOKIE, radio.value === 'wifi' ? 'wifi' : '');
      showNetworkState();
    });
  }
};
