import { createHash, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Config } from '../../config/config.js';
import { WEBHOOK_WINDOW_SECONDS } from '../../vonage/webhook.js';
import { nowInSeconds } from '../../core/world.js';
import { about, type Finding } from './finding.js';
import type { Answer, Check, Deployment } from './deployment.js';

const PATH = '/webhooks/verify';

/** Clock offsets to try. Each covers a window to both sides, so these leave no gap. */
const OFFSETS_SECONDS = [1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6].map(
  (each) => each * 2 * WEBHOOK_WINDOW_SECONDS,
);

/** The completion of an unknown verification: it is accepted, and changes nothing. */
const bodyFor = (): string =>
  JSON.stringify({ request_id: randomUUID(), type: 'summary', status: 'completed' });

const post = ({ request }: Deployment, authorization: string, body = bodyFor()): Promise<Answer> => {
  const headers = { 'Content-Type': 'application/json', Authorization: authorization };
  return request(PATH, { method: 'POST', headers, body });
};

interface Signer {
  apiKey: string;
  signatureSecret: string;
  applicationId: string;
}

/**
 * Posts a webhook signed as Vonage does ("Signed webhooks").
 * @param offset of the signing time, in seconds
 */
async function postSigned(deployment: Deployment, signer: Signer, offset: number): Promise<number> {
  const body = bodyFor();
  const claims = {
    iss: 'Vonage',
    jti: randomUUID(),
    api_key: signer.apiKey,
    application_id: signer.applicationId,
    payload_hash: createHash('sha256').update(body).digest('hex'),
  };
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt(nowInSeconds(deployment.world) + offset)
    .sign(new TextEncoder().encode(signer.signatureSecret));
  return (await post(deployment, `Bearer ${token}`, body)).status;
}

/** Whether webhooks reach the server, and whether it accepts only signed ones. */
export const checkWebhooks: Check = async (deployment) => {
  const forged = await post(deployment, 'Bearer forged');
  const refusal = forgedFinding(forged, deployment.settings?.config);
  if (refusal.verdict !== 'ok') return [refusal];
  const config = deployment.settings?.config;
  const { unchecked } = about('webhook signature');
  if (config === undefined) return [refusal, unchecked('There are no settings here to sign one with.')];
  const { webhooks, vonage } = config;
  if (webhooks === undefined) return [refusal, NO_SECRET_HERE];
  const { apiKey, signatureSecrets } = webhooks;
  const [signatureSecret = ''] = signatureSecrets;
  const signer = { apiKey, signatureSecret, applicationId: vonage.applicationId };
  return [refusal, await signedFinding(deployment, signer)];
};

const NO_SECRET_HERE = about('webhook signature').mistake(
  'The server has a signature secret, and the settings here have none: they are not those of the server.',
  'Run the doctor with the settings that the server runs with.',
);

function forgedFinding({ status, json }: Answer, config: Config | undefined): Finding {
  const { ok, warning, mistake } = about('webhooks');
  if (status === 401 && json['error'] === 'invalid_signature')
    return ok(`POST ${PATH} reaches the server, and a forged signature is refused.`);
  const hasNoSecret = String(json['detail']).includes('VONAGE_SIGNATURE_SECRET');
  if (status === 503 && hasNoSecret) {
    const mend =
      'Set VONAGE_API_KEY and VONAGE_SIGNATURE_SECRET (Vonage dashboard, API settings) where the server runs, and start it again.';
    const says = 'The server has no signature secret, and refuses all webhooks.';
    return config?.webhooks || config?.silentAuth === 'verify' ? mistake(says, mend) : warning(says, mend);
  }
  return status === 503 && json['error'] === 'unavailable'
    ? mistake(
        'The header Authorization does not arrive, so every webhook is refused.',
        'Let the proxy pass on Authorization, and do no authentication of its own on this path.',
      )
    : mistake(
        `POST ${PATH} is answered with ${status}, and not by the server.`,
        `Let the proxy lead POST ${PATH} to the server, without a login or an address list in front of it.`,
      );
}

/**
 * A signature that is refused now and accepted at another time means a wrong clock, not a wrong
 * secret.
 */
async function signedFinding(deployment: Deployment, signer: Signer): Promise<Finding> {
  const { ok, mistake } = about('webhook signature');
  if ((await postSigned(deployment, signer, 0)) === 204)
    return ok('A webhook that is signed as Vonage does is accepted; it changed nothing.');
  for (const offset of OFFSETS_SECONDS) {
    if ((await postSigned(deployment, signer, offset)) === 204)
      return about('clock of the server').mistake(
        `A webhook that is signed now is refused, and one that is signed ${Math.abs(offset / 60)} minutes ${offset > 0 ? 'ahead' : 'ago'} is accepted.`,
        'Set the clock of the server, and that of this machine, by NTP.',
      );
  }
  return mistake(
    'A webhook that is signed with the secret of these settings is refused.',
    'Set VONAGE_API_KEY, VONAGE_SIGNATURE_SECRET and VONAGE_APPLICATION_ID as the Vonage dashboard has them, here and where the server runs, and start it again.',
  );
}
