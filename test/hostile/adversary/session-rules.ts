import { MAX_SESSIONS } from './environment.js';
import type { Begun, Channel, Cookie, OracleOptions, Proof, Session } from './oracle.js';

/** The user of a session, as `GET /session` reports it. */
export interface ReportedUser {
  number: string;
  channel: unknown;
  channels: unknown;
  /** Milliseconds since the epoch. */
  authenticatedAt: number;
}

/** A session in the answer of `GET /sessions`. */
export interface ListedSession {
  id: string;
  current: boolean;
}

/** What an assertion says. */
export interface Claims {
  sub?: string;
  amr?: unknown;
  auth_time?: unknown;
}

/** The names of RFC 8176 and of docs/assertions.md. */
const AMR: Record<Channel, string> = { silent_auth: 'sim', sms: 'sms', voice: 'tel' };

interface SessionRulesOptions extends Pick<OracleOptions, 'rules' | 'now'> {
  cookies: ReadonlyMap<string, Cookie>;
  /** All logins that began, in their order. */
  logins: readonly Begun[];
  /** Receives the broken rules. */
  found: string[];
}

/** The rules of sessions that users and operators end, of their lists and of their assertions. */
export function createSessionRules({ rules, now, cookies, logins, found }: SessionRulesOptions) {
  /** The sessions of public ids, as their own lists named them. */
  const ids = new Map<string, Session>();
  const subjects = new Map<string, string>();
  /**
   * Numbers of which a session may have ended in this move: the oldest, because a new one began, or
   * one by an id whose session is not known.
   */
  const shrunk = new Set<string | undefined>();
  /** Numbers whose sessions were ended in this move. */
  const revoked = new Set<string>();
  /** The number of the moves so far, and when each cookie was last checked. */
  let move = 0;
  const checkedIn = new WeakMap<Cookie, number>();
  const live = new Map<Session, string>();
  const sessions = (): Set<Session> => new Set([...cookies.values()].map(({ session }) => session));

  const checkChannels = ({ channels }: Proof, user: ReportedUser): void => {
    const reported = user.channels ?? [user.channel];
    if (user.channel !== channels.at(-1) || JSON.stringify(reported) !== JSON.stringify(channels))
      found.push(`a session proved by ${channels.join()} reports ${JSON.stringify(reported)}`);
  };
  const isBetween = (at: number, [from, to]: Proof['between']): boolean => at >= from && at <= to;

  /**
   * Whether a session of a user may have ended with those of another number: it was one of that
   * number before, and a login of that number is under way in it.
   */
  const mayEndWith = (user: string, { begun }: Session): boolean =>
    shrunk.has(user) ||
    begun.some(({ number }) => number !== user && (shrunk.has(number) || revoked.has(number)));

  return {
    /** A login completed. */
    completed(session: Session, proof: Proof): void {
      const { number, channels, login } = proof;
      if (rules.isRefused(number)) found.push('a number that a rule refuses was logged in');
      if (rules.isSwapped(number) && channels.length < 2)
        found.push('one channel was enough for a SIM that has changed');
      if (login.again && session.proof?.number !== number)
        found.push('a re-authentication changed the user of a session');
      session.proof = proof;
      shrunk.add(number);
    },
    /** @param number that of the session when the request was sent */
    reauthenticating(number: string | undefined, requested: string): void {
      if (number !== requested) found.push('a re-authentication began with another number');
    },
    /**
     * A request is sent that ends the sessions of a number, and its logins that are under way.
     * @param except the session that stays
     * @returns a function to call after its success, when all concurrent requests have ended
     */
    revoking(number: string, except?: Session): () => void {
      const before = new Set(logins.filter((login) => login.number === number));
      return () => {
        revoked.add(number);
        for (const login of before) login.revoked = true;
        for (const session of sessions()) {
          const { proof } = session;
          if (session !== except && proof?.number === number && before.has(proof.login)) session.ended = true;
        }
      };
    },
    /** A session was ended by its id, by a session of `number`. */
    endedById(id: string, number: string | undefined): void {
      const session = ids.get(id);
      if (session === undefined) {
        shrunk.add(number);
        return;
      }
      if (session.proof !== undefined && session.proof.number !== number)
        found.push('a user ended a session of another number');
      session.ended = true;
    },
    /** Whether a session with this id is one of another number. */
    isForeign: (id: string, number: string | undefined): boolean => {
      const session = ids.get(id);
      return session?.ended === false && session.proof !== undefined && session.proof.number !== number;
    },
    /** Checks the list that a session got. */
    checkList(session: Session | undefined, list: readonly ListedSession[]): void {
      const number = session?.proof?.number;
      const [own, ...more] = list.filter(({ current }) => current);
      if (session === undefined || number === undefined || own === undefined || more.length > 0) {
        found.push('a list of sessions does not name that of the request');
        return;
      }
      if ((ids.get(own.id) ?? session) !== session) found.push('two sessions have one id');
      ids.set(own.id, session);
      for (const { id } of list) {
        const other = ids.get(id);
        if (other?.ended || (other?.proof && other.proof.number !== number))
          found.push('a list names a session that ended or is of another number');
      }
      const known = [...live].filter(([each, user]) => user === number && !each.ended);
      if (known.length > list.length) found.push('a list of sessions leaves one out');
    },
    /** Checks an assertion. @param proofs those that its session had during the request */
    checkAssertion(proofs: readonly (Proof | undefined)[], claims: Claims, maxAge: number | null): void {
      const { sub = '', amr, auth_time: authTime } = claims;
      const proof = proofs.find((each) => {
        const [from, to] = each?.between ?? [NaN, NaN];
        const isTime = isBetween(Number(authTime), [Math.floor(from / 1000), to / 1000]);
        return isTime && JSON.stringify(amr) === JSON.stringify(each?.channels.map((one) => AMR[one]));
      });
      if (proof === undefined) {
        found.push(`an assertion says ${JSON.stringify({ amr, authTime })}, which proved nothing`);
        return;
      }
      if (maxAge !== null && now() - proof.between[1] > maxAge * 1000)
        found.push('an assertion is older than max_age');
      if ((subjects.get(proof.number) ?? sub) !== sub) found.push('the subject of a number changed');
      if ([...subjects].some(([number, other]) => other === sub && number !== proof.number))
        found.push('two numbers have one subject');
      subjects.set(proof.number, sub);
    },
    /** An assertion was refused as too old. */
    checkRefusedAssertion(proof: Proof | undefined, maxAge: number | null): void {
      if (proof === undefined || maxAge === null || now() - proof.between[0] <= maxAge * 1000)
        found.push('a fresh proof was refused as too old');
    },
    answeredWithoutUser: (what: string): void => void found.push(`${what} without a user`),
    /** @param wasAlone whether no concurrent request and no turn of the clock was in the move */
    beginChecks(wasAlone: boolean): void {
      move += wasAlone ? 1 : 2;
      live.clear();
    },
    checkUser(cookie: Cookie, user: ReportedUser | undefined): void {
      const { session, outdated } = cookie;
      const before = checkedIn.get(cookie) === move - 1 ? cookie.user : undefined;
      checkedIn.set(cookie, move);
      cookie.user = user?.number;
      if (user === undefined) {
        if (before !== undefined && !session.ended && !outdated && !mayEndWith(before, session))
          found.push('a session lost its user, and nothing ended it');
        return;
      }
      live.set(session, user.number);
      const { proof } = session;
      if (session.ended) found.push('a session that ended is still authenticated');
      if (outdated) found.push('a replaced cookie is authenticated');
      if (proof?.number !== user.number) found.push('a session is authenticated without proof');
      else {
        checkChannels(proof, user);
        if (!isBetween(user.authenticatedAt, proof.between))
          found.push('a session reports another time of its proof');
      }
    },
    endChecks(): void {
      shrunk.clear();
      revoked.clear();
      for (const number of new Set(live.values())) {
        const count = [...live.values()].filter((each) => each === number).length;
        if (count > MAX_SESSIONS) found.push(`a number has ${count} sessions`);
      }
    },
  };
}
