import type { Endpoint, FalseAnswer } from './falsifying-proxy.js';
import { JSON_LINE, respond, response, respondWithBody } from './false-answers.js';

const bodies = (table: Record<string, (body: string) => string>): Record<string, FalseAnswer> =>
  Object.fromEntries(
    Object.entries(table).map(([what, make]) => [what, respondWithBody(({ body }) => make(body))]),
  );

/** The correct body with another value in one field. */
const field = (name: string, value: string) => (body: string) =>
  body.replace(new RegExp(`"${name}":("[^"]*"|[^,}]*)`), `"${name}":${value}`);

/** The false answers that apply to one call. */
export const ANSWERS_BY_ENDPOINT: Record<Endpoint, Record<string, FalseAnswer>> = {
  'network-enablement': bodies({
    'another scope': (body) => body.replace(/dpv:[^"]*/, 'openid'),
    'no scopes': () => '{"scopes":{}}',
    'neither link nor error': (body) => body.replace(/"auth_url":"[^"]*"/, ''),
    'a link that is a number': field('auth_url', '7'),
    'two links': (body) => body.replace(/"auth_url":("[^"]*")/, '"auth_url":[$1]'),
    'a link to a foreign host': field('auth_url', '"https://evil.example/x"'),
    'a link to a foreign host with our host as its user name': (body) =>
      body.replace('http://localhost', 'http://localhost@evil.example'),
    'a link to a metadata service': field('auth_url', '"http://169.254.169.254/"'),
    'a link to a file': field('auth_url', '"file:///etc/passwd"'),
    'a script for a link': field('auth_url', '"javascript:alert(1)"'),
    'a link without a protocol': field('auth_url', '"//evil.example/"'),
  }),
  token: bodies({
    'no token': (body) => body.replace('access_token', 'token'),
    'an empty token': field('access_token', '""'),
    'a token that is a number': field('access_token', '1'),
    'a token that is a list': field('access_token', '["x"]'),
    'a token with a line break': field('access_token', '"x\\r\\nX-Evil: 1"'),
    'a token with a space': field('access_token', '"x y"'),
    'a token that is not ASCII': field('access_token', '"\u00fc"'),
    'a token of 20 kB': field('access_token', `"${'x'.repeat(20_000)}"`),
    'another type of token': field('token_type', '"mac"'),
    'no type of token': field('token_type', 'null'),
    'a lifetime that is text': field('expires_in', '"soon"'),
    'a lifetime that is true': field('expires_in', 'true'),
  }),
  'number-verification': {
    ...bodies({
      '"true"': field('devicePhoneNumberVerified', '"true"'),
      '1': field('devicePhoneNumberVerified', '1'),
      'true in a list': field('devicePhoneNumberVerified', '[true]'),
      'true in an object': field('devicePhoneNumberVerified', '{"value":true}'),
      null: field('devicePhoneNumberVerified', 'null'),
      'the field of another version': (body) => body.replace('devicePhoneNumberVerified', 'verified'),
      'false and true': () => '{"devicePhoneNumberVerified":false,"devicePhoneNumberVerified":true}',
      'true and false': () => '{"devicePhoneNumberVerified":true,"devicePhoneNumberVerified":false}',
    }),
    'true with 403': respond(({ body }) => response(403, [JSON_LINE], body)),
    'true with 500': respond(({ body }) => response(500, [JSON_LINE], body)),
  },
  start: bodies({
    'no request id': (body) => body.replace('request_id', 'id'),
    'an empty request id': field('request_id', '""'),
    'a request id that is a number': field('request_id', '7'),
    'a request id that is a dot segment': field('request_id', '".."'),
    'a request id that is a path': field('request_id', '"x/../../oauth2/token"'),
    'a request id with a line break': field('request_id', '"x\\r\\ny"'),
    'a request id of a thousand letters': field('request_id', `"${'x'.repeat(1000)}"`),
    'a link to a foreign host': field('check_url', '"https://evil.example/x"'),
    'a script for a link': field('check_url', '"javascript:alert(1)"'),
    'a link that is a list': field('check_url', '[]'),
  }),
  check: {
    ...bodies({
      'another request id': field('request_id', '"c11236f4-00bf-4b89-84ba-88b25df97315"'),
      'no request id': (body) => body.replace('request_id', 'id'),
      'a status of true': field('status', 'true'),
      'a status in capitals': field('status', '"COMPLETED"'),
      'a status in a list': field('status', '["completed"]'),
      'a status with a space': field('status', '"completed "'),
      pending: field('status', '"pending"'),
      'no status': (body) => body.replace('"status"', '"state"'),
      'failed and completed': (body) => body.replace('"status"', '"status":"failed","status"'),
    }),
    'completed with 202': respond(({ body }) => response(202, [JSON_LINE], body)),
    'completed with 500': respond(({ body }) => response(500, [JSON_LINE], body)),
  },
  next: { 'success with 202': respond(() => response(202, [JSON_LINE], '{}')) },
  cancel: { 'success with 200': respond(() => response(200, [JSON_LINE], '{}')) },
};
