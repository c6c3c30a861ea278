import { LoginError, type SilentFailure } from '../errors.js';
import type { PhoneNumber } from '../phone.js';
import type { Store } from '../store/store.js';
import { randomToken, type World } from '../world.js';
import type { Beginning, Engine } from './engines/engine.js';
import { createJournal } from './journal.js';
import { createLock } from './lock.js';
import { LOGIN_SECONDS, type Client, type Login, type OtpChannel, type Run, type User } from './login.js';
import { createNext, type NextChannel } from './next.js';
import type { Otp } from './otp.js';
import { endOfStep, progressOf, runAt, type Progress } from './progress.js';
import { createProof, type Prove } from './proof.js';
import type { Reports } from './reports.js';
import { clientOf, newState } from './state.js';
import { addressOf, type Tickets } from './tickets.js';

/** The session of the one who asks: the half of the proof that only the one who began the login holds. */
export interface Holder {
  /** The login of this session; absent when there is none, or it was cancelled. */
  readonly login: Login | undefined;
  /** The login as it was kept, cancelled or not. */
  readonly former: Login | undefined;
  /** Gives the session a new id and this login, in place of any other. Who was logged in stays so. */
  begin(login: Login): Promise<void>;
  /** Reads the session anew: another request may have changed its login. */
  refresh(): Promise<void>;
  /** Keeps the login as it now is, or forgets it; does nothing to a session that ended meanwhile. */
  update(login: Login | undefined): Promise<void>;
  /** Gives the session a new id and its user. @throws LoginError `login_expired` if the session ended meanwhile */
  signIn(user: User, login: Login): Promise<void>;
}

/** A device that came back from the redirects. */
export interface Arrival {
  state: string;
  result: { authorizationCode: string } | { error: string };
  /** Whether it says of itself that it is a browser. */
  isBrowser: boolean;
  /** The login of the session it brought along, if any. */
  login: Login | undefined;
}

export interface Flow {
  /** Steps 1 and 2: the number comes in, the link goes out. `authUrl` is absent where there is no link, or not yet. */
  begin(
    request: { phoneNumber: PhoneNumber; client: Client; codeChallenge?: string | undefined },
    holder: Holder,
    correlator: string,
  ): Promise<{ login: Login; authUrl: string | undefined }>;
  /** Steps 3 and 4: the device is back, and gets a code for what it brought. Logs nobody in. */
  returned(arrival: Arrival, correlator: string): Promise<{ loginId: string; code: string }>;
  /** Step 5: a code comes back to the session that began, and the operator, or Verify, is asked. */
  verify: Prove;
  /** Where silence fails, the same login goes on by a code to type. */
  next: NextChannel;
  /** Where the login stands. */
  progress(login: Login): Promise<Progress>;
  /** Ends the login of this session, if there is one; its link and its codes are worthless from then on. */
  cancel(holder: Holder, correlator: string): Promise<void>;
}

export interface FlowDeps {
  engine: Engine;
  otp: Otp;
  /** The channels of codes to type, in the order they are offered. */
  fallbacks: readonly OtpChannel[];
  tickets: Tickets;
  reports: Reports;
  store: Store;
  world: World;
  pseudonym: (number: PhoneNumber) => string;
}

