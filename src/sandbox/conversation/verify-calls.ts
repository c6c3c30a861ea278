import { verifyPath } from '../http/paths.js';
import { contentOf, fieldsOf, isTypedCode, type CallRequest, type Call } from './calls.js';
import {
  bad,
  codeIssued,
  deviceToVonage,
  failed,
  good,
  linkIssued,
  MESSAGES,
  mistyped,
} from './descriptions.js';
import { plain, serverToVonage, vonageToDevice, vonageToServer, succeeded } from './descriptions.js';
import type { AnsweredCall, CallDescription, Caption } from './descriptions.js';
import { redirected } from './vonage-calls.js';

const startsSilently = ({ body }: CallRequest): boolean => {
  const { workflow } = fieldsOf(body);
  return (
    Array.isArray(workflow) && (workflow[0] as { channel?: unknown } | undefined)?.channel === 'silent_auth'
  );
};

const isAccepted = ({ answered }: AnsweredCall): boolean => answered.status < 300;

/** Vonage's reason: in the body, or in the fragment of a redirect to a page. */
const reasonIn = ({ answered }: AnsweredCall): string => {
  const { detail, error_description } = contentOf(answered);
  return String(error_description ?? detail);
};

const ifAccepted =
  (text: string) =>
  (call: AnsweredCall): Caption =>
    isAccepted(call) ? good(text) : bad(`Vonage refuses: ${reasonIn(call)}`);

const hasLink = ({ answered }: AnsweredCall): boolean => 'check_url' in contentOf(answered);

const hasCode = ({ answered }: AnsweredCall): boolean => 'code' in contentOf(answered);

/** Why a silent step failed, as a key of `REASONS`. */
const silentFailure = (call: AnsweredCall): string => {
  if (reasonIn(call).includes('MSISDN')) return 'number_mismatch';
  return reasonIn(call).includes('cellular') ? 'denied' : 'operator_error';
};

const ID = '/[0-9a-f-]{36}';

const check = {
  request: 'The server asks Vonage to check the code.',
  answer: ifAccepted('The code is correct.'),
};

const CHANNELS: Record<string, string> = {
  silent_auth: 'the silent step',
  sms: 'the SMS',
  rcs: 'the RCS message',
  whatsapp: 'the WhatsApp message',
  voice: 'the call',
};

const STATUSES: Record<string, string> = {
  action_pending: 'in progress',
  blocked: 'blocked by Vonage’s fraud rules',
  user_rejected: 'rejected by the user',
};

const describeWebhook = ({ asked }: Call): string => {
  const { type, channel, status } = fieldsOf(asked.body);
  const subject = type === 'summary' ? 'the request' : (CHANNELS[String(channel)] ?? 'a step');
  const isOtherSim = channel === 'silent_auth' && status === 'user_rejected';
  const state = isOtherSim ? 'failed, for another SIM' : (STATUSES[String(status)] ?? String(status));
  return `Vonage reports by webhook the status of ${subject}: ${state}.`;
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
    answer: (call) =>
      isAccepted(call) && !hasLink(call)
        ? bad('Vonage starts a Verify request without a link, and sends a code by the next channel.')
        : ifAccepted('Vonage starts a Verify request, and returns a link for the device.')(call),
    outcome: (call) => (hasLink(call) ? linkIssued : failed(call, 'no_link')),
  },
  {
    ...serverToVonage('POST', verifyPath('/?'), 'code'),
    startsLogin: 'unless-started',
    request: 'The server asks Vonage to send a code to this number.',
    answer: ifAccepted('Vonage sends a code.'),
  },
  {
    ...deviceToVonage('GET', verifyPath(`${ID}/silent-auth/redirect`), '3'),
    request: 'The device opens the link over its mobile network.',
    answer: redirected('Vonage redirects the device to the operator of this number.'),
    outcome: (call) =>
      reasonIn(call).includes('Network Operator') ? failed(call, 'number_not_supported') : undefined,
  },
  {
    ...deviceToVonage('GET', verifyPath(`${ID}/silent-auth/complete`), '4'),
    request: 'The device asks Vonage for the result.',
    answer: (call) =>
      hasCode(call)
        ? good('Vonage gives the device a code, which works only in the session of the login.')
        : bad(`Vonage gives no code: ${reasonIn(call)}`),
    outcome: (call) => (hasCode(call) ? codeIssued : failed(call, silentFailure(call))),
  },
  {
    ...serverToVonage('POST', verifyPath(ID), 'code'),
    ...check,
    matches: isTypedCode,
    outcome: (call) => (isAccepted(call) ? succeeded(call) : mistyped),
  },
  {
    ...serverToVonage('POST', verifyPath(ID), '5'),
    ...check,
    outcome: (call) => (isAccepted(call) ? succeeded(call) : failed(call, 'invalid_code')),
  },
  {
    ...serverToVonage('POST', verifyPath(`${ID}/next_workflow`), 'code'),
    request: 'The server asks Vonage to continue with the next channel.',
    answer: ifAccepted('Vonage sends a code by the next channel.'),
  },
  {
    ...serverToVonage('DELETE', verifyPath(ID), 'same'),
    request: 'The server asks Vonage to cancel the request.',
    answer: ifAccepted('Vonage cancels the request.'),
  },
  ...Object.entries(MESSAGES).map(([method, { goes }]) => ({
    ...vonageToDevice(method, NUMBER, 'code'),
    request: ({ asked }: Call) => `${goes} ${new URL(asked.url).pathname}.`,
  })),
  {
    ...vonageToServer('POST', /^\/webhooks\/verify$/, 'same'),
    request: describeWebhook,
    answer: (call) =>
      isAccepted(call)
        ? plain('The server accepts the webhook. A webhook never logs a user in.')
        : bad('The server does not accept the webhook. Vonage sends it again.'),
  },
];
