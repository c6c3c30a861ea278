import { createHash, timingSafeEqual } from 'node:crypto';
import { jwtVerify, type JWTPayload } from 'jose';
import type { z } from 'zod';
import { CODE_CHANNELS, type CodeChannel } from '../config/login.js';
import { LoginError, type MessageFailure } from '../core/errors.js';
import { hasDoubledNames } from '../http/json.js';
import { nowInSeconds, type World } from '../core/world.js';
import { isAllowedLink } from '../config/vonage.js';
import { VerifyEvent, VerifySummary, type ReportedStep } from './wire.js';

/** How far a webhook's `iat` may be off, either way. */
export const WEBHOOK_WINDOW_SECONDS = 300;

/** What a webhook of Verify v2 says. */
export type VerifyNews = {
  verificationId: string;
  /** The login of the verification, if the webhook names it. For the log alone. */
  loginId?: string | undefined;
  /** The channels whose messages were sent, according to a summary. */
  sent: readonly CodeChannel[];
  /** A message that brought no code. */
  failure?: FailedMessage | undefined;
} & (
  | { kind: 'link'; checkUrl: string }
  /** `isExpired`: no code was entered in time. */
  | { kind: 'over'; channel: string; isExpired: boolean }
  | { kind: 'ended'; isExpired: boolean }
  /** A completion, or an unknown event: only `/verify` completes a login. */
  | { kind: 'nothing' }
);

interface FailedMessage {
  reason: MessageFailure;
  channel?: string | undefined;
  /** The mobile network, as the digits of its MCC and MNC. */
  network?: string | undefined;
}

export type WebhookReader = ReturnType<typeof createWebhookReader>;

export function createWebhookReader(deps: {
  apiKey: string;
  /** Any of them may have signed: while the secret is changed there are two. */
  signatureSecrets: readonly string[];
  applicationId: string;
  authUrlHosts: readonly string[];
  world: Pick<World, 'now'>;
}) {
  const secrets = deps.signatureSecrets.map((secret) => new TextEncoder().encode(secret));

  return {
    /**
     * Checks the signature (Vonage, "Signed webhooks"): `Authorization: Bearer`, a JWT (HS256) with
     * a signature secret of the account, `iss`, `api_key`, `application_id` if present, a fresh
     * `iat`, and the hash of the body.
     * @returns the id of the webhook (`jti`) and what it says
     * @throws LoginError `unavailable` without a signature, so that Vonage sends it again, signed;
     * `invalid_signature`; `invalid_request` for a body that is not one of Verify v2
     */
    async read(authorization: string | undefined, body: Buffer): Promise<{ jti: string; news: VerifyNews }> {
      if (authorization === undefined) {
        throw new LoginError('unavailable', 'This webhook is not signed. Send it again, signed.', {
          retry_after: 1,
        });
      }
      const claims = await claimsOf(authorization.replace(/^Bearer +/i, ''));
      if (claims === undefined || !isOurs(claims, body)) {
        throw new LoginError('invalid_signature', 'The signature does not match this body and this account.');
      }
      return { jti: claims.jti, news: readNews(body, deps.authUrlHosts) };
    },
  };

  async function claimsOf(token: string): Promise<JWTPayload | undefined> {
    const currentDate = new Date(deps.world.now());
    const options = { algorithms: ['HS256'], issuer: 'Vonage', currentDate };
    for (const secret of secrets) {
      const verified = await jwtVerify(token, secret, options).catch(() => undefined);
      if (verified !== undefined) return verified.payload;
    }
    return undefined;
  }

  function isOurs(claims: JWTPayload, body: Buffer): claims is JWTPayload & { jti: string } {
    const { iat, jti, api_key, application_id, payload_hash } = claims;
    const fresh = iat !== undefined && Math.abs(nowInSeconds(deps.world) - iat) <= WEBHOOK_WINDOW_SECONDS;
    const addressed =
      api_key === deps.apiKey && (application_id === undefined || application_id === deps.applicationId);
    return fresh && addressed && jti !== undefined && jti !== '' && isHashOf(payload_hash, body);
  }
}

