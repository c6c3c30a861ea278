import { fieldsOf, header, parametersOf } from './call.js';
import type { Asked } from './call.js';
import { bad, good, plain } from './words.js';
import type { Row, Told, Words } from './words.js';
import { failed, worked } from './endings.js';

const errorIn = ({ answered }: Told): Record<string, unknown> => {
  const location = header(answered.headers, 'location');
  return location === undefined ? fieldsOf(answered.body) : Object.fromEntries(parametersOf(location));
};

const isRefused = ({ answered }: Told): boolean => answered.status >= 400;

const refused = (told: Told): Words => bad(`The server refuses: ${String(errorIn(told)['error'])}.`);

/** What was typed is digits alone; what a device was given never is. */
const isTyped = ({ body }: Asked): boolean => /^\d+$/.test(String(fieldsOf(body)['code']));

const hasCode = (told: Told): boolean => typeof errorIn(told)['code'] === 'string';

const verifyAnswer = (told: Told): Words => {
  const { verified, channel } = fieldsOf(told.answered.body);
  if (verified === true) return worked(told, String(channel));
  if (verified === false) return failed(told, 'number_mismatch');
  return failed(told, errorIn(told));
};

const presents = {
  method: 'POST',
  path: /^\/verify$/,
  from: 'device',
  to: 'server',
  hears: (told: Told): Words => {
    if (isRefused(told)) return refused(told);
    return fieldsOf(told.answered.body)['verified'] === true
      ? good('The server logs the session in, under a new id.')
      : bad('The server answers that the SIM has another number.');
  },
  stands: verifyAnswer,
} as const;

/** What app and device say to the server: seen only by the tap that stands before it. */
export const APP_ROWS: readonly Row[] = [
  {
    method: 'POST',
    path: /^\/login$/,
    from: 'device',
    to: 'server',
    step: '1',
    begins: 'new',
    says: 'The app sends the number to the server.',
    hears: (told) => {
      if (isRefused(told)) return refused(told);
      return fieldsOf(told.answered.body)['auth_url'] === null
        ? plain('The server answers that this number cannot be confirmed in silence.')
        : good('The server answers with a link. The cookie it sets is the first half of the login.');
    },
    stands: (told) => {
      if (isRefused(told)) return failed(told, errorIn(told));
      return fieldsOf(told.answered.body)['auth_url'] === null
        ? failed(told, 'no_link')
        : plain('The link is handed out. Nobody has opened it yet.');
    },
  },
  {
    method: 'GET',
    path: /^\/callback$/,
    from: 'device',
    to: 'server',
    step: '4',
    says: ({ url }) =>
      parametersOf(url).has('error')
        ? 'The device comes back to the server, with an error instead of a code.'
        : 'The device comes back to the server, with the operator’s code.',
    hears: (told) =>
      hasCode(told)
        ? good('The server gives the device a code of its own: the second half of the login.')
        : refused(told),
    stands: (told) =>
      hasCode(told)
        ? plain(
            'The device holds a code. Nobody is logged in until the app presents it, in the session that began.',
          )
        : failed(told, errorIn(told)),
  },
  {
    ...presents,
    step: 'code',
    when: isTyped,
    says: 'The app presents the code that the user typed.',
  },
  {
    ...presents,
    step: '5',
    says: 'The app presents the device’s code, with its cookie: now both halves are in one hand.',
  },
  {
    method: 'POST',
    path: /^\/login\/next$/,
    from: 'device',
    to: 'server',
    step: 'code',
    says: 'It cannot go on in silence, so the app asks for a code to be sent.',
    hears: (told) =>
      isRefused(told) ? refused(told) : good('The server answers that a code is on its way.'),
    stands: (told) =>
      isRefused(told)
        ? failed(told, errorIn(told))
        : plain(`A code went to ${told.number}. Whoever can read it there may type it.`),
  },
  {
    method: 'GET',
    path: /^\/login$/,
    from: 'device',
    to: 'server',
    step: 'same',
    isPoll: true,
    says: 'The app asks how far the login is.',
    hears: (told) =>
      plain(isRefused(told) ? 'There is none.' : `It is ${String(fieldsOf(told.answered.body)['status'])}.`),
  },
  {
    method: 'GET',
    path: /^\/session$/,
    from: 'device',
    to: 'server',
    step: 'same',
    isPoll: true,
    says: 'The app asks who is logged in.',
    hears: ({ answered }) => {
      const { authenticated, phone_number } = fieldsOf(answered.body);
      return plain(authenticated === true ? `It is ${String(phone_number)}.` : 'Nobody is.');
    },
  },
  {
    method: 'DELETE',
    path: /^\/login$/,
    from: 'device',
    to: 'server',
    step: 'after',
    says: 'The app gives the login up.',
    hears: (told) => (isRefused(told) ? refused(told) : plain('Link and codes are worthless from here on.')),
    stands: (told) => (isRefused(told) ? undefined : plain('The login was given up.')),
  },
  {
    method: 'POST',
    path: /^\/logout$/,
    from: 'device',
    to: 'server',
    step: 'after',
    says: 'The user logs out.',
    hears: (told) => (isRefused(told) ? refused(told) : plain('The cookie is dead at once.')),
  },
];
