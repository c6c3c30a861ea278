import { underVerify } from '../paths.js';
import { fieldsOf, givenIn, isTyped } from './call.js';
import type { Asked } from './call.js';
import { failed, halfway, handedOut, mistyped, worked } from './endings.js';
import { bad, good } from './words.js';
import type { Row, Told, Words } from './words.js';
import { hop } from './story-of-vonage.js';

const beginsSilently = ({ body }: Asked): boolean => {
  const { workflow } = fieldsOf(body);
  return (
    Array.isArray(workflow) && (workflow[0] as { channel?: unknown } | undefined)?.channel === 'silent_auth'
  );
};

const isAccepted = ({ answered }: Told): boolean => answered.status < 300;

/** Why not, in Vonage's words: in the body for an app or a server, behind the `#` for a page. */
const detail = ({ answered }: Told): string => {
  const { detail, error_description } = givenIn(answered);
  return String(error_description ?? detail);
};

const accepted =
  (words: string) =>
  (told: Told): Words =>
    isAccepted(told) ? good(words) : bad(`Vonage refuses: ${detail(told)}`);

/** The code at the end of a silent walk. */
const hasCode = ({ answered }: Told): boolean => 'code' in givenIn(answered);

/** The names that the server has for what Vonage says at the end of a walk. */
const reasonOf = (told: Told): string => {
  if (detail(told).includes('MSISDN')) return 'number_mismatch';
  return detail(told).includes('cellular') ? 'denied' : 'operator_error';
};

const ID = '/[0-9a-f-]{36}';

const check = {
  method: 'POST',
  path: underVerify(ID),
  from: 'server',
  to: 'vonage',
  says: 'The server asks Vonage whether this is the code.',
  hears: accepted('It is, says Vonage.'),
} as const;

const start = { method: 'POST', path: underVerify('/?'), from: 'server', to: 'vonage' } as const;

/** Verify v2: its silent step, its messages and its webhooks. */
export const VERIFY_ROWS: readonly Row[] = [
  {
    ...start,
    when: beginsSilently,
    step: '2',
    begins: 'new',
    says: 'The server asks Vonage for a link for this number.',
    hears: accepted('Vonage begins a Verify request; its link is for the device.'),
    stands: (told) => (isAccepted(told) ? handedOut : failed(told, 'no_link')),
  },
  {
    ...start,
    step: 'code',
    begins: 'again',
    says: 'The server asks Vonage to send a code to this number.',
    hears: accepted('Vonage sends one.'),
  },
  {
    method: 'GET',
    path: underVerify(`${ID}/silent-auth/redirect`),
    from: 'device',
    to: 'vonage',
    step: '3',
    says: 'The device opens the link over its mobile network.',
    hears: hop('Vonage sends it on to the operator of this number.'),
  },
  {
    method: 'GET',
    path: underVerify(`${ID}/silent-auth/complete`),
    from: 'device',
    to: 'vonage',
    step: '4',
    says: 'The device asks Vonage what came of it.',
    hears: (told) =>
      hasCode(told)
        ? good('Vonage gives the device a code: the second half of the login.')
        : bad(`Vonage gives no code: ${detail(told)}`),
    stands: (told) => (hasCode(told) ? halfway : failed(told, reasonOf(told))),
  },
  {
    ...check,
    when: isTyped,
    step: 'code',
    stands: (told) => (isAccepted(told) ? worked(told) : mistyped),
  },
  {
    ...check,
    step: '5',
    stands: (told) => (isAccepted(told) ? worked(told) : failed(told, 'invalid_code')),
  },
  {
    method: 'POST',
    path: underVerify(`${ID}/next_workflow`),
    from: 'server',
    to: 'vonage',
    step: 'code',
    says: 'The server asks Vonage for the next way to send a code.',
    hears: accepted('Vonage goes on to it.'),
  },
  {
    method: 'DELETE',
    path: underVerify(ID),
    from: 'server',
    to: 'vonage',
    step: 'after',
    says: 'The server tells Vonage that the login is given up.',
    hears: accepted('Vonage ends the request.'),
  },
];
