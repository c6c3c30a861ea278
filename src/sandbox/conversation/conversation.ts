import type { World } from '../../world.js';
import { MOST_TEXT } from './call.js';
import type { Answered, Asked, Call, Seen } from './call.js';
import { cluesOfAnswered, cluesOfAsked, hintsOfAsked, numberIn, sessionOf } from './clues.js';
import { createLogins } from './logins.js';
import type { Login } from './logins.js';
import { rowOf } from './story.js';
import type { Row } from './words.js';

/** Calls kept that no login is known for yet. */
const MOST_WAITING = 200;

/** What became of a question. Only what is said first counts. */
export interface Note {
  answer(answered: Pick<Answered, 'status' | 'headers' | 'body'>, seen?: Seen): void;
  breakOff(): void;
}

export interface Conversation {
  /** Notes a question; undefined where it has nothing to do with a login. @param clue what it shares with others, beside what it says */
  open(asked: Asked, clue?: string): Note | undefined;
  /** From here on somebody listens before the server: logins begin there, and what is heard elsewhere waits for that. */
  tap(): void;
  readonly isTapped: boolean;
  /** Newest first. */
  logins(): readonly Login[];
  clear(): void;
}

interface Heard {
  call: Call;
  row: Row;
  /** What belongs to its login from here on, and by what it finds it. */
  clues: string[];
  /** By what it may find its login as well. */
  hints: string[];
}

const cut = <T extends { body: string }>(said: T): T => ({ ...said, body: said.body.slice(0, MOST_TEXT) });

/** Sorts calls into logins by what they share. @param changed is told of each login that has news */
export const createConversation = (
  world: Pick<World, 'now'>,
  changed: (login: Login) => void,
): Conversation => {
  const logins = createLogins();
  let waiting: Heard[] = [];
  let [asked, answered, isTapped] = [0, 0, false];

  const find = ({ clues, hints }: Heard): Login | undefined => logins.known([...clues, ...hints]);

  /** The login that begins with this call, or goes on with it though they share nothing but the number. */
  const begin = ({ call, row }: Heard): Login | undefined => {
    const number = numberIn(call.asked);
    if (!row.begins || number === undefined || (isTapped && row.to !== 'server')) return undefined;
    return (row.begins === 'again' ? logins.ofNumber(number) : undefined) ?? logins.begin(number);
  };

  const put = (login: Login, { call, row, clues }: Heard): void => {
    logins.put(login, call, (last) => row.isPoll === true && rowOf(last.asked) === row);
    logins.learn(login, clues);
  };

  /** Who waited for what is known now. What they bring may be what others wait for. */
  const callIn = (login: Login): void => {
    const theirs = waiting.filter((each) => find(each) === login);
    waiting = waiting.filter((each) => !theirs.includes(each));
    for (const each of theirs) put(login, each);
    if (theirs.length > 0) callIn(login);
  };

  const settle = (heard: Heard, placed: Login | undefined): void => {
    const login = placed ?? find(heard) ?? begin(heard);
    if (!login) {
      waiting = [...waiting, heard].slice(-MOST_WAITING);
      return;
    }
    put(login, heard);
    callIn(login);
    changed(login);
  };

  const note = (heard: Heard, placed: Login | undefined, since: number): Note => {
    const { call } = heard;
    const isOver = (): boolean => call.answered !== null || call.broken;
    return {
      answer: (said, seen) => {
        if (isOver()) return;
        call.answered = { ...cut(said), took: world.now() - since, order: ++answered };
        if (seen) call.seen = seen;
        heard.clues.push(...cluesOfAnswered(call.answered));
        settle(heard, placed);
      },
      breakOff: () => {
        if (isOver()) return;
        call.broken = true;
        settle(heard, placed);
      },
    };
  };

  return {
    open(said, clue) {
      const row = rowOf(said);
      if (!row) return undefined;
      const since = world.now();
      const at = new Date(since).toISOString();
      const call: Call = {
        id: ++asked,
        at,
        asked: cut(said),
        answered: null,
        broken: false,
        isStranger: false,
      };
      const clues = [...(clue === undefined ? [] : [clue]), ...cluesOfAsked(said)];
      const heard: Heard = { call, row, clues, hints: row.step === '1' ? [] : hintsOfAsked(said) };
      const login = find(heard);
      call.isStranger = login !== undefined && !sessionOf(said).some((each) => login.clues.has(each));
      if (login || !row.hears) settle(heard, login);
      return note(heard, login, since);
    },
    tap: () => void (isTapped = true),
    get isTapped() {
      return isTapped;
    },
    logins: () => logins.all(),
    clear: () => {
      logins.clear();
      waiting = [];
    },
  };
};
