import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { placeOf } from '../phone/place.js';
import { wordsOf } from '../phone/words.js';
import { about, type Finding } from './finding.js';
import type { Patient } from './patient.js';

/** Days before its end at which a certificate that is renewed by itself would have been. */
const RENEWED_DAYS = 14;

/** Milliseconds. */
const PATIENCE_MS = 5_000;

interface Handshake {
  protocol: string | null;
  cipher: string;
  /** Why the certificate is not believed; undefined where it is. */
  doubt: string | undefined;
  /** When it ends, in milliseconds since the epoch. */
  endsAt: number;
}

/** Shakes hands, whatever the certificate says. @throws Error where no hand is given */
function shakeHands(base: URL, options: ConnectionOptions): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ ...placeOf(base), rejectUnauthorized: false, ...options });
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`no handshake in ${PATIENCE_MS} ms`)));
    socket.once('error', reject).once('secureConnect', () => {
      const { authorizationError } = socket as { authorizationError?: Error | string | null };
      resolve({
        protocol: socket.getProtocol(),
        cipher: socket.getCipher().standardName,
        doubt: authorizationError ? String(authorizationError) : undefined,
        endsAt: Date.parse(socket.getPeerCertificate().valid_to),
      });
      socket.destroy();
    });
  });
}

/** OpenSSL says in a word what its message says in a line of numbers. */
const reasonOf = (error: unknown): string => (error as { reason?: string }).reason ?? wordsOf(error);

/** What makes a certificate one that phones do not believe, by OpenSSL's and Node's names. */
const DOUBTS: Record<string, readonly [says: string, mend: string]> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'The certificate comes without the intermediate ones that lead to a known authority, or is from one that nobody knows.',
    'Give the proxy the full chain (fullchain.pem), not the certificate alone.',
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'The certificate is for another host.',
    'Get one that names the host of PUBLIC_URL.',
  ],
  CERT_HAS_EXPIRED: [
    'The certificate has expired.',
    'Renew it, let it be renewed by itself, and load it into the proxy.',
  ],
  CERT_NOT_YET_VALID: [
    'The certificate is not valid yet.',
    'Set the clock of this machine, or wait for its beginning.',
  ],
};

const UNKNOWN_CA = 'Get a certificate from an authority that phones know.';

function certificateFinding({ doubt, endsAt }: Handshake, now: number): Finding {
  const { ok, warning, mistake } = about('certificate');
  if (doubt !== undefined) {
    const [says, mend] = DOUBTS[doubt] ?? ['No authority that is known has signed it.', UNKNOWN_CA];
    return mistake(`${says} (${doubt})`, mend);
  }
  const days = Math.floor((endsAt - now) / 86_400_000);
  return days < RENEWED_DAYS
    ? warning(`The certificate ends in ${days} days.`, 'See why it was not renewed by itself, and renew it.')
    : ok(`It is believed, and lasts ${days} days.`);
}

/** The SDK for iOS speaks 1.2 and no other version. */
async function tls12Finding(base: URL): Promise<Finding> {
  const { ok, mistake } = about('TLS 1.2');
  const only = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  return shakeHands(base, only).then(
    ({ cipher }) => ok(`It is spoken, with ${cipher}.`),
    (error: unknown) =>
      mistake(
        `It is not spoken (${reasonOf(error)}), and Vonage's library for iOS speaks no other version.`,
        'Let what ends TLS speak 1.2 besides 1.3 (nginx: ssl_protocols TLSv1.2 TLSv1.3).',
      ),
  );
}

/** Whether the other side said that it will not, by an alert of TLS or by hanging up. */
const isRefusal = (error: unknown): boolean =>
  /ALERT|^ECONNRESET$/.test((error as NodeJS.ErrnoException).code ?? '');

/** RFC 8996. Our own OpenSSL speaks them only when it is asked to lower its guard. */
async function oldTlsFinding(base: URL): Promise<Finding> {
  const { ok, warning, unchecked } = about('old TLS');
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
  return shakeHands(base, old).then(
    ({ protocol }) =>
      warning(
        `${protocol ?? 'TLS 1.1'} is spoken, which is out of use since 2021 (RFC 8996).`,
        'Turn off TLS 1.0 and 1.1 in what ends TLS.',
      ),
    (error: unknown) =>
      isRefusal(error)
        ? ok('TLS 1.0 and 1.1 are not spoken.')
        : unchecked(`Whether TLS 1.0 and 1.1 are spoken could not be seen: ${reasonOf(error)}.`),
  );
}

/** How TLS ends in front of the server: versions and certificate. */
export const checkTls = async ({ base, world }: Pick<Patient, 'base' | 'world'>): Promise<Finding[]> => {
  if (base.protocol !== 'https:') return [about('TLS 1.2').unchecked('The base URL is http.')];
  try {
    const usual = await shakeHands(base, {});
    return [certificateFinding(usual, world.now()), await tls12Finding(base), await oldTlsFinding(base)];
  } catch (error) {
    const mend = 'See that the name leads to the proxy, that its port is open, and that it speaks TLS there.';
    return [about('TLS').mistake(`${base.host} cannot be reached by TLS: ${reasonOf(error)}.`, mend)];
  }
};
