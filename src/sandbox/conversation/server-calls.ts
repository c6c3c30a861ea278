import { contentOf, fieldsOf, isTypedCode, parametersOf } from './calls.js';
import { bad, codeIssued, deviceToServer, failed, good, linkIssued, mistyped } from './descriptions.js';
import { plain, succeeded, wrongSession } from './descriptions.js';
import type { AnsweredCall, CallDescription, Caption } from './descriptions.js';

type Describe = (call: AnsweredCall) => Caption;

const isRefused = ({ answered }: AnsweredCall): boolean => answered.status >= 400;

const refusal: Describe = ({ answered }) =>
  bad(`The server refuses: ${String(contentOf(answered)['error'])}.`);

const failure: Describe = (call) => failed(call, contentOf(call.answered));

const unlessRefused = (describeRefused: Describe, describe: Describe): Describe => {
  return (call) => (isRefused(call) ? describeRefused(call) : describe(call));
};

const hasLink = ({ answered }: AnsweredCall): boolean => fieldsOf(answered.body)['auth_url'] !== null;

const hasCode = ({ answered }: AnsweredCall): boolean => typeof contentOf(answered)['code'] === 'string';

const verificationOutcome = (call: AnsweredCall): Caption => {
  const { verified, error } = fieldsOf(call.answered.body);
  if (verified === true) return succeeded(call);
  if (verified === false) return failed(call, 'number_mismatch');
  if (error !== 'invalid_code') return failure(call);
  if (call.isOtherSession) return wrongSession;
  return isTypedCode(call.asked) ? mistyped : failed(call, 'invalid_code');
};

const verify = {
  answer: unlessRefused(refusal, ({ answered }) =>
    fieldsOf(answered.body)['verified'] === true
      ? good('The server logs the user in, with a new session id.')
      : bad('The server answers that the SIM has another number.'),
  ),
  outcome: verificationOutcome,
} as const;

/** The calls to the server, which only a recording proxy sees. */
export const SERVER_CALLS: readonly CallDescription[] = [
  {
    ...deviceToServer('POST', /^\/login$/, '1'),
    startsLogin: 'always',
    request: 'The app sends the number to the server.',
    answer: unlessRefused(refusal, (call) =>
      hasLink(call)
        ? good('The server answers with a link, and binds the login to this session by a cookie.')
        : plain('The server answers that this number cannot be verified silently.'),
    ),
    outcome: unlessRefused(failure, (call) => (hasLink(call) ? linkIssued : failed(call, 'no_link'))),
  },
  {
    ...deviceToServer('GET', /^\/callback$/, '4'),
    request: ({ asked }) =>
      parametersOf(asked.url).has('error')
        ? 'The device returns to the server, with an error instead of a code.'
        : 'The device returns to the server, with an authorization code.',
    answer: (call) =>
      hasCode(call)
        ? good('The server gives the device a code of its own, which works only in the session of the login.')
        : refusal(call),
    outcome: (call) => (hasCode(call) ? codeIssued : failure(call)),
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
    request: ({ isOtherSession }) =>
      isOtherSession
        ? 'The device’s code is presented without the cookie of the session that started the login.'
        : 'The app presents the device’s code, with the cookie of its session.',
  },
  {
    ...deviceToServer('POST', /^\/login\/next$/, 'code'),
    request: 'The app asks for a code to be sent.',
    answer: unlessRefused(refusal, () => good('The server answers that a code was sent.')),
    outcome: unlessRefused(failure, ({ number }) =>
      plain(`A code went to ${number}. The user has to type it.`),
    ),
  },
  {
    ...deviceToServer('GET', /^\/login$/, 'same'),
    isPoll: true,
    request: 'The app asks for the status of the login.',
    answer: ({ answered }) =>
      plain(
        answered.status === 200
          ? `It is ${String(fieldsOf(answered.body)['status'])}.`
          : 'The session has no login.',
      ),
  },
  {
    ...deviceToServer('GET', /^\/session$/, 'same'),
    isPoll: true,
    request: 'The app asks for the session’s user.',
    answer: ({ answered }) => {
      const { authenticated, phone_number } = fieldsOf(answered.body);
      return plain(authenticated === true ? `It is ${String(phone_number)}.` : 'The user is not logged in.');
    },
  },
  {
    ...deviceToServer('DELETE', /^\/login$/, 'after'),
    request: 'The app cancels the login.',
    answer: unlessRefused(refusal, () => plain('The link and the codes do not work any more.')),
    outcome: (call) => (isRefused(call) ? undefined : plain('The login was cancelled.')),
  },
  {
    ...deviceToServer('POST', /^\/logout$/, 'after'),
    request: 'The user logs out.',
    answer: unlessRefused(refusal, () =>
      plain('The session has ended, and its cookie does not work any more.'),
    ),
  },
];
