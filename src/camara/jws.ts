import { KeyObject, sign, verify } from 'node:crypto';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import { algorithmOf } from '../core/keys.js';

/**
 * Saves 150 µs of processor time of a login: the signatures of JWTs (RFC 7515) by the synchronous
 * functions of Node. WebCrypto, which jose and oauth4webapi use, hands each one to another thread
 * (decision 0019).
 */

const encode = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');

/**
 * Makes a function that signs JWTs (RFC 7519).
 * @param signingKey a private RSA key, for RS256, or one of the curve P-256, for ES256
 */
export function createSigner(
  { key, kid }: { key: KeyObject; kid: string },
  typ = 'JWT',
): (claims: object) => string {
  const header = encode({ alg: algorithmOf(key), typ, kid });
  return (claims) => {
    const text = `${header}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(text), key);
    return `${text}.${(isEc(key) ? withoutAsn1(signature) : signature).toString('base64url')}`;
  };
}

const isEc = (key: KeyObject): boolean => key.asymmetricKeyType === 'ec';

/**
 * The two numbers of a P-256 signature in 32 bytes each, as ES256 has them (RFC 7518 section 3.4),
 * from ASN.1 (RFC 3279 section 2.2.3). Node 24 takes 50 µs longer if it is given options for this.
 */
function withoutAsn1(signature: Buffer): Buffer {
  const rEnd = 4 + (signature[3] ?? 0);
  const inFull = (number: Buffer): Buffer => Buffer.concat([Buffer.alloc(32), number]).subarray(-32);
  return Buffer.concat([inFull(signature.subarray(4, rEnd)), inFull(signature.subarray(rEnd + 2))]);
}

/** The least that RS256 may have (RFC 7518 section 3.3). */
const MIN_RSA_BITS = 2048;

const hasEnoughBits = ({ asymmetricKeyDetails }: KeyObject): boolean =>
  (asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS) >= MIN_RSA_BITS;

/**
 * Access and logout tokens have types of their own (RFC 8725 section 3.11), and ID tokens none.
 */
const ID_TOKEN_TYPE = /^(?:application\/)?jwt$/i;

/**
 * Whether an ID token has a valid signature (ES256 or RS256), a valid type and a key of sufficient
 * size.
 * @throws errors of jose, if the key set has no key for the token, or several
 */
export type CheckSignature = (token: string) => Promise<boolean>;

/** @throws errors of jose, if `keySet` is no JWK set (RFC 7517 section 5) */
export function signatureChecker(keySet: unknown): CheckSignature {
  const find = createLocalJWKSet(keySet as JSONWebKeySet);
  // The tokens of one key have the same header, as a rule.
  let last: { header: string; key: KeyObject } | undefined;

  const keyFor = async (token: string): Promise<KeyObject | undefined> => {
    const header = decodeProtectedHeader(token);
    if (!ID_TOKEN_TYPE.test(header.typ ?? 'JWT')) return undefined;
    const key = KeyObject.from(await find(header));
    return hasEnoughBits(key) ? key : undefined;
  };

  return async (token) => {
    const [header = ''] = token.split('.', 1);
    const key = header === last?.header ? last.key : await keyFor(token);
    if (key === undefined) return false;
    last = { header, key };
    const end = token.lastIndexOf('.');
    const signature = Buffer.from(token.slice(end + 1), 'base64url');
    const keyAndEncoding = isEc(key) ? ({ key, dsaEncoding: 'ieee-p1363' } as const) : key;
    return verify('sha256', Buffer.from(token.slice(0, end)), keyAndEncoding, signature);
  };
}
