import type { EngineName } from '../../../src/login/engines/engines.js';
import type { Who } from './moves.js';

/** Seconds in which what was begun, given or sent is good (DESIGN of the contract: five minutes). */
const LIFE = 300;

/** A login as it was begun: by which request is known from the link, the state and the challenge it was given. */
export interface Begun {
  number: string;
  client: 'app' | 'browser';
  /** The verifier of the challenge it was begun with. */
  verifier: string | undefined;
  by: Who;
  at: number;
  /** It was completed, cancelled or went on to another channel: the code of its link is not looked at any more. */
  over: boolean;
}

/** A code, brought to a session while that session's last login was `login`. */
interface Proof {
  code: string;
  login: Begun;
  answered: boolean;
  at: number;
  /** False when the code had been used up before this proof was sent. */
  fresh: boolean;
}

/** What one cookie stands for. A cookie that takes another one's place inherits what was done until then. */
export interface Session {
  cookie: string;
  /** Who was ever given this cookie. */
  knownTo: Set<Who>;
  /** The last login it began and did not cancel. */
  login: Begun | undefined;
  begun: readonly Begun[];
  proofs: readonly Proof[];
  /** It was logged out, or another cookie took its place. */
  ended: boolean;
}

/** A code that a device was given: at the end of which login, walked by which SIM. */
interface Given {
  code: string;
  login: Begun | undefined;
  sim: string | undefined;
  to: Who;
  spent: boolean;
}

interface Sent {
  to: string;
  code: string;
  at: number;
}

/** Where an address leads: to the end of which login, and whose SIM set out on it. */
interface Trail {
  login: Begun;
  sim?: string | undefined;
}

const OUR_STATE = /^[ab][\w-]{43}$/;

/**
 * Keeps its own books of what was begun, walked, given, sent and typed, and says from them alone who may be logged in.
 * It never asks the product: what the product says is what it judges.
 */
