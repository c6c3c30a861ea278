import { createHash, timingSafeEqual } from 'node:crypto';
import { jwtVerify, type JWTPayload } from 'jose';
import type { z } from 'zod';
import { LoginError } from '../core/errors.js';
import { hasDoubledNames } from '../core/json.js';
import { nowInSeconds, type World } from '../core/world.js';
import { isAllowedLink } from '../config/vonage.js';
import {
  MESSAGE_CHANNELS,
  VerifyEvent,
  VerifySummary,
  type MessageChannel,
  type ReportedStep,
} from './wire.js';

/** How far a webhook's `iat` may be off, either way. */
export const WEBHOOK_WINDOW_SECONDS = 300;

/** What a webhook of Verify v2 says. */
export type VerifyNews = {
  verificationId: string;
  /** The login of the verification, if the webhook names it. For the log alone. */
  loginId?: string | undefined;
  /** The channels whose messages were sent, according to a summary. */
  sent: readonly MessageChannel[];
  /** Vonage's fraud rules blocked a message. */
  blocked?: Blocked | undefined;
} & (
  | { kind: 'link'; checkUrl: string }
  | { kind: 'over'; channel: string }
  | { kind: 'ended' }
  /** A completion, or an unknown event: only `/verify` completes a login. */
  | { kind: 'nothing' }
);

interface Blocked {
  channel?: string | undefined;
  /** The mobile network, as the digits of its MCC and MNC. */
  network?: string | undefined;
}

export interface WebhookReader {
  /**
   * Checks the signature (Vonage, "Signed webhooks"): `Authorization: Bearer`, a JWT (HS256) with
   * the signature secret of the account, `iss`, `api_key`, `application_id` if present, a fresh
   * `iat`, and the hash of the body.
   * @returns the id of the webhook (`jti`) and what it says
   * @throws LoginError `unavailable` without a signature, so that Vonage sends it again, signed;
   * `invalid_signature`; `invalid_request` for a body that is not one of Verify v2
   */
  read(authorization: string | undefined, body: Buffer): Promise<{ jti: string; news: VerifyNews }>;
}

export function createWebhookReader(deps: {
  apiKey: string;
  signatureSecret: string;
  applicationId: string;
  authUrlHosts: readonly string[];
  world: Pick<World, 'now'>;
}): WebhookReader {
  const secret = new TextEncoder().encode(deps.signatureSecret);

  return {
    async read(authorization, body) {
      if (authorization === undefined) {
        throw new LoginError('unavailable', 'This webhook is not signed. Send it again, signed.', {
          retry_after: 1,
        });
      }
      const token = authorization.replace(/^Bearer /, '');
      const currentDate = new Date(deps.world.now());
      const claims = await jwtVerify(token, secret, { algorithms: ['HS256'], issuer: 'Vonage', currentDate })
        .then(({ payload }) => payload)
        .catch(() => undefined);
      if (claims === undefined || !isOurs(claims, body)) {
        throw new LoginError(
          'invalid_signature',
          'The signature is not one of Vonage over this body, for this account.',
        );
      }
      return { jti: claims.jti, news: readNews(body, deps.authUrlHosts) };
    },
  };

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
  const base = { verificationId, loginId, sent: [], blocked: blockedIn([event.data]) };
  if (OVER.has(status)) return { ...base, kind: 'over', channel };
  const checkUrl = [action ?? []].flat().find(({ check_url }) => check_url !== undefined)?.check_url;
  if (status === 'action_pending' && checkUrl !== undefined && isAllowedLink(checkUrl, hosts)) {
    return { ...base, kind: 'link', checkUrl };
  }
  return { ...base, kind: 'nothing' };
}

function newsOfSummary(summary: z.infer<typeof VerifySummary>): VerifyNews {
  const { request_id: verificationId, status, client_ref: loginId, reason } = summary;
  const steps = summary.workflow.filter((step) => step !== null);
  const blocked = blockedIn([...steps, { status, reason }]);
  const wentOut = steps.filter((step) => step.status !== 'unused' && step.channel !== blocked?.channel);
  const sent = MESSAGE_CHANNELS.filter((channel) => wentOut.some((step) => step.channel === channel));
  const base = { verificationId, loginId, sent, blocked };
  return { ...base, kind: status === 'completed' ? 'nothing' : 'ended' };
}

/**
 * What was blocked, if anything. The reason is prose and may name the number, so only the network
 * is taken from it ("Fraudulent traffic detected … on network [ 23415 ]"): five or six digits,
 * fewer than a phone number has.
 */
function blockedIn(steps: readonly (Partial<ReportedStep> & { status: string })[]): Blocked | undefined {
  const blocked = steps.filter(({ status }) => status === 'blocked');
  if (blocked.length === 0) return undefined;
  const explained = steps.filter(({ reason }) => reason !== undefined);
  const { channel } = [...blocked, ...explained].find((step) => step.channel !== undefined) ?? {};
  const networks = explained.map(({ reason }) => /\[\s*(\d{5,6})\s*\]/.exec(reason ?? '')?.[1]);
  return { channel, network: networks.find((network) => network !== undefined) };
}

function parse(body: string): unknown {
  try {
    const json: unknown = JSON.parse(body);
    return hasDoubledNames(body, json) ? undefined : json;
  } catch {
    return undefined;
  }
}
