import { exactly, PATHS } from '../http/paths.js';
import { fieldsOf, locationOf, parametersOf } from './calls.js';
import { bad, deviceToOperator, deviceToVonage, failed, good, linkIssued } from './descriptions.js';
import { plain, serverToVonage, worked } from './descriptions.js';
import type { AnsweredCall, CallDescription, Words } from './descriptions.js';

/** The parameters with which an answer redirects the device. */
const redirectParameters = ({ answered }: AnsweredCall): URLSearchParams =>
  parametersOf(locationOf(answered));

/** Describes an answer that redirects the device, also with an error, or that refuses to. */
export const redirected =
  (words: string) =>
  (call: AnsweredCall): Words => {
    if (call.answered.status >= 400) return bad('The link is unknown, was used before, or is too old.');
    const parameters = redirectParameters(call);
    const error = parameters.get('error') ?? parameters.get('error_description');
    return error === null ? plain(words) : bad(`The device is sent on with an error: ${error}.`);
  };

const hasLink = ({ answered }: AnsweredCall): boolean => answered.body.includes('"auth_url"');

/** The answer of Number Verification: a boolean, unless it is an error. */
const isVerified = ({ answered }: AnsweredCall): unknown =>
  fieldsOf(answered.body)['devicePhoneNumberVerified'];

/** Silent authentication by Network Enablement, or by a link that the server makes itself. */
export const VONAGE_CALLS: readonly CallDescription[] = [
  {
    ...serverToVonage('POST', exactly(PATHS.networkEnablement), '2'),
    startsLogin: 'always',
    request: 'The server asks Vonage for a link for this number.',
    answer: (call) =>
      hasLink(call)
        ? good('Vonage knows the operator of this number, and gives a link.')
        : bad('Vonage gives no link.'),
    outcome: (call) => (hasLink(call) ? linkIssued : failed(call, 'no_link')),
  },
  {
    ...deviceToVonage('GET', exactly(PATHS.authorize), '3'),
    startsLogin: 'always',
    request: 'The device opens the link over its mobile network.',
    answer: redirected('Vonage sends it on to the operator of this number.'),
  },
  {
    ...deviceToOperator('GET', exactly(PATHS.operator), '3'),
    request: 'The operator looks which SIM is on this line.',
    answer: (call) => {
      if (redirectParameters(call).has('error')) {
        return bad('It sees none, and sends the device back with an error.');
      }
      const known = call.seen?.sim ? ` (${call.seen.sim})` : '';
      return redirected(`It sees one${known}, and sends the device back with a code.`)(call);
    },
  },
  {
    ...deviceToVonage('GET', exactly(PATHS.vonageCallback), '3'),
    request: 'The device carries the operator’s answer to Vonage.',
    answer: (call) =>
      redirected(
        redirectParameters(call).has('ticket')
          ? 'Vonage sends the device on, to the request that it belongs to.'
          : 'Vonage sends the device on, with a code instead of a SIM: no number travels.',
      )(call),
    outcome: (call) => (redirectParameters(call).has('error') ? failed(call, 'denied') : undefined),
  },
  {
    ...serverToVonage('POST', exactly(PATHS.token), '4'),
    request: 'The server trades the operator’s code for a token: the code is dead from here on.',
    answer: ({ answered }) =>
      answered.status === 200
        ? good('Vonage gives a token, good for one question.')
        : bad('Vonage does not accept the code.'),
    outcome: (call) => (call.answered.status === 200 ? undefined : failed(call, 'operator_error')),
  },
  {
    ...serverToVonage('POST', exactly(PATHS.verify), '5'),
    request: 'The server asks, with the token: is the SIM that walked the one with this number?',
    answer: (call) => {
      if (isVerified(call) === true) return good('Yes, says the operator, by way of Vonage.');
      return isVerified(call) === false
        ? bad('No, says the operator: another SIM.')
        : bad('There is no clear answer.');
    },
    outcome: (call) => {
      if (isVerified(call) === true) return worked(call);
      if (isVerified(call) === false) return failed(call, 'number_mismatch');
      return failed(call, call.answered.status === 403 ? 'not_on_cellular' : 'upstream_error');
    },
  },
];
