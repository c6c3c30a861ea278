import type { KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { z } from 'zod';
import { randomToken, type World } from '../../core/world.js';
import { CAMARA_PATHS } from '../http/paths.js';
import { createStore, type AuthorizationCode, type Grant } from '../state/records.js';
import type { SilentBehaviour } from '../state/subscribers.js';

/** The client is registered with this id, and with the redirect URI of the server. */
export const CLIENT_ID = 'silent-auth-sandbox';

export const AUTH_METHODS = ['private_key_jwt', 'client_secret_basic', 'client_secret_post'] as const;
export const SIGNING_ALGORITHMS = ['ES256', 'RS256'] as const;

const PublicKey = z
  .looseObject({ kty: z.enum(['EC', 'RSA']) })
  .refine((key) => !('d' in key), 'must be a public key');

/** The body of `PUT /__sandbox/camara/client`. Absent members keep their value. */
export const ClientRegistration = z
  .strictObject({
    auth: z.enum(AUTH_METHODS),
    secret: z.string().regex(/^[\x21-\x7e]+$/, 'must be visible ASCII characters'),
    /** Accepted in addition to the key of the application. */
    jwks: z.object({ keys: z.array(PublicKey) }),
    id_token_signed_response_alg: z.enum(SIGNING_ALGORITHMS),
  })
  .partial()
  .refine(({ auth = 'private_key_jwt', secret }) => auth === 'private_key_jwt' || secret !== undefined, {
    path: ['secret'],
    message: 'is required with this auth',
  });

type Client = z.infer<typeof ClientRegistration> & {
  auth: (typeof AUTH_METHODS)[number];
  id_token_signed_response_alg: (typeof SIGNING_ALGORITHMS)[number];
};

const newClient = (): Client => ({ auth: 'private_key_jwt', id_token_signed_response_alg: 'ES256' });

/** An authorization request that is valid. */
export interface AuthorizationRequest {
  scopes: string[];
  /** A purpose of the Data Privacy Vocabulary, without `dpv:`. */
  purpose: string;
  /** Values of `prompt`. */
  prompts: string[];
  /** E.164; absent if there is no `login_hint`, or none that is a phone number. */
  hint: string | undefined;
  state: string | undefined;
  nonce: string | undefined;
  codeChallenge: string;
}

/** An authorization request whose device is known. */
export interface IdentifiedRequest extends AuthorizationRequest {
  /** E.164: the hint, else the number of the SIM. */
  number: string;
  /** The number of the SIM; null if it is unknown. */
  sim: string | null;
  behaviour: SilentBehaviour;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

interface SigningKey {
  privateKey: CryptoKey;
  jwk: JWK & { kid: string };
}

const newSigningKey = async (alg: string): Promise<SigningKey> => {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const jwk = await exportJWK(publicKey);
  return { privateKey, jwk: { ...jwk, alg, use: 'sig', kid: await calculateJwkThumbprint(jwk) } };
};

type SigningKeys = Record<(typeof SIGNING_ALGORITHMS)[number], SigningKey>;

let signingKeys: Promise<SigningKeys> | undefined;

/** The keys of ID tokens. Made when they are first needed: an RSA key takes a third of a second. */
export const operatorKeys = (): Promise<SigningKeys> =>
  (signingKeys ??= Promise.all([newSigningKey('ES256'), newSigningKey('RS256')]).then(([ES256, RS256]) => ({
    ES256,
    RS256,
  })));

/** The state of the operator that follows the CAMARA security profile. */
export class CamaraOperator {
  readonly codes = createStore<AuthorizationCode>();
  readonly tokens = createStore<Grant>();
  /** Consent pages that wait for an answer, by the ticket in their form. */
  readonly consentRequests = createStore<IdentifiedRequest>();
  /** The `jti` of client assertions. */
  readonly usedJwtIds = createStore<true>();
  readonly #consents = createStore<true>();
  #client = newClient();
  /** Makes the `sub` of ID tokens pseudonymous. */
  readonly salt: string;

  constructor(private readonly options: { publicUrl: () => string; publicKey: KeyObject; world: World }) {
    this.salt = randomToken(options.world);
  }

  get issuer(): string {
    return this.url('issuer');
  }

  url(path: keyof typeof CAMARA_PATHS): string {
    return this.options.publicUrl() + CAMARA_PATHS[path];
  }

  get client(): Readonly<Client> {
    return this.#client;
  }

  register(registration: z.infer<typeof ClientRegistration>): Readonly<Client> {
    return Object.assign(this.#client, registration);
  }

  /** The client's public keys: that of the application, and those that were registered. */
  async clientKeys(): Promise<{ keys: JWK[] }> {
    const jwk = this.options.publicKey.export({ format: 'jwk' }) as JWK;
    const kid = await calculateJwkThumbprint(jwk);
    return { keys: [{ ...jwk, kid }, ...((this.#client.jwks?.keys ?? []) as JWK[])] };
  }

  hasConsent({ number, purpose }: IdentifiedRequest): boolean {
    return this.#consents.has(`${number} ${purpose}`);
  }

  recordConsent({ number, purpose }: IdentifiedRequest): void {
    this.#consents.set(`${number} ${purpose}`, true);
  }

  clear(): void {
    const { codes, tokens, consentRequests, usedJwtIds } = this;
    for (const store of [codes, tokens, consentRequests, usedJwtIds, this.#consents]) store.clear();
    this.#client = newClient();
  }
}
