import * as client from '../client/silent-auth.js';
import {
  codeInFragment,
  createClient,
  LoginError,
  SERVER_ERRORS,
  type Client,
  type CurrentLogin,
} from '../client/silent-auth.js';
import { ERRORS, type MessageFailure, type SilentFailure } from '../src/core/errors.js';
import type { CodeChannel } from '../src/config/login.js';
import type { Channel } from '../src/login/login.js';
import { fetchWithCookies } from './support/cookies.js';
import { walk } from './support/device.js';
import { ALICE, BOB, startSystem, CHALLENGE, withSystem, WITH_CODES, type System } from './support/system.js';

type Same<A, B> = [A, B] extends [B, A] ? true : never;

/** The reason with which a promise is rejected. */
const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'nothing',
    (error: unknown) => error,
  );
const refusal = async (work: Promise<unknown>): Promise<LoginError> => {
  const error = await thrownBy(work);
  expect(error).toBeInstanceOf(LoginError);
  return error as LoginError;
};
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
const ID = expect.stringMatching(/^[0-9a-f-]{36}$/);

describe('the client', () => {
  let system: System;
  let alice: Client;
  beforeAll(async () => (system = await startSystem({ env: WITH_CODES })));
  beforeEach(async () => {
    await system.reset();
    alice = createClient({ base: system.base, fetch: fetchWithCookies() });
  });
  afterAll(() => system.stop());

  /** Begins a login and opens its link. @returns the code of the device */
  const walked = async (phoneNumber = ALICE, options: Parameters<typeof walk>[1] = {}): Promise<string> => {
    const { authUrl } = await alice.login(phoneNumber);
    return String((await walk(authUrl ?? '', options)).json?.['code']);
  };
  const lastCode = async () => (await system.messages()).at(-1)?.code ?? '';

  test('lists exactly the errors, reasons and channels of the server', () => {
    expect(SERVER_ERRORS).toEqual(Object.keys(ERRORS));
    const reasons: Same<client.SilentFailure, SilentFailure> = true;
    const failures: Same<client.MessageFailure, MessageFailure> = true;
    const channels: Same<client.Channel, Channel> = true;
    const codeChannels: Same<client.CodeChannel, CodeChannel> = true;
    expect([reasons, failures, channels, codeChannels]).toEqual([true, true, true, true]);
  });

  test('logs in silently, returns the session, and logs out', async () => {
    expect(await alice.session()).toEqual({ authenticated: false });
    const login = await alice.login(ALICE);
    expect(login).toEqual({
      loginId: expect.any(String),
      channel: 'silent_auth',
      authUrl: expect.stringContaining(system.sandbox),
      expiresAt: ISO,
      nextChannels: ['sms', 'voice'],
    });
    const { json } = await walk(login.authUrl ?? '');
    const verified = await alice.verify(String(json?.['code']));
    expect(verified).toEqual({ verified: true, phoneNumber: ALICE, channel: 'silent_auth' });
    expect(await alice.session()).toEqual({
      authenticated: true,
      phoneNumber: ALICE,
      channel: 'silent_auth',
      authenticatedAt: ISO,
      expiresAt: ISO,
    });
    await alice.logout();
    expect(await alice.session()).toEqual({ authenticated: false });
  });

  test('continues with a message if the SIM has another number', async () => {
    const code = await walked(ALICE, { sim: BOB });
    const nextChannels = ['sms', 'voice'];
    expect(await alice.verify(code)).toEqual({ verified: false, reason: 'number_mismatch', nextChannels });
    expect(await alice.next('voice')).toEqual({
      loginId: expect.any(String),
      channel: 'voice',
      authUrl: null,
      codeLength: 6,
      expiresAt: ISO,
      cancellableAt: ISO,
      resendAt: ISO,
      nextChannels: [],
      sent: true,
    });
    expect(await alice.verify(await lastCode())).toMatchObject({ verified: true, channel: 'voice' });
  });

  test('sends another code as soon as the server does, and the former one is invalid', async () => {
    await alice.login('+447700900102');
    const { resendAt } = await alice.next('sms');
    const former = await lastCode();
    expect(await alice.next('sms')).toMatchObject({ channel: 'sms', sent: false, resendAt });
    const early = await refusal(alice.next('sms', { resend: true }));
    expect(early).toMatchObject({ error: 'login_in_progress', status: 409, retryAfter: 30 });
    system.world.turn(30);
    expect(await alice.next('sms', { resend: true })).toMatchObject({ channel: 'sms', sent: true });
    expect(await system.messages()).toHaveLength(2);
    expect(await refusal(alice.verify(former))).toMatchObject({ error: 'invalid_code' });
    expect(await alice.verify(await lastCode())).toMatchObject({ verified: true, channel: 'sms' });
  });

  test('continues with the first remaining channel if none is named', async () => {
    expect(await alice.login('+447700900102')).toEqual({
      loginId: expect.any(String),
      channel: null,
      authUrl: null,
      reason: 'silent_auth_unavailable',
      expiresAt: ISO,
      nextChannels: ['sms', 'voice'],
    });
    expect(await alice.next()).toMatchObject({ channel: 'sms', codeLength: 6 });
    expect(await refusal(alice.verify('0000'))).toMatchObject({ error: 'invalid_code', status: 400 });
    expect(await alice.verify(await lastCode())).toMatchObject({ verified: true, channel: 'sms' });
  });

  test('returns the current login, or undefined without one', async () => {
    expect(await alice.current()).toBeUndefined();
    const begun = await alice.login(ALICE);
    const { loginId, channel, expiresAt, nextChannels } = begun;
    const stands = { loginId, channel, expiresAt, nextChannels, authUrl: null };
    expect(await alice.current()).toEqual({ ...stands, status: 'pending' });
    await alice.cancel();
    expect(await alice.current()).toBeUndefined();
    expect(await refusal(alice.next())).toMatchObject({ error: 'no_login', status: 404 });
  });

  test('returns a login whose tries are used up by failures of Vonage', async () => {
    await alice.login('+447700900102');
    await alice.next('sms');
    await system.control('faults', { 'verify-check': { status: 500, times: 3 } });
    for (const triesLeft of [2, 1, 0]) {
      expect(await refusal(alice.verify('000000'))).toMatchObject({ error: 'upstream_error' });
      expect(await alice.current()).toMatchObject({ status: 'pending', triesLeft, nextChannels: ['voice'] });
    }
  });

  test('sends the code_verifier of PKCE', async () => {
    const { authUrl } = await alice.login(ALICE, { client: 'app', codeChallenge: CHALLENGE.challenge });
    const home = await walk(authUrl ?? '');
    const verified = await alice.verify(String(home.json?.['code']), { codeVerifier: CHALLENGE.verifier });
    expect(verified.verified).toBe(true);
    const again = await alice.login(ALICE, { codeChallenge: CHALLENGE.challenge });
    const code = String((await walk(again.authUrl ?? '')).json?.['code']);
    expect(await refusal(alice.verify(code))).toMatchObject({ error: 'invalid_code' });
  });

  test('sends the kind of client if it is set', async () => {
    const { authUrl } = await alice.login(ALICE, { client: 'browser' });
    expect((await walk(authUrl ?? '')).hops.at(-1)).toContain('#error=wrong_client');
  });

  test('exposes the channels, fields and request id of an error', async () => {
    await alice.login(ALICE);
    await alice.next('voice');
    const none = await refusal(alice.next('sms'));
    expect(none).toMatchObject({ error: 'no_more_channels', status: 409, nextChannels: [], requestId: ID });
    expect(none.message).toContain('no_more_channels: ');
    expect(none).toMatchObject({ retryAfter: undefined, reason: undefined, errors: undefined });

    const wrong = await refusal(alice.login('+447700900000', { codeChallenge: 'short' }));
    expect(wrong.errors).toEqual([{ field: 'code_challenge', message: expect.any(String) }]);

    const failed = await walked('+447700900104');
    const refused = await refusal(alice.verify(failed));
    expect(refused).toMatchObject({ error: 'silent_auth_failed', reason: 'not_on_cellular' });
    expect(refused.nextChannels).toEqual(['sms', 'voice']);
  });

  test('exposes the seconds of retry_after', async () => {
    await withSystem({}, async ({ base }) => {
      const silent = createClient({ base, fetch: fetchWithCookies() });
      const error = await refusal(silent.login('+447700900109'));
      expect(error).toMatchObject({ error: 'unavailable', status: 503, retryAfter: 7 });
    });
  });
});

