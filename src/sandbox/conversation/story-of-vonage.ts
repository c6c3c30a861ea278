import { exactly, PATHS } from '../paths.js';
import { fieldsOf, header, parametersOf } from './call.js';
import { failed, handedOut, worked } from './endings.js';
import { bad, good, plain } from './words.js';
import type { Row, Told, Words } from './words.js';

/** Where the answer sends the device, by its parameters. */
const sentOn = ({ answered }: Told): URLSearchParams =>
  parametersOf(header(answered.headers, 'location') ?? '');

/** How an answer to a hop is told: where the device is sent, with an error, or nowhere. */
export const hop =
  (onward: string) =>
  (told: Told): Words => {
    if (told.answered.status >= 400) return bad('The link is unknown, was used before, or is too old.');
    const error = sentOn(told).get('error') ?? sentOn(told).get('error_description');
    return error === null ? plain(onward) : bad(`The device is sent on with an error: ${error}.`);
  };

/** The link somewhere in the answer of Network Enablement. */
const hasLink = ({ answered }: Told): boolean => answered.body.includes('"auth_url"');

/** What Number Verification says. */
const isNumber = ({ answered }: Told): unknown => fieldsOf(answered.body)['devicePhoneNumberVerified'];

/** The silent way over Network Enablement, or directly: what Vonage and the operator are asked. */
export const VONAGE_ROWS: readonly Row[] = [
  {
    method: 'POST',
    path: exactly(PATHS.networkEnablement),
    from: 'server',
    to: 'vonage',
    step: '2',
    begins: 'new',
    says: 'The server asks Vonage for a link for this number.',
    hears: (told) =>
      hasLink(told)
        ? good('Vonage knows the operator of this number, and gives a link.')
        : bad('Vonage gives no link.'),
    stands: (told) => (hasLink(told) ? handedOut : failed(told, 'no_link')),
  },
  {
    method: 'GET',
    path: exactly(PATHS.authorize),
    from: 'device',
    to: 'vonage',
    step: '3',
    begins: 'new',
    says: 'The device opens the link over its mobile network.',
    hears: hop('Vonage sends it on to the operator of this number.'),
  },
  {
    method: 'GET',
    path: exactly(PATHS.operator),
    from: 'device',
    to: 'operator',
    step: '3',
    says: 'The operator looks which SIM is on this line.',
    hears: (told) => {
      if (sentOn(told).has('error')) return bad('It sees none, and sends the device back with an error.');
      const known = told.seen?.sim ? ` (${told.seen.sim})` : '';
      return hop(`It sees one${known}, and sends the device back with a code.`)(told);
    },
  },
  {
    method: 'GET',
    path: exactly(PATHS.vonageCallback),
    from: 'device',
    to: 'vonage',
    step: '3',
    says: 'The device carries the operator’s answer to Vonage.',
    hears: (told) =>
      hop(
        sentOn(told).has('ticket')
          ? 'Vonage sends the device on, to the request that it belongs to.'
          : 'Vonage sends the device on, with a code instead of a SIM: no number travels.',
      )(told),
    stands: (told) => (sentOn(told).has('error') ? failed(told, 'denied') : undefined),
  },
  {
    method: 'POST',
    path: exactly(PATHS.token),
    from: 'server',
    to: 'vonage',
    step: '4',
    says: 'The server trades the operator’s code for a token: the code is dead from here on.',
    hears: ({ answered }) =>
      answered.status === 200
        ? good('Vonage gives a token, good for one question.')
        : bad('Vonage does not accept the code.'),
    stands: (told) => (told.answered.status === 200 ? undefined : failed(told, 'operator_error')),
  },
  {
    method: 'POST',
    path: exactly(PATHS.verify),
    from: 'server',
    to: 'vonage',
    step: '5',
    says: 'The server asks, with the token: is the SIM that walked the one with this number?',
    hears: (told) => {
      if (isNumber(told) === true) return good('Yes, says the operator, by way of Vonage.');
      return isNumber(told) === false
        ? bad('No, says the operator: another SIM.')
        : bad('There is no clear answer.');
    },
    stands: (told) => {
      if (isNumber(told) === true) return worked(told);
      if (isNumber(told) === false) return failed(told, 'number_mismatch');
      return failed(told, told.answered.status === 403 ? 'not_on_cellular' : 'upstream_error');
    },
  },
];
