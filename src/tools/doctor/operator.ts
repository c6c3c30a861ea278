import { randomBytes } from 'node:crypto';
import type { CamaraSettings } from '../../config/camara.js';
import { messageOf } from '../command.js';
import { requestAt, type Answer, type Check } from './deployment.js';
import { about, clockFinding, type Finding } from './finding.js';

/** Checks the operator of SILENT_AUTH=camara, and begins no login. */
export const checkOperator: Check = async ({ settings, world }) => {
  const config = settings?.config;
  if (config?.camara === undefined) return [];
  const { camara, publicUrl } = config;
  const ask = (url: string) =>
    requestAt(new URL(url), { headers: camara.headers, redirect: 'manual' }, world);
  try {
    const metadata = camara.endpoints === undefined ? await fetchMetadata(camara.issuer, ask) : undefined;
    const endpoint = camara.endpoints?.authorizationUrl ?? metadata?.json['authorization_endpoint'];
    return [
      ...(metadata ? metadataFindings(metadata, camara) : []),
      ...(typeof endpoint === 'string'
        ? redirectUriFindings(await ask(requestUrl(endpoint, camara, `${publicUrl}/callback`)), publicUrl)
        : []),
    ];
  } catch (error) {
    return [about('operator').mistake(messageOf(error), mendOf(error))];
  }
};

const UNKNOWN_CA =
  'Name the certificate of the authority of the operator in NODE_EXTRA_CA_CERTS, for the server too; if it is a known one, ask the operator to send the full chain.';

/** How to mend what Node refuses in a certificate, by its code. */
const CERTIFICATE_MENDS = new Map<unknown, string>([
  ['CERT_HAS_EXPIRED', 'Ask the operator to renew its certificate, and check the clock of this machine.'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'Set the host that the certificate names, or ask the operator for one.'],
  ...[
    ...['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
    ...['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ].map((code) => [code, UNKNOWN_CA] as const),
]);

function mendOf(error: unknown): string {
  for (let each = error; each instanceof Error; each = each.cause) {
    const mend = CERTIFICATE_MENDS.get((each as NodeJS.ErrnoException).code);
    if (mend !== undefined) return mend;
  }
  return 'Allow connections from this machine to the operator, or run the doctor on the machine of the server.';
}

type Ask = (url: string) => Promise<Answer>;

/** Metadata of OpenID Connect Discovery 1.0, or else of RFC 8414. */
async function fetchMetadata(issuer: string, ask: Ask): Promise<Answer> {
  const { origin, pathname } = new URL(issuer);
  const found = await ask(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  if (found.status === 200) return found;
  return ask(`${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`);
}

function metadataFindings(
  { status, json, aheadMs }: Answer,
  { issuer, clientAuth }: CamaraSettings,
): Finding[] {
  const { ok, mistake, warning } = about('operator');
  if (status !== 200)
    return [
      mistake(
        `The metadata of CAMARA_ISSUER are answered with ${status}.`,
        'Set CAMARA_ISSUER to what the operator names, or CAMARA_AUTHORIZATION_URL and CAMARA_TOKEN_URL; see whether it wants CAMARA_HEADERS.',
      ),
    ];
  const missing = ['authorization_endpoint', 'token_endpoint'].filter(
    (name) => typeof json[name] !== 'string',
  );
  const methods = json['token_endpoint_auth_methods_supported'];
  const isOffered = !Array.isArray(methods) || methods.includes(clientAuth);
  return [
    json['issuer'] === issuer
      ? ok('Its metadata name CAMARA_ISSUER.')
      : mistake(
          'Its metadata name another issuer than CAMARA_ISSUER.',
          'Set CAMARA_ISSUER to the issuer in the metadata, to the letter.',
        ),
    ...missing.map((name) => mistake(`Its metadata have no ${name}.`, 'Ask the operator for its endpoints.')),
    ...(isOffered
      ? []
      : [
          warning(
            `Its metadata do not offer ${clientAuth}.`,
            'Set CAMARA_CLIENT_AUTH to one that they offer.',
          ),
        ]),
    ...(aheadMs === undefined
      ? []
      : [clockFinding('clock of this machine', -aheadMs, 'the clock of the operator')]),
  ];
}

/** A request for silence without a hint, as no login sends it. */
function requestUrl(endpoint: string, { clientId, scope }: CamaraSettings, redirectUri: string): string {
  const url = new URL(endpoint);
  const random = (): string => randomBytes(32).toString('base64url');
  const parameters = {
    ...{ client_id: clientId, response_type: 'code', redirect_uri: redirectUri, scope, prompt: 'none' },
    ...{ state: random(), nonce: random(), code_challenge: random(), code_challenge_method: 'S256' },
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/** An operator that does not know client or redirect URI redirects nowhere (RFC 6749, 4.1.2.1). */
function redirectUriFindings({ status, headers }: Answer, publicUrl: string): Finding[] {
  const { ok, mistake, unchecked } = about('redirect URI at the operator');
  const location = headers.get('location');
  if (location?.startsWith(`${publicUrl}/callback?`))
    return [ok(`The operator redirects to ${publicUrl}/callback.`)];
  if (location !== null) return [unchecked('The operator redirects to another page of its own first.')];
  return [
    mistake(
      `The operator answers an authorization request with ${status}, and does not redirect to ${publicUrl}/callback.`,
      `Have ${publicUrl}/callback registered, to the letter, and check CAMARA_CLIENT_ID.`,
    ),
  ];
}