describe('the code in the address of a page', () => {
  const verificationId = 'c11236f4-00bf-4b89-84ba-88b25df97315';
  const link = `https://api.nexmo.com/v2/verify/${verificationId}/silent-auth/redirect`;
  const login = {
    loginId: '5b3c0b1ea7f34a3f9f1d0c7a2e6d4b88',
    expiresAt: '2026-01-01T12:05:00.000Z',
    nextChannels: ['sms' as const],
  };
  const silent = { ...login, channel: 'silent_auth' as const, authUrl: null };
  const pending: CurrentLogin = { ...silent, status: 'pending' };
  const byVerify: CurrentLogin = { ...pending, authUrl: link };
  const own = `login_id=${pending.loginId}&code=abc`;

  test.each([
    [`#${own}`, pending],
    [own, pending],
    [`#code=abc&login_id=${pending.loginId}`, byVerify],
    [`#request_id=${verificationId}&code=abc`, byVerify],
  ])('is read from %j', (fragment, current) => {
    expect(codeInFragment(fragment, current)).toBe('abc');
  });

  const over = (status: 'expired' | 'failed' | 'completed'): CurrentLogin => ({ ...silent, status });
  test.each<[what: string, fragment: string, current: CurrentLogin | undefined]>([
    ['nothing', '', pending],
    ['an empty fragment', '#', pending],
    ['a code alone', '#code=abc', pending],
    ['a code alone, with Verify', '#code=abc', byVerify],
    ['no code', `#login_id=${login.loginId}`, pending],
    ['an empty code', `#login_id=${login.loginId}&code=`, pending],
    ['an empty login_id', '#login_id=&code=abc', pending],
    ['a part of the login_id', `#login_id=${login.loginId.slice(0, -1)}&code=abc`, pending],
    ['the login_id in upper case', `#login_id=${login.loginId.toUpperCase()}&code=abc`, pending],
    ['another login', `#login_id=another&request_id=${verificationId}&code=abc`, byVerify],
    ['a verification that this login does not have', `#request_id=${verificationId}&code=abc`, pending],
    ['another verification', `#request_id=${verificationId.replace('c', 'd')}&code=abc`, byVerify],
    ['an empty request_id', '#request_id=&code=abc', byVerify],
    ['a segment of the link', '#request_id=verify&code=abc', byVerify],
    ['another segment of the link', '#request_id=silent-auth&code=abc', byVerify],
    ['more of the link than the request_id', `#request_id=${verificationId}/silent-auth&code=abc`, byVerify],
    ['an error', '#error=access_denied', pending],
    ['a code without a login', `#${own}`, undefined],
    ['a code after the login expired', `#${own}`, over('expired')],
    ['a code of a login that failed', `#${own}`, over('failed')],
    ['a code of a completed login', `#${own}`, over('completed')],
    ['a code of Verify after the login expired', `#request_id=${verificationId}&code=abc`, over('expired')],
    [
      'a code of a login that waits for a typed one',
      `#${own}`,
      { ...login, channel: 'sms', status: 'pending', authUrl: null, codeLength: 6 },
    ],
    [
      'a code of a login that cannot be silent',
      `#${own}`,
      { ...login, channel: null, status: 'pending', authUrl: null },
    ],
  ])('is ignored with %s', (_what, fragment, current) => {
    expect(codeInFragment(fragment, current)).toBeUndefined();
  });
});
