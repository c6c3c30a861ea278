/** Where Vonage and the operator are found on this server. The hosts differ in the world outside; the paths do not. */
export const PATHS = {
  networkEnablement: '/v0.1/network-enablement',
  authorize: '/oauth2/auth',
  operator: '/operator/authorize',
  vonageCallback: '/camara/oauth/callback',
  token: '/oauth2/token',
  verify: '/camara/number-verification/v031/verify',
  devicePhoneNumber: '/camara/number-verification/v031/device-phone-number',
  verifyRequests: '/v2/verify',
} as const;

/** Matches this path and no other. */
export const exactly = (path: string): RegExp => new RegExp(`^${path.replaceAll('.', '\\.')}$`);

/** Matches paths of Verify v2. @param rest a pattern for what follows `/v2/verify` */
export const underVerify = (rest: string): RegExp => new RegExp(`^${PATHS.verifyRequests}${rest}$`);

/** Where the device begins and ends the silent step of a Verify request. */
export const silentAuthPath = (requestId: string, hop: 'redirect' | 'complete'): string =>
  `${PATHS.verifyRequests}/${requestId}/silent-auth/${hop}`;

const SILENT_AUTH_HOP = underVerify('/[^/]+/silent-auth/[^/]+');

/** The control API of the sandbox itself: never recorded, never faulted. */
export const CONTROL = '/__sandbox';

const DEVICE_HOPS: readonly string[] = [PATHS.authorize, PATHS.operator, PATHS.vonageCallback];

/** Who asks for this path: the device that follows redirects, or the customer's server. */
export const askedBy = (path: string): 'device' | 'server' =>
  DEVICE_HOPS.includes(path) || SILENT_AUTH_HOP.test(path) ? 'device' : 'server';
