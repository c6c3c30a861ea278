import { byId, clock, make } from './dom.js';

const CHANNELS = { sms: 'SMS', voice: 'Call' };

/** None where the browser lets no page write to the clipboard: over plain http from another host. */
const copyButton = ({ code, to }) => {
  if (!navigator.clipboard) return undefined;
  const button = make(
    'button',
    { type: 'button', class: 'second', 'aria-label': `Copy the code for ${to}` },
    'Copy',
  );
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(code);
    button.textContent = 'Copied';
  });
  return button;
};

const entry = (message, sim) => {
  const isElsewhere = sim !== '' && message.to !== sim;
  return make(
    'li',
    { 'data-elsewhere': isElsewhere },
    make(
      'p',
      { class: 'to' },
      `${CHANNELS[message.channel] ?? message.channel} to ${message.to}`,
      make('time', { datetime: message.at }, clock(message.at)),
    ),
    make('p', { class: 'code' }, make('output', { class: 'digits' }, message.code), copyButton(message)),
    make('p', { class: 'text' }, message.text),
    isElsewhere
      ? make('p', { class: 'text' }, `It went to another phone: the SIM in this one is ${sim}.`)
      : undefined,
  );
};

/** Shows the messages of all phones, newest first, those to the SIM in this phone before the others. */
export const showMessages = (messages, sim) => {
  const newest = [...messages].reverse();
  const here = newest.filter(({ to }) => sim === '' || to === sim);
  const elsewhere = newest.filter((each) => !here.includes(each));
  byId('messages').replaceChildren(...[...here, ...elsewhere].map((each) => entry(each, sim)));
  byId('no-messages').hidden = messages.length > 0;
};
