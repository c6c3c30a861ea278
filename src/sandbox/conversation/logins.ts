import type { Call } from './call.js';

/** The oldest login goes first. */
const MOST_LOGINS = 50;

/** What comes after so many calls of one login is left out. */
const MOST_CALLS = 150;

/** One login, as far as it was overheard. */
export interface Login {
  /** Counted from 1 on. */
  id: number;
  /** E.164. */
  number: string;
  /** In the order of the questions. */
  calls: Call[];
  /** What its calls share. */
  clues: Set<string>;
}

export interface Logins {
  /** Newest first. */
  all(): readonly Login[];
  /** The login that one of these belongs to; the first one that is known decides. */
  known(clues: string[]): Login | undefined;
  /** The newest one for this number. */
  ofNumber(number: string): Login | undefined;
  begin(number: string): Login;
  /** Adds a call, unless it is there already. */
  put(login: Login, call: Call, isRepeat: (last: Call) => boolean): void;
  /** What belongs to a login already stays with that one. */
  learn(login: Login, clues: string[]): void;
  clear(): void;
}

export const createLogins = (): Logins => {
  const logins: Login[] = [];
  const byClue = new Map<string, Login>();
  let begun = 0;
  const forget = (login: Login | undefined): void => login?.clues.forEach((clue) => byClue.delete(clue));
  return {
    all: () => logins,
    known: (clues) => clues.map((clue) => byClue.get(clue)).find((login) => login !== undefined),
    ofNumber: (number) => logins.find((login) => login.number === number),
    begin: (number) => {
      const login: Login = { id: ++begun, number, calls: [], clues: new Set() };
      logins.unshift(login);
      if (logins.length > MOST_LOGINS) forget(logins.pop());
      return login;
    },
    put: ({ calls }, call, isRepeat) => {
      if (calls.includes(call)) return;
      const last = calls.at(-1);
      if (last && isRepeat(last)) calls.pop();
      if (calls.length < MOST_CALLS) calls.push(call);
      calls.sort((one, other) => one.id - other.id);
    },
    learn: (login, clues) => {
      // One that was forgotten meanwhile, with a call still under way, learns nothing.
      if (!logins.includes(login)) return;
      for (const clue of clues.filter((each) => !byClue.has(each))) {
        byClue.set(clue, login);
        login.clues.add(clue);
      }
    },
    clear: () => {
      logins.splice(0);
      byClue.clear();
    },
  };
};
