import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { endpointOf } from '../http.js';
import { messageOf } from '../command.js';
import { about, type Finding } from './finding.js';
import type { Deployment } from './deployment.js';

/** Automatic renewal happens earlier than this before a certificate ends. */
const MIN_DAYS_LEFT = 14;

const HANDSHAKE_TIMEOUT_MS = 5_000;

interface Handshake {
  protocol: string | null;
  cipher: string;
  /** Why the certificate is not trusted; undefined where it is. */
  distrust: string | undefined;
  /** When it ends, in milliseconds since the epoch. */
  endsAt: number;
}

/** Makes a handshake, whatever the certificate is. @throws Error where it fails */
function handshake(base: URL, options: ConnectionOptions): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ ...endpointOf(base), rejectUnauthorized: false, ...options });
    socket.setTimeout(HANDSHAKE_TIMEOUT_MS, () =>
      socket.destroy(new Error(`no handshake in ${HANDSHAKE_TIMEOUT_MS} ms`)),
    );
    socket.once('error', reject).once('secureConnect', () => {
      const { authorizationError } = socket as { authorizationError?: Error | string | null };
      resolve({
        protocol: socket.getProtocol(),
        cipher: socket.getCipher().standardName,
        distrust: authorizationError ? String(authorizationError) : undefined,
        endsAt: Date.parse(socket.getPeerCertificate().valid_to),
      });
      socket.destroy();
    });
  });
}

/** OpenSSL's reason is a phrase; its message is a line of numbers. */
const reasonOf = (error: unknown): string => (error as { reason?: string }).reason ?? messageOf(error);

/** Why phones do not trust a certificate, by OpenSSL's and Node's codes. */
const DISTRUSTS: Record<string, readonly [says: string, mend: string]> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'The proxy sends no intermediate certificates, or the certificate is from an unknown authority.',
    'Give the proxy the full chain (fullchain.pem), not the certificate alone.',
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'The certificate is for another host.',
    'Get one that names the host of PUBLIC_URL.',
  ],
  CERT_HAS_EXPIRED: [
    'The certificate has expired.',
    'Renew it, automatically from now on, and load it into the proxy.',
  ],
  CERT_NOT_YET_VALID: [
    'The certificate is not valid yet.',
    'Set the clock of this machine, or wait until the certificate is valid.',
  ],
};

const UNKNOWN_CA = 'Get a certificate from an authority that phones know.';

function certificateFinding({ distrust, endsAt }: Handshake, now: number): Finding {
  const { ok, warning, mistake } = about('certificate');
  if (distrust !== undefined) {
    const [says, mend] = DISTRUSTS[distrust] ?? ['The certificate is from an unknown authority.', UNKNOWN_CA];
    return mistake(`${says} (${distrust})`, mend);
  }
  const days = Math.floor((endsAt - now) / 86_400_000);
  return days < MIN_DAYS_LEFT
    ? warning(
        `The certificate ends in ${days} days.`,
        'Find out why it was not renewed automatically, and renew it.',
      )
    : ok(`It is trusted, and valid for ${days} more days.`);
}

/** The SDK for iOS supports TLS 1.2 alone. */
async function tls12Finding(base: URL): Promise<Finding> {
  const { ok, mistake } = about('TLS 1.2');
  const only = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  return handshake(base, only).then(
    ({ cipher }) => ok(`It is supported, with ${cipher}.`),
    (error: unknown) =>
      mistake(
        `It is not supported (${reasonOf(error)}), and Vonage's library for iOS supports no other version.`,
        'Enable TLS 1.2 beside 1.3 in the proxy (nginx: ssl_protocols TLSv1.2 TLSv1.3).',
      ),
  );
}

/** Whether the peer refused the version, by an alert or by closing the connection. */
const isRefusal = (error: unknown): boolean =>
  /ALERT|^ECONNRESET$/.test((error as NodeJS.ErrnoException).code ?? '');

/** RFC 8996. The OpenSSL of Node supports them at security level 0 alone. */
async function oldTlsFinding(base: URL): Promise<Finding> {
  const { ok, warning, unchecked } = about('old TLS');
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
  return handshake(base, old).then(
    ({ protocol }) =>
      warning(
        `${protocol ?? 'TLS 1.1'} is supported, which is deprecated since 2021 (RFC 8996).`,
        'Turn off TLS 1.0 and 1.1 in the proxy.',
      ),
    (error: unknown) =>
      isRefusal(error)
        ? ok('TLS 1.0 and 1.1 are not supported.')
        : unchecked(`Whether TLS 1.0 and 1.1 are supported could not be checked: ${reasonOf(error)}.`),
  );
}

/** The TLS in front of the server: versions and certificate. */
export const checkTls = async ({ base, world }: Pick<Deployment, 'base' | 'world'>): Promise<Finding[]> => {
  if (base.protocol !== 'https:') return [about('TLS 1.2').unchecked('The base URL is http.')];
  try {
    const usual = await handshake(base, {});
    return [certificateFinding(usual, world.now()), await tls12Finding(base), await oldTlsFinding(base)];
  } catch (error) {
    const mend =
      'Make sure that the name leads to the proxy, that its port is open, and that it accepts TLS there.';
    return [about('TLS').mistake(`${base.host} cannot be reached by TLS: ${reasonOf(error)}.`, mend)];
  }
};
