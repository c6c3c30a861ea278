import type { SimSwap } from '../config/limits.js';
import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { World } from '../core/world.js';
import { changeLogin, lock, type Channel, type Client, type Login, type LoginSession } from './login.js';

/** How long a hook may take: the user is waiting. */
const HOOK_TIMEOUT_SECONDS = 2;

/** The client of a request, as a hook sees it. */
export interface Visitor {
  /** The address of the client, as this server sees it. */
  ip?: string;
  /** By lower-case name, without cookies and credentials. */
  headers: Readonly<Record<string, string>>;
}

/** A login that is about to begin. */
export interface WantedLogin extends Visitor {
  loginId: string;
  phoneNumber: PhoneNumber;
  client: Client;
  requestId: string;
}

/** A login whose number was just proved by `channel`. */
export interface ProvenLogin {
  loginId: string;
  phoneNumber: PhoneNumber;
  channel: Channel;
  /** All channels that proved the number in this login, `channel` last: two after a step-up. */
  channels: readonly Channel[];
  /** Whether the SIM of the number changed lately, with `SIM_SWAP_HOURS`. */
  simSwap?: SimSwap;
  requestId: string;
}

/** Why a login was refused: by a hook or for its SIM, by the operator, or for wrong codes. */
export type Refusal = 'login_refused' | 'number_mismatch' | 'too_many_attempts';

interface AnyEvent {
  phoneNumber: PhoneNumber;
  /** Milliseconds since the epoch. */
  at: number;
  requestId: string;
}

/** What `onEvent` gets. */
export type AuthEvent = AnyEvent &
  (
    | {
        type: 'login';
        loginId: string;
        /** The id of the session in `GET /sessions`. */
        sessionId: string;
        /** All channels that proved the number in this login, in order. */
        channels: readonly Channel[];
        /** Whether a logged-in user proved the number again. */
        reauthenticated: boolean;
      }
    | { type: 'login_refused'; loginId: string; reason: Refusal }
    | {
        type: 'session_revoked';
        sessionIds: readonly string[];
        /** `limit`: the oldest sessions beyond `MAX_SESSIONS`. */
        by: 'user' | 'operator' | 'limit';
      }
  );

/** An event without its time. */
type WithoutTime<Event> = Event extends AuthEvent ? Omit<Event, 'at'> : never;
export type Notify = (event: WithoutTime<AuthEvent>) => void;

/** The answers of each hook. An answer of `undefined` is the first one. */
const ANSWERS = {
  beforeLogin: ['allow', 'refuse'],
  beforeSession: ['allow', 'refuse', 'stepUp'],
} as const;

type HookName = keyof typeof ANSWERS;
type Answer<Name extends HookName> = (typeof ANSWERS)[Name][number];

/**
 * An object with exactly one of these fields, whose value is `true`. The type is `boolean`, which
 * TypeScript infers for the `true` of an object in a variable.
 */
type OneOf<Words extends string> = {
  [Word in Words]: Record<Word, boolean> & Partial<Record<Exclude<Words, Word>, never>>;
}[Words];

/** Nothing, or `{ allow: true }`: the login begins. `{ refuse: true }`: it is refused. */
// oxlint-disable-next-line typescript/no-invalid-void-type -- a hook without a `return`
export type BeforeLoginAnswer = OneOf<Answer<'beforeLogin'>> | undefined | void;

/** As {@link BeforeLoginAnswer}; `{ stepUp: true }` requires a code as well. */
// oxlint-disable-next-line typescript/no-invalid-void-type -- a hook without a `return`
export type BeforeSessionAnswer = OneOf<Answer<'beforeSession'>> | undefined | void;

/** The hooks (docs/hooks.md), asynchronous or not. Their arguments are frozen. */
export interface Hooks {
  beforeLogin?: (login: Readonly<WantedLogin>) => BeforeLoginAnswer | Promise<BeforeLoginAnswer>;
  beforeSession?: (login: Readonly<ProvenLogin>) => BeforeSessionAnswer | Promise<BeforeSessionAnswer>;
  /** Its result is ignored, and no request waits for it. */
  onEvent?: (event: Readonly<AuthEvent>) => unknown;
}

interface Failure {
  failed: 'it threw' | 'it took too long' | 'its answer is unknown' | 'its answer cannot be read';
  cause?: unknown;
}

