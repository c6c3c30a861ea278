import { createHmac } from 'node:crypto';
import type { PhoneNumber } from '../core/phone-number.js';
import { deriveKey } from '../store/seal.js';
import { LoginError, SetupError, type UpstreamTrace } from '../core/errors.js';
import type { World } from '../core/world.js';

/** How a way that a login took, silence or a message, came to its end. */
export interface EndOfWay {
  channel: string;
  outcome: 'completed' | 'failed';
  reason: string;
}

/** What `/verify` can come to that is the last word on a way. After anything else the same code, or another, can be tried. */
export const LAST_WORDS = [
  'number_mismatch',
  'silent_auth_failed',
  'too_many_attempts',
  'login_refused',
  'step_up_required',
  'internal_error',
];

/**
 * The end that a step was for the way it belongs to, if it was one. A link that nobody came back from, and a message that
 * nobody answered, have none: they are those that began and did not end.
 */
function endOfWay(step: Step, { channel, outcome = 'ok', reason, upstream }: Told): EndOfWay | undefined {
  const failed = (way: string, why = reason ?? outcome): EndOfWay => ({
    channel: way,
    outcome: 'failed',
    reason: why,
  });
  if (step === 'begin') return outcome === 'silent_auth_unavailable' ? failed('silent_auth') : undefined;
  if (outcome === 'ok')
    return step === 'verify' && channel ? { channel, outcome: 'completed', reason: '' } : undefined;
  // A state was taken, so nobody can come back with it again.
  if (step === 'callback') return channel ? failed(channel) : undefined;
  if (step !== 'verify' || !channel) return undefined;
  // Vonage is asked once about what a device brought, whatever it answers.
  const isSpent = channel === 'silent_auth' && upstream !== undefined;
  return isSpent || LAST_WORDS.includes(outcome) ? failed(channel) : undefined;
}

/** Names a number in logs: the same number gives the same name, and nobody without the secret can turn it back. */
export function createPseudonym(secret: string): (number: PhoneNumber) => string {
  const key = deriveKey(secret, 'pseudonym');
  return (number) => createHmac('sha256', key).update(number).digest('base64url').slice(0, 16);
}

/** The steps of a login, by the route that takes each. */
const STEPS = {
  'POST /login': 'begin',
  'GET /callback': 'callback',
  'POST /verify': 'verify',
  'POST /login/next': 'next',
  'DELETE /login': 'cancel',
  'POST /logout': 'logout',
  'POST /webhooks/verify': 'webhook',
} as const;

export type Step = (typeof STEPS)[keyof typeof STEPS];

/** What a line may say of a step. Neither number nor code nor anything upstream said in prose is among it. */
export interface Told {
  login_id?: string | undefined;
  /** A pseudonym. */
  number?: string;
  client?: string;
  channel?: string | null | undefined;
  /** What a webhook told. */
  news?: string;
  /** Where a message was blocked: the mobile network, by MCC and MNC. */
  network?: string | undefined;
  outcome?: string;
  reason?: string | undefined;
  /** The limit that refused. */
  limit?: string;
  upstream?: UpstreamTrace | undefined;
}

export type Tell = (more: Told) => void;

export interface Journal {
  /**
   * Does a step of a login, and writes one line when it is over: what came of it, and how long it took.
   * @param known what is known of it before; `tell` adds what turns out
   */
  step<T>(step: Step, requestId: string, known: Told, work: (tell: Tell) => Promise<T>): Promise<T>;
  /** Writes the line of a request that was answered with an error, unless its step has. @param route `POST /login` */
  failed: (error: LoginError, request: { id: string; route: string; ms: number }) => void;
}

/** Writes each step of a login into the log, and tells whoever counts and traces. */
export function createJournal({ log, meter, span }: Pick<World, 'log' | 'meter' | 'span'>): Journal {
  const written = new WeakSet<object>();

  const write = (step: Step, requestId: string, told: Told, ms: number, error?: LoginError): void => {
    const { outcome = 'ok', ...more } = told;
    const line = { request_id: requestId, step, outcome, ...more, ms: Math.round(ms) };
    if (error !== undefined && error.status >= 500) log.error({ ...line, ...causeOf(error) }, 'login step');
    else if (more.upstream !== undefined && error === undefined) log.warn(line, 'login step');
    else log.info(line, 'login step');
    meter.step(step, outcome, more.reason ?? '', error?.status ?? 200, ms);
    if (step === 'begin' && error === undefined) meter.began();
    const end = endOfWay(step, told);
    if (end !== undefined) meter.ended(end.channel, end.outcome, end.reason);
  };

  return {
    step: (step, requestId, known, work) =>
      span(`login ${step}`, 'internal', async (trace) => {
        const startedAt = performance.now();
        let told = known;
        let error: LoginError | undefined;
        try {
          return await work((more) => (told = { ...told, ...more }));
        } catch (thrown) {
          error = asLoginError(thrown);
          told = { ...told, ...failure(error) };
          if (thrown instanceof Error) written.add(thrown);
          throw thrown;
        } finally {
          write(step, requestId, told, performance.now() - startedAt, error);
          trace(attributesOf(told, error));
        }
      }),
    failed(error, { id, route, ms }) {
      if ([error, error.cause].some((each) => each instanceof Error && written.has(each))) return;
      const step = (STEPS as Partial<Record<string, Step>>)[route];
      if (step !== undefined) write(step, id, failure(error), ms, error);
      else if (error.status >= 500)
        log.error({ request_id: id, error: error.code, ...causeOf(error) }, 'request failed');
    },
  };
}

const asLoginError = (thrown: unknown): LoginError =>
  thrown instanceof LoginError ? thrown : new LoginError('internal_error', '', {}, undefined, thrown);

const failure = (error: LoginError): Told => ({
  outcome: error.code,
  ...(error.fields.reason && { reason: error.fields.reason }),
  ...('limit' in error && { limit: String(error.limit) }),
  ...(error.upstream && { upstream: error.upstream }),
});

/** Why it failed through no fault of the one who asked. Messages of errors may hold anything, and stay out. */
function causeOf(error: LoginError): object {
  const cause = error.cause instanceof Error ? error.cause : undefined;
  const stack =
    error.code === 'internal_error' ? /^ {4}at [^]*$/m.exec(String(cause?.stack))?.[0] : undefined;
  const why = cause instanceof SetupError ? cause.message : undefined;
  return { ...(cause && { cause: cause.name }), ...(why && { why }), ...(stack && { stack }) };
}

const attributesOf = ({ login_id, channel, outcome = 'ok', reason }: Told, error?: LoginError) => ({
  'login.id': login_id,
  'login.channel': channel ?? undefined,
  'login.outcome': outcome,
  'login.reason': reason,
  ...(error && error.status >= 500 && { 'error.type': error.code }),
});
