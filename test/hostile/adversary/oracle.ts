import type { EngineName } from '../../../src/config/login.js';
import type { NumberRules } from './environment.js';
import type { Who } from './moves.js';
import { createSessionRules, type ReportedUser } from './session-rules.js';
import type { Sent, Verification } from './upstream.js';

/** The lifetime of logins, codes and messages. */
const TTL_SECONDS = 300;

/**
 * The most checks at Vonage for one verification. Of each kind, ten codes that Vonage does not
 * compare use up no try.
 */
const MOST_CHECKS = { device: 1, typed: 3, uncompared: 24 };

export type Channel = 'silent_auth' | 'sms' | 'voice';

/** Cookies that replaced each other, whatever became of their sessions. */
export interface Lineage {
  /** The requests for messages with one of them. */
  asks: number;
}

/** A login as it began. */
export interface Begun {
  id: string;
  number: string;
  client: 'app' | 'browser';
  /** The PKCE verifier of its challenge. */
  verifier: string | undefined;
  by: Who;
  at: number;
  /** It re-authenticates the user of its session. */
  again: boolean;
  /** Of the cookies of its session. */
  lineage?: Lineage;
  /** The sessions of its number were ended after it began. */
  revoked?: boolean;
  /** It moved on to a message, so its link is no longer valid. */
  movedOn: boolean;
  /** The SIM was confirmed, and a step-up is required. */
  steppedUp?: boolean;
  /** When `DELETE /login` was answered, in the order of the game. */
  cancelledAt?: number;
}

/** What made a session that of its user. */
export interface Proof {
  number: string;
  /** All channels that proved the number in the login, in order. */
  channels: readonly Channel[];
  /** The login was completed between these times (ms since the epoch). */
  between: readonly [number, number];
  login: Begun;
}

/** A session, which all cookies issued for it share. */
export interface Session {
  /** All logins of the session. */
  begun: readonly Begun[];
  /** Logins that a code can still complete: the last one, or two after a race. */
  open: readonly Begun[];
  /** Of its current user. */
  proof?: Proof;
  /** A logout with one of its cookies, or a revocation, has succeeded. */
  ended: boolean;
  /** A number whose six-digit code the attacker guessed by chance. */
  guessed?: string;
}

export interface Cookie {
  value: string;
  session: Session;
  lineage: Lineage;
  /** The players who have received it. */
  knownTo: Set<Who>;
  /** Another cookie has replaced it. */
  outdated: boolean;
  /** The number that was logged in when the attacker copied it or a cookie that it replaced. */
  copiedFrom?: string | undefined;
  /** The number that it was last authenticated as. */
  user?: string | undefined;
  /** The login that began with it. */
  began?: Begun;
}

/** A code that a device received, with its login and the SIM that opened the link. */
interface Given {
  code: string;
  login: Begun | undefined;
  verification: Verification | undefined;
  sim: string | undefined;
  to: Who;
  /** It was used, or posted to another session. */
  used: boolean;
}

/** A code that is posted to a session. */
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
  /** When Vonage last answered a call for it, in the order of the game. */
  answeredAt: number | undefined;
}

/** The login that a URL belongs to, and the SIM of the device that first opened it. */
interface Trail {
  login: Begun;
  sim?: string | undefined;
}

export interface OracleOptions {
  engine: EngineName;
  rules: NumberRules;
  /** Whether Vonage sends messages that no request has asked for. */
  chained: boolean;
  /** Whether a cookie that was replaced names no session any more. */
  forgetsCookies: () => boolean;
  numbers: Record<Who, string>;
  now: () => number;
  verifications: ReadonlyMap<string, Verification>;
}

/** The arrival of a device at the end of a link. */
export interface Arrival {
  on: Who;
  url: string;
  isBrowser: boolean;
  /** The open logins of its session. */
  open: readonly Begun[];
  verificationId: string;
}

const OUR_STATE = /^[ab][\w-]{43}$/;

const isDead = ({ outdated, session }: Cookie): boolean => outdated || session.ended;

const newSession = (first?: Begun): Session => {
  const begun = first ? [first] : [];
  return { begun, open: begun, ended: false };
};