export type Rules = ReturnType<typeof createRules>;

/**
 * The hooks, as the steps of a login call them. A hook that throws, gives another answer or takes
 * too long is an error, and the login does not go on.
 */
export function createRules(hooks: Hooks, world: Pick<World, 'log' | 'later' | 'now'>) {
  const { log, later } = world;
  const notify = createNotify(hooks, world);
  const ask = async <Name extends HookName, About extends WantedLogin | ProvenLogin>(
    name: Name,
    hook: (about: About) => unknown,
    about: About,
  ): Promise<Answer<Name>> => {
    const outcome = await Promise.race([
      Promise.resolve(Object.freeze(about))
        .then(hook)
        .then(
          (answer) => read(name, answer),
          (cause: unknown): Failure => ({ failed: 'it threw', cause }),
        ),
      new Promise<Failure>((resolve) =>
        later(HOOK_TIMEOUT_SECONDS, () => resolve({ failed: 'it took too long' })),
      ),
    ]);
    const line = { request_id: about.requestId, login_id: about.loginId, hook: name };
    if (typeof outcome === 'object') {
      log.error({ ...line, why: outcome.failed, ...traceOf(outcome.cause) }, 'a hook failed');
      throw new LoginError('unavailable', 'A hook of this server failed. Try again.');
    }
    if (outcome !== 'allow') log.info({ ...line, answer: outcome }, 'a hook stepped in');
    return outcome;
  };
  const { beforeLogin, beforeSession } = hooks;

  return {
    /** @throws LoginError `login_refused`; `unavailable` where the hook failed */
    beforeLogin:
      beforeLogin &&
      (async (login: WantedLogin): Promise<void> => {
        if ((await ask('beforeLogin', beforeLogin, login)) !== 'refuse') return;
        const { phoneNumber, loginId, requestId } = login;
        notify?.({ type: 'login_refused', reason: 'login_refused', phoneNumber, loginId, requestId });
        throw loginRefused();
      }),
    /** @throws LoginError `unavailable` where the hook failed */
    beforeSession: beforeSession && ((login: ProvenLogin) => ask('beforeSession', beforeSession, login)),
    notify,
  };
}

/** Calls the hook `onEvent`, if there is one. Its failure is logged. */
export function createNotify(
  { onEvent }: Hooks,
  { log, now }: Pick<World, 'log' | 'now'>,
): Notify | undefined {
  if (onEvent === undefined) return undefined;
  return (event) => {
    const withTime = Object.freeze({ ...event, at: now() }) as AuthEvent;
    void Promise.resolve(withTime)
      .then(onEvent)
      .catch((cause: unknown) => {
        const line = { request_id: event.requestId, event: event.type, hook: 'onEvent' };
        log.error({ ...line, why: 'it threw', ...traceOf(cause) }, 'a hook failed');
      });
  };
}

/** Ends a login that a rule refuses. @throws LoginError `login_refused` */
export async function refuseLogin(login: Login, session: LoginSession): Promise<never> {
  await changeLogin(session, login, lock);
  throw loginRefused();
}

/** The answer gives no reason, which would say what to change. */
const loginRefused = (): LoginError => new LoginError('login_refused', 'This login is not allowed.');

/** Reads the answer of a hook. Its getters and proxies may throw. */
function read<Name extends HookName>(name: Name, answer: unknown): Answer<Name> | Failure {
  if (answer === undefined) return 'allow';
  try {
    const [[word, value] = [], ...more] = Object.entries(answer ?? {});
    const known = ANSWERS[name].find((each) => each === word);
    return known !== undefined && value === true && more.length === 0
      ? known
      : { failed: 'its answer is unknown' };
  } catch (cause) {
    return { failed: 'its answer cannot be read', cause };
  }
}

/** Where the hook threw. The message is left out, since it may hold a number. */
function traceOf(cause: unknown): object {
  try {
    if (!(cause instanceof Error)) return {};
    // A hook may throw an error whose fields are anything.
    const { name, stack }: { name: unknown; stack?: unknown } = cause;
    return { cause: String(name), at: /^ {4}at (.*)$/m.exec(String(stack))?.[1] };
  } catch {
    return {};
  }
}
