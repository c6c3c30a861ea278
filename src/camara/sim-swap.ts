import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import { SIM_SWAP_TIMEOUT_MS } from '../config/limits.js';
import { nowInSeconds } from '../core/world.js';
import { refusal } from '../vonage/errors.js';
import type { AskSimSwap } from '../vonage/identity-insights.js';
import type { AccessToken } from '../vonage/tokens.js';
import { loginErrorOf, tokenRequest, type CamaraDeps } from './server.js';

export const SIM_SWAP_API = 'sim-swap';

/** `check`, 200. Only a boolean is an answer. */
const SimSwapAnswer = z.object({ swapped: z.boolean() });

/** How long before its end a token is replaced, so that none expires in transit. */
const RENEWAL_MARGIN_SECONDS = 30;

/**
 * `check` of CAMARA SIM Swap 2 with a token of the client, which names the number in the request
 * (SIM Swap 2.1.0, "Identifying the phone number from the access token").
 * @param hours how far back a swap counts, 1 to 2400
 */
export function createSimSwap(deps: CamaraDeps, hours: number): AskSimSwap {
  const tokens = createClientTokens(deps);
  return async (phoneNumber, requestId) => {
    const bearer = await tokens.current(requestId);
    const answer = await deps.transport({
      ...{ api: SIM_SWAP_API, method: 'POST', url: deps.settings.simSwap.url, bearer },
      body: { phoneNumber, maxAge: hours },
      timeoutMs: SIM_SWAP_TIMEOUT_MS,
      requestId,
    });
    if (answer.status === 401) tokens.forget(bearer);
    const check = answer.status === 200 ? SimSwapAnswer.safeParse(answer.json) : undefined;
    if (!check?.success) throw refusal(SIM_SWAP_API, answer);
    return check.data.swapped;
  };
}

/**
 * Access tokens of the client itself (RFC 6749 section 4.4), each used until shortly before its
 * end.
 */
function createClientTokens(deps: CamaraDeps) {
  const { settings, server, clientAuth, world } = deps;
  let current: { token: Promise<string>; text?: string; goodUntil: number } | undefined;

  const request = async (requestId: string): Promise<AccessToken> => {
    const as = await server.open(requestId);
    const client = { client_id: settings.clientId };
    const { options, result } = tokenRequest(deps, { timeoutMs: SIM_SWAP_TIMEOUT_MS, requestId });
    const parameters = new URLSearchParams({ scope: settings.simSwap.scope });
    const response = await oauth.clientCredentialsGrantRequest(as, client, clientAuth, parameters, options);
    await oauth.processClientCredentialsResponse(as, client, response);
    return result().token;
  };

  const renew = (requestId: string): Promise<string> => {
    const next = { goodUntil: Infinity } as NonNullable<typeof current>;
    next.token = request(requestId).then(
      ({ accessToken, expiresIn }) => {
        next.goodUntil = nowInSeconds(world) + expiresIn - RENEWAL_MARGIN_SECONDS;
        return (next.text = accessToken);
      },
      (error: unknown) => {
        if (current === next) current = undefined;
        throw loginErrorOf('token', error);
      },
    );
    current = next;
    return next.token;
  };

  return {
    /** @throws LoginError `upstream_error`, `upstream_timeout`, `unavailable` */
    current: (requestId: string): Promise<string> =>
      current !== undefined && nowInSeconds(world) < current.goodUntil ? current.token : renew(requestId),
    /** Fetches another one for the next request, if this one is still the current one. */
    forget: (token: string): void => void (current = current?.text === token ? undefined : current),
  };
}
