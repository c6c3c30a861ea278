import { LoginError, SetupError, type UpstreamTrace } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { World } from '../core/world.js';
import { createNaming } from '../store/seal.js';

/** The steps of a login, by route. */
const STEPS = {
  'POST /login': 'begin',
  'GET /callback': 'callback',
  'POST /verify': 'verify',
  'POST /login/next': 'next',
  'DELETE /login': 'cancel',
  'POST /logout': 'logout',
  'DELETE /sessions': 'revoke',
  // These are logged only if they are refused.
  'DELETE /sessions/:id': 'revoke',
  'GET /sessions': 'list',
  'POST /session/assertion': 'assertion',
  // On the port for operators.
  'POST /sessions/list': 'list',
  'POST /sessions/revoke': 'revoke',
  'POST /webhooks/verify': 'webhook',
} as const;

const READINESS = /^(?:GET|HEAD) \/readyz$/;

export type Step = (typeof STEPS)[keyof typeof STEPS];

/** The fields of a log line. None holds a number, a code or prose from upstream. */
export interface LogFields {
  login_id?: string | undefined;
  /** A pseudonym. */
  number?: string;
  client?: string;
  channel?: string | null | undefined;
  /** What a webhook says. */
  news?: string;
  /** The mobile network that a message was blocked for (MCC and MNC). */
  network?: string | undefined;
  outcome?: string;
  reason?: string | undefined;
  /** How many sessions ended. */
  ended?: number;
  /** Who ended sessions. */
  by?: 'user' | 'operator';
  /** The limit that was reached. */
  limit?: string;
  upstream?: UpstreamTrace | undefined;
  sim_swap?: 'swapped' | 'unswapped' | 'unknown';
  /** A login of `silent-auth doctor`, which the metrics of logins leave out. */
  probe?: true | undefined;
}

export type Annotate = (fields: LogFields) => void;

export interface StepStart {
  step: Step;
  requestId: string;
  /** The login, if it is known from the start. */
  login?: { id: string; phoneNumber: PhoneNumber; client: string; isProbe?: boolean } | undefined;
  /** The number, if the step belongs to no login. */
  phoneNumber?: PhoneNumber;
  /** The level of the line if the step succeeds; `info` by default. */
  level?: 'info' | 'debug';
}

export type Journal = ReturnType<typeof createJournal>;

/**
 * Writes each step of a login into the log, the metrics and the traces.
 * @param secret SESSION_SECRET, from which the pseudonyms of numbers are derived
 */
export function createJournal({ log, meter, span }: Pick<World, 'log' | 'meter' | 'span'>, secret: string) {
  const pseudonym = createPseudonym(secret);
  const written = new WeakSet<object>();

  const write = (
    { step, requestId, level = 'info' }: Pick<StepStart, 'step' | 'requestId' | 'level'>,
    fields: LogFields,
    { ms, error }: { ms: number; error: LoginError | undefined },
  ): void => {
    const { outcome = 'ok', ...more } = fields;
    const line = { request_id: requestId, step, outcome, ...more, ms: Math.round(ms) };
    if (error !== undefined && error.status >= 500) log.error({ ...line, ...causeOf(error) }, 'login step');
    else if (error === undefined && hasFailed(more)) log.warn(line, 'login step');
    else log[error === undefined ? level : 'info'](line, 'login step');
    meter.step({ step, outcome, reason: more.reason ?? '', status: error?.status ?? 200, ms });
    if (fields.probe) return;
    if (step === 'begin' && error === undefined) meter.began();
    const end = endOfChannel(step, fields);
    if (end !== undefined) meter.ended(end.channel, end.outcome, end.reason);
  };

  return {
    /**
     * Runs a step of a login, and writes one line at its end: its outcome and its duration.
     * @param work is given a function that adds fields to the line
     */
    step: <T>(start: StepStart, work: (annotate: Annotate) => Promise<T>): Promise<T> =>
      span(`login ${start.step}`, 'internal', async (annotateSpan) => {
        const startedAt = performance.now();
        let fields: LogFields = start.login === undefined ? {} : fieldsOf(start.login, pseudonym);
        if (start.phoneNumber !== undefined) fields.number = pseudonym(start.phoneNumber);
        let error: LoginError | undefined;
        try {
          return await work((more) => (fields = { ...fields, ...more }));
        } catch (thrown) {
          error = asLoginError(thrown);
          fields = { ...fields, ...errorFields(error) };
          if (thrown instanceof Error) written.add(thrown);
          throw thrown;
        } finally {
          write(start, fields, { ms: performance.now() - startedAt, error });
          annotateSpan(attributesOf(fields, error));
        }
      }),

    /**
     * Writes the line of a request that ended in an error, unless its step has.
     * @param request `route`: such as `POST /login`
     */
    failed: (error: LoginError, { id, route, ms }: { id: string; route: string; ms: number }): void => {
      if ([error, error.cause].some((each) => each instanceof Error && written.has(each))) return;
      const known = route.replace(/^DELETE \/sessions\/.*/, 'DELETE /sessions/:id');
      const step = (STEPS as Partial<Record<string, Step>>)[known];
      if (step !== undefined) write({ step, requestId: id }, errorFields(error), { ms, error });
      else if (error.status >= 500) {
        // Probes ask twice a second, and the store reports once why it is not ready.
        const level = error.code === 'unavailable' && READINESS.test(route) ? 'debug' : 'error';
        log[level]({ request_id: id, error: error.code, ...causeOf(error) }, 'request failed');
      }
    },
  };
}

