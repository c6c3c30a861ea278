import type { Proof } from '../camara/camara.js';
import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import { Limited, type Caller } from '../limits/limits.js';
import type { LoginContext, RequestContext, StepContext } from './context.js';
import type { Beginning } from './engines.js';
import type { Visitor } from './hooks.js';
import type { Annotate } from '../observability/journal.js';
import {
  LOGIN_TTL_SECONDS,
  ignoreEndedSession,
  lock,
  type Client,
  type Login,
  type LoginSession,
  type Verification,
} from './login.js';
import { codeChannelsOf, endOfStep, stepOf, verificationUnderWay } from './progress.js';
import { addressOf, newState } from './tickets.js';

export interface BeginInput {
  phoneNumber: PhoneNumber;
  client: Client;
  codeChallenge?: string | undefined;
  /** The language of messages (BCP 47). */
  locale?: string | undefined;
  /** Whether `silent-auth doctor` begins it. */
  isProbe: boolean;
  /** Whether it proves the number of the session's user anew. */
  reauthenticates: boolean;
  /** Describes the client to a hook. */
  visitor: () => Visitor;
}

/**
 * Steps 1 and 2: takes the number and returns the link. `authUrl` is the link of an engine that
 * begins by redirect; the link of a Verify silent step is in the progress of the login.
 * @throws LoginError `rate_limited`, `unavailable`, `login_refused`, `login_in_progress`; the
 * errors of upstream where the login has no other channel
 */
export function createBegin(context: LoginContext) {
  const { engine, verifications, limits, tickets, world, rules, journal } = context;

  const begin = async (id: string, input: BeginInput, step: StepContext) => {
    const { phoneNumber, client, codeChallenge, locale, isProbe, reauthenticates, visitor } = input;
    const { session, requestId, annotate } = step;
    const begunAt = world.now();
    await rules.beforeLogin?.({ ...visitor(), loginId: id, phoneNumber, client, requestId });
    const expiresAt = world.now() + LOGIN_TTL_SECONDS * 1000;
    const base: Login = { id, phoneNumber, client, channel: null, expiresAt, begunAt };
    if (codeChallenge !== undefined) base.codeChallenge = codeChallenge;
    if (locale !== undefined) base.locale = locale;
    if (isProbe) base.isProbe = true;
    if (reauthenticates) base.reauthenticates = true;
    const { login: former } = session;
    const underWay = former && verificationUnderWay(former, world.now());
    const isTakenOver = former && underWay ? mayTakeOver(base, former, underWay) : false;
    if (underWay && isTakenOver) base.formerVerification = underWay;
    const beginning = await askEngine(context, base, step).catch(async (error: unknown) => {
      await keepPlace(base, session, error);
      throw error;
    });

    const login: Login = { ...base, ...stateOf(beginning) };
    if (login.verification !== undefined) delete login.formerVerification;
    annotate({ channel: login.channel });
    if (beginning.by !== 'redirect' && beginning.why !== undefined)
      annotate({ outcome: 'silent_auth_unavailable', reason: beginning.why });
    if (beginning.by === 'nothing' && beginning.upstream) annotate({ upstream: beginning.upstream });
    if (former?.ticket !== undefined) await tickets.cancelState(former.ticket);
    await session.begin(login).catch((error: unknown) => {
      // The verification would go on to send messages for a login that was not stored.
      if (login.verification !== undefined) verifications.cancel(login.verification, requestId);
      throw error;
    });
    if (underWay !== undefined && !isTakenOver) verifications.cancel(underWay, requestId);
    return { login, authUrl: beginning.by === 'redirect' ? beginning.authUrl : undefined };
  };

  return (input: BeginInput, request: RequestContext) => {
    const id = world.random(16).toString('hex');
    const { requestId } = request;
    return journal.step({ step: 'begin', requestId, login: { id, ...input } }, async (annotate) => {
      // First: while the store is away or a limit is reached, a login makes no call and takes no
      // slot.
      await limits.login(request.caller, input.phoneNumber, engine.asks);
      return context.withUpstreamSlot(() => begin(id, input, { ...request, annotate }));
    });
  };
}

/**
 * Cancels the login of the session, if there is one. Its link and its codes are void from then on.
 */
export function createCancel({ verifications, tickets, world, journal }: LoginContext) {
  return async ({ session, requestId }: Omit<RequestContext, 'caller'>): Promise<void> => {
    const { login } = session;
    if (login === undefined) return;
    await journal.step({ step: 'cancel', requestId, login }, async (annotate) => {
      annotate({ channel: login.channel });
      if (login.ticket !== undefined) await tickets.cancelState(login.ticket);
      let verification: Verification | undefined;
      const change = session.change((stored) => {
        if (stored.id !== login.id) return stored;
        verification = verificationUnderWay(stored, world.now());
        return undefined;
      });
      await change.catch(ignoreEndedSession);
      if (verification !== undefined) verifications.cancel(verification, requestId);
    });
  };
}

