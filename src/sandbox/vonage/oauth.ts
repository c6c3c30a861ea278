import { isDeepStrictEqual } from 'node:util';
import type { IRouter, Request, Response } from 'express';
import { randomToken } from '../../core/world.js';
import { isKnownScope, PATHS, silentAuthPath, withQuery } from '../http/paths.js';
import { Problem } from '../http/problems.js';
import { handlePath, queryParameter, requireMediaType } from '../http/requests.js';
import { invalidCodeRequest, issueCode, issueToken, oauthError } from '../operator/grants.js';
import { redeemCode, sendOAuthError, tokenRequest } from '../operator/grants.js';
import { createAuthorization, recordOverrides, redirect } from '../operator/redirects.js';
import { simOf, takeAuthorization, type LoginRequest } from '../operator/redirects.js';
import type { Authorization } from '../state/records.js';
import type { Handler, SandboxState } from '../state/state.js';
import { isPhoneNumber } from '../state/subscribers.js';
import { requireApplicationJwt } from './application-jwt.js';
import { NUMBER_NOT_ALLOWED } from './network-enablement.js';

export const redirectToOperator = (
  state: SandboxState,
  res: Response,
  authorization: Authorization,
): void => {
  const request = randomToken(state.world);
  state.operatorRequests.set(request, authorization);
  redirect(res, 302, withQuery(`${state.publicUrl()}${PATHS.operator}`, { request }));
};

/** Handles a link of Network Enablement, which works once and unchanged. */
const followLink = (state: SandboxState, req: Request, res: Response): void => {
  const authorization = takeAuthorization(state, req, {
    store: state.issuedLinks,
    key: req.query.state,
    accepts: ({ scopes }) =>
      queryParameter(req, 'response_type') === 'code' && queryParameter(req, 'scope') === scopes.join(' '),
  });
  redirectToOperator(state, res, authorization);
};

const hasKnownScopes = (scopes: string[]): boolean => {
  const products = scopes.filter((scope) => scope !== 'openid');
  return scopes.includes('openid') && products.length > 0 && products.every(isKnownScope);
};

/** An error that is sent to the customer by redirect (RFC 6749, 4.1.2.1). */
const errorOf = (state: SandboxState, req: Request, login: LoginRequest) => {
  if (queryParameter(req, 'response_type') !== 'code') {
    return oauthError('unsupported_response_type', 'response_type must be code.');
  }
  if (!hasKnownScopes(login.scopes)) {
    return oauthError('invalid_scope', 'scope must be openid and the scope of a Network API.');
  }
  if (!isPhoneNumber(login.number)) {
    return oauthError(
      'invalid_request',
      'login_hint must be a phone number in E.164 format with a leading +.',
    );
  }
  if (login.state.length < 8) return oauthError('invalid_request', 'state must have at least 8 characters.');
  if (state.usedStates.has(login.state)) {
    return oauthError('invalid_request', 'state must be unique for each request.');
  }
  // Network Enablement refuses these numbers earlier.
  const behaviour = state.subscribers.silentBehaviourOf(login.number);
  if (behaviour === 'unsupported') return oauthError('unauthorized_client', NUMBER_NOT_ALLOWED);
  if (behaviour !== 'rate_limited') return undefined;
  return oauthError('temporarily_unavailable', 'Please wait, then retry your request');
};

const authorizeDirectly = (state: SandboxState, req: Request, res: Response): void => {
  const login: LoginRequest = {
    // Vonage's SDKs for Node and Java send `tel:+44…` (RFC 3966), and the one for Python `+44…`.
    number: queryParameter(req, 'login_hint').replace(/^tel:/, ''),
    scopes: queryParameter(req, 'scope').split(' '),
    state: queryParameter(req, 'state'),
  };
  const error = errorOf(state, req, login);
  if (error) {
    redirect(res, 302, withQuery(state.redirectUri, { ...error, state: login.state || undefined }));
    return;
  }
  const authorization = createAuthorization(state, login);
  recordOverrides(req, authorization);
  state.usedStates.set(login.state, true);
  redirectToOperator(state, res, authorization);
};

/** `GET /oauth2/auth`. Never redirects to an unregistered URI (RFC 6749, 4.1.2.1). */
const authorize: Handler = (state) => (req, res) => {
  const redirectUri = queryParameter(req, 'redirect_uri');
  if (queryParameter(req, 'client_id') !== state.applicationId) {
    throw new Problem('badRequest', { detail: 'client_id is not the ID of this application.' });
  }
  if (redirectUri === `${state.publicUrl()}${PATHS.vonageCallback}`) {
    followLink(state, req, res);
  } else if (redirectUri === state.redirectUri) {
    authorizeDirectly(state, req, res);
  } else {
    throw new Problem('badRequest', { detail: 'redirect_uri is not the one in the dashboard.' });
  }
};

/** `GET /camara/oauth/callback`: redirects the device to the customer or to Verify. */
const returnFromOperator: Handler = (state) => (req, res) => {
  const { state: key, ...answer } = req.query;
  const authorization = takeAuthorization(state, req, {
    store: state.operatorResponses,
    key,
    accepts: ({ operatorResponse }) => isDeepStrictEqual(answer, operatorResponse),
  });
  if (authorization.silentStep) {
    const ticket = randomToken(state.world);
    state.silentAuthTickets.set(ticket, authorization);
    const path = silentAuthPath(authorization.silentStep.verificationId, 'complete');
    redirect(res, 302, withQuery(`${state.publicUrl()}${path}`, { ticket }));
  } else {
    const { number, scopes, operatorResponse } = authorization;
    const grant = { number, scopes, sim: simOf(state, authorization) };
    const parameters =
      'error' in operatorResponse ? operatorResponse : { code: issueCode(state, state.codes, grant) };
    redirect(res, 302, withQuery(state.redirectUri, { ...parameters, state: authorization.state }));
  }
};

/** `POST /oauth2/token`: exchanges an authorization code for an access token. */
const exchange: Handler = (state) => (req, res) => {
  res.set('Cache-Control', 'no-store');
  const invalid = invalidCodeRequest(req, ['code', 'redirect_uri']);
  const code = invalid ?? redeemCode(state, state, tokenRequest(req));
  if ('error' in code) sendOAuthError(res, code);
  else res.json(issueToken(state, state.tokens, code));
};

export const oauthRoutes = (state: SandboxState, router: IRouter): void => {
  const form = requireMediaType('application/x-www-form-urlencoded');
  handlePath(router, PATHS.authorize, { get: [authorize(state)] });
  handlePath(router, PATHS.vonageCallback, { get: [returnFromOperator(state)] });
  handlePath(router, PATHS.token, { post: [requireApplicationJwt(state), form, exchange(state)] });
};
