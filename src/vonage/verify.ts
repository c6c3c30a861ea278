import type { CodeChannel, VerifySettings } from '../config/login.js';
import type { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { Unanswered, type Answer, type Call, type Transport } from '../http/transport.js';
import { isAllowedLink } from '../config/vonage.js';
import { forbiddenLink, refusal, UnusableStart, verifyRefusal } from './errors.js';
import { languageFor } from './languages.js';
import { findRequestId, VerifyChecked, VerifyStarted } from './wire.js';

const API = 'verify';

/** The timeout of a start and of a check. */
export const START_TIMEOUT_MS = 5000;
/** The timeout of a next step and of a cancellation. */
export const NEXT_TIMEOUT_MS = 3000;

/**
 * How long a silent step lasts; `channel_timeout` does not change it (Verify v2 reference,
 * `channel_timeout`).
 */
export const SILENT_STEP_SECONDS = 60;

export interface VerifyStart {
  phoneNumber: PhoneNumber;
  /** The steps of the workflow, 1 to `MAX_CHAIN_STEPS`; `silent_auth`, if any, first. */
  channels: readonly ('silent_auth' | CodeChannel)[];
  /** 1 to 40 letters and digits; comes back in webhooks. */
  clientRef: string;
  /** The language of the messages (BCP 47). Absent: that of the settings. */
  locale?: string | undefined;
  /** Where Vonage sends a browser at the end of the silent step. Absent for apps. */
  redirectUrl?: string | undefined;
  /** The hash of an Android app, 11 characters, that lets it read its SMS. */
  appHash?: string | undefined;
}

export type VerifyApi = ReturnType<typeof createVerifyApi>;

/**
 * The Verify v2 API, called with the application JWT: with Basic authentication Vonage sends no
 * webhooks. No call is repeated: a start or a next step may have sent a message that costs money,
 * and a check uses up a try.
 *
 * Each call throws LoginError: the codes of `errors.ts` for what Vonage refuses, else
 * `upstream_error`, `upstream_timeout` or `unavailable`.
 */
export function createVerifyApi(deps: {
  transport: Transport;
  verifyHost: string;
  authUrlHosts: readonly string[];
  settings: VerifySettings;
}) {
  const send = (path: string, call: Omit<Call, 'api' | 'url'>): Promise<Answer> =>
    deps.transport({ api: API, url: `${deps.verifyHost}/v2/verify${path}`, ...call });
  const pathOf = (verificationId: string) => `/${encodeURIComponent(verificationId)}`;

  return {
    /**
     * @throws UnusableStart if a verification was started, but its answer cannot be used
     * @throws ConcurrentVerification if another verification of this number is under way
     */
    async start(
      start: VerifyStart,
      requestId: string,
    ): Promise<{ verificationId: string; checkUrl?: string }> {
      const body = bodyOf(start, deps.settings);
      const call = { method: 'POST', timeoutMs: START_TIMEOUT_MS, requestId, body } as const;
      const answer = await send('', call).catch((error: unknown) => {
        if (error instanceof Unanswered && error.answer) throw unlessStarted(error.answer, error);
        throw error;
      });
      const started = answer.status === 202 ? VerifyStarted.safeParse(answer.json) : undefined;
      if (!started?.success) throw unlessStarted(answer, verifyRefusal(answer, 'start'));
      const { request_id: verificationId, check_url: checkUrl } = started.data;
      const wantsLink = start.channels[0] === 'silent_auth';
      if (!wantsLink || checkUrl === undefined || checkUrl === null) return { verificationId };
      if (typeof checkUrl === 'string' && isAllowedLink(checkUrl, deps.authUrlHosts))
        return { verificationId, checkUrl };
      throw new UnusableStart(verificationId, forbiddenLink(API));
    },
    /** Resolves when the code is right. */
    async check(verificationId: string, code: string, requestId: string): Promise<void> {
      const call = { method: 'POST', timeoutMs: START_TIMEOUT_MS, requestId, body: { code } } as const;
      const answer = await send(pathOf(verificationId), call);
      if (answer.status !== 200) throw verifyRefusal(answer, 'check');
      if (VerifyChecked.safeParse(answer.json).data?.request_id !== verificationId)
        throw refusal(API, answer);
    },
    /** Possible from 30 seconds after the start until the second event. */
    async cancel(verificationId: string, requestId: string): Promise<void> {
      const call = { method: 'DELETE', timeoutMs: NEXT_TIMEOUT_MS, requestId } as const;
      const answer = await send(pathOf(verificationId), call);
      if (answer.status !== 204) throw verifyRefusal(answer);
    },
    async next(verificationId: string, requestId: string): Promise<void> {
      const call = { method: 'POST', timeoutMs: NEXT_TIMEOUT_MS, requestId } as const;
      const answer = await send(`${pathOf(verificationId)}/next_workflow`, call);
      if (answer.status !== 200) throw verifyRefusal(answer);
    },
  };
}

/**
 * The error for an answer to a start that cannot be used: a verification may be under way all the
 * same.
 */
function unlessStarted({ status, body }: Pick<Answer, 'status' | 'body'>, error: LoginError): LoginError {
  const began = status >= 200 && status <= 299;
  const verificationId = began ? findRequestId(body?.toString('latin1') ?? '') : undefined;
  return verificationId === undefined ? error : new UnusableStart(verificationId, error);
}

function bodyOf(start: VerifyStart, settings: VerifySettings): object {
  const { channels, clientRef, locale = settings.locale } = start;
  const to = start.phoneNumber.slice(1);
  // Templates are for SMS and RCS alone (Verify v2 reference, `template_id`).
  const hasTemplate = channels.includes('sms') || channels.includes('rcs');
  return {
    brand: settings.brand,
    // `to` is without `+` (Verify v2 reference, `to`).
    workflow: channels.map((channel) => ({ channel, to, ...optionsOf(channel, start, settings) })),
    channel_timeout: settings.channelTimeout,
    client_ref: clientRef,
    code_length: settings.codeLength,
    template_id: hasTemplate ? settings.templateId : undefined,
    locale: locale && languageOf(channels, locale, settings),
    fraud_check: settings.fraudCheck,
  };
}

function optionsOf(
  channel: VerifyStart['channels'][number],
  { redirectUrl, appHash }: VerifyStart,
  { senders, coverageCheck }: VerifySettings,
): object {
  switch (channel) {
    case 'silent_auth':
      return { redirect_url: redirectUrl, coverage_check: coverageCheck };
    case 'sms': {
      const { sms: from, entityId, contentId } = senders;
      return { from, entity_id: entityId, content_id: contentId, app_hash: appHash };
    }
    case 'rcs':
    case 'whatsapp':
      return { from: senders[channel] };
    case 'voice':
      return {};
  }
}

/** The language of the first message of a workflow; a request has one for all its steps. */
function languageOf(
  channels: VerifyStart['channels'],
  locale: string,
  { templateId }: VerifySettings,
): string | undefined {
  const channel = channels.find((each) => each !== 'silent_auth');
  return channel && languageFor(channel, locale, { template: templateId !== undefined });
}