/** Names a number in logs: always the same name, which cannot be reversed without the secret. */
export function createPseudonym(secret: string): (number: PhoneNumber) => string {
  const name = createNaming(secret, 'pseudonym');
  return (number) => name(number).slice(0, 16);
}

const fieldsOf = (
  { id, phoneNumber, client, isProbe }: NonNullable<StepStart['login']>,
  pseudonym: (number: PhoneNumber) => string,
): LogFields => ({ login_id: id, number: pseudonym(phoneNumber), client, ...(isProbe && { probe: true }) });

/** Whether an upstream failed in a step that succeeded. A refusal of one number is no failure. */
const hasFailed = ({ upstream, reason }: LogFields): boolean =>
  upstream !== undefined && reason !== 'number_not_supported';

/** How a channel of a login ended. */
interface EndOfChannel {
  channel: string;
  outcome: 'completed' | 'failed';
  reason: string;
}

/** Outcomes of `POST /verify` after which this channel cannot succeed any more. */
export const FINAL_OUTCOMES = [
  'number_mismatch',
  'silent_auth_failed',
  'too_many_attempts',
  'login_refused',
  'step_up_required',
  'internal_error',
];

/**
 * How the step ended its channel, if it did. A link that was never opened and a message that was
 * never answered have no end.
 */
function endOfChannel(
  step: Step,
  { channel, outcome = 'ok', reason, upstream }: LogFields,
): EndOfChannel | undefined {
  const failed = (failedChannel: string): EndOfChannel => ({
    channel: failedChannel,
    outcome: 'failed',
    reason: reason ?? outcome,
  });
  if (step === 'begin') return outcome === 'silent_auth_unavailable' ? failed('silent_auth') : undefined;
  if (outcome === 'ok')
    return step === 'verify' && channel ? { channel, outcome: 'completed', reason: '' } : undefined;
  // The state is spent, so the link cannot be used again.
  if (step === 'callback') return channel ? failed(channel) : undefined;
  if (step !== 'verify' || !channel) return undefined;
  // Vonage compares a silent code once, whatever it answers.
  const isSpent = channel === 'silent_auth' && upstream !== undefined;
  return isSpent || FINAL_OUTCOMES.includes(outcome) ? failed(channel) : undefined;
}

const asLoginError = (thrown: unknown): LoginError =>
  thrown instanceof LoginError ? thrown : new LoginError('internal_error', '', { cause: thrown });

const errorFields = (error: LoginError): LogFields => ({
  outcome: error.code,
  ...(error.fields.reason && { reason: error.fields.reason }),
  ...('limit' in error && { limit: String(error.limit) }),
  ...(error.upstream && { upstream: error.upstream }),
});

/**
 * The cause of a server error. Messages of errors may hold anything, so they stay out of the log.
 */
function causeOf(error: LoginError): object {
  const cause = error.cause instanceof Error ? error.cause : undefined;
  const stack =
    error.code === 'internal_error' ? /^ {4}at [^]*$/m.exec(String(cause?.stack))?.[0] : undefined;
  const why = cause instanceof SetupError ? cause.message : undefined;
  return { ...(cause && { cause: cause.name }), ...(why && { why }), ...(stack && { stack }) };
}

const attributesOf = ({ login_id, channel, outcome = 'ok', reason }: LogFields, error?: LoginError) => ({
  'login.id': login_id,
  'login.channel': channel ?? undefined,
  'login.outcome': outcome,
  'login.reason': reason,
  ...(error && error.status >= 500 && { 'error.type': error.code }),
});
