import { fieldsOf, givenIn, isTyped, parametersOf } from './call.js';
import type { Call } from './call.js';
import { failed, halfway, handedOut, mistyped, strange, worked } from './endings.js';
import { bad, good, plain } from './words.js';
import type { Row, Told, Words } from './words.js';

const isRefused = ({ answered }: Told): boolean => answered.status >= 400;

/** How a refusal of the server is told. */
export const refused = ({ answered }: Told): Words =>
  bad(`The server refuses: ${String(givenIn(answered)['error'])}.`);

const hasLink = ({ answered }: Told): boolean => fieldsOf(answered.body)['auth_url'] !== null;

const hasCode = ({ answered }: Told): boolean => typeof givenIn(answered)['code'] === 'string';

const verdict = (told: Told): Words => {
  const { verified, error } = fieldsOf(told.answered.body);
  if (verified === true) return worked(told);
  if (verified === false) return failed(told, 'number_mismatch');
  if (error !== 'invalid_code') return failed(told, givenIn(told.answered));
  if (told.isStranger) return strange;
  return isTyped(told.asked) ? mistyped : failed(told, 'invalid_code');
};

const presentedBy = ({ isStranger }: Call): string =>
  isStranger
    ? 'Somebody presents the device’s code, without the cookie of the session that began.'
    : 'The app presents the device’s code, with its cookie: now both halves are in one hand.';

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
  stands: verdict,
} as const;

/** What app and device say to the server in a login: seen only by the tap that stands before it. */
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
      return hasLink(told)
        ? good('The server answers with a link. The cookie of this session is the first half of the login.')
        : plain('The server answers that this number cannot be confirmed in silence.');
    },
    stands: (told) => {
      if (isRefused(told)) return failed(told, givenIn(told.answered));
      return hasLink(told) ? handedOut : failed(told, 'no_link');
    },
  },
  {
    method: 'GET',
    path: /^\/callback$/,
    from: 'device',
    to: 'server',
    step: '4',
    says: ({ asked }) =>
      parametersOf(asked.url).has('error')
        ? 'The device comes back to the server, with an error instead of a code.'
        : 'The device comes back to the server, with the operator’s code.',
    hears: (told) =>
      hasCode(told)
        ? good('The server gives the device a code of its own: the second half of the login.')
        : refused(told),
    stands: (told) => (hasCode(told) ? halfway : failed(told, givenIn(told.answered))),
  },
  {
    ...presents,
    step: 'code',
    when: isTyped,
    says: 'The app presents the code that the user typed.',
  },
  { ...presents, step: '5', says: presentedBy },
  {
    method: 'POST',
    path: /^\/login\/next$/,
    from: 'device',
    to: 'server',
    step: 'code',
    says: 'The app asks for a code to be sent.',
    hears: (told) =>
      isRefused(told) ? refused(told) : good('The server answers that a code is on its way.'),
    stands: (told) =>
      isRefused(told)
        ? failed(told, givenIn(told.answered))
        : plain(`A code went to ${told.number}. Whoever gets it there may type it.`),
  },
];
