import type { World } from '../../core/world.js';
import { CAMARA_CALLS } from './camara-calls.js';
import { identifiersInAnswer, identifiersInRequest, MAX_BODY_CHARACTERS } from './calls.js';
import { phoneNumberIn, sessionOf, credentialsInRequest } from './calls.js';
import type { CallRequest, Call, ReceivedAnswer, OperatorView } from './calls.js';
import type { CallDescription } from './descriptions.js';
import { SERVER_CALLS } from './server-calls.js';
import { VERIFY_CALLS } from './verify-calls.js';
import { VONAGE_CALLS } from './vonage-calls.js';

/** The newest logins and unassigned calls are kept, and the first calls of a login. */
const MAX_LOGINS = 50;
const MAX_CALLS_PER_LOGIN = 150;
const MAX_UNASSIGNED_CALLS = 200;

const DESCRIPTIONS: readonly CallDescription[] = [
  ...SERVER_CALLS,
  ...VONAGE_CALLS,
  ...VERIFY_CALLS,
  ...CAMARA_CALLS,
];

export type DescribedCall = Call & { description: CallDescription };

export interface Login {
  id: number;
  /** E.164. */
  number: string;
  calls: DescribedCall[];
  identifiers: Set<string>;
}

/** Records the end of a call. Ignores all but the first. */
export interface CallRecorder {
  answer(answer: ReceivedAnswer, seen?: OperatorView): void;
  breakOff(): void;
}

interface RecordedCall {
  call: DescribedCall;
  /** Added to the login when the call is assigned. */
  identifiers: string[];
  /** Assign the call to a login that already has them. */
  credentials: string[];
  login?: Login | undefined;
}

const truncated = <T extends { body: string }>(message: T): T => ({
  ...message,
  body: message.body.slice(0, MAX_BODY_CHARACTERS),
});

const descriptionOf = (asked: CallRequest): CallDescription | undefined => {
  // The URL is built from the request line and `Host`, which may be malformed.
  if (!URL.canParse(asked.url)) return undefined;
  const { pathname } = new URL(asked.url);
  return DESCRIPTIONS.find(
    ({ method, path, matches }) =>
      method === asked.method && path.test(pathname) && (matches?.(asked) ?? true),
  );
};

/** Groups the recorded calls into logins, by the identifiers that calls share. */
export class Conversation {
  /** Newest first. */
  readonly logins: Login[] = [];
  /** Whether calls to the server are recorded. If so, a login starts with such a call. */
  includesServer = false;
  readonly #byIdentifier = new Map<string, Login>();
  #unassigned: RecordedCall[] = [];
  #counts = { logins: 0, calls: 0, moments: 0 };

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
   * Records a request. Returns undefined for requests that cannot belong to a login.
   * @param identifier an additional identifier, which the request does not contain
   */
  record(asked: CallRequest, identifier?: string): CallRecorder | undefined {
    const description = descriptionOf(asked);
    if (!description) return undefined;
    const recorded = this.#recordedCall(asked, description);
    if (identifier !== undefined) recorded.identifiers.unshift(identifier);
    const { call } = recorded;
    const login = this.#find(recorded);
    recorded.login = login;
    call.isOtherSession =
      login !== undefined && !sessionOf(asked).some((each) => login.identifiers.has(each));
    if (login || !description.answer) this.#assign(recorded);
    const isOver = (): boolean => call.ended !== null;
    return {
      answer: (answer, seen) => {
        if (isOver()) return;
        if (seen) call.seen = seen;
        this.#answer(recorded, answer);
      },
      breakOff: () => {
        if (isOver()) return;
        Object.assign(call, { broken: true, ended: ++this.#counts.moments });
        this.#assign(recorded);
      },
    };
  }

  #recordedCall(asked: CallRequest, description: CallDescription): RecordedCall {
    return {
      call: {
        id: ++this.#counts.calls,
        at: new Date(this.world.now()).toISOString(),
        asked: truncated(asked),
        began: ++this.#counts.moments,
        ended: null,
        answered: null,
        broken: false,
        isOtherSession: false,
        description,
      },
      identifiers: identifiersInRequest(asked),
      // A session may start several logins.
      credentials: description.step === '1' ? [] : credentialsInRequest(asked),
    };
  }

  #answer(recorded: RecordedCall, answer: ReceivedAnswer): void {
    const took = this.world.now() - Date.parse(recorded.call.at);
    recorded.call.answered = { ...truncated(answer), took };
    recorded.call.ended = ++this.#counts.moments;
    recorded.identifiers.push(...identifiersInAnswer(recorded.call.answered));
    this.#assign(recorded);
  }

  #find({ identifiers, credentials }: RecordedCall): Login | undefined {
    return [...identifiers, ...credentials]
      .map((identifier) => this.#byIdentifier.get(identifier))
      .find((login) => login !== undefined);
  }

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

  /** Starts a login with this call, or finds an existing one of the same number. */
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
    // A dropped login may still have a pending call.
    if (!this.logins.includes(login)) return;
    for (const identifier of identifiers.filter((each) => !this.#byIdentifier.has(each))) {
      this.#byIdentifier.set(identifier, login);
      login.identifiers.add(identifier);
    }
  }

  /** Adds the unassigned calls of this login, until their identifiers match no further ones. */
  #addWaiting(login: Login): void {
    const found = this.#unassigned.filter((each) => this.#find(each) === login);
    if (found.length === 0) return;
    this.#unassigned = this.#unassigned.filter((each) => !found.includes(each));
    for (const each of found) this.#add(login, each);
    this.#addWaiting(login);
  }
}
