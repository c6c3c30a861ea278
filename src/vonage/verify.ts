import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { Unanswered, type Answer, type Call, type Transport } from '../http/transport.js';
import { isAllowedLink } from '../config/vonage.js';
import { refusal, UnusableStart, verifyRefusal } from './errors.js';
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

type Text = string | undefined;

/** A step of a workflow. Its `to` is the number without `+` (Verify v2 reference, `to`). */
export type WorkflowStep =
  | { channel: 'silent_auth'; redirectUrl?: string; coverageCheck?: boolean }
  | { channel: 'sms'; from?: Text; entityId?: Text; contentId?: Text; appHash?: Text }
  | { channel: 'rcs' | 'whatsapp'; from?: Text }
  | { channel: 'voice' };

export interface VerifyStart {
  phoneNumber: PhoneNumber;
  /** 1 to `MAX_CHAIN_STEPS` steps; `silent_auth`, if any, first. */
  workflow: readonly WorkflowStep[];
  /** 1 to 18 characters, none of `/{}:$`. */
  brand: string;
  /** Seconds, 15 to 900. */
  channelTimeout: number;
  /** 1 to 40 letters and digits; comes back in webhooks. */
  clientRef: string;
  /** 4 to 10. */
  codeLength: number;
  templateId?: Text;
  /** In Vonage's spelling, like `de-de`. */
  locale?: Text;
  fraudCheck?: boolean | undefined;
}

/**
 * The Verify v2 API, authenticated by application JWT: with Basic authentication Vonage sends no
 * webhooks. No call is repeated: a start or a next step may have sent a message that costs money,
 * and a check uses up a try.
 *
 * Each call throws LoginError: the codes of `errors.ts` for what Vonage refuses, else
 * `upstream_error`, `upstream_timeout` or `unavailable`.
 */
export interface VerifyApi {
  /**
   * @throws UnusableStart if a verification was started, but its answer cannot be used
   * @throws ConcurrentVerification if another verification of this number is under way
   */
  start(start: VerifyStart, requestId: string): Promise<{ verificationId: string; checkUrl?: string }>;
  /** Resolves when the code is right. */
  check(verificationId: string, code: string, requestId: string): Promise<void>;
  /** Possible from 30 seconds after the start until the second event. */
  cancel(verificationId: string, requestId: string): Promise<void>;
  next(verificationId: string, requestId: string): Promise<void>;
}

export function createVerifyApi(deps: {
  transport: Transport;
  appToken: () => Promise<string>;
  verifyHost: string;
  authUrlHosts: readonly string[];
}): VerifyApi {
  const send = async (
    path: string,
    call: Pick<Call, 'method' | 'timeoutMs' | 'requestId' | 'body'>,
  ): Promise<Answer> => {
    const url = `${deps.verifyHost}/v2/verify${path}`;
    return deps.transport({ api: API, url, bearer: await deps.appToken(), ...call });
  };
  const pathOf = (verificationId: string) => `/${encodeURIComponent(verificationId)}`;

  return {
    async start(start, requestId) {
      const call = { method: 'POST', timeoutMs: START_TIMEOUT_MS, requestId, body: asBody(start) } as const;
      const answer = await send('', call).catch((error: unknown) => {
        if (error instanceof Unanswered && error.answer) throw unlessStarted(error.answer, error);
        throw error;
      });
      const started = answer.status === 202 ? VerifyStarted.safeParse(answer.json) : undefined;
      if (!started?.success) throw unlessStarted(answer, verifyRefusal(answer, 'start'));
      const { request_id: verificationId, check_url: checkUrl } = started.data;
      const wantsLink = start.workflow[0]?.channel === 'silent_auth';
      if (!wantsLink || checkUrl === undefined || checkUrl === null) return { verificationId };
      if (typeof checkUrl === 'string' && isAllowedLink(checkUrl, deps.authUrlHosts))
        return { verificationId, checkUrl };
      const detail = 'Vonage named a link that may not be opened.';
      throw new UnusableStart(
        verificationId,
        new LoginError('upstream_error', detail, { upstream: { api: API } }),
      );
    },
    async check(verificationId, code, requestId) {
      const call = { method: 'POST', timeoutMs: START_TIMEOUT_MS, requestId, body: { code } } as const;
      const answer = await send(pathOf(verificationId), call);
      if (answer.status !== 200) throw verifyRefusal(answer, 'check');
      if (VerifyChecked.safeParse(answer.json).data?.request_id !== verificationId)
        throw refusal(API, answer);
    },
    async cancel(verificationId, requestId) {
      const call = { method: 'DELETE', timeoutMs: NEXT_TIMEOUT_MS, requestId } as const;
      const answer = await send(pathOf(verificationId), call);
      if (answer.status !== 204) throw verifyRefusal(answer);
    },
    async next(verificationId, requestId) {
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

function asBody(start: VerifyStart): object {
  const to = start.phoneNumber.slice(1);
  return {
    brand: start.brand,
    workflow: start.workflow.map((step) => ({ channel: step.channel, to, ...optionsOf(step) })),
    channel_timeout: start.channelTimeout,
    client_ref: start.clientRef,
    code_length: start.codeLength,
    template_id: start.templateId,
    locale: start.locale,
    fraud_check: start.fraudCheck,
  };
}

function optionsOf(step: WorkflowStep): object {
  switch (step.channel) {
    case 'silent_auth':
      return { redirect_url: step.redirectUrl, coverage_check: step.coverageCheck };
    case 'sms':
      return {
        from: step.from,
        entity_id: step.entityId,
        content_id: step.contentId,
        app_hash: step.appHash,
      };
    case 'rcs':
    case 'whatsapp':
      return { from: step.from };
    case 'voice':
      return {};
  }
}