/**
 * Gives a client without a login a session, if it has to wait for a verification of another client:
 * the cookie identifies its place in the queue when it asks again.
 */
async function keepPlace(login: Login, session: LoginSession, error: unknown): Promise<void> {
  const waits = error instanceof LoginError && error.code === 'login_in_progress';
  // Locked, because this login cannot continue.
  if (waits && session.login === undefined) await session.begin(lock(login));
}

/**
 * A login may take over a verification of the same number and PKCE challenge. A silent step also
 * leads back to one kind of client alone.
 */
const mayTakeOver = (login: Login, former: Login, verification: Verification): boolean =>
  former.phoneNumber === login.phoneNumber &&
  former.codeChallenge === login.codeChallenge &&
  (former.client === login.client || stepOf(verification).channel !== 'silent_auth');

/** Asks the engine for a beginning, and cancels the states that it did not use. */
async function askEngine(context: LoginContext, login: Login, step: StepContext): Promise<Beginning> {
  const { engine, limits, verifications, world } = context;
  const { caller, requestId, annotate, session } = step;
  const { formerVerification } = login;
  // A verification that can be cancelled is replaced: its link may be spent.
  const isYoung = formerVerification && world.now() < verifications.cancellableAt(formerVerification);
  const resumes = isYoung ? formerVerification : undefined;
  const claimant = session.login?.id ?? login.id;
  const states = createStates(context, login, caller);
  let isAllowed: boolean | undefined;
  const pay = async (messages: number) => {
    if (isAllowed === false) return undefined;
    const giveBack = await limits
      .send(caller, login.phoneNumber, messages)
      .catch(undefinedIfLimited(annotate));
    // After the limits, since each question costs money.
    if (giveBack === undefined || (isAllowed ??= await mayBePaidFor(context, login, step))) return giveBack;
    await giveBack();
    return undefined;
  };
  const beginning = await engine
    .begin({ login, resumes, claimant, caller, requestId, newState: states.make, pay })
    .catch(async (error: unknown) => {
      await states.cancelAllBut();
      return beginningAfterError(error, codeChannelsOf(login.phoneNumber, context.fallbacks).length > 0);
    });
  await states.cancelAllBut(beginning.by === 'redirect' ? beginning.state : undefined);
  return beginning;
}

/** Whether the SIM of the number allows messages before silent authentication. */
async function mayBePaidFor({ checkSim }: LoginContext, login: Login, step: StepContext): Promise<boolean> {
  if (checkSim === undefined) return true;
  const { knownSim, answer } = await checkSim(login, step);
  if (knownSim !== undefined) login.knownSim = knownSim;
  return answer === 'allow';
}

/** An outage of the silent channel is an error only where the login has no other channel. */
function beginningAfterError(error: unknown, hasOtherChannel: boolean): Beginning {
  if (!hasOtherChannel || !(error instanceof LoginError && error.status >= 500)) throw error;
  return { by: 'nothing', why: error.code, upstream: error.upstream };
}

/** Returns undefined if a limit was reached. Rethrows any other error. */
const undefinedIfLimited =
  (annotate: Annotate) =>
  (error: unknown): undefined => {
    if (!(error instanceof Limited)) throw error;
    annotate({ limit: error.limit });
  };

/** The states that are made for one login, of which at most one is used. */
function createStates({ engine, tickets, limits, world }: LoginContext, login: Login, caller: Caller) {
  const { id: loginId, phoneNumber, client, expiresAt, isProbe } = login;
  const made: string[] = [];
  return {
    /**
     * Makes a state and stores its ticket. Each one after the first is for another call, and waits
     * for its turn.
     */
    make: async (proof?: Proof): Promise<string> => {
      if (made.length > 0) await limits.turn(caller, engine.asks);
      const state = newState(client, world);
      const bound = { loginId, phoneNumber, expiresAt, ...(isProbe && { isProbe }) };
      await tickets.put('state', state, { ...bound, ...(proof && { proof }) });
      made.push(state);
      return state;
    },
    cancelAllBut: (used?: string): Promise<unknown> => {
      const unused = made.filter((state) => state !== used);
      return Promise.all(unused.map((state) => tickets.cancelState(addressOf(state))));
    },
  };
}

/** What a beginning adds to the login. */
function stateOf(beginning: Beginning): Partial<Login> {
  switch (beginning.by) {
    case 'redirect':
      return { channel: 'silent_auth', ticket: addressOf(beginning.state) };
    case 'verification': {
      const { verification } = beginning;
      // Where the silent step is skipped, a message is under way that the app has not asked for.
      // The channel is `null`, so that `next` without a channel answers with that message.
      const channel = stepOf(verification).channel === 'silent_auth' ? 'silent_auth' : null;
      return { channel, verification, expiresAt: endOfStep(verification) };
    }
    case 'nothing':
      return {};
  }
}
