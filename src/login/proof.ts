import { LoginError } from '../errors.js';
import type { PhoneNumber } from '../phone.js';
import { createAdmission } from './admission.js';
import { invalidCode, isAnsweredBy } from './code.js';
import type { Holder } from './holder.js';
import type { Tell } from './journal.js';
import { LOGIN_SECONDS, type Channel, type Login, type OtpChannel } from './login.js';
import type { Parts } from './parts.js';
import { createRunProof } from './run-proof.js';

export type Verification = (
  | { verified: true; phoneNumber: PhoneNumber; channel: Channel }
  | { verified: false; reason: 'number_mismatch'; nextChannels: readonly OtpChannel[] }
) & {
  /** Milliseconds the device's callback took, where there was one. */
  callbackMs?: number;
};

/**
 * Proves the login of this session with a code, whatever carried it: one that `/callback` gave the device, one that
 * Vonage gave the device, or one that the user read and typed. Each is spent by the first try, or counted.
 * @throws LoginError `invalid_code`, `too_many_attempts`, `login_expired`, `silent_auth_failed`, what the operator's own
 * rules say (`admission`), and what upstream said
 */
export type Prove = (
  proof: { code: string; codeVerifier?: string | undefined },
  holder: Holder,
  correlator: string,
) => Promise<Verification>;

/** What `/callback` hands out: 256 random bits. */
const OUR_CODE = /^[\w-]{43}$/;

/** Wrong codes that end a login. Nobody guesses 256 bits; this is for what trying costs us. */
const MISSES = 100;

export function createProof(parts: Parts): Prove {
  const { engine, tickets, store, world, journal, lock, progress } = parts;

  /** Changes the login as it was when it was tried; one that was moved on meanwhile is another matter. */
  const change = async (holder: Holder, tried: Login, how: (login: Login) => Login): Promise<void> => {
    const apply = async () => {
      await holder.refresh();
      const { login } = holder;
      if (login !== undefined && isAsItWas(login, tried)) await holder.update(how(login));
    };
    await lock.hold(tried.id, apply).catch((error: unknown) => {
      if (!(error instanceof LoginError && error.status < 500)) throw error;
    });
  };
  const fail = (holder: Holder, login: Login) =>
    change(holder, login, (current) => ({ ...current, status: 'failed' }));

  const admit = createAdmission({ ...parts, change });
  const signIn = async (
    holder: Holder,
    login: Login,
    channel: Channel,
    correlator: string,
  ): Promise<Verification> => {
    await admit(holder, login, channel, correlator);
    const { phoneNumber } = login;
    await holder.signIn({ phoneNumber, channel, authenticatedAt: world.now() }, completed(login, channel));
    return { verified: true, phoneNumber, channel };
  };

  /** Counts a wrong code, at the cost of nobody who has the right one. */
  const missed = async (holder: Holder, login: Login): Promise<LoginError> => {
    const misses = await store.increment(`limit:code:${login.id}`, LOGIN_SECONDS);
    if (misses < MISSES) return invalidCode();
    await change(holder, login, (current) => ({ ...current, status: 'failed', locked: true }));
    return new LoginError('too_many_attempts', 'A wrong code was sent too often. Begin again.');
  };

  const byTicket = async (
    code: string,
    login: Login,
    holder: Holder,
    verifier: string | undefined,
    correlator: string,
    tell: Tell,
  ) => {
    tell({ channel: 'silent_auth' });
    const ticket = await tickets.take('code', code);
    const bound = ticket?.loginId === login.id && ticket.phoneNumber === login.phoneNumber;
    if (!bound || !isAnsweredBy(login.codeChallenge, verifier) || engine.redirect === undefined)
      throw await missed(holder, login);
    const verified = await engine.redirect
      .verify(ticket.accessToken, ticket.phoneNumber, correlator)
      .catch(async (error: unknown) => {
        await fail(holder, login);
        throw await withNextChannels(error, login);
      });
    const { callbackMs } = ticket;
    if (verified) return { ...(await signIn(holder, login, 'silent_auth', correlator)), callbackMs };
    tell({ outcome: 'number_mismatch' });
    await fail(holder, login);
    const { nextChannels } = await progress(login);
    return { verified, reason: 'number_mismatch' as const, nextChannels, callbackMs };
  };

  const byRun = createRunProof({ ...parts, change, signIn });

  const withNextChannels = async (error: unknown, login: Login): Promise<unknown> => {
    if (!(error instanceof LoginError)) return error;
    const { nextChannels } = await progress(login);
    if (nextChannels.length === 0) return error;
    return new LoginError(
      error.code,
      error.detail,
      { ...error.fields, next_channels: nextChannels },
      error.upstream,
      error.cause,
    );
  };

  /** Once a login went on to a message, a code of its silent way is a wrong one, and no try of the one that is typed. */
  const wayOf = (code: string, login: Login) => {
    const ours = engine.redirect !== undefined && OUR_CODE.test(code);
    if (ours) return login.stateAddress === undefined ? undefined : byTicket;
    return login.run && byRun;
  };

  return ({ code, codeVerifier }, holder, correlator) =>
    journal.step('verify', correlator, parts.known(holder.login), async (tell) => {
      const login = holder.login;
      if (login === undefined || login.status === 'completed' || login.locked) throw invalidCode();
      const way = wayOf(code, login);
      if (way === undefined) throw invalidCode();
      return way(code, login, holder, codeVerifier, correlator, tell);
    });
}

/** A login that is done keeps only what `GET /login` tells of it. */
const completed = ({ id, phoneNumber, client, expiresAt }: Login, channel: Channel): Login => ({
  id,
  phoneNumber,
  client,
  channel,
  status: 'completed',
  expiresAt,
});

const isAsItWas = (login: Login, tried: Login): boolean =>
  login.id === tried.id &&
  login.stateAddress === tried.stateAddress &&
  login.run?.requestId === tried.run?.requestId &&
  login.run?.step === tried.run?.step;
