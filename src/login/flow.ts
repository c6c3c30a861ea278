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
      const note = journal(correlator, id, { number: deps.pseudonym(phoneNumber), client });
      const formerRun = leftUnderWay(holder.former, phoneNumber, world.now());
      const request = {
        loginId: id,
        phoneNumber,
        client,
        newState: () => newState(client, world),
        formerRun,
        correlator,
      };
      const beginning = await note('begin', () => engine.begin(request)).catch(orElse);

      const expiresAt = world.now() + LOGIN_SECONDS * 1000;
      const base: Login = { id, phoneNumber, client, channel: null, status: 'pending', expiresAt };
      const login = {
        ...base,
        ...(codeChallenge && { codeChallenge }),
        ...(formerRun && { formerRun }),
        ...begun(beginning),
      };
      if (beginning.by === 'redirect') {
        await tickets.put(
          'state',
          beginning.state,
          { loginId: id, phoneNumber, client, loginExpiresAt: expiresAt },
          LOGIN_SECONDS,
        );
      }
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
      const run = login.run && runAt(login.run, world.now());
      if (run !== undefined && run.step === 0) otp.cancel(run, correlator);
      // A request that is still under way is remembered: the next login of this number will meet it.
      await holder.update(run && { ...login, status: 'cancelled', run: { ...run, cancelled: true } });
    },
  };
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

/** The Verify request that an earlier login of this session and number left behind; Vonage allows one for a number. */
function leftUnderWay(former: Login | undefined, phoneNumber: PhoneNumber, now: number): Run | undefined {
  const run = former?.phoneNumber === phoneNumber ? (former.run ?? former.formerRun) : undefined;
  return run && runAt(run, now);
}

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
