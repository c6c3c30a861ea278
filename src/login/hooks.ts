import { LoginError } from '../errors.js';
import type { PhoneNumber } from '../phone.js';
import type { World } from '../world.js';
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
  requestId: string;
}

/** An operator's own rules (docs/hooks.md). What they answer is read, never trusted, and what they are given is frozen. */
export interface Hooks {
  beforeLogin?: (login: Readonly<WantedLogin>) => unknown;
  beforeSession?: (login: Readonly<ProvenLogin>) => unknown;
}

/** The answers there are, each an object of this one field with `true` in it; no answer at all is the first. */
const ANSWERS = {
  beforeLogin: ['allow', 'refuse'],
  beforeSession: ['allow', 'refuse', 'stepUp'],
} as const satisfies Record<keyof Hooks, readonly string[]>;

type Answer<Name extends keyof Hooks> = (typeof ANSWERS)[Name][number];

interface Failure {
  failed: 'it threw' | 'it took too long' | 'its answer is none';
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
  const ask = async <Name extends keyof Hooks, About extends WantedLogin | ProvenLogin>(
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

function read<Name extends keyof Hooks>(name: Name, answer: unknown): Answer<Name> | Failure {
  if (answer === undefined) return 'allow';
  const [[word, value] = [], ...more] = Object.entries(answer ?? {});
  const known = ANSWERS[name].find((each) => each === word);
  return known !== undefined && value === true && more.length === 0
    ? known
    : { failed: 'its answer is none' };
}

/** Where it threw, without the message: that one may have a number in it. */
function traceOf(cause: unknown): object {
  if (!(cause instanceof Error)) return {};
  return { cause: cause.name, at: /^ {4}at (.*)$/m.exec(String(cause.stack))?.[1] };
}
