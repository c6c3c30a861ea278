import { contentOf, fieldsOf, isTypedCode, parametersOf } from './calls.js';
import { bad, codeIssued, deviceToServer, failed, good, linkIssued, mistyped } from './descriptions.js';
import { plain, worked, wrongSession } from './descriptions.js';
import type { AnsweredCall, CallDescription, Words } from './descriptions.js';

const isRefused = ({ answered }: AnsweredCall): boolean => answered.status >= 400;

/** Describes an answer of the server, unless it is a refusal, which is described as one. */
const unlessRefused =
  (describe: (call: AnsweredCall) => Words) =>
  (call: AnsweredCall): Words =>
    isRefused(call)
      ? bad(`The server refuses: ${String(contentOf(call.answered)['error'])}.`)
      : describe(call);

/** The outcome of a call whose refusal fails the login. */
const orFailed =
  (describe: (call: AnsweredCall) => Words) =>
  (call: AnsweredCall): Words =>
    isRefused(call) ? failed(call, contentOf(call.answered)) : describe(call);

const hasLink = ({ answered }: AnsweredCall): boolean => fieldsOf(answered.body)['auth_url'] !== null;

const hasCode = ({ answered }: AnsweredCall): boolean => typeof contentOf(answered)['code'] === 'string';

const verificationOutcome = (call: AnsweredCall): Words => {
  const { verified, error } = fieldsOf(call.answered.body);
  if (verified === true) return worked(call);
  if (verified === false) return failed(call, 'number_mismatch');
  if (error !== 'invalid_code') return failed(call, contentOf(call.answered));
  if (call.isStranger) return wrongSession;
  return isTypedCode(call.asked) ? mistyped : failed(call, 'invalid_code');
};

const verify = {
  answer: unlessRefused(({ answered }) =>
    fieldsOf(answered.body)['verified'] === true
      ? good('The server logs the session in, under a new id.')
      : bad('The server answers that the SIM has another number.'),
  ),
  outcome: verificationOutcome,
} as const;

/** The calls of app and device to the server, which a recording proxy sees. */
export const SERVER_CALLS: readonly CallDescription[] = [
  {
    ...deviceToServer('POST', /^\/login$/, '1'),
    startsLogin: 'always',
    request: 'The app sends the number to the server.',
    answer: unlessRefused((call) =>
      hasLink(call)
        ? good('The server answers with a link. The cookie of this session is the first half of the login.')
        : plain('The server answers that this number cannot be confirmed in silence.'),
    ),
    outcome: orFailed((call) => (hasLink(call) ? linkIssued : failed(call, 'no_link'))),
  },
  {
    ...deviceToServer('GET', /^\/callback$/, '4'),
    request: ({ asked }) =>
      parametersOf(asked.url).has('error')
        ? 'The device comes back to the server, with an error instead of a code.'
        : 'The device comes back to the server, with the operator’s code.',
    answer: (call) =>
      hasCode(call)
        ? good('The server gives the device a code of its own: the second half of the login.')
        : bad(`The server refuses: ${String(contentOf(call.answered)['error'])}.`),
    outcome: (call) => (hasCode(call) ? codeIssued : failed(call, contentOf(call.answered))),
  },
  {
    ...deviceToServer('POST', /^\/verify$/, 'code'),
    ...verify,
    matches: isTypedCode,
    request: 'The app presents the code that the user typed.',
  },
  {
    ...deviceToServer('POST', /^\/verify$/, '5'),
    ...verify,
    request: ({ isStranger }) =>
      isStranger
        ? 'Somebody presents the device’s code, without the cookie of the session that began.'
        : 'The app presents the device’s code, with its cookie: now both halves are in one hand.',
  },
  {
    ...deviceToServer('POST', /^\/login\/next$/, 'code'),
    request: 'The app asks for a code to be sent.',
    answer: unlessRefused(() => good('The server answers that a code is on its way.')),
    outcome: orFailed(({ number }) => plain(`A code went to ${number}. Whoever gets it there may type it.`)),
  },
  {
    ...deviceToServer('GET', /^\/login$/, 'same'),
    isPoll: true,
    request: 'The app asks how far the login is.',
    answer: ({ answered }) =>
      plain(
        answered.status === 200 ? `It is ${String(fieldsOf(answered.body)['status'])}.` : 'There is none.',
      ),
  },
  {
    ...deviceToServer('GET', /^\/session$/, 'same'),
    isPoll: true,
    request: 'The app asks who is logged in.',
    answer: ({ answered }) => {
      const { authenticated, phone_number } = fieldsOf(answered.body);
      return plain(authenticated === true ? `It is ${String(phone_number)}.` : 'Nobody is.');
    },
  },
  {
    ...deviceToServer('DELETE', /^\/login$/, 'after'),
    request: 'The app gives the login up.',
    answer: unlessRefused(() => plain('Link and codes are worthless from here on.')),
    outcome: (call) => (isRefused(call) ? undefined : plain('The login was given up.')),
  },
  {
    ...deviceToServer('POST', /^\/logout$/, 'after'),
    request: 'The user logs out.',
    answer: unlessRefused(() => plain('The cookie is dead at once.')),
  },
];
