import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { nowInSeconds } from '../world.js';
import type { World } from '../world.js';
import type { Conversation } from './conversation/conversation.js';
import { uuid } from './identifiers.js';

/** Where the customer wants to hear of its Verify requests, and the account's secrets to sign with. */
export interface WebhookSettings {
  url: () => string;
  apiKey: string;
  signatureSecret: string;
}

/** One webhook, as it went out. `status` is that of the last try, null if there was no answer. */
export interface SentWebhook {
  at: string;
  url: string;
  headers: Record<string, string>;
  body: object;
  status: number | null;
  tries: number;
}

const MOST_TRIES = 5;

/** How long an answer may take, in milliseconds. */
const DEADLINE_MS = 5_000;

/** Vonage's signature of webhooks: `payload_hash` is over the bytes of the body. */
export const sign = (
  { applicationId, world }: { applicationId: string; world: World },
  { apiKey, signatureSecret }: WebhookSettings,
  body: object,
): Promise<string> => {
  const payload_hash = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  return new SignJWT({ payload_hash, api_key: apiKey, application_id: applicationId })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer('Vonage')
    .setIssuedAt(nowInSeconds(world))
    .setJti(uuid(world))
    .sign(Buffer.from(signatureSecret));
};

const PLAIN = { 'content-type': 'application/json' };

/** Sends a webhook once, signed if a token is given. */
export const post = async (
  webhook: SentWebhook,
  token: string | undefined,
  conversation: Conversation,
): Promise<void> => {
  webhook.tries += 1;
  webhook.headers = token === undefined ? PLAIN : { ...PLAIN, authorization: `Bearer ${token}` };
  const { url, headers } = webhook;
  const body = JSON.stringify(webhook.body);
  // A tap before the server hears it as well.
  const note = conversation.isTapped
    ? undefined
    : conversation.open({ method: 'POST', url, headers: Object.entries(headers), body });
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const said = { status: answer.status, headers: [...answer.headers], body: await answer.text() };
    webhook.status = answer.status;
    note?.answer(said);
  } catch {
    webhook.status = null;
    note?.breakOff();
  }
};

const isAccepted = ({ status }: SentWebhook): boolean => status === 200 || status === 204;

/** Sends a webhook again, signed, until it is accepted or nobody wants it any more. Waits in real time, but keeps no process alive. */
export const insist = async (
  webhook: SentWebhook,
  token: Promise<string>,
  isWanted: () => boolean,
  conversation: Conversation,
): Promise<void> => {
  for (let wait = 1_000; !isAccepted(webhook) && webhook.tries < MOST_TRIES; wait *= 2) {
    await pause(wait, undefined, { ref: false });
    if (!isWanted()) return;
    await post(webhook, await token, conversation);
  }
};
