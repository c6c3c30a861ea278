import type { EngineName } from '../../../src/config/login.js';
import type { Who } from './moves.js';
import type { Sent, Verification } from './upstream.js';

/**
 * Seconds in which what was begun, given or sent is good (DESIGN of the contract: five minutes).
 */
const LIFE_SECONDS = 300;

/** Codes that are checked at Vonage for one verification: one of a device, three that are typed. */
const MOST_CHECKS = { device: 1, typed: 3 };

type Channel = 'silent_auth' | 'sms' | 'voice';

/**
 * A login as it was begun: by which request is known from the link, the state and the challenge
 * it was given.
 */
export interface Begun {
  id: string;
  number: string;
  client: 'app' | 'browser';
  /** The verifier of the challenge it was begun with. */
  verifier: string | undefined;
  by: Who;
  at: number;
  /** It went on to a message: its link has closed. */
  movedOn: boolean;
  /** The SIM was confirmed, which was not enough. */
  steppedUp?: boolean;
  /** When `DELETE /login` was answered, in the order of the game. */
  givenUp?: number;
}

/** What all cookies that ever stood for it stand for. */
export interface Session {
  /** Every login that was begun in it. */
  begun: readonly Begun[];
  /**
   * Those that a code can still prove: the last one; two where a race does not show which was the
   * last.
   */
  open: readonly Begun[];
  /** What its user proved. Another user takes the place of the one before. */
  proofs: readonly { number: string; channel: Channel }[];
  /** A logout with one of its cookies was answered. */
  ended: boolean;
  /** A number whose code the attacker guessed: six digits, once in a million times. */
  guessed?: string;
}

export interface Cookie {
  value: string;
  session: Session;
  /** Everybody who was ever given it. */
  knownTo: Set<Who>;
  /** Another cookie took its place. */
  outdated: boolean;
  /** Whose number was logged in when the attacker copied it, or one that it took the place of. */
  copiedFrom?: string | undefined;
  /** Whose number it was found to be authenticated as. */
  user?: string | undefined;
  /** The login that was begun with it. */
  began?: Begun;
}

/** A code that a device was given: at the end of which login, walked by which SIM. */
interface Given {
  code: string;
  login: Begun | undefined;
  verification: Verification | undefined;
  sim: string | undefined;
  to: Who;
  /** It was used, or shown to a session that it does not belong to. */
  spent: boolean;
}

/** A code that is brought to a session. */
interface Shown {
  who: Who;
  code: string;
  verifier: string | undefined;
}

/** The answer of a `POST /verify`. */
export interface Verified {
  status: number;
  verified: boolean;
  steppedUp: boolean;
  channel: unknown;
  /** When Vonage's last word on it was spoken, in the order of the game. */
  word: number | undefined;
}

/** Where an address leads: to the end of which login, and whose SIM set out on it. */
interface Trail {
  login: Begun;
  sim?: string | undefined;
}

interface Deps {
  engine: EngineName;
  /** Whether a hook wants a code on top of the SIM. */
  stepUp: boolean;
  numbers: Record<Who, string>;
  now: () => number;
  verifications: ReadonlyMap<string, Verification>;
}

const OUR_STATE = /^[ab][\w-]{43}$/;

const isDead = ({ outdated, session }: Cookie): boolean => outdated || session.ended;

const newSession = (first?: Begun): Session => {
  const begun = first ? [first] : [];
  return { begun, open: begun, proofs: [], ended: false };
};

/**
 * Keeps its own books of what was begun, walked, given, sent and typed, and says from them alone
 * who may be logged in. It never asks the product: what the product says is what it judges.
 */