/** The five steps. Every secret is taken before it is believed, and every binding checked before a call is spent. */
export function createFlow(deps: FlowDeps): Flow {
  const { engine, otp, tickets, world, fallbacks } = deps;
  const journal = createJournal(world);
  const progress = async (login: Login) =>
    progressOf(login, world.now(), fallbacks, await deps.reports.of(login.run?.requestId));
  const parts = { ...deps, journal, progress, lock: createLock(deps.store) };

  /** An outage of the silent way is no end while there is another way; without one it is an error. */
  const orElse = (error: unknown): Beginning => {
    if (fallbacks.length > 0 && error instanceof LoginError && error.status >= 500) return { by: 'nothing' };
    throw error;
  };

  return {
    async begin({ phoneNumber, client, codeChallenge }, holder, correlator) {
      const id = world.random(16).toString('hex');
      const expiresAt = world.now() + LOGIN_SECONDS * 1000;
      const base: Login = { id, phoneNumber, client, channel: null, status: 'pending', expiresAt };
      if (codeChallenge !== undefined) base.codeChallenge = codeChallenge;
      const { former } = holder;
      const run = former && leftUnderWay(former, world.now());
      const formerRun = run && isSameLogin(former, base, run) ? run : undefined;
      if (run !== undefined && formerRun === undefined) otp.cancel(run, correlator);

      const states: string[] = [];
      const newTicket = async () => {
        const state = newState(client, world);
        await tickets.put(
          'state',
          state,
          { loginId: id, phoneNumber, client, loginExpiresAt: expiresAt },
          LOGIN_SECONDS,
        );
        states.push(state);
        return state;
      };
      // A store that is away must not cost a call: engines that put no ticket would find out only afterwards.
      if (engine.redirect === undefined) await deps.store.ping();
      const note = journal(correlator, id, { number: deps.pseudonym(phoneNumber), client });
      const request = { loginId: id, phoneNumber, client, newState: newTicket, formerRun, correlator };
      const forget = (used?: string) =>
        Promise.all(
          states.filter((state) => state !== used).map((state) => tickets.cancelState(addressOf(state))),
        );
      const beginning = await note('begin', () => engine.begin(request)).catch(async (error: unknown) => {
        await forget();
        return orElse(error);
      });

      const login = { ...base, ...(formerRun && { formerRun }), ...begun(beginning) };
      await forget(beginning.by === 'redirect' ? beginning.state : undefined);
      if (holder.login?.stateAddress !== undefined) await tickets.cancelState(holder.login.stateAddress);
      await holder.begin(login);
      const authUrl = beginning.by === 'redirect' ? beginning.authUrl : (await progress(login)).checkUrl;
      return { login, authUrl };
    },

    async returned({ state, result, isBrowser, login }, correlator) {
      refuseWrongReader(state, isBrowser, login);
      const ticket = await tickets.take('state', state);
      const redirect = engine.redirect;
      if (ticket === undefined || redirect === undefined) {
        throw new LoginError('login_expired', 'This link is unknown, used or too old.');
      }
      const note = journal(correlator, ticket.loginId);
      return note('callback', async () => {
        if ('error' in result) throw refusedByOperator(result.error);
        const { accessToken, expiresIn } = await redirect.exchange(result.authorizationCode, correlator);
        // A token is kept no longer than its login, five minutes at the most, whatever it says of itself.
        const left = Math.ceil((ticket.loginExpiresAt - world.now()) / 1000);
        const code = randomToken(world);
        await tickets.put('code', code, { ...ticket, accessToken }, Math.max(1, Math.min(expiresIn, left)));
        return { loginId: ticket.loginId, code };
      });
    },

    verify: createProof(parts),
    next: createNext(parts),
    progress,

    async cancel(holder, correlator) {
      const login = holder.login;
      if (login === undefined) return;
      if (login.stateAddress !== undefined) await tickets.cancelState(login.stateAddress);
      const run = leftUnderWay(login, world.now());
      if (run !== undefined) otp.cancel(run, correlator);
      // A request that is still under way is remembered: the next login of this number will meet it.
      const left: Login | undefined = run && {
        ...login,
        status: 'cancelled',
        run: { ...run, cancelled: true },
      };
      await holder.update(left).catch(unlessEnded);
    },
  };
}

/** A session that ended meanwhile holds no login any more, which is all that was wanted. */
function unlessEnded(error: unknown): void {
  if (!(error instanceof LoginError && error.code === 'login_expired')) throw error;
}

/** What a login knows from the way it began. */
function begun(beginning: Beginning): Partial<Login> {
  switch (beginning.by) {
    case 'redirect':
      return { channel: 'silent_auth', stateAddress: addressOf(beginning.state) };
    case 'run': {
      const { run } = beginning;
      return { channel: run.steps[run.step]?.channel ?? null, run, expiresAt: endOfStep(run) };
    }
    case 'nothing':
      return {};
  }
}

/** The Verify request that a login has under way, or found under way when it began. */
const leftUnderWay = (login: Login, now: number): Run | undefined =>
  [login.run, login.formerRun].map((run) => run && runAt(run, now)).find((run) => run !== undefined);

/**
 * Whether a login may take up the request of the one before it: only for the same number, and for whoever can answer the
 * same challenge. A silent step also leads home to one kind of client alone.
 */
const isSameLogin = (former: Login, login: Login, { step, steps }: Run): boolean =>
  former.phoneNumber === login.phoneNumber &&
  former.codeChallenge === login.codeChallenge &&
  (former.client === login.client || steps[step]?.channel !== 'silent_auth');

/**
 * The link of an app does not answer a browser, which would show the code to whoever looks; the link of a browser
 * answers only the browser that holds the session. Both leave the state alive: somebody else may be its true bearer.
 */
function refuseWrongReader(state: string, isBrowser: boolean, login: Login | undefined): void {
  const client = clientOf(state);
  if (client === undefined) throw new LoginError('invalid_request', '`state` is not one of ours.');
  if (client === 'app' && isBrowser) {
    throw new LoginError('wrong_client', 'This link belongs to an app and does not answer a browser.');
  }
  if (client === 'browser' && login?.stateAddress !== addressOf(state)) {
    throw new LoginError('wrong_client', 'This link belongs to a login that was not begun in this browser.');
  }
}

/** Codes of OAuth (RFC 6749 section 4.1.2.1) and of OpenID Connect with `prompt=none` (Core section 3.1.2.6). */
const OPERATOR_ERRORS = new Map<string, SilentFailure>([
  ['access_denied', 'denied'],
  ['consent_required', 'denied'],
  ['login_required', 'not_on_cellular'],
  ['interaction_required', 'not_on_cellular'],
]);

function refusedByOperator(error: string): LoginError {
  const reason = OPERATOR_ERRORS.get(error) ?? 'operator_error';
  const known = /^[a-z_]{1,40}$/.test(error) ? error : 'unknown';
  const trace = { api: 'authorize', error: known };
  return new LoginError('silent_auth_failed', 'The operator did not let this device in.', { reason }, trace);
}
