import { fieldsOf, header, parametersOf } from './call.js';
import type { Asked } from './call.js';
import { failed, worked } from './endings.js';
import { bad, good, plain } from './words.js';
import type { Row, Told, Words } from './words.js';
import { hop } from './story-of-vonage.js';

const beginsSilently = ({ body }: Asked): boolean => {
  const { workflow } = fieldsOf(body);
  return (
    Array.isArray(workflow) && (workflow[0] as { channel?: unknown } | undefined)?.channel === 'silent_auth'
  );
};

const isTyped = ({ body }: Asked): boolean => /^\d+$/.test(String(fieldsOf(body)['code']));

const isAccepted = ({ answered }: Told): boolean => answered.status < 300;

const detail = ({ answered }: Told): string => String(fieldsOf(answered.body)['detail']);

const accepted =
  (words: string) =>
  (told: Told): Words =>
    isAccepted(told) ? good(words) : bad(`Vonage refuses: ${detail(told)}`);

/** The code at the end of a silent walk: in the body for an app, behind the `#` for a page. */
const hasCode = ({ answered }: Told): boolean =>
  parametersOf(header(answered.headers, 'location') ?? '').has('code') || 'code' in fieldsOf(answered.body);

const ID = '/v2/verify/[0-9a-f-]{36}';

const check = {
  method: 'POST',
  path: new RegExp(`^${ID}$`),
  from: 'server',
  to: 'vonage',
  says: 'The server asks Vonage whether this is the code.',
  hears: accepted('It is, says Vonage.'),
} as const;

const start = { method: 'POST', path: /^\/v2\/verify\/?$/, from: 'server', to: 'vonage' } as const;

/** Verify v2: its silent step, its messages and its webhooks. */
export const VERIFY_ROWS: readonly Row[] = [
  {
    ...start,
    when: beginsSilently,
    step: '2',
    begins: 'new',
    says: 'The server asks Vonage for a link for this number.',
    hears: accepted('Vonage begins a Verify request; its link is for the device.'),
    stands: (told) =>
      isAccepted(told) ? plain('The link is handed out. Nobody has opened it yet.') : failed(told, 'no_link'),
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
    path: new RegExp(`^${ID}/silent-auth/redirect$`),
    from: 'device',
    to: 'vonage',
    step: '3',
    says: 'The device opens the link over its mobile network.',
    hears: hop('Vonage sends it on to the operator of this number.'),
  },
  {
    method: 'GET',
    path: new RegExp(`^${ID}/silent-auth/complete$`),
    from: 'device',
    to: 'vonage',
    step: '4',
    says: 'The device asks Vonage what came of it.',
    hears: (told) =>
      hasCode(told)
        ? good('Vonage gives the device a code: the second half of the login.')
        : bad('Vonage says why there is no code.'),
    stands: (told) => {
      if (hasCode(told)) {
        return plain(
          'The device holds a code. Nobody is logged in until the app presents it, in the session that began.',
        );
      }
      const { seen, number } = told;
      if (seen?.network === 'wifi') return failed(told, 'denied');
      return failed(told, seen && seen.sim !== number ? 'number_mismatch' : 'operator_error');
    },
  },
  {
    ...check,
    when: isTyped,
    step: 'code',
    stands: (told) => (isAccepted(told) ? worked(told, 'sms') : failed(told, 'invalid_code')),
  },
  {
    ...check,
    step: '5',
    stands: (told) => (isAccepted(told) ? worked(told, 'silent_auth') : failed(told, 'invalid_code')),
  },
  {
    method: 'POST',
    path: new RegExp(`^${ID}/next_workflow$`),
    from: 'server',
    to: 'vonage',
    step: 'code',
    says: 'The server asks Vonage for the next way to send a code.',
    hears: accepted('Vonage goes on to it.'),
  },
  {
    method: 'DELETE',
    path: new RegExp(`^${ID}$`),
    from: 'server',
    to: 'vonage',
    step: 'after',
    says: 'The server tells Vonage that the login is given up.',
    hears: accepted('Vonage ends the request.'),
  },
];
