import { createHmac } from 'node:crypto';
import type { PhoneNumber } from '../phone.js';
import { deriveKey } from '../store/seal.js';

/** Names a number in logs: the same number gives the same name, and nobody without the secret can turn it back. */
export function createPseudonym(secret: string): (number: PhoneNumber) => string {
  const key = deriveKey(secret, 'pseudonym');
  return (number) => createHmac('sha256', key).update(number).digest('base64url').slice(0, 16);
}
