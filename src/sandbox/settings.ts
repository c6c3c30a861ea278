import { createPublicKey, type KeyObject } from 'node:crypto';
import { parsePrivateKey } from '../core/keys.js';
import { CLIENT_ID } from './camara/operator.js';
import type { newCredentials } from './credentials.js';
import { CAMARA_PATHS } from './http/paths.js';

export interface Settings {
  port: number;
  publicUrl: string;
  redirectUri: string;
  applicationId: string;
  publicKey: KeyObject;
  /** Absent if the account's key and secret are not set. */
  webhooks?: { url: string; apiKey: string; signatureSecret: string };
}

export const NOT_FOR_PRODUCTION = 'NODE_ENV is production: the sandbox is not for production';

/** @throws Error in production */
export const refuseProduction = (env: NodeJS.ProcessEnv): void => {
  if (env.NODE_ENV === 'production') throw new Error(NOT_FOR_PRODUCTION);
};

const WANTED = 'is missing: silent-auth sandbox --init .env makes one';

export const readSettings = (env: NodeJS.ProcessEnv): Settings | { problems: string[] } => {
  const problems = env.NODE_ENV === 'production' ? [NOT_FOR_PRODUCTION] : [];
  const expect = (isMet: boolean, problem: string): void => {
    if (!isMet) problems.push(problem);
  };
  const readUrl = (name: string, fallback: string): string => {
    const text = env[name];
    if (!text) return fallback;
    expect(URL.canParse(text) && /^https?:/i.test(text), `${name} must be an http or https URL`);
    return text.replace(/\/+$/, '');
  };
  const port = env.SANDBOX_PORT || '4000';
  expect(/^\d+$/.test(port) && Number(port) <= 65_535, 'SANDBOX_PORT must be a port number, 0 to 65535');
  const publicUrl = readUrl('SANDBOX_PUBLIC_URL', `http://localhost:${port}`);
  const serverUrl = readUrl('PUBLIC_URL', 'http://localhost:3000');
  const url = readUrl('SANDBOX_WEBHOOK_URL', `${serverUrl}/webhooks/verify`);

  const { VONAGE_APPLICATION_ID: applicationId = '', VONAGE_PRIVATE_KEY: pem } = env;
  expect(applicationId !== '', `VONAGE_APPLICATION_ID ${WANTED}`);
  // Refuses the same private keys as the server.
  const key = pem ? parsePrivateKey(pem) : WANTED;
  if (typeof key === 'string') problems.push(`VONAGE_PRIVATE_KEY ${key}`);

  const { VONAGE_API_KEY: apiKey, VONAGE_SIGNATURE_SECRET: signatureSecret } = env;
  expect(
    Boolean(apiKey) || !signatureSecret,
    'VONAGE_API_KEY is missing: VONAGE_SIGNATURE_SECRET requires it',
  );
  expect(
    Boolean(signatureSecret) || !apiKey,
    'VONAGE_SIGNATURE_SECRET is missing: VONAGE_API_KEY requires it',
  );
  // A secret is at least as long as the hash (RFC 7518, 3.2).
  const isLong = !signatureSecret || Buffer.byteLength(signatureSecret) >= 32;
  expect(isLong, 'VONAGE_SIGNATURE_SECRET must have at least 32 bytes');

  if (typeof key === 'string' || problems.length > 0) return { problems };
  const webhooks = apiKey && signatureSecret ? { webhooks: { url, apiKey, signatureSecret } } : {};
  const redirectUri = `${serverUrl}/callback`;
  return {
    port: Number(port),
    publicUrl,
    redirectUri,
    applicationId,
    publicKey: createPublicKey(key),
    ...webhooks,
  };
};

/** Settings of the server for a sandbox at `url`, all but `PUBLIC_URL`. */
export const settingsFor = (url: string, credentials: ReturnType<typeof newCredentials>) => ({
  SESSION_SECRET: credentials.sessionSecret,
  VONAGE_APPLICATION_ID: credentials.applicationId,
  VONAGE_PRIVATE_KEY: credentials.privateKeyPem,
  VONAGE_API_KEY: credentials.apiKey,
  VONAGE_SIGNATURE_SECRET: credentials.signatureSecret,
  VONAGE_BASE_URL: url,
  BRAND: 'Sandbox',
  // Read with SILENT_AUTH=camara only.
  CAMARA_ISSUER: url + CAMARA_PATHS.issuer,
  CAMARA_CLIENT_ID: CLIENT_ID,
  CAMARA_PRIVATE_KEY: credentials.privateKeyPem,
  CAMARA_SCOPE: 'openid dpv:FraudPreventionAndDetection number-verification:verify',
  CAMARA_API_ROOT: `${url}${CAMARA_PATHS.issuer}/api`,
});
