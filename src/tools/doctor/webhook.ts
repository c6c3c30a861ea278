import { createHash, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Config } from '../../config/config.js';
import { WEBHOOK_WINDOW_SECONDS } from '../../vonage/webhook.js';
import { nowInSeconds } from '../../core/world.js';
import { about, type Finding } from './finding.js';
import type { Answer, Check, Patient } from './patient.js';

const PATH = '/webhooks/verify';

/** Seconds by which a clock is tried to be off: each is believed by a window to both sides of it, so these leave no gap. */
const OFFSETS = [1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6].map((each) => each * 2 * WEBHOOK_WINDOW_SECONDS);

/** A completion of a request that nobody made: it is believed, and changes nothing. */
const bodyFor = (): string =>
  JSON.stringify({ request_id: randomUUID(), type: 'summary', status: 'completed' });

const post = ({ ask }: Patient, authorization: string, body = bodyFor()): Promise<Answer> => {
  const headers = { 'Content-Type': 'application/json', Authorization: authorization };
  return ask(PATH, { method: 'POST', headers, body });
};

type Signer = NonNullable<Config['webhooks']> & { applicationId: string };

/** Signs as Vonage does ("Signed webhooks"), and posts. @param offset seconds between the time it is signed at and ours */
async function postSigned(patient: Patient, signer: Signer, offset: number): Promise<number> {
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
    .setIssuedAt(nowInSeconds(patient.world) + offset)
    .sign(new TextEncoder().encode(signer.signatureSecret));
  return (await post(patient, `Bearer ${token}`, body)).status;
}

/** Whether webhooks reach the server, and whether it tells Vonage's from others. */
export const checkWebhooks: Check = async (patient) => {
  const forged = await post(patient, 'Bearer forged');
  const refusal = forgedFinding(forged, patient.settings?.config);
  if (refusal.verdict !== 'ok') return [refusal];
  const config = patient.settings?.config;
  const { unchecked } = about('webhook signature');
  if (config === undefined) return [refusal, unchecked('There are no settings here to sign one with.')];
  const { webhooks, vonage } = config;
  if (webhooks === undefined) return [refusal, NO_SECRET_HERE];
  return [refusal, await signedFinding(patient, { ...webhooks, applicationId: vonage.applicationId })];
};

const NO_SECRET_HERE = about('webhook signature').mistake(
  'The server has a signature secret, and the settings here have none: they are not those of the server.',
  'Run the doctor with the settings that the server runs with.',
);

function forgedFinding({ status, json }: Answer, config: Config | undefined): Finding {
  const { ok, warning, mistake } = about('webhooks');
  if (status === 401 && json['error'] === 'invalid_signature')
    return ok(`POST ${PATH} is reached, and one with a forged signature is refused.`);
  const hasNoSecret = String(json['detail']).includes('VONAGE_SIGNATURE_SECRET');
  if (status === 503 && hasNoSecret) {
    const mend =
      'Set VONAGE_API_KEY and VONAGE_SIGNATURE_SECRET (Vonage dashboard, API settings) where the server runs, and start it again.';
    const says = 'The server has no signature secret, and refuses all webhooks.';
    return config?.webhooks || config?.silentAuth === 'verify' ? mistake(says, mend) : warning(says, mend);
  }
  return status === 503 && json['error'] === 'unavailable'
    ? mistake(
        'The header Authorization does not arrive, so no webhook can be believed.',
        'Let the proxy pass on Authorization, and do no authentication of its own on this path.',
      )
    : mistake(
        `POST ${PATH} is answered with ${status}, and not by the server.`,
        `Let the proxy lead POST ${PATH} to the server, without a login or an address list in front of it.`,
      );
}

/** A signature that is refused at our time may be good at another: then it is the clock, and not the secret. */
async function signedFinding(patient: Patient, signer: Signer): Promise<Finding> {
  const { ok, mistake } = about('webhook signature');
  if ((await postSigned(patient, signer, 0)) === 204)
    return ok('One that is signed as Vonage does is believed; it changed nothing.');
  for (const offset of OFFSETS) {
    if ((await postSigned(patient, signer, offset)) === 204)
      return about('clock of the server').mistake(
        `A webhook that is signed now is refused, and one that is signed ${Math.abs(offset / 60)} minutes ${offset > 0 ? 'ahead' : 'ago'} is believed.`,
        'Set the clock of the server, and that of this machine, by NTP.',
      );
  }
  return mistake(
    'One that is signed with the secret of these settings is refused.',
    'Set VONAGE_API_KEY, VONAGE_SIGNATURE_SECRET and VONAGE_APPLICATION_ID as the Vonage dashboard has them, here and where the server runs, and start it again.',
  );
}
