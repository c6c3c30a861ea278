import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

export interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

/**
 * A new key pair, read from PEM. Node 20 deadlocks if it exports a key as a JWK just when it
 * collects the job that generated that key.
 */
export function newKeyPair(type: 'rsa' | 'ec'): KeyPair {
  const pem = { type: 'pkcs8', format: 'pem' } as const;
  const generated =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const privateKey = createPrivateKey(generated.privateKey.export(pem));
  return { privateKey, publicKey: createPublicKey(privateKey.export(pem)) };
}
