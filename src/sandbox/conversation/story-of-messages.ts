import { fieldsOf } from './call.js';
import type { Call } from './call.js';
import { bad, plain } from './words.js';
import type { Row } from './words.js';

const CHANNELS: Record<string, string> = {
  silent_auth: 'the silent step',
  sms: 'the SMS',
  voice: 'the call',
};

/** Statuses that are no plain words. */
const STATUSES: Record<string, string> = {
  action_pending: 'under way',
  user_rejected: 'failed, for another SIM',
};

const webhookSays = ({ asked }: Call): string => {
  const { type, channel, status } = fieldsOf(asked.body);
  const of = type === 'summary' ? 'the request' : (CHANNELS[String(channel)] ?? 'a step');
  return `Vonage tells the server by webhook of ${of}: ${STATUSES[String(status)] ?? String(status)}.`;
};

const delivered = { path: /^\+\d+$/, from: 'vonage', to: 'device', step: 'code' } as const;

/** What Vonage sends by itself: texts and calls to the phone, webhooks to the server. */
export const MESSAGE_ROWS: readonly Row[] = [
  {
    ...delivered,
    method: 'SMS',
    says: ({ asked }) => `An SMS with a code goes to ${new URL(asked.url).pathname}.`,
  },
  {
    ...delivered,
    method: 'CALL',
    says: ({ asked }) => `A call reads a code out to ${new URL(asked.url).pathname}.`,
  },
  {
    method: 'POST',
    path: /^\/webhooks\/verify$/,
    from: 'vonage',
    to: 'server',
    step: 'same',
    says: webhookSays,
    hears: ({ answered }) =>
      answered.status < 300
        ? plain('The server has heard it. It logs nobody in.')
        : bad('The server does not take it. Vonage tries again.'),
  },
];
