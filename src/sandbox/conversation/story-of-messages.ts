import { fieldsOf } from './call.js';
import type { Asked } from './call.js';
import { bad, plain } from './words.js';
import type { Row } from './words.js';

const webhookSays = ({ body }: Asked): string => {
  const { type, channel, status } = fieldsOf(body);
  const of = type === 'summary' ? 'the whole request' : String(channel);
  return `Vonage tells the server by a signed webhook: ${of} is ${String(status).replace('_', ' ')}.`;
};

const delivered = { path: /^\+\d+$/, from: 'vonage', to: 'device', step: 'code', isOneWay: true } as const;
const nothing = () => plain('');

/** What Vonage sends by itself: texts and calls to the phone, webhooks to the server. */
export const MESSAGE_ROWS: readonly Row[] = [
  {
    ...delivered,
    method: 'SMS',
    says: ({ url }) => `An SMS with a code goes to ${new URL(url).pathname}.`,
    hears: nothing,
  },
  {
    ...delivered,
    method: 'CALL',
    says: ({ url }) => `A call reads a code out to ${new URL(url).pathname}.`,
    hears: nothing,
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
        : bad('The server does not believe it.'),
  },
];
