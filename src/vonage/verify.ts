import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { Unanswered, type Answer, type Transport } from './transport.js';
import { isAllowedLink } from '../config/vonage.js';
import { refusal } from './errors.js';
import { Unusable, verifyRefusal } from './errors.js';
import { findRequestId, VerifyChecked, VerifyStarted } from './wire.js';

const API = 'verify';

/** Milliseconds: starting and checking, and telling a request to go on or to stop. */
export const START_TIMEOUT_MS = 5000;
export const NEXT_TIMEOUT_MS = 3000;

/** Steps that a request has at the most (Verify v2 reference, `workflow`). */
export const MAX_STEPS = 3;

/** Seconds a silent step lasts; `channel_timeout` does not change it (Verify v2 reference, `channel_timeout`). */
export const SILENT_SECONDS = 60;

/** One step of a workflow. The number goes without its `+` (Verify v2 reference, `to`). */
export type WorkflowStep =
  { channel: 'silent_auth'; redirectUrl?: string; coverageCheck?: boolean } | { channel: 'sms' | 'voice' };

export interface VerifyStart {
  phoneNumber: PhoneNumber;
  /** 1 to {@link MAX_STEPS} steps; `silent_auth`, if any, first. */
  workflow: readonly WorkflowStep[];
  /** 1 to 18 characters, none of `/{}:$`. */
  brand: string;
  /** Seconds, 15 to 900. */
  channelTimeout: number;
  /** 1 to 40 letters and digits; comes back in webhooks. */
  clientRef: string;
  /** 4 to 10. */
  codeLength: number;
  templateId?: string;
}

/**
 * The requests of Verify v2. Authenticated by application JWT alone: with Basic authentication, which the API has too,
 * Vonage sends no webhooks. Nothing is ever repeated: a start or a step may have sent a message that costs money, and a
 * check uses up an attempt.
 *
 * Each throws LoginError: for the codes of the document as `verify-errors` maps them, else `upstream_error`,
 * `upstream_timeout` or `unavailable`.
 */
export interface VerifyApi {
  /**
   * @throws Unusable where a request was started that cannot be gone on with; {@link Concurrent}
   * where another one is under way
   */
  start(start: VerifyStart, correlator: string): Promise<{ requestId: string; checkUrl?: string }>;
  /** Resolves when the code is right. */
  check(requestId: string, code: string, correlator: string): Promise<void>;
  /** Possible from 30 seconds after the start until the second event. */
  cancel(requestId: string, correlator: string): Promise<void>;
  next(requestId: string, correlator: string): Promise<void>;
}

export function createVerifyApi(deps: {
  transport: Transport;
  appToken: () => Promise<string>;
  verifyHost: string;
  authUrlHosts: readonly string[];
}): VerifyApi {
  const send = async (
    method: 'POST' | 'DELETE',
    path: string,
    deadlineMs: number,
    correlator: string,
    body?: object,
  ): Promise<Answer> => {
    const url = `${deps.verifyHost}/v2/verify${path}`;
    const bearer = await deps.appToken();
    return deps.transport({ api: API, method, url, bearer, deadlineMs, correlator, ...(body && { body }) });
  };
  const at = (requestId: string) => `/${encodeURIComponent(requestId)}`;

  return {
    async start(start, correlator) {
      const answer = await send('POST', '', START_TIMEOUT_MS, correlator, asBody(start)).catch(
        (error: unknown) => {
          if (error instanceof Unanswered && error.answer) throw unlessStarted(error.answer, error);
          throw error;
        },
      );
      const started = answer.status === 202 ? VerifyStarted.safeParse(answer.json) : undefined;
      if (!started?.success) throw unlessStarted(answer, verifyRefusal(answer, 'start'));
      const { request_id: requestId, check_url: checkUrl } = started.data;
      const wantsLink = start.workflow[0]?.channel === 'silent_auth';
      if (!wantsLink || checkUrl === undefined || checkUrl === null) return { requestId };
      if (typeof checkUrl === 'string' && isAllowedLink(checkUrl, deps.authUrlHosts))
        return { requestId, checkUrl };
      const detail = 'Vonage named a link that may not be opened.';
      throw new Unusable(requestId, new LoginError('upstream_error', detail, {}, { api: API }));
    },
    async check(requestId, code, correlator) {
      const answer = await send('POST', at(requestId), START_TIMEOUT_MS, correlator, { code });
      if (answer.status !== 200) throw verifyRefusal(answer, 'check');
      if (VerifyChecked.safeParse(answer.json).data?.request_id !== requestId) throw refusal(API, answer);
    },
    async cancel(requestId, correlator) {
      const answer = await send('DELETE', at(requestId), NEXT_TIMEOUT_MS, correlator);
      if (answer.status !== 204) throw verifyRefusal(answer);
    },
    async next(requestId, correlator) {
      const answer = await send('POST', `${at(requestId)}/next_workflow`, NEXT_TIMEOUT_MS, correlator);
      if (answer.status !== 200) throw verifyRefusal(answer);
    },
  };
}

/**
 * The error for an answer to a start that is of no use: it may have started a request all the same.
 */
function unlessStarted({ status, body }: Pick<Answer, 'status' | 'body'>, error: LoginError): LoginError {
  const began = status >= 200 && status <= 299;
  const requestId = began ? findRequestId(body?.toString('latin1') ?? '') : undefined;
  return requestId === undefined ? error : new Unusable(requestId, error);
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
  };
}

const optionsOf = (step: WorkflowStep): object =>
  step.channel === 'silent_auth'
    ? { redirect_url: step.redirectUrl, coverage_check: step.coverageCheck }
    : {};
