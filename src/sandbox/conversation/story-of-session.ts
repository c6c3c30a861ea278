import { fieldsOf } from './call.js';
import { refused } from './story-of-app.js';
import { plain } from './words.js';
import type { Row, Told, Words } from './words.js';

/** How the end of something is told, where the server agrees. */
const ends =
  (words: string) =>
  (told: Told): Words =>
    told.answered.status >= 400 ? refused(told) : plain(words);

/** What the app asks the server beside the steps of a login, and how a login or a session is ended. */
export const SESSION_ROWS: readonly Row[] = [
  {
    method: 'GET',
    path: /^\/login$/,
    from: 'device',
    to: 'server',
    step: 'same',
    isPoll: true,
    says: 'The app asks how far the login is.',
    hears: ({ answered }) =>
      plain(
        answered.status === 200 ? `It is ${String(fieldsOf(answered.body)['status'])}.` : 'There is none.',
      ),
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
    hears: ends('Link and codes are worthless from here on.'),
    stands: ({ answered }) => (answered.status < 400 ? plain('The login was given up.') : undefined),
  },
  {
    method: 'POST',
    path: /^\/logout$/,
    from: 'device',
    to: 'server',
    step: 'after',
    says: 'The user logs out.',
    hears: ends('The cookie is dead at once.'),
  },
];
