/** Where Vonage and the operator are found on this server. The hosts differ in the world outside; the paths do not. */
export const PATHS = {
  networkEnablement: '/v0.1/network-enablement',
  authorize: '/oauth2/auth',
  operator: '/operator/authorize',
  vonageCallback: '/camara/oauth/callback',
  token: '/oauth2/token',
  verify: '/camara/number-verification/v031/verify',
  devicePhoneNumber: '/camara/number-verification/v031/device-phone-number',
} as const;

/** The control API of the sandbox itself: never recorded, never faulted. */
export const CONTROL = '/__sandbox';

const DEVICE_HOPS: readonly string[] = [PATHS.authorize, PATHS.operator, PATHS.vonageCallback];

/** Who asks for this path: the device that follows redirects, or the customer's server. */
export const callerOf = (path: string): 'device' | 'server' =>
  DEVICE_HOPS.includes(path) ? 'device' : 'server';
