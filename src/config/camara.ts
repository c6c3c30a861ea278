import type { KeyObject } from 'node:crypto';
import { parseUrl, type Reader } from './reader.js';

/** An upstream that follows the CAMARA profile, for `SILENT_AUTH=camara` (docs/operators.md). */
export type CamaraSettings = ReturnType<typeof readCamara>;

/** The endpoints of an authorization server that publishes no metadata. */
export interface CamaraEndpoints {
  authorizationUrl: string;
  tokenUrl: string;
  /** Absent: ID tokens cannot be checked, and are refused. */
  jwksUrl: string | undefined;
}

const CLIENT_AUTHS = ['private_key_jwt', 'client_secret_basic', 'client_secret_post'] as const;

export function readCamara(reader: Reader) {
  const { get, need, oneOf, flag, fail } = reader;
  const endpoints = readEndpoints(reader);
  const issuer = readUrl(reader, 'CAMARA_ISSUER');
  if (issuer === undefined && endpoints === undefined)
    fail(
      'CAMARA_ISSUER is missing: the issuer of the operator, to the letter. For one without metadata, set CAMARA_AUTHORIZATION_URL and CAMARA_TOKEN_URL.',
    );
  const clientAuth = oneOf('CAMARA_CLIENT_AUTH', CLIENT_AUTHS, 'private_key_jwt');
  const signsRequests = flag('CAMARA_REQUEST_OBJECT', 'false');
  const scope = need(
    'CAMARA_SCOPE',
    'what the operator has to grant, such as "openid dpv:FraudPreventionAndDetection number-verification:verify".',
  );
  if (scope !== '' && !SCOPE.test(scope)) fail('CAMARA_SCOPE must be scopes separated by single spaces.');
  return {
    /** If no issuer is set, the origin of the authorization endpoint. */
    issuer: issuer ?? parseUrl(endpoints?.authorizationUrl ?? '')?.origin ?? '',
    /** Absent: they are in the metadata of the issuer. */
    endpoints,
    clientId: need('CAMARA_CLIENT_ID', 'the client id that the operator gave this application.'),
    clientAuth,
    clientSecret: readSecret(reader, clientAuth),
    /** The first one signs, all are published. Empty where nothing is signed. */
    keys: readKeys(reader, clientAuth === 'private_key_jwt' || signsRequests),
    scope,
    verifyUrl: readVerifyUrl(reader),
    simSwap: readSimSwapApi(reader),
    loginHint: oneOf('CAMARA_LOGIN_HINT', ['tel', 'plain', 'none'], 'tel'),
    /** `none` forbids the operator to show a page; `off` leaves the parameter out. */
    prompt: oneOf('CAMARA_PROMPT', ['none', 'off'], 'none'),
    signsRequests,
    /** Sent with every call to the upstream. They hold secrets. */
    headers: readHeaders(get('CAMARA_HEADERS') ?? '', fail),
  };
}

/** RFC 6749 section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

/** @returns the URL as it is written, since issuers are compared to the letter */
function readUrl({ get, fail, production }: Reader, name: string): string | undefined {
  const text = get(name);
  if (text === undefined) return undefined;
  const url = parseUrl(text);
  const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '';
  if (!isPlain || text.includes('#') || /[^\x21-\x7e]/.test(text))
    return fail(
      `${name} must be a URL like https://operator.example.com in ASCII, without a user or a fragment.`,
    );
  if (url.protocol !== 'https:' && (production || url.hostname !== 'localhost'))
    return fail(`${name} must begin with https://; http is only for a sandbox on localhost.`);
  return text;
}

function readEndpoints(reader: Reader): CamaraEndpoints | undefined {
  const authorizationUrl = readUrl(reader, 'CAMARA_AUTHORIZATION_URL');
  const tokenUrl = readUrl(reader, 'CAMARA_TOKEN_URL');
  const jwksUrl = readUrl(reader, 'CAMARA_JWKS_URL');
  if (authorizationUrl !== undefined && tokenUrl !== undefined)
    return { authorizationUrl, tokenUrl, jwksUrl };
  if (authorizationUrl !== undefined || tokenUrl !== undefined || jwksUrl !== undefined)
    reader.fail(
      'CAMARA_AUTHORIZATION_URL and CAMARA_TOKEN_URL belong together, and CAMARA_JWKS_URL to them: set both or none.',
    );
  return undefined;
}

