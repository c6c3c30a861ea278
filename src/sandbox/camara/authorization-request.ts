import type { Request } from 'express';
import { decodeJwt, type JWTPayload } from 'jose';
import { oauthError, type OAuthError } from '../operator/grants.js';
import type { SandboxState } from '../state/state.js';
import { isPhoneNumber } from '../state/subscribers.js';
import { verifyClientJwt } from './client-authentication.js';
import { CLIENT_ID, type AuthorizationRequest } from './operator.js';

/** The operations of Number Verification: of 1.0 and later, and of 0.3.1. */
export const VERIFY_OPERATIONS = ['number-verification:verify', 'number-verification-verify-read'];
export const SHARE_OPERATIONS = [
  'number-verification:device-phone-number:read',
  'number-verification-share-read',
];

export const PROMPTS = ['none', 'login', 'consent', 'select_account'];

type Parameters = Partial<Record<string, string>>;

/** A refused request. The device is redirected, except if the client or its URI is unknown. */
type Refusal = { page: string } | (OAuthError & { state: string | undefined });

/**
 * The purposes and operations of a scope: `dpv:<Purpose>` beside operations, or in the form of some
 * operators, `dpv:<Purpose>#<operation>`.
 */
const readScope = (scope = '') => {
  const values = scope.split(' ');
  const parts = values.filter((each) => each.startsWith('dpv:')).map((each) => each.slice(4).split('#'));
  const others = values.filter((each) => !each.startsWith('dpv:') && each !== 'openid');
  return {
    purposes: new Set(parts.map(([purpose = '']) => purpose)),
    operations: [...others, ...parts.flatMap((part) => part.slice(1))],
    isOpenId: values.includes('openid'),
  };
};

const isValidScope = ({ scope }: Parameters): boolean => {
  const { purposes, operations, isOpenId } = readScope(scope);
  const isPurpose = purposes.size === 1 && [...purposes].every((each) => /^[A-Z][A-Za-z]*$/.test(each));
  const known = [...VERIFY_OPERATIONS, ...SHARE_OPERATIONS];
  return isOpenId && isPurpose && operations.length > 0 && operations.every((each) => known.includes(each));
};

const promptsOf = ({ prompt }: Parameters): string[] => prompt?.split(' ') ?? [];

const isValidPrompt = (parameters: Parameters): boolean => {
  const prompts = promptsOf(parameters);
  const isAlone = !prompts.includes('none') || prompts.length === 1;
  return isAlone && prompts.every((each) => PROMPTS.includes(each));
};

const SCOPE_RULE = 'scope must be openid, exactly one purpose (dpv:), and number-verification:verify.';
const PROMPT_RULE = `prompt must be none alone, or of ${PROMPTS.slice(1).join(', ')}.`;

/** The first rule that a request breaks. */
const brokenRule = (parameters: Parameters): OAuthError | undefined => {
  const { response_type, response_mode = 'query', code_challenge = '', code_challenge_method } = parameters;
  if (!response_type) return oauthError('invalid_request', 'response_type is missing.');
  if (response_type !== 'code') return oauthError('unsupported_response_type', 'response_type must be code.');
  if (response_mode !== 'query') return oauthError('invalid_request', 'response_mode must be query.');
  if (!isValidScope(parameters)) return oauthError('invalid_scope', SCOPE_RULE);
  if (!/^[\w-]{43}$/.test(code_challenge))
    return oauthError('invalid_request', 'code_challenge must be a challenge of PKCE, of 43 characters.');
  if (code_challenge_method !== 'S256')
    return oauthError('invalid_request', 'code_challenge_method must be S256.');
  return isValidPrompt(parameters) ? undefined : oauthError('invalid_request', PROMPT_RULE);
};

/** The number of a `login_hint`: `tel:+44…` (RFC 3966), or without its scheme or plus. */
const phoneNumberIn = (hint = ''): string | undefined => {
  const number = hint.replace(/^(?:tel:)?\+?/, '+');
  return isPhoneNumber(number) ? number : undefined;
};

const MUST_MATCH = ['client_id', 'response_type', 'redirect_uri', 'scope'];

/**
 * The parameters in a signed request object, the only ones that count (OpenID Connect Core, 6.1).
 * @returns them, or why it is invalid
 */
const readRequestObject = async (state: SandboxState, outer: Parameters): Promise<Parameters | string> => {
  const { camara } = state;
  const audience = [camara.url('authorize'), camara.issuer];
  const claims = await verifyClientJwt(state, outer.request ?? '', audience);
  if (typeof claims === 'string') return claims;
  if (claims.iat === undefined) return 'iat is missing.';
  // It could be used to authenticate the client.
  if (claims.sub !== undefined) return 'It must not have a sub.';
  if ('request' in claims || 'request_uri' in claims) return 'It must not have another request object.';
  const other = MUST_MATCH.find((name) => outer[name] !== undefined && outer[name] !== claims[name]);
  if (other !== undefined) return `Its ${other} is not the one outside of it.`;
  const texts = Object.entries(claims).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(texts) as Parameters;
};

/** The claims of a request object that may be invalid, to know where its error goes. */
const unverifiedClaims = ({ request }: Parameters): JWTPayload => {
  try {
    return decodeJwt(request ?? '');
  } catch {
    return {};
  }
};

const validate = (parameters: Parameters): OAuthError | AuthorizationRequest => {
  const broken = brokenRule(parameters);
  if (broken) return broken;
  const { purposes, operations } = readScope(parameters.scope);
  const [purpose = ''] = purposes;
  return {
    scopes: operations,
    purpose,
    prompts: promptsOf(parameters),
    hint: phoneNumberIn(parameters.login_hint),
    state: parameters.state,
    nonce: parameters.nonce,
    codeChallenge: parameters.code_challenge ?? '',
  };
};

/** Reads an authorization request by CAMARA's security profile, which restricts OpenID Connect. */
export const readAuthorizationRequest = async (
  sandbox: SandboxState,
  req: Request,
): Promise<Refusal | AuthorizationRequest> => {
  const { searchParams } = new URL(req.originalUrl, sandbox.publicUrl());
  const once = [...searchParams].filter(([name]) => searchParams.getAll(name).length === 1);
  const outer: Parameters = Object.fromEntries(once);
  const claims = unverifiedClaims(outer);
  if (outer.client_id !== CLIENT_ID) return { page: 'The client is unknown.' };
  if ((outer.redirect_uri ?? claims['redirect_uri']) !== sandbox.redirectUri) {
    return { page: 'The redirect URI is not registered for this client.' };
  }
  const claimed = claims['state'];
  const state = outer.state ?? (typeof claimed === 'string' ? claimed : undefined);
  const refuse = (error: string, description: string): Refusal => ({
    ...oauthError(error, description),
    state,
  });
  if (once.length < searchParams.size) return refuse('invalid_request', 'A parameter is repeated.');
  if ('request_uri' in outer)
    return refuse('request_uri_not_supported', 'There is no support for request_uri.');
  const parameters = 'request' in outer ? await readRequestObject(sandbox, outer) : outer;
  if (typeof parameters === 'string') return refuse('invalid_request_object', parameters);
  return { state: parameters.state, ...validate(parameters) };
};