export function createOracle({ engine, stepUp, numbers, now, verifications }: Deps) {
  const cookies = new Map<string, Cookie>();
  /** In this move: each cookie that was given in place of another. */
  const replaced: { old: Cookie; by: Cookie }[] = [];
  const trails = new Map<string, Trail>();
  const states = new Map<string, Begun>();
  const simOfCode = new Map<string, string | undefined>();
  const given: Given[] = [];
  const used = new Set<string>();
  let sent: readonly Sent[] = [];
  const found: string[] = [];
  const owner = (number: string) =>
    (Object.keys(numbers) as Who[]).find((who) => numbers[who] === number) ?? number;
  const isYoung = (since: number): boolean => now() - since <= LIFE_SECONDS * 1000;

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

  /** Whether the code of a device ends this login, walked by the SIM of its number. */
  const isWalked = (login: Begun, code: string): boolean => {
    const walked = given.find((each) => each.code === code);
    if (walked === undefined || walked.spent || walked.sim !== login.number) return false;
    // With Verify a login may take up the verification of the one before it.
    const isOurs =
      engine === 'verify' ? walked.verification?.logins.has(login.id) === true : walked.login === login;
    return isOurs && !login.movedOn && isYoung(walked.login?.at ?? 0);
  };
  /** The messages that brought this code for this login. */
  const messagesOf = (login: Begun, code: string): readonly Sent[] =>
    sent.filter(
      (each) =>
        each.code === code &&
        each.to === login.number &&
        each.verification?.logins.has(login.id) === true &&
        isYoung(Date.parse(each.at)),
    );
  /** What a code proves for these logins, as of now. */
  const proofsOf = (logins: readonly Begun[], code: string, verifier: string | undefined) =>
    logins
      .filter((login) => login.verifier === verifier)
      .flatMap((login) => {
        const channels: Channel[] = messagesOf(login, code).map(({ channel }) => channel);
        if (!stepUp && isWalked(login, code)) channels.push('silent_auth');
        return channels.map((channel) => ({ login, number: login.number, channel }));
      });

  /**
   * Whether a session that had these logins open looked at a code of a device, which spends the
   * code, whoever's it is.
   */
  const isLookedAt = (session: Session | undefined, open: readonly Begun[]): boolean =>
    engine !== 'verify' &&
    session?.ended === false &&
    open.some((login) => session.open.includes(login) && !login.movedOn && isYoung(login.at));

  const accept = (
    { who, session, code }: Shown & { session: Session | undefined },
    { channel, word }: Verified,
    proofs: ReturnType<typeof proofsOf>,
  ): void => {
    const right = proofs.find((proof) => proof.channel === channel);
    if (right === undefined) {
      found.push(`a code that proves nothing there was accepted as ${String(channel)}`);
      return;
    }
    const { login, number } = right;
    if (used.has(`${code} ${number}`)) found.push('a code that was used counts a second time');
    used.add(`${code} ${number}`);
    if (login.givenUp !== undefined && login.givenUp < (word ?? Infinity))
      found.push('a login that was given up logged somebody in');
    if (session === undefined) return;
    session.proofs = [
      { number, channel: right.channel },
      ...(login.steppedUp ? [{ number, channel: 'silent_auth' as const }] : []),
    ];
    session.open = session.open.filter((each) => each !== login);
    if (who === 'eve' && number !== numbers.eve && right.channel !== 'silent_auth') session.guessed = number;
  };

  /**
   * Says which session each cookie stands for that was given in place of another, now that it is
   * known who is who.
   */
  const settleCookies = (): void => {
    for (const old of new Set(replaced.map((each) => each.old))) {
      const heirs = replaced.filter((each) => each.old === old).map(({ by }) => by);
      const users = heirs.filter(({ user }) => user !== undefined);
      if (users.length > 1) found.push('a session goes on under two cookies, each by itself');
      for (const heir of heirs) {
        // Of several, the one with the user is the one that goes on; without a user, all begin
        // anew.
        const goesOn = !old.session.ended && (heirs.length === 1 || users[0] === heir);
        if (!goesOn) heir.session = newSession(heir.began);
      }
    }
    replaced.length = 0;
  };

  return {
    /**
     * Notes an answer to a request with the cookie `asked`.
     * @returns the cookie that its sender has from now on
     */
    answered(who: Who, asked: Cookie | undefined, value: string | null | undefined): Cookie | undefined {
      if (value === undefined || value === asked?.value) return asked;
      if (value === null) return undefined;
      const isAlive = asked !== undefined && !asked.outdated && !asked.session.ended;
      const cookie: Cookie = {
        value,
        session: isAlive ? asked.session : newSession(),
        knownTo: new Set([who]),
        outdated: false,
        copiedFrom: who === 'eve' ? asked?.copiedFrom : undefined,
      };
      cookies.set(value, cookie);
      if (isAlive) replaced.push({ old: asked, by: cookie });
      return cookie;
    },
    /** A login was begun. @returns to be called once all that happens at once is over */
    begun(cookie: Cookie | undefined, login: Begun, link: string | null): () => void {
      if (link !== null) follow(link, { login });
      if (cookie === undefined) return () => undefined;
      cookie.began = login;
      const { session } = cookie;
      session.begun = [...session.begun, login];
      const before = session.open;
      return () => (session.open = [...session.open.filter((each) => !before.includes(each)), login]);
    },
    /** The attacker copies a cookie. */
    copied(cookie: Cookie): void {
      cookie.knownTo.add('eve');
      cookie.copiedFrom ??= cookie.user;
    },
    loggedOut(cookie: Cookie | undefined): void {
      if (cookie) cookie.session.ended = true;
    },
    /**
     * A device with this SIM was sent on from one address to the next. The SIM that sets out is
     * the one that counts.
     */
    led(from: string, to: string, sim: string): void {
      const { login, sim: before } = meaningOf(from);
      follow(to, login && { login, sim: before ?? sim });
    },
    meaningOf,
    /** A device was given a code at this address. */
    gave(
      to: Who,
      url: string,
      code: string,
      at: { isBrowser: boolean; open: readonly Begun[]; verificationId: string },
    ): void {
      const { login, sim } = meaningOf(url);
      const verification = verifications.get(at.verificationId);
      given.push({ code, login, verification, sim, to, spent: false });
      if (engine === 'verify') return;
      if (login?.client === 'app' && at.isBrowser) found.push('a link of an app gave a browser a code');
      if (login?.client === 'browser' && !at.open.includes(login))
        found.push('a link of a browser gave a code to one that did not begin it');
    },
    /**
     * A code is brought to a session.
     * @returns to be called with the answer once all else that happened at once is noted
     */
    proved(asked: Cookie | undefined, shown: Shown): (answer: Verified) => void {
      const { code, verifier } = shown;
      const session = asked?.outdated ? undefined : asked?.session;
      const open = session?.ended ? [] : (session?.open ?? []);
      const atFirst = proofsOf(open, code, verifier);
      const walked = open.find((login) => login.verifier === verifier && isWalked(login, code));
      return (answer) => {
        if (answer.steppedUp && walked) walked.steppedUp = true;
        // A verification may have been taken up by the login meanwhile.
        if (answer.verified)
          accept({ ...shown, session }, answer, [...atFirst, ...proofsOf(open, code, verifier)]);
        const which = given.find((each) => each.code === code);
        if (which && (answer.status === 200 || (answer.status === 400 && isLookedAt(session, open))))
          which.spent = true;
      };
    },
    isForeign: (cookie: Cookie | undefined, code: string): boolean => {
      const which = given.find((each) => each.code === code);
      return which?.login !== undefined && !cookie?.session.begun.includes(which.login);
    },
    /**
     * Judges the messages there are.
     * @param counted how many the limits know of, where that is known
     */
    sent(messages: readonly Sent[], counted = Infinity): void {
      sent = messages;
      if (sent.length > counted) found.push(`${sent.length} messages were sent, and ${counted} counted`);
    },
    /** Judges how often Vonage was asked about codes. */
    tried(): void {
      for (const { checks } of verifications.values()) {
        if (checks.device > MOST_CHECKS.device || checks.typed > MOST_CHECKS.typed)
          found.push('a verification was tried more often than it may be');
      }
    },
    /**
     * A login was given up, by the answer to it.
     * @returns to be called once all that happens at once is over
     */
    gaveUp(asked: Cookie | undefined, order: number): () => void {
      const session = asked?.outdated ? undefined : asked?.session;
      const given = session?.open ?? [];
      for (const login of given) login.givenUp ??= order;
      return () => {
        if (session) session.open = session.open.filter((login) => !given.includes(login));
      };
    },
    /**
     * The cookies that somebody holds, or the attacker knows, and those that were just replaced.
     * Cookies that are dead since earlier are among `all`: those in honest hands as well.
     */
    inPlay: (held: readonly (Cookie | undefined)[], all: boolean): Cookie[] =>
      [...cookies.values()].filter(
        (each) =>
          all ||
          replaced.some(({ old, by }) => old === each || by === each) ||
          (held.includes(each) && !each.outdated) ||
          (each.knownTo.has('eve') && (each.user !== undefined || !isDead(each))),
      ),
    isDead,
    toldTheDead: (): void => void found.push('a cookie that is dead was told of a login'),
    /** Judges who the product says is logged in with a cookie. */
    judge(cookie: Cookie, answer: { number: string; channels: readonly unknown[] } | undefined): void {
      cookie.user = answer?.number;
      if (answer === undefined) return;
      const { session, outdated } = cookie;
      const who = owner(answer.number);
      const proofs = session.proofs.filter(({ number }) => number === answer.number);
      if (session.ended) found.push(`a logout ended nothing: its session is still authenticated as ${who}`);
      if (outdated) found.push(`a cookie whose place another one took is authenticated as ${who}`);
      if (proofs.length === 0) found.push(`a session is authenticated as ${who}, who did not prove it there`);
      else if (!answer.channels.every((each) => proofs.some(({ channel }) => channel === each)))
        found.push(`a session is said to be proved by ${answer.channels.join()}, which it was not`);
      const isExcused = [cookie.copiedFrom, session.guessed].includes(answer.number);
      if (cookie.knownTo.has('eve') && who !== 'eve' && !isExcused)
        found.push(`the attacker holds a session that is authenticated as ${who}`);
    },
    /** What happened at once is over: a cookie in whose place another one was given is dead. */
    outdate(): void {
      for (const { old } of replaced) old.outdated = true;
    },
    /** All cookies in play were judged. */
    settle: settleCookies,
    /** Judges what the attacker was told: nothing that was given to somebody else alone. */
    overheard(text: string): void {
      const hidden = [...cookies.values()].filter(({ knownTo }) => !knownTo.has('eve'));
      const codes = [
        ...given.filter(({ to }) => to !== 'eve'),
        ...sent.filter(({ to }) => to !== numbers.eve),
      ];
      for (const secret of [...codes.map(({ code }) => code), ...hidden.map(({ value }) => value)]) {
        if (stands(text, secret)) found.push("the attacker was told somebody else's code or cookie");
      }
    },
    /** What was found wrong so far. */
    breaks: (): readonly string[] => found,
  };
}

/**
 * Whether a secret stands in a text by itself: six digits are found by chance within many a
 * longer word.
 */
const stands = (text: string, secret: string): boolean => {
  for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1)) {
    const [before, after] = [text[at - 1] ?? '', text[at + secret.length] ?? ''];
    if (!/[\w-]/.test(before) && !/[\w-]/.test(after)) return true;
  }
  return false;
};
