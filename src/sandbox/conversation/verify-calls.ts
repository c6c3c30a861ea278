import { verifyPath } from '../http/paths.js';
import { contentOf, fieldsOf, isTypedCode, type Asked, type Call } from './calls.js';
import { bad, codeIssued, deviceToVonage, failed, good, linkIssued, mistyped } from './descriptions.js';
import { plain, serverToVonage, vonageToDevice, vonageToServer, worked } from './descriptions.js';
import type { AnsweredCall, CallDescription, Words } from './descriptions.js';
import { redirected } from './vonage-calls.js';

const startsSilently = ({ body }: Asked): boolean => {
  const { workflow } = fieldsOf(body);
  return (
    Array.isArray(workflow) && (workflow[0] as { channel?: unknown } | undefined)?.channel === 'silent_auth'
  );
};

const isAccepted = ({ answered }: AnsweredCall): boolean => answered.status < 300;

/** Vonage's reason: in the body for apps and servers, in the fragment for pages. */
const reasonIn = ({ answered }: AnsweredCall): string => {
  const { detail, error_description } = contentOf(answered);
  return String(error_description ?? detail);
};

const ifAccepted =
  (words: string) =>
  (call: AnsweredCall): Words =>
    isAccepted(call) ? good(words) : bad(`Vonage refuses: ${reasonIn(call)}`);

/** Whether a silent step ended with a code. */
const hasCode = ({ answered }: AnsweredCall): boolean => 'code' in contentOf(answered);

/** The server's name of the reason for which a silent step failed. */
const silentFailure = (call: AnsweredCall): string => {
  if (reasonIn(call).includes('MSISDN')) return 'number_mismatch';
  return reasonIn(call).includes('cellular') ? 'denied' : 'operator_error';
};

const ID = '/[0-9a-f-]{36}';

const check = {
  request: 'The server asks Vonage whether this is the code.',
  answer: ifAccepted('It is, says Vonage.'),
};

const CHANNELS: Record<string, string> = {
  silent_auth: 'the silent step',
  sms: 'the SMS',
  voice: 'the call',
};

/** Statuses of webhooks that are no plain words. */
const STATUSES: Record<string, string> = {
  action_pending: 'under way',
  user_rejected: 'failed, for another SIM',
};

const describeWebhook = ({ asked }: Call): string => {
  const { type, channel, status } = fieldsOf(asked.body);
  const subject = type === 'summary' ? 'the request' : (CHANNELS[String(channel)] ?? 'a step');
  return `Vonage tells the server by webhook of ${subject}: ${STATUSES[String(status)] ?? String(status)}.`;
};

/** The path of a `tel:` URL. */
const NUMBER = /^\+\d+$/;

/** Verify v2: its requests, its silent step, its messages and its webhooks. */
export const VERIFY_CALLS: readonly CallDescription[] = [
  {
    ...serverToVonage('POST', verifyPath('/?'), '2'),
    matches: startsSilently,
    startsLogin: 'always',
    request: 'The server asks Vonage for a link for this number.',
    answer: ifAccepted('Vonage begins a Verify request; its link is for the device.'),
    outcome: (call) => (isAccepted(call) ? linkIssued : failed(call, 'no_link')),
  },
  {
    ...serverToVonage('POST', verifyPath('/?'), 'code'),
    startsLogin: 'unless-started',
    request: 'The server asks Vonage to send a code to this number.',
    answer: ifAccepted('Vonage sends one.'),
  },
  {
    ...deviceToVonage('GET', verifyPath(`${ID}/silent-auth/redirect`), '3'),
    request: 'The device opens the link over its mobile network.',
    answer: redirected('Vonage sends it on to the operator of this number.'),
    outcome: (call) =>
      reasonIn(call).includes('Network Operator') ? failed(call, 'number_not_supported') : undefined,
  },
  {
    ...deviceToVonage('GET', verifyPath(`${ID}/silent-auth/complete`), '4'),
    request: 'The device asks Vonage what came of it.',
    answer: (call) =>
      hasCode(call)
        ? good('Vonage gives the device a code: the second half of the login.')
        : bad(`Vonage gives no code: ${reasonIn(call)}`),
    outcome: (call) => (hasCode(call) ? codeIssued : failed(call, silentFailure(call))),
  },
  {
    ...serverToVonage('POST', verifyPath(ID), 'code'),
    ...check,
    matches: isTypedCode,
    outcome: (call) => (isAccepted(call) ? worked(call) : mistyped),
  },
  {
    ...serverToVonage('POST', verifyPath(ID), '5'),
    ...check,
    outcome: (call) => (isAccepted(call) ? worked(call) : failed(call, 'invalid_code')),
  },
  {
    ...serverToVonage('POST', verifyPath(`${ID}/next_workflow`), 'code'),
    request: 'The server asks Vonage for the next way to send a code.',
    answer: ifAccepted('Vonage goes on to it.'),
  },
  {
    ...serverToVonage('DELETE', verifyPath(ID), 'after'),
    request: 'The server tells Vonage that the login is given up.',
    answer: ifAccepted('Vonage ends the request.'),
  },
  {
    ...vonageToDevice('SMS', NUMBER, 'code'),
    request: ({ asked }) => `An SMS with a code goes to ${new URL(asked.url).pathname}.`,
  },
  {
    ...vonageToDevice('CALL', NUMBER, 'code'),
    request: ({ asked }) => `A call reads a code out to ${new URL(asked.url).pathname}.`,
  },
  {
    ...vonageToServer('POST', /^\/webhooks\/verify$/, 'same'),
    request: describeWebhook,
    answer: (call) =>
      isAccepted(call)
        ? plain('The server has heard it. It logs nobody in.')
        : bad('The server does not take it. Vonage tries again.'),
  },
];
