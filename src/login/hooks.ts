import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { World } from '../core/world.js';
import type { Channel, Client } from './login.js';

/** Seconds a hook has to answer in: somebody is waiting in front of a screen. */
const PATIENCE = 2;

/** What a hook may know of who sent a request. */
export interface Visitor {
  /** The address the request came from, as this server sees it. */
  ip?: string;
  /** Names in lower case. Neither cookies nor credentials are among them. */
  headers: Readonly<Record<string, string>>;
}

/** A login that somebody wants to begin. */
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
  /** Every channel that proved the number in this login, `channel` last. Two after a step-up. */
  channels: readonly Channel[];
  requestId: string;
}

/** The answers there are, by the field that says `true`; no answer at all is the first. */
const ANSWERS = {
  beforeLogin: ['allow', 'refuse'],
  beforeSession: ['allow', 'refuse', 'stepUp'],
} as const;

type HookName = keyof typeof ANSWERS;
type Answer<Name extends HookName> = (typeof ANSWERS)[Name][number];

/**
 * An object of exactly one of these fields. Its value is `true`; the type says `boolean`, as which
 * TypeScript infers the `true` of an object that stands by itself.
 */
type OneOf<Words extends string> = {
  [Word in Words]: Record<Word, boolean> & Partial<Record<Exclude<Words, Word>, never>>;
}[Words];

/** Nothing, or `{ allow: true }`: the login begins. `{ refuse: true }`: it does not. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a hook without a `return`
export type BeforeLoginAnswer = OneOf<Answer<'beforeLogin'>> | undefined | void;

/** The same of a session; `{ stepUp: true }` wants a code as well. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a hook without a `return`
export type BeforeSessionAnswer = OneOf<Answer<'beforeSession'>> | undefined | void;

/**
 * An operator's own rules (docs/hooks.md), asynchronous or not. What they answer is read, never
 * trusted, and what they are given is frozen.
 */
export interface Hooks {
  beforeLogin?: (login: Readonly<WantedLogin>) => BeforeLoginAnswer | Promise<BeforeLoginAnswer>;
  beforeSession?: (login: Readonly<ProvenLogin>) => BeforeSessionAnswer | Promise<BeforeSessionAnswer>;
}

interface Failure {
  failed: 'it threw' | 'it took too long' | 'its answer is none' | 'its answer cannot be read';
  cause?: unknown;
}

/** The hooks as the story asks them. */
export interface Rules {
  /** @throws LoginError `login_refused`; `unavailable` where the hook failed */
  beforeLogin?: ((login: WantedLogin) => Promise<void>) | undefined;
  /** Absent where there is no such hook. @throws LoginError `unavailable` where it failed */
  beforeSession: ((login: ProvenLogin) => Promise<Answer<'beforeSession'>>) | undefined;
}

/** A hook that throws, answers anything else or takes longer than two seconds lets nobody through. */
export function createRules(hooks: Hooks, { log, later }: Pick<World, 'log' | 'later'>): Rules {
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
      new Promise<Failure>((resolve) => later(PATIENCE, () => resolve({ failed: 'it took too long' }))),
    ]);
    const line = { request_id: about.requestId, login_id: about.loginId, hook: name };
    if (typeof outcome === 'object') {
      log.error({ ...line, why: outcome.failed, ...traceOf(outcome.cause) }, 'a hook failed');
      throw new LoginError('unavailable', 'The login cannot be judged at the moment.');
    }
    if (outcome !== 'allow') log.info({ ...line, answer: outcome }, 'a hook stepped in');
    return outcome;
  };
  const { beforeLogin, beforeSession } = hooks;

  return {
    beforeLogin:
      beforeLogin &&
      (async (login) => {
        if ((await ask('beforeLogin', beforeLogin, login)) === 'refuse') throw loginRefused();
      }),
    beforeSession: beforeSession && ((login) => ask('beforeSession', beforeSession, login)),
  };
}

/** No reason goes out: it would tell whoever is refused what to change. */
export const loginRefused = (): LoginError => new LoginError('login_refused', 'This login is not allowed.');

/** Reads what a hook answered. Getters and proxies run code of the hook, which may throw. */
function read<Name extends HookName>(name: Name, answer: unknown): Answer<Name> | Failure {
  if (answer === undefined) return 'allow';
  try {
    const [[word, value] = [], ...more] = Object.entries(answer ?? {});
    const known = ANSWERS[name].find((each) => each === word);
    return known !== undefined && value === true && more.length === 0
      ? known
      : { failed: 'its answer is none' };
  } catch (cause) {
    return { failed: 'its answer cannot be read', cause };
  }
}

/**
 * Where it threw, without the message, which may have a number in it. Nothing, if the error itself
 * cannot be read.
 */
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
