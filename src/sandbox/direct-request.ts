import type { Request } from 'express';
import type { Walk } from './ledger.js';
import { parameter } from './query.js';
import { isKnownScope, NOT_ALLOWED } from './scopes.js';
import type { Stage } from './state.js';
import { isPhoneNumber } from './subscribers.js';

/** A refusal that the device carries to the customer's callback (RFC 6749, 4.1.2.1). */
interface Refusal {
  error: string;
  error_description: string;
}

/** What a login begins with. */
export type LoginRequest = Pick<Walk, 'number' | 'scopes' | 'state'>;

const isKnownRequest = (scopes: string[]): boolean => {
  const products = scopes.filter((scope) => scope !== 'openid');
  return scopes.includes('openid') && products.length > 0 && products.every(isKnownScope);
};

/** What Network Enablement would have refused, had it been asked. */
const refusalOfNumber = (stage: Stage, number: string): [string, string] | undefined => {
  const { behaviour } = stage.state.subscribers.of(number);
  if (behaviour === 'unsupported') return ['unauthorized_client', NOT_ALLOWED];
  if (behaviour === 'rate_limited') {
    return ['temporarily_unavailable', 'Please wait, then retry your request'];
  }
  return undefined;
};

const faultIn = (stage: Stage, req: Request, asked: LoginRequest): [string, string] | undefined => {
  if (parameter(req, 'response_type') !== 'code') {
    return ['unsupported_response_type', 'response_type must be code.'];
  }
  if (!isKnownRequest(asked.scopes)) {
    return ['invalid_scope', 'scope must be openid and the scope of a Network API.'];
  }
  if (!isPhoneNumber(asked.number)) {
    return ['invalid_request', 'login_hint must be a phone number in E.164 format with a leading +.'];
  }
  if (asked.state.length < 8) return ['invalid_request', 'state must have at least 8 characters.'];
  if (stage.state.ledger.states.has(asked.state)) {
    return ['invalid_request', 'state must be unique for each request.'];
  }
  return refusalOfNumber(stage, asked.number);
};

/** Reads the OpenID Connect request that a customer built by hand, after its client_id and redirect_uri were found right. */
export const readDirectRequest = (stage: Stage, req: Request): LoginRequest | Refusal => {
  const asked: LoginRequest = {
    number: parameter(req, 'login_hint'),
    scopes: parameter(req, 'scope').split(' '),
    state: parameter(req, 'state'),
  };
  const [error, error_description] = faultIn(stage, req, asked) ?? [];
  return error !== undefined && error_description !== undefined ? { error, error_description } : asked;
};
