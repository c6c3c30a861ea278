import type { IRouter, RequestHandler } from 'express';
import { CAMARA_PATHS } from '../http/paths.js';
import { handlePath } from '../http/requests.js';
import { numberVerificationRoutes } from '../operator/number-verification.js';
import { SIM_SWAP_SCOPE } from '../operator/sim-swap.js';
import type { Handler, SandboxState } from '../state/state.js';
import { PROMPTS, SHARE_OPERATIONS, VERIFY_OPERATIONS } from './authorization-request.js';
import { camaraAuthorizationRoutes } from './authorize.js';
import { AUTH_METHODS, operatorKeys, SIGNING_ALGORITHMS } from './operator.js';
import { camaraTokenRoutes } from './token.js';

/** OpenID Connect Discovery 1.0, 3, and RFC 8414, which shares its names. */
const sendMetadata: Handler = (state) => (_req, res) => {
  const { camara } = state;
  res.json({
    issuer: camara.issuer,
    authorization_endpoint: camara.url('authorize'),
    token_endpoint: camara.url('token'),
    jwks_uri: camara.url('jwks'),
    scopes_supported: [
      'openid',
      'dpv:FraudPreventionAndDetection',
      VERIFY_OPERATIONS[0],
      SHARE_OPERATIONS[0],
      SIM_SWAP_SCOPE,
    ],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'client_credentials'],
    subject_types_supported: ['pairwise'],
    prompt_values_supported: PROMPTS,
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: AUTH_METHODS,
    token_endpoint_auth_signing_alg_values_supported: SIGNING_ALGORITHMS,
    id_token_signing_alg_values_supported: SIGNING_ALGORITHMS,
    request_object_signing_alg_values_supported: SIGNING_ALGORITHMS,
    request_parameter_supported: true,
    request_uri_parameter_supported: false,
    claims_parameter_supported: false,
    authorization_response_iss_parameter_supported: true,
  });
};

const sendKeys: RequestHandler = async (_req, res) => {
  const { ES256, RS256 } = await operatorKeys();
  res.type('application/jwk-set+json').send(JSON.stringify({ keys: [ES256.jwk, RS256.jwk] }));
};

/** An operator by CAMARA's security profile, with Number Verification 0.3.1, 1.0 and 2.1. */
export const camaraRoutes = (state: SandboxState, router: IRouter): void => {
  handlePath(router, [CAMARA_PATHS.metadata, CAMARA_PATHS.oauthMetadata], { get: [sendMetadata(state)] });
  handlePath(router, CAMARA_PATHS.jwks, { get: [sendKeys] });
  camaraAuthorizationRoutes(state, router);
  camaraTokenRoutes(state, router);
  for (const version of ['0.3', '1.0', '2.1'] as const) {
    // The second names are those of 0.3.1 alone.
    const scopesOf = (names: string[]): string[] => (version === '0.3' ? names : names.slice(0, 1));
    numberVerificationRoutes(state, router, {
      version,
      tokens: state.camara.tokens,
      root: `${CAMARA_PATHS.numberVerification}/v${version.charAt(0)}`,
      verifyScopes: scopesOf(VERIFY_OPERATIONS),
      shareScopes: scopesOf(SHARE_OPERATIONS),
    });
  }
};