export function createOracle(engine: EngineName, numbers: Record<Who, string>, now: () => number) {
  const sessions = new Map<string, Session>();
  const trails = new Map<string, Trail>();
  const states = new Map<string, Begun>();
  const simOfCode = new Map<string, string | undefined>();
  const given: Given[] = [];
  let sent: readonly Sent[] = [];
  const found: string[] = [];
  const owner = (number: string) =>
    (Object.keys(numbers) as Who[]).find((who) => numbers[who] === number) ?? number;

  const follow = (url: string, trail: Trail | undefined): void => {
    if (trail !== undefined) trails.set(url, trail);
    const { searchParams: query } = new URL(url);
    const [state, code] = [query.get('state') ?? '', query.get('code')];
    if (trail !== undefined && OUR_STATE.test(state) && !states.has(state)) states.set(state, trail.login);
    if (code !== null && OUR_STATE.test(state) && !simOfCode.has(code)) simOfCode.set(code, trail?.sim);
  };
  /** What an address stands for. At our own callback, each of its two halves speaks for itself. */
  const meaningOf = (url: string): Partial<Trail> => {
    const { searchParams: query } = new URL(url);
    const state = query.get('state') ?? '';
    if (!OUR_STATE.test(state)) return trails.get(url) ?? {};
    return { login: states.get(state), sim: simOfCode.get(query.get('code') ?? '') } as Partial<Trail>;
  };

  /** Whether the code that was brought ends a login that this very session began, walked by the SIM of its number. */
  const wasWalked = (session: Session, proof: Proof): boolean => {
    const { code, login, at, fresh } = proof;
    const walked = given.find((each) => each.code === code);
    if (walked?.login === undefined || walked.sim !== login.number || !session.begun.includes(walked.login))
      return false;
    // With Verify a login may take up the request of the one before it in the same session, for the same number.
    const same = engine === 'verify' ? walked.login.number === login.number : walked.login === login;
    return same && fresh && at - walked.login.at <= LIFE * 1000;
  };
  const wasTyped = ({ code, login, at }: Proof): boolean =>
    sent.some((each) => each.to === login.number && each.code === code && at - each.at <= LIFE * 1000);
  const mayBe = (session: Session, number: string): boolean =>
    session.proofs.some(
      (proof) =>
        proof.login.number === number && proof.answered && (wasWalked(session, proof) || wasTyped(proof)),
    );
  /** A code of six digits may be guessed, once in a million times. */
  const guessed = ({ proofs }: Session, number: string): boolean =>
    proofs.some(({ code }) => sent.some((each) => each.to === number && each.code === code));

  return {
    /** Notes an answer to whoever sent `asked`. @returns the session he holds from now on */
    answered(who: Who, asked: Session | undefined, cookie: string | null | undefined): Session | undefined {
      if (cookie === undefined || cookie === asked?.cookie) return asked;
      const heir = asked?.ended ? undefined : asked;
      if (asked) asked.ended = true;
      if (cookie === null) return undefined;
      const { login, begun = [], proofs = [] } = heir ?? {};
      const session: Session = { cookie, knownTo: new Set([who]), login, begun, proofs, ended: false };
      sessions.set(cookie, session);
      return session;
    },
    begun(session: Session | undefined, login: Begun, link: string | null): void {
      if (session) Object.assign(session, { login, begun: [...session.begun, login] });
      if (link !== null) follow(link, { login });
    },
    /** A device with this SIM was sent on from one address to the next. The SIM that sets out is the one that counts. */
    led(from: string, to: string, sim: string): void {
      const { login, sim: before } = meaningOf(from);
      follow(to, login && { login, sim: before ?? sim });
    },
    meaningOf,
    /** A device was given a code at this address. */
    gave(to: Who, url: string, code: string, at: { isBrowser: boolean; login: Begun | undefined }): void {
      const { login, sim } = meaningOf(url);
      given.push({ code, login, sim, to, spent: false });
      if (engine === 'verify') return;
      if (login?.client === 'app' && at.isBrowser) found.push('a link of an app gave a browser a code');
      if (login?.client === 'browser' && at.login !== login)
        found.push('a link of a browser gave a code to one that did not begin it');
    },
    /** A code is brought to a session. @returns to be called with the answer once all that happens at once is over */
    proved(
      session: Session | undefined,
      code: string,
      verifier: string | undefined,
    ): (status: number) => void {
      const which = given.find((each) => each.code === code);
      if (session?.login === undefined) return () => undefined;
      const { login } = session;
      const proof: Proof = {
        code,
        login,
        answered: login.verifier === verifier,
        at: now(),
        fresh: which?.spent !== true,
      };
      session.proofs = [...session.proofs, proof];
      return (status) => {
        // A session that has no login of its own under way looks at no code, and one that is idle for long is none.
        const looked = !login.over && !session.ended && now() - login.at < LIFE * 1000;
        if (which && (status === 200 || (status === 400 && looked && engine !== 'verify')))
          which.spent = true;
      };
    },
    isForeign: (session: Session | undefined, code: string): boolean => {
      const which = given.find((each) => each.code === code);
      return which?.login !== undefined && !session?.begun.includes(which.login);
    },
    sent(messages: readonly Sent[]): void {
      sent = messages;
    },
    /** The cookies that somebody holds or may bring back; those that honest people left behind as well, in the end. */
    inPlay: (held: readonly (Session | undefined)[], end: boolean): Session[] =>
      [...sessions.values()].filter((each) => end || held.includes(each) || each.knownTo.has('eve')),
    /** Judges who the product says is logged in. */
    judge(session: Session, number: string): void {
      if (session.ended) found.push(`a session that ended is authenticated as ${owner(number)}`);
      if (!mayBe(session, number))
        found.push(`a session is authenticated as ${owner(number)}, who did not prove it there`);
      if (session.knownTo.has('eve') && number !== numbers.eve && !guessed(session, number))
        found.push(`the attacker holds a session that is authenticated as ${owner(number)}`);
    },
    /** Judges what the attacker was told: nothing that was given to somebody else alone. */
    overheard(text: string): void {
      const cookies = [...sessions.values()].filter(({ knownTo }) => !knownTo.has('eve'));
      const codes = [
        ...given.filter(({ to }) => to !== 'eve'),
        ...sent.filter(({ to }) => to !== numbers.eve),
      ];
      for (const secret of [...codes.map(({ code }) => code), ...cookies.map(({ cookie }) => cookie)]) {
        if (stands(text, secret)) found.push("the attacker was told somebody else's code or cookie");
      }
    },
    /** What was found wrong so far. */
    breaks: (): readonly string[] => found,
  };
}

/** Whether a secret stands in a text by itself: six digits are found by chance within many a longer word. */
const stands = (text: string, secret: string): boolean => {
  for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1)) {
    const [before, after] = [text[at - 1] ?? '', text[at + secret.length] ?? ''];
    if (!/[\w-]/.test(before) && !/[\w-]/.test(after)) return true;
  }
  return false;
};
