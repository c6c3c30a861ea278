import { createHash, timingSafeEqual } from 'node:crypto';
import { LoginError } from '../errors.js';
import type { PhoneNumber } from '../phone.js';
import type { Holder } from './flow.js';
import type { Channel, Login, OtpChannel, Run } from './login.js';
import type { Parts } from './next.js';
import { CODE_LENGTH } from './otp.js';

export type Verification =
  | { verified: true; phoneNumber: PhoneNumber; channel: Channel }
  | { verified: false; reason: 'number_mismatch'; nextChannels: readonly OtpChannel[] };

/**
 * Proves the login of this session with a code, whatever carried it: one that `/callback` gave the device, one that
 * Vonage gave the device, or one that the user read and typed. Each is spent by the first try, or counted.
 * @throws LoginError `invalid_code`, `too_many_attempts`, `login_expired`, `silent_auth_failed`, and what upstream said
 */
export type Prove = (
  proof: { code: string; codeVerifier?: string | undefined },
  holder: Holder,
  correlator: string,
) => Promise<Verification>;

/** What `/callback` hands out: 256 random bits. */
const OUR_CODE = /^[\w-]{43}$/;

/** What Verify makes: digits for people, letters and digits for devices. */
const VERIFY_CODE = /^[A-Za-z0-9._~-]{4,200}$/;

/** Tries a request gets upstream. Vonage counts as well; a device has no reason to be wrong (Verify v2 reference, "Check"). */
const TRIES = { device: 1, typed: 3 };

/** Seconds the tries are remembered: longer than any request of ours lives. */
const TRIES_LIFE = 900;

export function createProof(parts: Parts): Prove {
  const { engine, otp, tickets, store, world, journal, lock, progress } = parts;

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

  const signIn = async (holder: Holder, login: Login, channel: Channel): Promise<Verification> => {
    const { phoneNumber } = login;
    await holder.signIn({ phoneNumber, channel, authenticatedAt: world.now() }, completed(login, channel));
    return { verified: true, phoneNumber, channel };
  };

  const byTicket = async (
    code: string,
    login: Login,
    holder: Holder,
    verifier: string | undefined,
    correlator: string,
  ) => {
    const ticket = await tickets.take('code', code);
    const bound = ticket?.loginId === login.id && ticket.phoneNumber === login.phoneNumber;
    if (!bound || !isAnsweredBy(login.codeChallenge, verifier) || engine.redirect === undefined)
      throw invalidCode();
    const verified = await engine.redirect
      .verify(ticket.accessToken, ticket.phoneNumber, correlator)
      .catch(async (error: unknown) => {
        await fail(holder, login);
        throw await withNextChannels(error, login);
      });
    if (verified) return signIn(holder, login, 'silent_auth');
    await fail(holder, login);
    const { nextChannels } = await progress(login);
    return { verified, reason: 'number_mismatch' as const, nextChannels };
  };

  const byRun = async (
    code: string,
    login: Login,
    holder: Holder,
    verifier: string | undefined,
    correlator: string,
  ) => {
    const { run } = await progress(login);
    if (run === undefined) throw tooLate();
    if (!VERIFY_CODE.test(code) || !isAnsweredBy(login.codeChallenge, verifier)) throw invalidCode();
    const channel = channelOf(code, run);
    const kind = channel === 'silent_auth' ? 'device' : 'typed';
    const tries = await store.increment(`limit:otp:${run.requestId}:${kind}`, TRIES_LIFE);
    if (tries > TRIES[kind]) throw kind === 'typed' ? tooMany() : tooLate();
    await otp.check(run, code, correlator).catch(async (error: unknown) => {
      if (error instanceof LoginError) await learn(error, run);
      throw error;
    });
    return signIn(holder, login, channel);

    async function learn(error: LoginError, at: Run): Promise<void> {
      const wrong = error.code === 'invalid_code';
      if (error.code === 'too_many_attempts' || (wrong && kind === 'typed' && tries >= TRIES.typed)) {
        await change(holder, login, (current) => ({ ...current, status: 'failed', locked: true }));
        throw tooMany();
      }
      // A silent step has one try; Vonage goes on to the step behind it by itself.
      if (wrong && kind === 'device') {
        await change(holder, login, (current) => ({
          ...current,
          run: { ...at, step: at.step + 1, since: world.now() },
        }));
      }
    }
  };

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

  return async ({ code, codeVerifier }, holder, correlator) => {
    const login = holder.login;
    if (login === undefined || login.status === 'completed' || login.locked) throw invalidCode();
    const way =
      login.stateAddress !== undefined && OUR_CODE.test(code) ? byTicket : login.run ? byRun : undefined;
    if (way === undefined) throw invalidCode();
    const note = journal(correlator, login.id, { number: parts.pseudonym(login.phoneNumber) });
    return note('verify', () => way(code, login, holder, codeVerifier, correlator));
  };
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

/**
 * The channel a code belongs to. Vonage may have gone on to a message before we heard of it, so a code of the form that
 * people type never counts as silent: whoever asks "was it the SIM?" must not be told yes for an SMS.
 */
function channelOf(code: string, run: Run): Channel {
  const channel = run.steps[run.step]?.channel ?? 'silent_auth';
  const typed = new RegExp(`^[0-9]{${CODE_LENGTH}}$`).test(code);
  return channel === 'silent_auth' && typed ? (run.steps[run.step + 1]?.channel ?? channel) : channel;
}

const tooMany = (): LoginError =>
  new LoginError('too_many_attempts', 'A wrong code was sent too often. Begin again.');

/** Known to be of this session, so it may be told apart from a wrong code. */
const tooLate = (): LoginError =>
  new LoginError('login_expired', 'The code is too old. Go on by another channel.');

const isAsItWas = (login: Login, tried: Login): boolean =>
  login.id === tried.id &&
  login.stateAddress === tried.stateAddress &&
  login.run?.requestId === tried.run?.requestId &&
  login.run?.step === tried.run?.step;

/** One answer for wrong, used, foreign and unknown codes: whoever guesses learns nothing. */
const invalidCode = (): LoginError =>
  new LoginError('invalid_code', 'The code is wrong, used, or not of this login.');

/** PKCE with S256 (RFC 7636 section 4.6); a verifier without a challenge is refused, as OAuth 2.1 does. */
function isAnsweredBy(challenge: string | undefined, verifier: string | undefined): boolean {
  if (challenge === undefined || verifier === undefined) return challenge === verifier;
  const answer = createHash('sha256').update(verifier).digest();
  return timingSafeEqual(answer, Buffer.from(challenge, 'base64url'));
}
