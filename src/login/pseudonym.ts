import type { PhoneNumber } from '../phone.js';
import { createNaming } from '../store/seal.js';

/** Names a number in logs: the same number gives the same name, and nobody without the secret can turn it back. */
export function createPseudonym(secret: string): (number: PhoneNumber) => string {
  const nameOf = createNaming(secret, 'pseudonym');
  return (number) => nameOf(number).slice(0, 16);
}