/**
 * A test oracle: derives who may be logged in from its own record of logins, links, codes and
 * messages alone, and compares the answers of the server with it.
 */
export function createOracle(options: OracleOptions) {
  const { engine, rules, numbers, now, verifications } = options;
  const cookies = new Map<string, Cookie>();
  /** Cookies that were replaced in this move. */
  const replaced: { old: Cookie; by: Cookie }[] = [];
  const trails = new Map<string, Trail>();
  const states = new Map<string, Begun>();
  const simOfCode = new Map<string, string | undefined>();
  const given: Given[] = [];
  const used = new Set<string>();
  let sent: readonly Sent[] = [];
  const found: string[] = [];
  const logins: Begun[] = [];
  const sessionRules = createSessionRules({ ...options, cookies, logins, found });
  const owner = (number: string) =>
    (Object.keys(numbers) as Who[]).find((who) => numbers[who] === number) ?? number;
  const isYoung = (since: number): boolean => now() - since <= TTL_SECONDS * 1000;

  const follow = (url: string, trail: Trail | undefined): void => {
    if (trail !== undefined) trails.set(url, trail);
    const { searchParams: query } = new URL(url);
    const [state, code] = [query.get('state') ?? '', query.get('code')];
    if (trail !== undefined && OUR_STATE.test(state) && !states.has(state)) states.set(state, trail.login);
    if (code !== null && OUR_STATE.test(state) && !simOfCode.has(code)) simOfCode.set(code, trail?.sim);
  };
  /** The login and SIM of a URL. At our callback, `state` gives the login and `code` the SIM. */
  const meaningOf = (url: string): Partial<Trail> => {
    const { searchParams: query } = new URL(url);
    const state = query.get('state') ?? '';
    if (!OUR_STATE.test(state)) return trails.get(url) ?? {};
    return { login: states.get(state), sim: simOfCode.get(query.get('code') ?? '') } as Partial<Trail>;
  };

  /** Whether the code of a device may complete this login: its SIM has the number of the login. */
  const isWalked = (login: Begun, code: string): boolean => {
    const walked = given.find((each) => each.code === code);
    if (walked === undefined || walked.used || walked.sim !== login.number) return false;
    // With Verify, a login may reuse the verification of an earlier login.
    const isOurs =
      engine === 'verify' ? walked.verification?.logins.has(login.id) === true : walked.login === login;
    return isOurs && !login.movedOn && isYoung(walked.login?.at ?? 0);
  };
  /** The messages that contained this code for this login. */
  const messagesOf = (login: Begun, code: string): readonly Sent[] =>
    sent.filter(
      (each) =>
        each.code === code &&
        each.to === login.number &&
        each.verification?.logins.has(login.id) === true &&
        isYoung(Date.parse(each.at)),
    );
  /** The logins and channels that a code can complete now. */
  const proofsOf = (logins: readonly Begun[], code: string, verifier: string | undefined) =>
    logins
      .filter((login) => login.verifier === verifier)
      .flatMap((login) => {
        const channels = messagesOf(login, code).map(({ channel }) => channel as Channel);
        if (!rules.needsCode(login.number) && isWalked(login, code)) channels.push('silent_auth');
        return channels.map((channel) => ({ login, number: login.number, channel }));
      });

  /** Whether a session that had these logins open consumed a code of a device. */
  const isLookedAt = (session: Session | undefined, open: readonly Begun[]): boolean =>
    engine !== 'verify' &&
    session?.ended === false &&
    open.some((login) => session.open.includes(login) && !login.movedOn && isYoung(login.at));

  const accept = (
    { who, session, code, postedAt }: Shown & { session: Session | undefined; postedAt: number },
    { channel, answeredAt }: Verified,
    proofs: ReturnType<typeof proofsOf>,
  ): void => {
    const right = proofs.find((proof) => proof.channel === channel);
    if (right === undefined) {
      found.push(`a code that proves nothing there was accepted as ${String(channel)}`);
      return;
    }
    const { login, number } = right;
    if (used.has(`${code} ${number}`)) found.push('a used code was accepted again');
    used.add(`${code} ${number}`);
    if (login.cancelledAt !== undefined && login.cancelledAt < (answeredAt ?? Infinity))
      found.push('a cancelled login logged a session in');
    if (session === undefined) return;
    const channels: Channel[] = [...(login.steppedUp ? ['silent_auth' as const] : []), right.channel];
    sessionRules.completed(session, { number, channels, between: [postedAt, now()], login });
    session.open = session.open.filter((each) => each !== login);
    if (who === 'eve' && number !== numbers.eve && right.channel !== 'silent_auth') session.guessed = number;
  };

  /** Determines the session of each cookie that replaced another one in this move. */
  const settleCookies = (): void => {
    for (const old of new Set(replaced.map((each) => each.old))) {
      const heirs = replaced.filter((each) => each.old === old).map(({ by }) => by);
      const users = heirs.filter(({ user }) => user !== undefined);
      if (users.length > 1) found.push('a session was split into two');
      for (const heir of heirs) {
        // Of several cookies, the one with a user continues the session; without a user, none does.
        const goesOn = !old.session.ended && (heirs.length === 1 || users[0] === heir);
        if (!goesOn) heir.session = newSession(heir.began);
      }
    }
    replaced.length = 0;
  };

  return {
    /** Records an answer to a request with the cookie `asked`. @returns the cookie of its sender */
    answered(who: Who, asked: Cookie | undefined, value: string | null | undefined): Cookie | undefined {
      if (value === undefined || value === asked?.value) return asked;
      if (value === null) return undefined;
      const isAlive = asked !== undefined && !asked.outdated && !asked.session.ended;
      const cookie: Cookie = {
        value,
        session: isAlive ? asked.session : newSession(),
        lineage: asked?.lineage ?? { asks: 0 },
        knownTo: new Set([who]),
        outdated: false,
        copiedFrom: who === 'eve' ? asked?.copiedFrom : undefined,
      };
      cookies.set(value, cookie);
      if (isAlive) replaced.push({ old: asked, by: cookie });
      return cookie;
    },
    /** A login began. @returns a function to call when all concurrent requests have ended */
    begun(cookie: Cookie | undefined, login: Begun, link: string | null): () => void {
      if (link !== null) follow(link, { login });
      logins.push(login);
      if (cookie === undefined) return () => undefined;
      cookie.began = login;
      login.lineage = cookie.lineage;
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
      if (cookie === undefined) return;
      const isForgotten = cookie.outdated || replaced.some(({ old }) => old === cookie);
      if (!isForgotten || !options.forgetsCookies()) cookie.session.ended = true;
    },
    /** A device was redirected. The SIM of the device that opened the first URL counts. */
    redirected(from: string, to: string, sim: string): void {
      const { login, sim: before } = meaningOf(from);
      follow(to, login && { login, sim: before ?? sim });
    },
    meaningOf,
    /** A device received a code. */
    codeReceived({ on: to, url, isBrowser, open, verificationId }: Arrival, code: string): void {
      const { login, sim } = meaningOf(url);
      const verification = verifications.get(verificationId);
      given.push({ code, login, verification, sim, to, used: false });
      if (engine === 'verify') return;
      if (login?.client === 'app' && isBrowser) found.push('a link of an app gave a browser a code');
      if (login?.client === 'browser' && !open.includes(login))
        found.push('a link of a browser gave a code to another browser');
    },
    /**
     * A code is posted.
     * @returns a function for the answer, to call after all other notes of the move
     */
    codePosted(asked: Cookie | undefined, shown: Shown): (answer: Verified) => void {
      const { code, verifier } = shown;
      const session = asked?.outdated ? undefined : asked?.session;
      const open = session?.ended ? [] : (session?.open ?? []);
      const atFirst = proofsOf(open, code, verifier);
      const postedAt = now();
      const revoked = open.filter((login) => login.revoked);
      const walked = open.find((login) => login.verifier === verifier && isWalked(login, code));
      return (answer) => {
        if (answer.steppedUp && walked) walked.steppedUp = true;
        // Meanwhile, the login may have reused a verification.
        if (answer.verified)
          accept({ ...shown, session, postedAt }, answer, [...atFirst, ...proofsOf(open, code, verifier)]);
        if (answer.verified && session?.proof && revoked.includes(session.proof.login))
          found.push('a login completed that began before the sessions of its number were ended');
        const which = given.find((each) => each.code === code);
        if (which && (answer.status === 200 || (answer.status === 400 && isLookedAt(session, open))))
          which.used = true;
      };
    },
    isForeign: (cookie: Cookie | undefined, code: string): boolean => {
      const which = given.find((each) => each.code === code);
      return which?.login !== undefined && !cookie?.session.begun.includes(which.login);
    },
    checkMessages(messages: readonly Sent[]): void {
      sent = messages;
      for (const { to, verification } of sent) {
        const login = logins.find(
          ({ id }) => verification !== undefined && id === [...verification.logins][0],
        );
        if (rules.isSwapped(to) && !login?.steppedUp) found.push('a message went to a SIM that has changed');
        if (login?.lineage === undefined || options.chained) continue;
        const ofSession = sent.filter(({ verification: each }) =>
          logins.some(
            ({ id, lineage }) => lineage === login.lineage && each?.logins.values().next().value === id,
          ),
        );
        if (ofSession.length > login.lineage.asks)
          found.push(`a session asked for ${login.lineage.asks} messages, and ${ofSession.length} were sent`);
      }
    },
    /** @param counted how many messages the limits have counted */
    checkCount(counted: number): void {
      // All messages of a chain are counted before it begins.
      if (options.chained ? sent.length > counted : sent.length !== counted)
        found.push(`${sent.length} messages were sent, and ${counted} counted`);
    },
    /** Checks how many codes were tried at Vonage. */
    checkTries(): void {
      for (const { checks } of verifications.values()) {
        const kinds = ['device', 'typed', 'uncompared'] as const;
        if (kinds.some((kind) => checks[kind] > MOST_CHECKS[kind]))
          found.push('a verification was tried more often than it may be');
      }
    },
    /**
     * A login was cancelled.
     * @returns a function to call when all concurrent requests have ended
     */
    cancelled(asked: Cookie | undefined, order: number): () => void {
      const session = asked?.outdated ? undefined : asked?.session;
      const given = session?.open ?? [];
      for (const login of given) login.cancelledAt ??= order;
      return () => {
        if (session) session.open = session.open.filter((login) => !given.includes(login));
      };
    },
    /**
     * The cookies that players hold or the attacker knows, and those that were just replaced. `all`
     * includes dead cookies.
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
    answeredDeadCookie: (): void => void found.push('a dead cookie got the state of a login'),
    /** Checks the user whom the server reports for a cookie. */
    checkUser(cookie: Cookie, answer: ReportedUser | undefined): void {
      sessionRules.checkUser(cookie, answer);
      if (answer === undefined) return;
      const who = owner(answer.number);
      const isExcused = [cookie.copiedFrom, cookie.session.guessed].includes(answer.number);
      if (cookie.knownTo.has('eve') && who !== 'eve' && !isExcused)
        found.push(`the attacker holds a session that is authenticated as ${who}`);
    },
    sessions: sessionRules,
    /** All concurrent requests have ended: replaced cookies are dead. */
    outdate(): void {
      for (const { old } of replaced) old.outdated = true;
    },
    /** All cookies were checked. */
    settle: settleCookies,
    /** Checks that the attacker received no code or cookie of another player. */
    checkReceived(text: string): void {
      const hidden = [...cookies.values()].filter(({ knownTo }) => !knownTo.has('eve'));
      const codes = [
        ...given.filter(({ to }) => to !== 'eve'),
        ...sent.filter(({ to }) => to !== numbers.eve),
      ];
      for (const secret of [...codes.map(({ code }) => code), ...hidden.map(({ value }) => value)]) {
        if (contains(text, secret)) found.push('the attacker received a code or cookie of another player');
      }
    },
    /** The broken rules so far. */
    breaks: (): readonly string[] => found,
  };
}

/** Whether a text contains the secret as a word: six digits within a longer string do not count. */
const contains = (text: string, secret: string): boolean => {
  for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1)) {
    const [before, after] = [text[at - 1] ?? '', text[at + secret.length] ?? ''];
    if (!/[\w-]/.test(before) && !/[\w-]/.test(after)) return true;
  }
  return false;
};
