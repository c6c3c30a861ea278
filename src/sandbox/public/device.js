import { byId, make, NO_NUMBER, numberIn } from './dom.js';

/** The cookies that the sandbox reads where a link passes: they are the SIM and the network of this browser. */
const [SIM, NETWORK] = ['sandbox_sim', 'sandbox_network'];
const TYPED = 'typed';

const keep = (name, value) => {
  const end = value === '' ? '; Max-Age=0' : '';
  document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; SameSite=Lax${end}`;
};

const kept = (name) => {
  const value = document.cookie.split('; ').find((each) => each.startsWith(`${name}=`));
  return value ? decodeURIComponent(value.slice(name.length + 1)) : '';
};

/** The number of the SIM in the phone; empty for the number of whatever login comes. */
export const simInPhone = () => kept(SIM);

const sayLine = () => {
  const sim = simInPhone();
  const isOnWifi = kept(NETWORK) === 'wifi';
  const whose = sim === '' ? 'that its SIM has the number of the login' : `the SIM ${sim}`;
  byId('line').textContent = isOnWifi
    ? 'On Wi-Fi the operator sees no SIM: a silent login fails.'
    : `On this line the operator sees ${whose}.`;
  byId('line').dataset.tone = isOnWifi || sim !== '' ? 'plain' : 'good';
};

/** Offers the SIMs of all listed numbers, and keeps the one that is in. */
export const offerSims = (numbers) => {
  const sim = simInPhone();
  const others = [...new Set([...numbers, ...(sim === '' ? [] : [sim])])];
  byId('sim').replaceChildren(
    make('option', { value: '' }, 'The number of the login'),
    ...others.map((number) => make('option', { value: number }, number)),
    make('option', { value: TYPED }, 'Another number …'),
  );
  byId('sim').value = byId('typed').hidden ? sim : TYPED;
  sayLine();
};

/** @param changed is called when there is another SIM in the phone */
export const startDevice = (changed) => {
  const insert = (sim) => {
    keep(SIM, sim);
    byId('typed').hidden = true;
    changed();
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
  const isOnWifi = kept(NETWORK) === 'wifi';
  for (const radio of document.getElementsByName('network')) {
    radio.checked = (radio.value === 'wifi') === isOnWifi;
    radio.addEventListener('change', () => {
      keep(NETWORK, radio.value === 'wifi' ? 'wifi' : '');
      sayLine();
    });
  }
};
