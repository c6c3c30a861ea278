import { exactly, PATHS } from '../http/paths.js';
import { fieldsOf, locationOf, parametersOf } from './calls.js';
import { bad, deviceToOperator, deviceToVonage, failed, good, linkIssued } from './descriptions.js';
import { plain, serverToVonage, succeeded } from './descriptions.js';
import type { AnsweredCall, CallDescription, Caption } from './descriptions.js';

const redirectParameters = ({ answered }: AnsweredCall): URLSearchParams =>
  parametersOf(locationOf(answered));

/** Describes a redirect by `text`, unless it is a refusal or carries an error. */
export const redirected =
  (text: string) =>
  (call: AnsweredCall): Caption => {
    if (call.answered.status >= 400) return bad('The link is unknown, was used before, or has expired.');
    const parameters = redirectParameters(call);
    const error = parameters.get('error') ?? parameters.get('error_description');
    return error === null ? plain(text) : bad(`The device is redirected with an error: ${error}.`);
  };

/** By the error of an operator's redirect, a key of `REASONS`. */
const REASON_OF: Record<string, string> = { access_denied: 'denied', consent_required: 'consent_required' };

/** The outcome of a redirect that carries an error. */
export const redirectFailure = (call: AnsweredCall): Caption | undefined => {
  const error = redirectParameters(call).get('error');
  return error === null ? undefined : failed(call, REASON_OF[error] ?? 'operator_error');
};

const hasLink = ({ answered }: AnsweredCall): boolean => answered.body.includes('"auth_url"');

/** A boolean, unless the answer is an error. */
const isVerified = ({ answered }: AnsweredCall): unknown =>
  fieldsOf(answered.body)['devicePhoneNumberVerified'];

/** @param issuer the subject of a sentence */
export const tokenExchange = (issuer: string): Pick<CallDescription, 'request' | 'answer' | 'outcome'> => ({
  request: 'The server exchanges the authorization code for a token. The code works once.',
  answer: ({ answered }) =>
    answered.status === 200
      ? good(`${issuer} returns a token, which is valid for one request.`)
      : bad(`${issuer} does not accept the code.`),
  outcome: (call) => (call.answered.status === 200 ? undefined : failed(call, 'operator_error')),
});

/** By status. */
const VERIFICATION_FAILURES: Record<number, string> = {
  403: 'not_on_cellular',
  422: 'number_not_supported',
  429: 'unavailable',
};

export const numberVerification: Pick<CallDescription, 'request' | 'answer' | 'outcome'> = {
  request: 'The server asks, with the token, whether the SIM that opened the link has this number.',
  answer: (call) => {
    if (isVerified(call) === true) return good('The operator confirms the number.');
    if (isVerified(call) === false) return bad('The operator answers that the SIM has another number.');
    const { code } = fieldsOf(call.answered.body);
    return bad(
      typeof code === 'string'
        ? `The operator answers with an error: ${code}.`
        : 'The answer cannot be read.',
    );
  },
  outcome: (call) => {
    if (isVerified(call) === true) return succeeded(call);
    if (isVerified(call) === false) return failed(call, 'number_mismatch');
    return failed(call, VERIFICATION_FAILURES[call.answered.status] ?? 'upstream_error');
  },
};

/** By the answer of Identity Insights, or of CAMARA SIM Swap. */
const isSwapped = ({ answered }: AnsweredCall): unknown => {
  const { swapped, insights } = fieldsOf(answered.body);
  const { sim_swap } = (insights ?? {}) as { sim_swap?: { is_swapped?: unknown } };
  return swapped ?? sim_swap?.is_swapped;
};

export const simSwapCheck: Pick<CallDescription, 'request' | 'answer'> = {
  request: 'The server asks whether the SIM of this number was changed lately.',
  answer: (call) => {
    if (isSwapped(call) === true) return bad('It was changed within the time that the server names.');
    if (isSwapped(call) === false) return good('It was not changed within the time that the server names.');
    return bad('This is not known.');
  },
};

/** Silent authentication by Network Enablement, or by a link that the server makes itself. */
export const VONAGE_CALLS: readonly CallDescription[] = [
  {
    ...serverToVonage('POST', exactly(PATHS.networkEnablement), '2'),
    startsLogin: 'always',
    request: 'The server asks Vonage for a link for this number.',
    answer: (call) =>
      hasLink(call)
        ? good('Vonage supports the operator of this number, and returns a link.')
        : bad('Vonage returns no link.'),
    outcome: (call) => (hasLink(call) ? linkIssued : failed(call, 'no_link')),
  },
  {
    ...deviceToVonage('GET', exactly(PATHS.authorize), '3'),
    startsLogin: 'always',
    request: 'The device opens the link over its mobile network.',
    answer: redirected('Vonage redirects the device to the operator of this number.'),
  },
  {
    ...deviceToOperator('GET', exactly(PATHS.operator), '3'),
    request: 'The operator identifies the SIM by the mobile connection.',
    answer: (call) => {
      if (redirectParameters(call).has('error')) {
        return bad('The operator sees no SIM, and redirects the device with an error.');
      }
      const known = call.seen?.sim ? ` (${call.seen.sim})` : '';
      return redirected(`The operator sees a SIM${known}, and redirects the device with a code.`)(call);
    },
  },
  {
    ...deviceToVonage('GET', exactly(PATHS.vonageCallback), '3'),
    request: 'The device carries the operator’s answer to Vonage.',
    answer: (call) =>
      redirected(
        redirectParameters(call).has('ticket')
          ? 'Vonage redirects the device to its Verify request.'
          : 'Vonage redirects the device to the server, with an authorization code. The number is not sent.',
      )(call),
    outcome: redirectFailure,
  },
  { ...serverToVonage('POST', exactly(PATHS.token), '4'), ...tokenExchange('Vonage') },
  { ...serverToVonage('POST', exactly(PATHS.verify), '5'), ...numberVerification },
  { ...serverToVonage('POST', exactly(PATHS.identityInsights), 'same'), ...simSwapCheck },
];
