/** The paths of Vonage and the operator, which in production are on several hosts. */
export const PATHS = {
  networkEnablement: '/v0.1/network-enablement',
  authorize: '/oauth2/auth',
  operator: '/operator/authorize',
  vonageCallback: '/camara/oauth/callback',
  token: '/oauth2/token',
  numberVerification: '/camara/number-verification/v031',
  verify: '/camara/number-verification/v031/verify',
  verifyRequests: '/v2/verify',
  identityInsights: '/identity-insights/v1/requests',
} as const;

/** The CAMARA operator: an issuer, and below it the root of its APIs. */
export const CAMARA_PATHS = {
  issuer: '/camara-operator',
  metadata: '/camara-operator/.well-known/openid-configuration',
  oauthMetadata: '/.well-known/oauth-authorization-server/camara-operator',
  jwks: '/camara-operator/jwks',
  authorize: '/camara-operator/authorize',
  consent: '/camara-operator/consent',
  token: '/camara-operator/token',
  numberVerification: '/camara-operator/api/number-verification',
  simSwap: '/camara-operator/api/sim-swap/v2/check',
} as const;

export const CONTROL_PATH = '/__sandbox';

/** The scopes of the two operations of Number Verification. */
export const VERIFY_SCOPE = 'dpv:FraudPreventionAndDetection#number-verification-verify-read';
export const SHARE_SCOPE = 'dpv:FraudPreventionAndDetection#number-verification-share-read';

export const isKnownScope = (scope: string): boolean => scope === VERIFY_SCOPE || scope === SHARE_SCOPE;

export const exactly = (path: string): RegExp => new RegExp(`^${path.replaceAll('.', '\\.')}$`);

/** @param rest the pattern of what follows `/v2/verify` */
export const verifyPath = (rest: string): RegExp => new RegExp(`^${PATHS.verifyRequests}${rest}$`);

/** The first and the last path that a device requests in a silent step. */
export const silentAuthPath = (verificationId: string, hop: 'redirect' | 'complete'): string =>
  `${PATHS.verifyRequests}/${verificationId}/silent-auth/${hop}`;

const DEVICE_PATHS: readonly string[] = [
  ...[PATHS.authorize, PATHS.operator, PATHS.vonageCallback],
  ...[CAMARA_PATHS.authorize, CAMARA_PATHS.consent],
];
const SILENT_AUTH_PATH = verifyPath('/[^/]+/silent-auth/[^/]+');

export const callerOf = (path: string): 'device' | 'server' =>
  DEVICE_PATHS.includes(path) || SILENT_AUTH_PATH.test(path) ? 'device' : 'server';

/** @param parameters those that are undefined are left out */
export const withQuery = (base: string, parameters: Record<string, string | undefined>): string => {
  const url = new URL(base);
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
};