/**
 * The reference hashes the body; Vonage's support pages hash the JSON without white space. Both are
 * accepted.
 */
function isHashOf(hash: unknown, body: Buffer): boolean {
  if (typeof hash !== 'string') return false;
  const equals = (text: string | Buffer) => {
    const [expected, given] = [createHash('sha256').update(text).digest(), Buffer.from(hash, 'hex')];
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
  if (equals(body)) return true;
  try {
    return equals(JSON.stringify(JSON.parse(body.toString('utf8'))));
  } catch {
    return false;
  }
}

const OVER = new Set(['failed', 'user_rejected', 'rejected', 'expired', 'blocked']);

function readNews(body: Buffer, hosts: readonly string[]): VerifyNews {
  const json = parse(body.toString('utf8'));
  const summary = VerifySummary.safeParse(json);
  if (summary.success) return newsOfSummary(summary.data);
  const event = VerifyEvent.safeParse(json);
  if (!event.success) throw new LoginError('invalid_request', 'The body is not a webhook of Verify v2.');
  const { request_id: verificationId, status, channel, action, client_ref: loginId } = event.data;
  const base = { verificationId, loginId, sent: [], failure: failureIn([event.data]) };
  if (OVER.has(status)) return { ...base, kind: 'over', channel, isExpired: status === 'expired' };
  const checkUrl = [action ?? []].flat().find((each) => typeof each?.check_url === 'string')?.check_url;
  if (status === 'action_pending' && checkUrl && isAllowedLink(checkUrl, hosts)) {
    return { ...base, kind: 'link', checkUrl };
  }
  return { ...base, kind: 'nothing' };
}

function newsOfSummary(summary: z.infer<typeof VerifySummary>): VerifyNews {
  const { request_id: verificationId, status, client_ref: loginId, reason } = summary;
  const steps = summary.workflow.filter((step) => step !== null);
  const failure = status === 'completed' ? undefined : failureIn([...steps, { status, reason }]);
  const blocked = failure?.reason === 'blocked' ? failure.channel : undefined;
  const wentOut = steps.filter((step) => step.status !== 'unused' && step.channel !== blocked);
  const sent = CODE_CHANNELS.filter((channel) => wentOut.some((step) => step.channel === channel));
  const base = { verificationId, loginId, sent, failure };
  if (status === 'completed') return { ...base, kind: 'nothing' };
  return { ...base, kind: 'ended', isExpired: status === 'expired' };
}

/** What a step's status says of its message. If the step expired, the message was delivered. */
const FAILURES: Record<string, MessageFailure> = {
  blocked: 'blocked',
  rejected: 'rejected',
  user_rejected: 'user_rejected',
  failed: 'unreachable',
};

/**
 * The last message that failed, if any. The reason is prose and may name the number, so only the
 * network is taken from it ("Fraudulent traffic detected … on network [ 23415 ]"): five or six
 * digits, fewer than a phone number has.
 */
function failureIn(
  steps: readonly (Partial<ReportedStep> & { status: string })[],
): FailedMessage | undefined {
  const blocked = steps.filter(({ status }) => status === 'blocked');
  const messages = steps.filter(({ channel }) => CODE_CHANNELS.some((each) => each === channel));
  const last = messages.filter(({ status }) => status !== 'unused').at(-1);
  const reason = blocked.length > 0 ? 'blocked' : FAILURES[last?.status ?? ''];
  if (reason === undefined) return undefined;
  const explained = steps.filter((step) => step.reason !== undefined);
  const named = reason === 'blocked' ? [...blocked, ...explained] : [last];
  const channel = named.find((step) => step?.channel !== undefined)?.channel;
  const networks = explained.map((step) => /\[\s*(\d{5,6})\s*\]/.exec(step.reason ?? '')?.[1]);
  return { reason, channel, network: networks.find((network) => network !== undefined) };
}

function parse(body: string): unknown {
  try {
    const json: unknown = JSON.parse(body);
    return hasDoubledNames(body, json) ? undefined : json;
  } catch {
    return undefined;
  }
}
