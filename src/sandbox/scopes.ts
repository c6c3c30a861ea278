/** What an application may ask for. Each Number Verification operation wants its own. */
export const VERIFY_SCOPE = 'dpv:FraudPreventionAndDetection#number-verification-verify-read';
export const SHARE_SCOPE = 'dpv:FraudPreventionAndDetection#number-verification-share-read';

export const isKnownScope = (scope: string): boolean => scope === VERIFY_SCOPE || scope === SHARE_SCOPE;

/** Vonage's words when an application may not ask about a number. */
export const NOT_ALLOWED =
  'The Network API application can only be used with verified phone numbers. Blocked by allowlist.';