function readSecret({ get, need, fail }: Reader, clientAuth: (typeof CLIENT_AUTHS)[number]): string {
  if (clientAuth.startsWith('client_secret_'))
    return need('CAMARA_CLIENT_SECRET', `CAMARA_CLIENT_AUTH=${clientAuth} sends it to the token endpoint.`);
  if (clientAuth === 'private_key_jwt' && get('CAMARA_CLIENT_SECRET') !== undefined)
    fail(
      'CAMARA_CLIENT_SECRET has no effect with CAMARA_CLIENT_AUTH=private_key_jwt: leave it out, or set client_secret_basic or client_secret_post.',
    );
  return '';
}

function readKeys({ list, fail, privateKey }: Reader, needed: boolean): readonly KeyObject[] {
  const texts = list('CAMARA_PRIVATE_KEY');
  if (needed && texts.length === 0)
    fail(
      'CAMARA_PRIVATE_KEY is missing: an RSA key or one of the curve P-256, as PEM, base64 or a file path. Several, separated by commas, rotate.',
    );
  const keys = texts.map((text) => privateKey('CAMARA_PRIVATE_KEY: one of the keys', text, 'RS256 or ES256'));
  return needed ? keys.filter((key) => key !== undefined) : [];
}

function readVerifyUrl(reader: Reader): string {
  const whole = readUrl(reader, 'CAMARA_VERIFY_URL');
  const root = readUrl(reader, 'CAMARA_API_ROOT');
  const version = reader.whole('CAMARA_API_VERSION', { fallback: 2, least: 0, most: 2 });
  if ((whole === undefined) === (root === undefined))
    return reader.fail(
      'Set either CAMARA_API_ROOT (and CAMARA_API_VERSION), or CAMARA_VERIFY_URL, the whole URL of Number Verification.',
    );
  return whole ?? `${root?.replace(/\/$/, '') ?? ''}/number-verification/v${version}/verify`;
}

/** CAMARA SIM Swap 2, which `SIM_SWAP_HOURS` asks. */
function readSimSwapApi(reader: Reader) {
  const whole = readUrl(reader, 'CAMARA_SIM_SWAP_URL');
  const root = reader.get('CAMARA_API_ROOT');
  if (reader.get('SIM_SWAP_HOURS') !== undefined && whole === undefined && root === undefined)
    reader.fail(
      'CAMARA_SIM_SWAP_URL is missing: the whole URL of `check` of SIM Swap, which SIM_SWAP_HOURS asks.',
    );
  const scope = reader.get('CAMARA_SIM_SWAP_SCOPE') ?? 'dpv:FraudPreventionAndDetection sim-swap:check';
  if (!SCOPE.test(scope)) reader.fail('CAMARA_SIM_SWAP_SCOPE must be scopes separated by single spaces.');
  return { url: whole ?? `${root?.replace(/\/$/, '') ?? ''}/sim-swap/v2/check`, scope };
}

/** Headers of ours, and those that belong to the connection. */
const RESERVED =
  /^(?:authorization|content-.*|transfer-encoding|connection|host|accept.*|x-correlator|expect|te|upgrade|trailer|keep-alive)$/i;

/** Pairs of a name and a value, separated by `;;` or line ends. No problem repeats a value. */
function readHeaders(text: string, fail: (problem: string) => string): Readonly<Record<string, string>> {
  const pairs = text.split(/;;|[\r\n]+/).filter((pair) => pair.trim() !== '');
  const headers = pairs.map((pair) =>
    /^\s*([\w!#$%&'*+.^`|~-]+):\s*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)\s*$/.exec(pair),
  );
  if (headers.some((header) => header === null))
    fail('CAMARA_HEADERS must be pairs like "X-Api-Key: value", separated by ;; or line ends.');
  const named = headers.flatMap((header) =>
    header === null ? [] : [[(header[1] ?? '').toLowerCase(), header[2] ?? ''] as const],
  );
  for (const [name] of named.filter(([each]) => RESERVED.test(each)))
    fail(`CAMARA_HEADERS must not name ${name}: the server sets it itself.`);
  return Object.fromEntries(named);
}
