import { Limited, type Caller } from '../limits/limits.js';
import { LOGIN_SECONDS, type Client, type Holder, type Login, type Run } from './login.js';
import type { Parts } from './context.js';
import { addressOf, newState } from './tickets.js';
import { LoginError } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { Beginning } from './engines.js';
import type { Visitor } from './hooks.js';
import type { Tell } from './journal.js';
import { Abandoned } from './verification.js';
import { endOfStep, leftUnderWay, stepOf } from './progress.js';

/** The states that are made for one login, of which at most one is used. */
interface States {
  /** Makes a state and puts its ticket. A further one is for a further call of Vonage, and waits for its turn. */
  make: () => Promise<string>;
  /** Makes all but this one worthless. */
  keepOnly: (used?: string) => Promise<unknown>;
}

const createStates =
  ({ engine, tickets, limits, world }: Parts) =>
  ({ id: loginId, phoneNumber, client, expiresAt }: Login, caller: Caller): States => {
    const made: string[] = [];
    return {
      make: async () => {
        if (made.length > 0) await limits.turn(caller, engine.asks);
        const state = newState(client, world);
        await tickets.put('state', state, { loginId, phoneNumber, expiresAt });
        made.push(state);
        return state;
      },
      keepOnly: (used) => {
        const unused = made.filter((state) => state !== used);
        return Promise.all(unused.map((state) => tickets.cancelState(addressOf(state))));
      },
    };
  };

/**
 * Steps 1 and 2: the number comes in, the link goes out. `authUrl` is the link of an engine that
 * begins by redirect. `progress` has the link of a Verify request while its silent step lasts.
 * @throws LoginError `rate_limited`, `unavailable`, `login_refused`, `login_in_progress`, and what upstream said where there is no
 * other way than the silent one
 */
export type Begin = (
  request: {
    phoneNumber: PhoneNumber;
    client: Client;
    codeChallenge?: string | undefined;
    /** Who asks, for a hook. */
    visitor: () => Visitor;
  },
  caller: Caller,
  holder: Holder,
  correlator: string,
) => Promise<{ login: Login; authUrl: string | undefined }>;

export function createBegin(parts: Parts): Begin {
  const { engine, otp, tickets, limits, place, world, rules, fallbacksOf, journal } = parts;
  const statesFor = createStates(parts);

  /** An outage of the silent way is no end while there is another way; without one it is an error. */
  const orElse = (error: unknown, number: PhoneNumber, tell: Tell): Beginning => {
    const otherWay = fallbacksOf(number).length > 0;
    if (!otherWay || !(error instanceof LoginError && error.status >= 500)) throw error;
    tell({ upstream: error.upstream });
    return { by: 'nothing', why: error.code, ...(error instanceof Abandoned && { abandoned: error.run }) };
  };

  /** The request that the login before this one left behind, if this one may take it up; otherwise it is stopped. */
  const takeUp = (former: Login | undefined, login: Login, correlator: string): Run | undefined => {
    if (former === undefined) return undefined;
    const run = leftUnderWay(former, world.now());
    if (run === undefined || isSameLogin(former, login, run)) return run;
    otp.cancel(run, correlator);
    return undefined;
  };

  /** Asks the engine, and lets go of what it was given and has no use for. */
  const ask = async (
    login: Login,
    formerRun: Run | undefined,
    [caller, correlator]: [Caller, string],
    tell: Tell,
  ): Promise<Beginning> => {
    const { id: loginId, phoneNumber, client } = login;
    const states = statesFor(login, caller);
    const mayPay = (messages: number) =>
      limits.send(caller, phoneNumber, messages).then(() => true, unlessAway(tell));
    const about = { loginId, phoneNumber, client, formerRun, correlator };
    const beginning = await engine
      .begin({ ...about, newState: states.make, mayPay })
      .catch(async (error: unknown) => {
        await states.keepOnly();
        return orElse(error, phoneNumber, tell);
      });
    await states.keepOnly(beginning.by === 'redirect' ? beginning.state : undefined);
    return beginning;
  };

  const begin = async (
    id: string,
    { phoneNumber, client, codeChallenge, visitor }: Parameters<Begin>[0],
    [caller, holder, correlator]: [Caller, Holder, string],
    tell: Tell,
  ): ReturnType<Begin> => {
    await rules.beforeLogin?.({ ...visitor(), loginId: id, phoneNumber, client, requestId: correlator });
    const expiresAt = world.now() + LOGIN_SECONDS * 1000;
    const base: Login = { id, phoneNumber, client, channel: null, expiresAt };
    if (codeChallenge !== undefined) base.codeChallenge = codeChallenge;
    const formerRun = takeUp(holder.former, base, correlator);
    const beginning = await ask(base, formerRun, [caller, correlator], tell);

    const login = { ...base, ...(formerRun && { formerRun }), ...begun(beginning) };
    tell({ channel: login.channel });
    if (beginning.by !== 'redirect' && beginning.why !== undefined)
      tell({ outcome: 'silent_auth_unavailable', reason: beginning.why });
    if (holder.login?.ticket !== undefined) await tickets.cancelState(holder.login.ticket);
    await holder.begin(login).catch((error: unknown) => {
      // What was started for a login that could not be kept would go on to send messages.
      if (login.run !== undefined) otp.cancel(login.run, correlator);
      throw error;
    });
    return { login, authUrl: beginning.by === 'redirect' ? beginning.authUrl : undefined };
  };

  return (request, caller, holder, correlator) => {
    const id = world.random(16).toString('hex');
    const known = { login_id: id, number: parts.pseudonym(request.phoneNumber), client: request.client };
    return journal.step('begin', correlator, known, async (tell) => {
      // First: a store that is away, and a client that asks too often, cost no call and no place.
      await limits.login(caller, request.phoneNumber, engine.asks);
      return place(() => begin(id, request, [caller, holder, correlator], tell));
    });
  };
}

/** A limit says no; anything else is an error. */
const unlessAway =
  (tell: Tell) =>
  (error: unknown): false => {
    if (!(error instanceof Limited)) throw error;
    tell({ limit: error.limit });
    return false;
  };

/** What a login knows from the way it began. */
function begun(beginning: Beginning): Partial<Login> {
  switch (beginning.by) {
    case 'redirect':
      return { channel: 'silent_auth', ticket: addressOf(beginning.state) };
    case 'run': {
      const { run } = beginning;
      // Nobody asked for a message in this login yet, so `next` without a channel means the one
      // that is on its way.
      const channel = stepOf(run).channel === 'silent_auth' ? 'silent_auth' : null;
      return { channel, run, expiresAt: endOfStep(run) };
    }
    case 'nothing':
      return beginning.abandoned ? { formerRun: beginning.abandoned } : {};
  }
}

/**
 * Whether a login may take up the request of the one before it: only for the same number, and for whoever can answer the
 * same challenge. A silent step also leads home to one kind of client alone.
 */
const isSameLogin = (former: Login, login: Login, run: Run): boolean =>
  former.phoneNumber === login.phoneNumber &&
  former.codeChallenge === login.codeChallenge &&
  (former.client === login.client || stepOf(run).channel !== 'silent_auth');
