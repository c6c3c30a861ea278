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

const readUrl = (text: string): string => {
  if (!URL.canParse(text) || !/^https?:/i.test(text)) throw new Error('must be an http or https URL');
  return text.replace(/\/+$/, '');
};

const readPort = (text: string): number => {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error('must be a port number, 0 to 65535');
  return port;
};

const required = (text: string | undefined): string => {
  if (!text) throw new Error('is missing: silent-auth sandbox --init .env makes one');
  return text;
};

/** Derives the key that Vonage has. Refuses the same private keys as the server. */
const readPublicKey = (text: string): KeyObject => {
  const key = parsePrivateKey(text);
  if (typeof key === 'string') throw new Error(key);
  return createPublicKey(key);
};

/** Refuses secrets shorter than the hash (RFC 7518, 3.2). */
const readSignatureSecret = (text: string | undefined): string => {
  if (text && Buffer.byteLength(text) < 32) throw new Error('must have at least 32 bytes');
  return text ?? '';
};

const requiredWith = (value: string | undefined, other: string | undefined, name: string): string => {
  if (!value && other) throw new Error(`is missing: ${name} requires it`);
  return value ?? '';
};

/** Returns a reader of variables that adds the message of each invalid one to `problems`. */
const variableReader =
  (env: NodeJS.ProcessEnv, problems: string[]) =>
  <T>(name: string, parse: (text: string | undefined) => T): T | undefined => {
    try {
      return parse(env[name]);
    } catch (error) {
      problems.push(`${name} ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };

export const NOT_FOR_PRODUCTION = 'NODE_ENV is production: the sandbox is not for production';

/** @throws Error in production */
export const refuseProduction = (env: NodeJS.ProcessEnv): void => {
  if (env.NODE_ENV === 'production') throw new Error(NOT_FOR_PRODUCTION);
};

export const readSettings = (env: NodeJS.ProcessEnv): Settings | { problems: string[] } => {
  const problems: string[] = [];
  const read = variableReader(env, problems);
  if (env.NODE_ENV === 'production') problems.push(NOT_FOR_PRODUCTION);
  const port = read('SANDBOX_PORT', (text) => readPort(text || '4000'));
  const publicUrl = read('SANDBOX_PUBLIC_URL', (text) => readUrl(text || `http://localhost:${port ?? 4000}`));
  const serverUrl = read('PUBLIC_URL', (text) => readUrl(text || 'http://localhost:3000'));
  const applicationId = read('VONAGE_APPLICATION_ID', required);
  const publicKey = read('VONAGE_PRIVATE_KEY', (text) => readPublicKey(required(text)));
  const apiKey = read('VONAGE_API_KEY', (text) =>
    requiredWith(text, env.VONAGE_SIGNATURE_SECRET, 'VONAGE_SIGNATURE_SECRET'),
  );
  const signatureSecret = read('VONAGE_SIGNATURE_SECRET', (text) =>
    requiredWith(readSignatureSecret(text), env.VONAGE_API_KEY, 'VONAGE_API_KEY'),
  );
  const webhookUrl = read('SANDBOX_WEBHOOK_URL', (text) =>
    text ? readUrl(text) : `${serverUrl ?? ''}/webhooks/verify`,
  );
  if (port === undefined || !publicUrl || !serverUrl || !applicationId || !publicKey || problems.length > 0) {
    return { problems };
  }
  const hasAccount = webhookUrl && apiKey && signatureSecret;
  const webhooks = hasAccount ? { webhooks: { url: webhookUrl, apiKey, signatureSecret } } : {};
  return { port, publicUrl, redirectUri: `${serverUrl}/callback`, applicationId, publicKey, ...webhooks };
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
