import { CAMARA_PATHS, exactly } from '../http/paths.js';
import { fieldsOf, locationOf, parametersOf } from './calls.js';
import { bad, deviceToOperator, failed, good, plain, serverToOperator } from './descriptions.js';
import type { AnsweredCall, CallDescription, Caption } from './descriptions.js';
import { numberVerification, redirectFailure, simSwapCheck, tokenExchange } from './vonage-calls.js';

/** The operator's answer to the device: a page, or a redirect to the server. */
const describeAnswer = (call: AnsweredCall): Caption => {
  const { status } = call.answered;
  if (status >= 400) return bad('The operator shows a page: the request is not valid.');
  if (status === 200) return plain('The operator shows a page, which asks the user for consent.');
  const error = parametersOf(locationOf(call.answered)).get('error');
  if (error !== null) return bad(`The operator redirects the device to the server with an error: ${error}.`);
  const known = call.seen?.sim ? ` (${call.seen.sim})` : '';
  return good(
    `The operator has seen a SIM${known}, and redirects the device to the server with an authorization code. The number is not sent.`,
  );
};

const outcomeOf = (call: AnsweredCall): Caption | undefined => {
  const { status } = call.answered;
  if (status === 200) return plain('The user has to answer the operator, which asks for consent.');
  return status >= 400 ? failed(call, 'operator_error') : redirectFailure(call);
};

/** Silent authentication by an operator that follows CAMARA's security profile. */
export const CAMARA_CALLS: readonly CallDescription[] = [
  {
    ...deviceToOperator('GET', exactly(CAMARA_PATHS.authorize), '3'),
    startsLogin: 'always',
    request: 'The device opens the link over its mobile network, by which the operator identifies the SIM.',
    answer: describeAnswer,
    outcome: outcomeOf,
  },
  {
    ...deviceToOperator('POST', exactly(CAMARA_PATHS.consent), '3'),
    request: ({ asked }) =>
      fieldsOf(asked.body)['decision'] === 'allow'
        ? 'The user allows the operator to verify the number.'
        : 'The user denies the consent.',
    answer: describeAnswer,
    outcome: outcomeOf,
  },
  {
    ...serverToOperator('POST', exactly(CAMARA_PATHS.token), 'same'),
    matches: ({ body }) => fieldsOf(body)['grant_type'] === 'client_credentials',
    request: 'The server asks for a token of its own, which is not for one subscriber.',
    answer: ({ answered }) =>
      answered.status === 200
        ? good('The operator returns a token for further questions.')
        : bad('The operator returns no token.'),
  },
  { ...serverToOperator('POST', exactly(CAMARA_PATHS.token), '4'), ...tokenExchange('The operator') },
  {
    ...serverToOperator('POST', new RegExp(`^${CAMARA_PATHS.numberVerification}/v[012]/verify$`), '5'),
    ...numberVerification,
  },
  { ...serverToOperator('POST', exactly(CAMARA_PATHS.simSwap), 'same'), ...simSwapCheck },
];
