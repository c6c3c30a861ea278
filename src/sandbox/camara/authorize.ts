import type { IRouter, Request, Response } from 'express';
import { randomToken } from '../../core/world.js';
import type { OperatorView } from '../conversation/calls.js';
import { CAMARA_PATHS, withQuery } from '../http/paths.js';
import { bodyText, handlePath } from '../http/requests.js';
import { issueCode, oauthError } from '../operator/grants.js';
import { behaviourOf, OPERATOR_ERRORS, readOverrides, redirect, simOf } from '../operator/redirects.js';
import type { Handler, SandboxState } from '../state/state.js';
import { readAuthorizationRequest } from './authorization-request.js';
import { CLIENT_ID, operatorKeys, type AuthorizationRequest, type IdentifiedRequest } from './operator.js';

const CONSENT_TTL_MS = 5 * 60_000;

/** Sends a page of the operator. `main` is HTML. */
const sendPage = (res: Response, status: number, main: string): void => {
  res.status(status).type('html').set('Cache-Control', 'no-store');
  res.send(`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Your operator</title>
    <link rel="stylesheet" href="/page/style.css" />
  </head>
  <body>
    <main>
${main}
    </main>
  </body>
</html>
`);
};

/** An error that must not be sent to the redirect URI (RFC 6749, 4.1.2.1). `reason` is HTML. */
const sendErrorPage = (res: Response, reason: string): void =>
  sendPage(res, 400, `<h1>This request is not valid</h1>\n<p>${reason}</p>`);

/** Redirects the device to the client, with the issuer (RFC 9207). */
const answer = (state: SandboxState, res: Response, parameters: Record<string, string | undefined>): void => {
  // 303 makes a browser follow the answer to a form with GET.
  const status = res.req.method === 'POST' ? 303 : 302;
  redirect(res, status, withQuery(state.redirectUri, { ...parameters, iss: state.camara.issuer }));
};

const answerWithCode = (state: SandboxState, res: Response, request: IdentifiedRequest): void => {
  const { number, sim, scopes, codeChallenge, nonce } = request;
  const code = issueCode(state, state.camara.codes, { number, sim, scopes, codeChallenge, nonce });
  answer(state, res, { code, state: request.state });
};

/** A form that works without script. Its policy allows the redirect that answers it. */
const sendConsentPage = (state: SandboxState, res: Response, request: IdentifiedRequest): void => {
  const ticket = randomToken(state.world);
  state.camara.consentRequests.set(ticket, request);
  const target = new URL(state.redirectUri).origin;
  res.set(
    'Content-Security-Policy',
    `default-src 'none'; style-src 'self'; form-action 'self' ${target}; base-uri 'none'; frame-ancestors 'none'`,
  );
  const main = `<h1>May ${CLIENT_ID} verify your number?</h1>
<p>It asks your operator whether the SIM in this device has the number that you gave. Purpose: ${request.purpose}.</p>
<form method="post" action="${CAMARA_PATHS.consent}">
  <input type="hidden" name="request" value="${ticket}" />
  <button name="decision" value="allow">Allow</button>
  <button name="decision" value="deny" class="second">Deny</button>
</form>`;
  sendPage(res, 200, main);
};

const identify = (state: SandboxState, req: Request, request: AuthorizationRequest): IdentifiedRequest => {
  const overrides = readOverrides(req);
  const known = request.hint ?? overrides.sim.header ?? overrides.sim.cookie;
  const number = known ?? '';
  const device = { number, overrides };
  // Without a hint and a SIM of its own, nothing says who the device is.
  const behaviour = known === undefined ? 'wifi' : behaviourOf(state, device);
  const expiresAt = state.world.now() + CONSENT_TTL_MS;
  return { ...request, number, sim: simOf(state, device), behaviour, expiresAt };
};

/** Gives the device a code, an error, or a page that asks for consent. */
const respond = (state: SandboxState, res: Response, request: IdentifiedRequest): void => {
  const { number, sim, prompts, behaviour } = request;
  const network = behaviour === 'wifi' ? 'wifi' : 'cellular';
  res.locals.seen = { number, sim, network } satisfies OperatorView;
  const isMissing = behaviour === 'no_consent' && !state.camara.hasConsent(request);
  const isAsked = prompts.includes('consent') || (isMissing && !prompts.includes('none'));
  const mayGoOn = behaviour === 'no_consent' && (isAsked || !isMissing);
  const error = mayGoOn ? undefined : OPERATOR_ERRORS[behaviour];
  if (error) answer(state, res, { ...error, state: request.state });
  else if (isAsked) sendConsentPage(state, res, request);
  else answerWithCode(state, res, request);
};

const authorize: Handler = (state) => async (req, res) => {
  // Made now, so that the token request does not wait for them.
  void operatorKeys();
  const request = await readAuthorizationRequest(state, req);
  if ('page' in request) {
    sendErrorPage(res, request.page);
  } else if ('error' in request) {
    answer(state, res, { ...request });
  } else {
    respond(state, res, identify(state, req, request));
  }
};

/** The answer to the consent page, which works once. */
const decide: Handler = (state) => (req, res) => {
  const { camara, world } = state;
  const form = new URLSearchParams(bodyText(req));
  const [ticket, decision] = [form.get('request') ?? '', form.get('decision')];
  const request = camara.consentRequests.get(ticket);
  camara.consentRequests.delete(ticket);
  if (!request || world.now() >= request.expiresAt) {
    sendErrorPage(res, 'This page has expired, or was answered before.');
  } else if (decision === 'allow') {
    camara.recordConsent(request);
    answerWithCode(state, res, request);
  } else {
    const error = oauthError('access_denied', 'The subscriber denied the consent.');
    answer(state, res, { ...error, state: request.state });
  }
};

export const camaraAuthorizationRoutes = (state: SandboxState, router: IRouter): void => {
  handlePath(router, CAMARA_PATHS.authorize, { get: [authorize(state)] });
  handlePath(router, CAMARA_PATHS.consent, { post: [decide(state)] });
};
