import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Words } from '../client/page/words.js';
import { view } from '../client/page/view.js';
import {
  coded,
  LOGIN_ID,
  open,
  pending,
  play,
  silent,
  tabLogin,
  textOf,
  user,
  type Player,
} from './support/page-player.js';

/** A user whose number has no silent authentication. */
const offered = (channels: ('sms' | 'voice' | 'whatsapp')[] = ['sms', 'voice']): Player =>
  play().load().submit().answer(open(channels, 'silent_auth_unavailable'));
const send = (page: Player, channel: 'sms' | 'voice' | 'whatsapp' = 'sms', resend = false): Player =>
  page.send({ on: 'send', channel, resend });
/** The same after an SMS was sent. */
const withCode = (): Player => send(offered()).answer(pending(open())).answer(coded());
const type = (page: Player, text: string): Player => page.send({ on: 'type_code', text });

describe('a typed code on the page', () => {
  test('asks first if the login is still this one, and then for the code', () => {
    const page = send(offered());
    expect(page.asked()).toMatchObject({ do: 'current', for: 'send' });
    expect(page.view).toMatchObject({ note: 'Sending the code…', failed: { isBusy: true } });
    // A second click changes nothing.
    expect(send(page).effects).toEqual([]);
    page.answer(pending(open()));
    expect(page.asked()).toEqual({ do: 'next', channel: 'sms', resend: false });
    page.answer(coded());
    expect(page.view).toMatchObject({
      screen: 'code',
      title: 'Enter the code from the SMS',
      focus: { on: 'code' },
    });
    expect(textOf(page.view.who?.text)).toBe('Sent to +44 7700 900000');
    expect(page.effects).toContainEqual({ do: 'read_sms', on: true });
  });

  test('no code is sent to the number of the login of another tab', () => {
    const page = send(offered()).answer(pending({ ...open(), loginId: 'b'.repeat(32) }));
    expect(page.view).toMatchObject({ screen: 'failed', title: 'You started another login' });
    expect(page.asked()).not.toMatchObject({ do: 'next' });
  });

  test('six digits are posted by themselves, fewer are not', () => {
    const page = type(withCode(), '12345');
    expect(page.asked()).not.toMatchObject({ do: 'verify' });
    expect(page.send({ on: 'submit_code' }).view.code?.error).toBe('The code has 6 digits.');
    type(page, '123456');
    expect(page.asked()).toEqual({ do: 'verify', code: '123456' });
    expect(page.view.code).toMatchObject({ isBusy: true, submit: 'Checking the code…' });
    page.answer({ verified: true, phoneNumber: '+447700900000', channel: 'sms' });
    expect(page.view).toMatchObject({ screen: 'done' });
    expect(page.lead()).toBe('Confirmed with a code by SMS.');
  });

  test('a pasted SMS gives its one code, and posts it', () => {
    const page = type(withCode(), 'Your O2 code is 123456. Valid for 5 minutes.');
    expect(page.asked()).toEqual({ do: 'verify', code: '123456' });
  });

  test.each([
    [2, 'This code is not right. 2 tries are left.'],
    [1, 'This code is not right. One try is left.'],
    [undefined, 'This code is not right.'],
  ])('a wrong code empties the field, which keeps the focus, and says %s tries', (triesLeft, words) => {
    const page = type(withCode(), '123456').refuse('invalid_code');
    page.answer(pending({ ...coded(), ...(triesLeft !== undefined && { triesLeft }) }));
    expect(page.view).toMatchObject({
      screen: 'code',
      code: { text: '', error: words },
      focus: { on: 'code' },
    });
    expect(type(page, '654321').asked()).toEqual({ do: 'verify', code: '654321' });
  });

  test('when Vonage goes on with a call, the page does so too', () => {
    const page = type(withCode(), '123456')
      .refuse('invalid_code')
      .answer(pending(coded('voice', [])));
    expect(page.view).toMatchObject({
      title: 'Enter the code from the call',
      code: { error: expect.any(String) },
    });
  });

  test.each([
    ['too_many_attempts', 'Too many wrong codes'],
    ['login_refused', 'This login is not allowed'],
  ])('%s ends the login, and keeps the number', (error, title) => {
    const page = type(withCode(), '123456').refuse(error);
    expect(page.view).toMatchObject({ screen: 'failed', title, failed: { main: 'retry', channels: [] } });
    expect(textOf(page.view.who?.text)).toBe('+44 7700 900000');
    expect(page.effects).toContainEqual({ do: 'keep', login: undefined });
  });

  test.each([
    ['login_expired', pending(open(['voice']), 'expired'), 'This code is too old', ['voice']],
    ['invalid_code', undefined, 'This code is too old', []],
    ['invalid_code', pending(open(['voice'], 'blocked'), 'failed'), 'No code was sent', ['voice']],
  ])('after %s the page shows why, and the channels that are left', (error, login, title, channels) => {
    const page = type(withCode(), '123456').refuse(error).answer(login);
    expect(page.view).toMatchObject({ screen: 'failed', title });
    expect(page.view.failed?.channels.map(({ channel }) => channel)).toEqual(channels);
  });

  test('without an answer the code stays in the field, and can be posted again', () => {
    const page = type(withCode(), '123456').refuse('no_answer');
    expect(page.view.code).toMatchObject({ text: '123456', isBusy: false });
    expect(page.view.code?.error).toContain('The server did not answer');
    expect(page.send({ on: 'submit_code' }).asked()).toEqual({ do: 'verify', code: '123456' });
  });

  test('a code whose right answer was lost is not reported as wrong, but shows the session', () => {
    const page = type(withCode(), '123456').refuse('no_answer').send({ on: 'submit_code' });
    page.refuse('invalid_code').answer(pending(coded(), 'completed'));
    expect(page.asked()).toMatchObject({ do: 'session' });
    expect(page.answer(user('sms')).view).toMatchObject({ screen: 'done' });
    expect(page.did('read_sms')).toBe(false);
  });

  test('another code can be sent after the countdown, and is announced', () => {
    const page = withCode();
    expect(textOf(page.view.code?.resend.text)).toBe('Nothing came? Send again in 0:30');
    expect(send(page, 'sms', true).effects).toEqual([]);
    page.pass(30);
    expect(page.view.code?.resend).toMatchObject({ text: ['Send again'], isEarly: false });
    send(page, 'sms', true).answer(pending(coded())).answer(coded());
    expect(page.view.note).toBe('A new code is on its way. The old one no longer works.');
  });

  test.each([
    ['an hour fast', -3600, false],
    ['an hour slow', 3600, true],
  ])('a clock that is %s delays the next code no further', (_which, seconds, isEarly) => {
    const resendAt = new Date(Date.parse(coded().resendAt) + seconds * 1000).toISOString();
    const page = send(offered())
      .answer(pending(open()))
      .answer({ ...coded(), resendAt });
    expect(page.view.code?.resend.isEarly).toBe(isEarly);
    expect(page.pass(30).view.code?.resend.isEarly).toBe(false);
  });

  test('the code can be typed while the page waits for the next one, which can be cancelled', () => {
    const page = send(withCode(), 'voice')
      .answer(pending(coded()))
      .refuse('login_in_progress', { retryAfter: 30 });
    expect(page.view).toMatchObject({ screen: 'code', note: expect.stringContaining('only a moment ago') });
    expect(textOf(page.pass(6).view.code?.left)).toBe('Continues in 0:24');
    expect(page.send({ on: 'cancel' }).view.code?.left).toBeUndefined();
    // The login goes on.
    expect(page.view.note).toBe('');
    page.pass(30);
    expect(page.asked()).not.toMatchObject({ do: 'next' });
    const typed = send(withCode(), 'voice')
      .answer(pending(coded()))
      .refuse('login_in_progress', { retryAfter: 30 });
    expect(type(typed, '123456').asked()).toEqual({ do: 'verify', code: '123456' });
  });

  test('the focus moves to the field when the button that had it makes room', () => {
    const page = send(withCode(), 'voice').answer(pending(coded()));
    const keys = [page.view.focus.key];
    keys.push(page.refuse('login_in_progress', { retryAfter: 30 }).view.focus.key);
    keys.push(page.pass(6).view.focus.key, page.send({ on: 'cancel' }).view.focus.key);
    expect(keys.map((key, at) => key === keys[at - 1])).toEqual([false, false, true, false]);
    expect(page.view.focus.on).toBe('code');
  });

  test('a code that was not accepted yet is asked for again', () => {
    const page = send(offered()).answer(pending(open())).refuse('login_in_progress', { retryAfter: 30 });
    expect(page.view).toMatchObject({ screen: 'wait', title: 'Your turn in a moment' });
    page.pass(30);
    expect(page.asked()).toMatchObject({
      do: 'current',
      for: 'send',
      queue: { channel: 'sms', resend: false },
    });
  });

  test('looks every five seconds if the message failed, for half a minute', () => {
    const page = withCode().pass(5);
    expect(page.asked()).toEqual({ do: 'current', for: 'check' });
    page.answer(pending(coded()));
    expect(page.view.screen).toBe('code');
    let asked = 0;
    for (let seconds = 0; seconds < 60; seconds += 1) {
      page.pass(1);
      asked += page.did('current') ? 1 : 0;
      if (page.did('current')) page.answer(pending(coded()));
    }
    expect(asked).toBe(5);
  });

  test.each(['blocked', 'rejected', 'user_rejected', 'unreachable'] as const)(
    'says that a message was %s, and offers another channel first',
    (reason) => {
      const page = withCode()
        .pass(5)
        .answer(pending(open(['voice'], reason)));
      expect(page.view).toMatchObject({ screen: 'failed', failed: { main: 'channel' } });
      expect(page.effects).toContainEqual({ do: 'read_sms', on: false });
    },
  );

  test('a message that is refused twice for the same reason is announced twice', () => {
    const refuse = (page: Player) => send(page).answer(pending(open())).refuse('upstream_error');
    const page = refuse(offered());
    const { key } = page.view.focus;
    expect(send(page).view.focus.key).toBe(key);
    page.answer(pending(open())).refuse('upstream_error');
    expect(page.view).toMatchObject({ screen: 'failed', focus: { on: 'heading' } });
    expect(page.view.focus.key).not.toBe(key);
  });

  test('a refused message leaves the code that is under way', () => {
    const page = send(withCode(), 'voice')
      .answer(pending(coded()))
      .refuse('rate_limited', { retryAfter: 600 });
    expect(page.view).toMatchObject({ screen: 'code', note: expect.stringContaining('Too many attempts') });
    const none = send(withCode(), 'voice').answer(pending(coded())).refuse('no_more_channels');
    none.answer(pending(coded('sms', [])));
    expect(none.view).toMatchObject({ screen: 'code', note: expect.stringContaining('No more codes') });
  });

  test('after too many messages all channels wait, and the code cannot be asked for again either', () => {
    const page = send(withCode(), 'voice')
      .answer(pending(coded()))
      .refuse('rate_limited', { retryAfter: 600 });
    expect(page.view.code).toMatchObject({
      resend: { isEarly: true },
      channels: [{ text: 'Call me instead · 10\u00a0mins', isEarly: true }],
    });
    expect(textOf(page.view.code?.resend.text)).toBe('Nothing came? Send again in 10:00');
    expect(send(page, 'voice').effects).toEqual([]);
    expect(send(page.pass(600), 'voice').asked()).toMatchObject({ do: 'current', for: 'send' });
  });

  test.each([
    ['a silent login is tried again first', 'denied', { main: 'retry', retry: { isEarly: false } }],
    ['that needs a code, the code waits', undefined, { main: 'channel', retry: undefined }],
  ])('after too many messages of a login %s', (_what, reason, failed) => {
    const page =
      reason === undefined
        ? offered(['sms'])
        : play()
            .load(`#error=silent_auth_failed&reason=${reason}`, tabLogin)
            .answer(pending(open(['sms'])));
    send(page)
      .answer(pending(open(['sms'])))
      .refuse('rate_limited', { retryAfter: 600 });
    const waits = [{ text: 'Get a code by SMS · 10\u00a0mins', isEarly: true }];
    expect(page.view).toMatchObject({ title: 'Too many attempts', failed: { ...failed, channels: waits } });
    expect(page.pass(600).view.failed).toMatchObject({
      ...failed,
      channels: [{ text: 'Get a code by SMS' }],
    });
  });

  test('a reload keeps the field for the code', () => {
    const page = play()
      .load('', { ...tabLogin, leftAt: undefined })
      .answer({ authenticated: false });
    page.answer(pending(coded()));
    expect(page.view).toMatchObject({ screen: 'code', note: '', who: { canChange: true } });
  });

  test('another number can be used instead: the field has the number, and the tab forgets the login', () => {
    const page = withCode().send({ on: 'change' });
    expect(page.view).toMatchObject({ screen: 'number', focus: { on: 'phone' } });
    expect(page.view.number?.text).toBe('07700 900000');
    expect(page.effects).toContainEqual({ do: 'keep', login: undefined });
  });
});

