import type { World } from '../../core/world.js';
import { identifiersInAnswer, identifiersInRequest, MAX_BODY_CHARACTERS } from './calls.js';
import { phoneNumberIn, sessionOf, weakIdentifiersInRequest } from './calls.js';
import type { Asked, Call, Response, Seen } from './calls.js';
import type { CallDescription } from './descriptions.js';
import { SERVER_CALLS } from './server-calls.js';
import { VERIFY_CALLS } from './verify-calls.js';
import { VONAGE_CALLS } from './vonage-calls.js';

/** Limits of what is kept. Of logins and unassigned calls the newest are, of calls the first. */
const MAX_LOGINS = 50;
const MAX_CALLS_PER_LOGIN = 150;
const MAX_UNASSIGNED_CALLS = 200;

const DESCRIPTIONS: readonly CallDescription[] = [...SERVER_CALLS, ...VONAGE_CALLS, ...VERIFY_CALLS];

export type DescribedCall = Call & { description: CallDescription };

/** The recorded part of a login. */
export interface Login {
  /** Counted from 1 on. */
  id: number;
  /** E.164. */
  number: string;
  /** In the order of the requests. */
  calls: DescribedCall[];
  /** The values that identify its calls. */
  identifiers: Set<string>;
}

/** Records the end of a call. Only the first end counts. */
export interface CallRecorder {
  answer(answer: Response, seen?: Seen): void;
  breakOff(): void;
}

/** A call and the values by which it is assigned to a login. */
interface RecordedCall {
  call: DescribedCall;
  startedAt: number;
  /** Values that identify the login, for this call and for others. */
  identifiers: string[];
  /** Values that identify the login if it has them already. */
  weakIdentifiers: string[];
  login?: Login | undefined;
}

const truncated = <T extends { body: string }>(message: T): T => ({
  ...message,
  body: message.body.slice(0, MAX_BODY_CHARACTERS),
});

/** The description of a call; undefined for calls that do not belong to a login. */
const descriptionOf = (asked: Asked): CallDescription | undefined => {
  // The request line and `Host`, which the URL is made of, may be malformed.
  if (!URL.canParse(asked.url)) return undefined;
  const { pathname } = new URL(asked.url);
  return DESCRIPTIONS.find(
    ({ method, path, matches }) =>
      method === asked.method && path.test(pathname) && (matches?.(asked) ?? true),
  );
};

/** The recorded calls, grouped into logins by the values they share. */
export class Conversation {
  /** Newest first. */
  readonly logins: Login[] = [];
  /** Whether calls to the server are recorded: then logins start there, and others wait. */
  includesServer = false;
  readonly #byIdentifier = new Map<string, Login>();
  #unassigned: RecordedCall[] = [];
  #counts = { logins: 0, calls: 0, answers: 0 };

  /** @param onChange is called with each login that changes */
  constructor(
    private readonly world: Pick<World, 'now'>,
    private readonly onChange: (login: Login) => void,
  ) {}

  clear(): void {
    this.logins.splice(0);
    this.#byIdentifier.clear();
    this.#unassigned = [];
  }

  /**
   * Records a request; returns undefined if it does not belong to a login.
   * @param identifier a value that the request shares with other calls without containing it
   */
  record(asked: Asked, identifier?: string): CallRecorder | undefined {
    const description = descriptionOf(asked);
    if (!description) return undefined;
    const recorded = this.#recordedCall(asked, description);
    if (identifier !== undefined) recorded.identifiers.unshift(identifier);
    const { call } = recorded;
    const login = this.#find(recorded);
    recorded.login = login;
    call.isStranger = login !== undefined && !sessionOf(asked).some((each) => login.identifiers.has(each));
    if (login || !description.answer) this.#assign(recorded);
    const isOver = (): boolean => call.answered !== null || call.broken;
    return {
      answer: (answer, seen) => {
        if (isOver()) return;
        if (seen) call.seen = seen;
        this.#answer(recorded, answer);
      },
      breakOff: () => {
        if (isOver()) return;
        call.broken = true;
        this.#assign(recorded);
      },
    };
  }

  #recordedCall(asked: Asked, description: CallDescription): RecordedCall {
    const startedAt = this.world.now();
    return {
      call: {
        id: ++this.#counts.calls,
        at: new Date(startedAt).toISOString(),
        asked: truncated(asked),
        answered: null,
        broken: false,
        isStranger: false,
        description,
      },
      startedAt,
      identifiers: identifiersInRequest(asked),
      // A session may begin several logins, one after the other.
      weakIdentifiers: description.step === '1' ? [] : weakIdentifiersInRequest(asked),
    };
  }

  #answer(recorded: RecordedCall, answer: Response): void {
    const took = this.world.now() - recorded.startedAt;
    recorded.call.answered = { ...truncated(answer), took, order: ++this.#counts.answers };
    recorded.identifiers.push(...identifiersInAnswer(recorded.call.answered));
    this.#assign(recorded);
  }

  #find({ identifiers, weakIdentifiers }: RecordedCall): Login | undefined {
    return [...identifiers, ...weakIdentifiers]
      .map((identifier) => this.#byIdentifier.get(identifier))
      .find((login) => login !== undefined);
  }

  /** Adds a call to its login. A call without a login waits for one. */
  #assign(recorded: RecordedCall): void {
    const login = recorded.login ?? this.#find(recorded) ?? this.#start(recorded.call);
    if (!login) {
      this.#unassigned = [...this.#unassigned, recorded].slice(-MAX_UNASSIGNED_CALLS);
      return;
    }
    this.#add(login, recorded);
    this.#addWaiting(login);
    this.onChange(login);
  }

  /** The login that starts with this call, or an existing one of the same number. */
  #start({ asked, description }: DescribedCall): Login | undefined {
    const number = phoneNumberIn(asked);
    const isExpected = !this.includesServer || description.to === 'server';
    if (!description.startsLogin || number === undefined || !isExpected) return undefined;
    const started = this.logins.find((login) => login.number === number);
    if (description.startsLogin === 'unless-started' && started) return started;
    const login: Login = { id: ++this.#counts.logins, number, calls: [], identifiers: new Set() };
    this.logins.unshift(login);
    if (this.logins.length > MAX_LOGINS) {
      this.logins.pop()?.identifiers.forEach((each) => this.#byIdentifier.delete(each));
    }
    return login;
  }

  #add(login: Login, { call, identifiers }: RecordedCall): void {
    const { calls } = login;
    if (!calls.includes(call)) {
      const isRepeatedPoll = call.description.isPoll && calls.at(-1)?.description === call.description;
      if (isRepeatedPoll) calls.pop();
      if (calls.length < MAX_CALLS_PER_LOGIN) calls.push(call);
      calls.sort((one, other) => one.id - other.id);
    }
    // A forgotten login may still have a call under way.
    if (!this.logins.includes(login)) return;
    for (const identifier of identifiers.filter((each) => !this.#byIdentifier.has(each))) {
      this.#byIdentifier.set(identifier, login);
      login.identifiers.add(identifier);
    }
  }

  /** Adds the calls that waited for this login, and those that waited for them. */
  #addWaiting(login: Login): void {
    const found = this.#unassigned.filter((each) => this.#find(each) === login);
    if (found.length === 0) return;
    this.#unassigned = this.#unassigned.filter((each) => !found.includes(each));
    for (const each of found) this.#add(login, each);
    this.#addWaiting(login);
  }
}