describe('the words on the page', () => {
  const folder = join(__dirname, '../public/words');
  const languages = readdirSync(folder).map((name) => name.replace('.json', ''));
  const players: [string, () => Player][] = [
    ['start', () => play().load()],
    ['wait', () => play().load().submit()],
    ['queue', () => play().load().submit().refuse('login_in_progress', { retryAfter: 9 })],
    [
      'failed',
      () => play().load(`#error=silent_auth_failed&reason=denied`, tabLogin).answer(pending(open())),
    ],
    ['rate', () => play().load().submit().refuse('rate_limited', { retryAfter: 4000 })],
    ['code', withCode],
    [
      'wrong',
      () =>
        type(withCode(), '123456')
          .refuse('invalid_code')
          .answer(pending({ ...coded(), triesLeft: 2 })),
    ],
    [
      'done',
      () =>
        play({ explain: true })
          .load(`#login_id=${LOGIN_ID}&code=${'c'.repeat(43)}`, tabLogin)
          .answer(pending(silent()))
          .answer({ verified: true, phoneNumber: '+447700900000', channel: 'silent_auth' }),
    ],
  ];

  test.each(languages)('are complete in every state in %s, with every placeholder filled', (language) => {
    const words = JSON.parse(readFileSync(join(folder, `${language}.json`), 'utf8')) as Words;
    for (const [name, make] of players) {
      const shown = JSON.stringify(view(make().state, { words, locale: language }));
      expect([name, /\{\w+\}|undefined|null/.exec(shown)?.[0]]).toEqual([name, undefined]);
      // Arabic has digits of its own, which would not fit those of numbers and codes.
      expect(shown).not.toMatch(/[\u0660-\u0669]/);
    }
  });
});
