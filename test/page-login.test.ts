import type { Settings } from '../client/page/state.js';
import {
  CODE,
  coded,
  LOGIN_ID,
  open,
  pending,
  play,
  silent,
  tabLogin,
  textOf,
  user,
} from './support/page-player.js';

const OURS = `#login_id=${LOGIN_ID}&code=${CODE}`;

describe('a silent login on the page', () => {
  test('asks for the link, keeps the login, and opens the link', () => {
    const page = play().load().submit();
    expect(page.view).toMatchObject({ screen: 'wait', title: 'Confirming your SIM', wait: { reached: 0 } });
    expect(page.asked()).toEqual({ do: 'login', number: '+447700900000' });
    page.answer(silent());
    expect(page.effects.map((effect) => effect.do)).toEqual(['keep', 'notify', 'keep', 'open']);
    expect(page.effects.at(-1)).toEqual({ do: 'open', url: 'https://operator.example/' });
    expect(page.view).toMatchObject({ screen: 'wait', wait: { reached: 1 } });
  });

  test('counts from the click, even if the script came later', () => {
    const page = play().load().send({ on: 'type', text: '07700 900000', format: true });
    const pressedAt = page.state.now - 1500;
    page.send({ on: 'submit', keepsCookies: true, pressedAt }).answer(silent());
    expect(page.effects).toContainEqual({
      do: 'keep',
      login: expect.objectContaining({ startedAt: pressedAt }),
    });
    page.send({ on: 'cancel' }).pass(1).submit().answer(silent());
    expect(page.state.login?.startedAt).toBe(page.state.now);
  });

  test('posts the code once the server says that it is for the login of this tab', () => {
    const page = play().load(OURS, tabLogin);
    expect(page.view.screen).toBe('wait');
    expect(page.asked()).toMatchObject({ do: 'current', for: 'fragment' });
    page.answer(pending(silent()));
    expect(page.asked()).toEqual({ do: 'verify', code: CODE });
    page.answer({ verified: true, phoneNumber: '+447700900000', channel: 'silent_auth' });
    expect(page.view).toMatchObject({ screen: 'done', mark: 'good', focus: { on: 'heading' } });
    expect(page.effects).toContainEqual({ do: 'keep', login: undefined });
    expect(page.effects).toContainEqual({ do: 'notify', change: 'in' });
  });

  test('counts the time from the click to the session, with the reload', () => {
    const page = play({ explain: true }).load(OURS, tabLogin).answer(pending(silent()));
    page.answer({ verified: true, phoneNumber: '+447700900000', channel: 'silent_auth' });
    const { steps } = page.view;
    expect(steps?.total).toBe('In all 5s, from the click to the session.');
    expect(steps?.steps.map(({ took }) => took)).toEqual(['10ms', '20ms', '4s', '5ms', '970ms']);
    expect(steps?.steps.map(({ state }) => state)).toEqual(Array(5).fill('done'));
  });

  test.each<[Partial<Settings>, unknown[]]>([
    [{ continueUrl: '/account' }, [{ do: 'continue', url: '/account' }]],
    [{ continueUrl: '/account', explain: true }, []],
    [{}, []],
  ])('with %j the user is sent on after the login by %j', (settings, expected) => {
    const page = play(settings).load(OURS, tabLogin).answer(pending(silent()));
    page.answer({ verified: true, phoneNumber: '+447700900000', channel: 'silent_auth' });
    expect(page.effects.filter((effect) => effect.do === 'continue')).toEqual(expected);
    expect(page.view.done?.continueUrl).toBe(settings.continueUrl);
  });

  test('a user who is logged in already is not sent on, which could go round in circles', () => {
    const page = play({ continueUrl: '/account' }).load().answer(user());
    expect(page.view).toMatchObject({ screen: 'done', done: { continueUrl: '/account' } });
    expect(page.did('continue')).toBe(false);
  });

  test('polls for a link that the server does not have yet, and opens it', () => {
    const page = play().load().submit().answer(silent(null));
    expect(page.asked()).toMatchObject({ do: 'current', for: 'link', afterMs: 0 });
    page.answer(pending(silent(null)));
    expect(page.asked()).toMatchObject({ do: 'current', for: 'link', afterMs: 500 });
    expect(page.answer(pending(silent())).did('open')).toBe(true);
  });

  test('gives up polling after eight times, and offers a code', () => {
    const page = play().load().submit().answer(silent(null));
    for (let polls = 0; polls < 8; polls += 1) page.answer(pending(silent(null, ['sms'])));
    expect(page.view).toMatchObject({ screen: 'failed', failed: { channels: [{ channel: 'sms' }] } });
  });

  test('a link that does not open within 20 seconds is reported, and said to be slow before', () => {
    const page = play()
      .load()
      .submit()
      .answer(silent(undefined, ['sms']));
    expect(page.view.note).toBe('');
    expect(page.pass(8).view.note).toBe('This is taking longer than usual.');
    expect(page.pass(11).view.screen).toBe('wait');
    expect(page.pass(1).view).toMatchObject({ screen: 'failed', title: 'Your operator’s page did not open' });
    expect(page.view.failed).toMatchObject({ main: 'retry', channels: [{ channel: 'sms' }] });
  });

  test.each(['link', 'device', 'answer'])('waiting for the %s can be cancelled, and ends the login', (at) => {
    const page = at === 'answer' ? play().load(OURS, tabLogin) : play().load().submit();
    if (at === 'device') page.answer(silent());
    page.send({ on: 'cancel' });
    expect(page.did('cancel')).toBe(true);
    expect(page.view).toMatchObject({ screen: 'number', note: 'Login cancelled.', focus: { on: 'heading' } });
    expect(page.view.number?.text).not.toBe('');
    // The answer of the request that was under way changes nothing.
    const shown = page.view;
    if (at === 'link') expect(page.answer(silent()).view).toEqual(shown);
  });

  test('without cookies nothing is sent, and the page says so before it is left', () => {
    const page = play().load('', undefined, false);
    expect(page.view).toMatchObject({ screen: 'failed', title: 'This browser does not keep cookies' });
    expect(page.asked()).toBeUndefined();
    const later = play().load();
    later.send({ on: 'type', text: '07700 900000', format: true });
    later.send({ on: 'submit', keepsCookies: false });
    expect(later.view.title).toBe('This browser does not keep cookies');
    expect(later.asked()).toMatchObject({ do: 'session' });
    expect(later.send({ on: 'retry', keepsCookies: true }).did('reload')).toBe(true);
  });
});

describe('a failed login on the page', () => {
  const back = (reason: string) => `#error=silent_auth_failed&error_description=x&reason=${reason}`;

  test.each([
    ['not_on_cellular', ['Wi-Fi', 'VPN']],
    ['denied', ['Wi-Fi', 'VPN']],
    ['consent_required', []],
    ['operator_error', []],
  ])('names only the causes that fit the reason %s', (reason, causes) => {
    const page = play().load(back(reason), tabLogin).answer(pending(open()));
    expect(page.view).toMatchObject({ screen: 'failed', focus: { on: 'heading' } });
    expect(page.view.checks).toHaveLength(causes.length);
    causes.forEach((cause, at) => expect(page.view.checks[at]).toContain(cause));
    expect(page.view.failed).toMatchObject({ main: 'retry', retry: { text: 'Try again', isEarly: false } });
    expect(textOf(page.view.who?.text)).toBe('+44 7700 900000');
    expect(page.view.who?.canChange).toBe(true);
  });

  test('another SIM: the number is to be checked first, and Wi-Fi was not the cause', () => {
    const page = play().load(OURS, tabLogin).answer(pending(silent()));
    page.answer({ verified: false, reason: 'number_mismatch', nextChannels: ['sms'] });
    expect(page.lead()).toContain('Check your number first');
    expect(JSON.stringify(page.view)).not.toMatch(/Wi-Fi/);
  });

  test('a step-up is no failure: the SIM was confirmed, and a code is the next step', () => {
    const page = play().load(OURS, tabLogin).answer(pending(silent()));
    page.refuse('step_up_required', { nextChannels: ['sms'] });
    expect(page.view).toMatchObject({ screen: 'failed', title: 'One more step', mark: 'more' });
    expect(page.view.failed).toMatchObject({ main: 'channel', retry: undefined });
    const reloaded = play()
      .load('', { ...tabLogin, isStepUp: true })
      .answer({ authenticated: false });
    expect(reloaded.answer(pending(open(['sms']))).view.title).toBe('One more step');
  });

  test('a number without silent authentication gets a code, without another try', () => {
    const page = play()
      .load()
      .submit()
      .answer(open(['sms', 'voice'], 'silent_auth_unavailable'));
    expect(page.view).toMatchObject({ screen: 'failed', failed: { main: 'channel', retry: undefined } });
    const none = play().load().submit().answer(open([], 'silent_auth_unavailable'));
    expect(none.view.failed).toMatchObject({ main: 'change', retry: undefined });
  });

  test('with SILENT_AUTH=off nothing is said of operators and Wi-Fi', () => {
    const page = play({ silent: false }).load();
    expect(page.view.number?.tip).toBeUndefined();
    expect(page.lead()).not.toContain('operator');
    page.submit();
    expect(page.view.title).toBe('One moment');
    expect(page.answer(open(['sms'], 'silent_auth_unavailable')).view).toMatchObject({
      title: 'Get your code',
      mark: 'more',
    });
  });

  test.each([
    ['invalid_phone_number', 'This number does not exist.'],
    ['country_not_allowed', 'Numbers from this country'],
    ['number_not_allowed', 'This kind of number'],
  ])('%s is shown at the field, which gets the focus', (error, words) => {
    const page = play().load().submit().refuse(error);
    expect(page.view).toMatchObject({ screen: 'number', focus: { on: 'phone' } });
    expect(page.view.number?.error).toContain(words);
  });

  test('a missing consent: says where to give it', () => {
    const page = play().load(back('consent_required'), tabLogin).answer(pending(open()));
    expect(page.lead()).toMatch(/request in your messages or in its app, and accept it/);
  });

  test('the button says in minutes when another attempt is possible, and does nothing before', () => {
    const page = play().load().submit().refuse('rate_limited', { retryAfter: 480 });
    const retry = () => page.view.failed?.retry;
    expect(page.lead()).toBe('Please wait before you try again.');
    expect(retry()).toEqual({ text: 'Try again in 8 minutes', isEarly: true });
    expect(page.pass(61).send({ on: 'retry', keepsCookies: true }).effects).toEqual([]);
    expect(retry()?.text).toBe('Try again in 7 minutes');
    page.pass(419);
    expect(retry()).toEqual({ text: 'Try again', isEarly: false });
    expect(page.send({ on: 'retry', keepsCookies: true }).asked()).toMatchObject({ do: 'login' });
  });

  test('while "Try again" has to wait, a code that can be sent now is the first choice, and stays it', () => {
    const page = play().load(OURS, tabLogin).answer(pending(silent()));
    page.refuse('upstream_error', { retryAfter: 60, nextChannels: ['sms'] });
    const failed = { main: 'channel', channels: [{ channel: 'sms', isEarly: false }] };
    expect(page.view.failed).toMatchObject({ ...failed, retry: { isEarly: true } });
    expect(page.pass(60).view.failed).toMatchObject({ ...failed, retry: { isEarly: false } });
  });

  test('a lost answer keeps the code in memory, and "Try again" sends it again', () => {
    const page = play().load(OURS, tabLogin).answer(pending(silent())).refuse('no_answer');
    expect(page.view).toMatchObject({ screen: 'failed', title: 'The connection broke off' });
    expect(page.view.failed?.channels).toEqual([]);
    page.send({ on: 'retry', keepsCookies: true });
    expect(page.asked()).toEqual({ do: 'verify', code: CODE });
    page.answer({ verified: true, phoneNumber: '+447700900000', channel: 'silent_auth' });
    expect(page.view.screen).toBe('done');
  });

  test('a code that logged the user in before its answer was lost shows them as logged in', () => {
    const page = play().load(OURS, tabLogin).answer(pending(silent())).refuse('no_answer');
    page.send({ on: 'retry', keepsCookies: true }).refuse('invalid_code');
    expect(page.asked()).toMatchObject({ do: 'current', for: 'after' });
    expect(page.answer(pending(silent(), 'completed')).asked()).toMatchObject({ do: 'session' });
    expect(page.answer(user()).view).toMatchObject({ screen: 'done', title: 'You are logged in' });
  });

  test('a lost GET /login keeps the code too', () => {
    const page = play().load(OURS, tabLogin).refuse('no_answer');
    page.send({ on: 'retry', keepsCookies: true });
    expect(page.asked()).toMatchObject({ do: 'current', for: 'fragment' });
    expect(page.answer(pending(silent())).asked()).toEqual({ do: 'verify', code: CODE });
  });

  test.each([
    ['pending', silent(), 'You are not logged in yet'],
    ['pending', open(['sms']), 'Get your code'],
    ['expired', silent(), 'That took too long'],
    ['failed', open(), 'The login did not work'],
    ['failed', open(['sms'], 'blocked'), 'No code was sent'],
  ])('a login that was left %s is shown with the next step', (status, login, title) => {
    const page = play().load('', tabLogin).answer({ authenticated: false });
    expect(page.asked()).toMatchObject({ do: 'current', for: 'resume' });
    expect(page.answer(pending(login, status)).view).toMatchObject({ screen: 'failed', title });
  });

  test('a login that takes the place of another begins by itself, unless the user cancels', () => {
    const page = play().load().submit().refuse('login_in_progress', { retryAfter: 30 });
    expect(page.view).toMatchObject({ screen: 'wait', title: 'Your turn in a moment' });
    expect(textOf(page.pass(6).view.wait?.left)).toBe('Continues in 0:24');
    page.pass(24);
    expect(page.asked()).toEqual({ do: 'login', number: '+447700900000' });
    page.refuse('login_in_progress', { retryAfter: 30 }).send({ on: 'cancel' });
    expect(page.did('cancel')).toBe(false);
    expect(page.pass(30).view).toMatchObject({ screen: 'number', number: { text: '07700 900000' } });
  });
});

describe('fragments of other sites', () => {
  test.each([
    ['a code alone', '#code=000001'],
    ['a code with an empty login_id', '#login_id=&code=000001'],
    ['a code of another verification', '#request_id=a&code=000001'],
  ])('%s is not even looked at in a tab without a login', (_what, fragment) => {
    const page = play().load(fragment);
    expect(page.asked()).toEqual({ do: 'session', failure: 'invalid_code' });
    expect(page.answer({ authenticated: false }).view.title).toBe('This link no longer works');
  });

  test.each([
    ['a code of another login', `#login_id=${'b'.repeat(32)}&code=${CODE}`, pending(silent())],
    ['a code of a login that waits for a typed code', OURS, pending(coded())],
    ['a code of a login that expired', OURS, pending(silent(), 'expired')],
  ])('%s is never posted', (_what, fragment, login) => {
    const page = play().load(fragment, tabLogin).answer(login);
    expect(page.asked()).not.toMatchObject({ do: 'verify' });
  });

  test('a code of a login that another tab replaced is never posted, and the page shows why', () => {
    const page = play()
      .load(OURS, tabLogin)
      .answer(pending({ ...silent(), loginId: 'b'.repeat(32) }));
    expect(page.view.title).toBe('You started another login');
    expect(page.asked()).not.toMatchObject({ do: 'verify' });
  });

  test.each([
    ['#error=access_denied&error_description=Call+%2B15550100&reason=toString', 'Something went wrong'],
    ['#error=__proto__', 'Something went wrong'],
    ['#error_description=Call+%2B15550100', 'Something went wrong'],
    [
      '#error_description=IP+Address+does+not+resolve+to+a+cellular+device.',
      'Your operator did not see this phone',
    ],
    ['#error_description=Device+MSISDN+does+not+match.', 'This SIM has another number'],
  ])('the text of %s is not shown', (fragment, title) => {
    const page = play().load(fragment);
    expect(page.view).toMatchObject({ screen: 'failed', title });
    expect(JSON.stringify(page.view)).not.toContain('15550100');
    expect(page.view.failed?.channels).toEqual([]);
  });

  test.each([
    ['in a tab without a login', undefined, undefined, 'This link is not from your login'],
    ['when the browser lost the cookie', tabLogin, undefined, 'This browser did not keep your login'],
    [
      'when another tab replaced the login',
      tabLogin,
      { ...silent(), loginId: 'b'.repeat(32) },
      'You started another login',
    ],
    ['when the login here still waits', tabLogin, silent(), 'This link is not from your login'],
  ])('wrong_client %s', (_when, login, found, title) => {
    const page = play().load('#error=wrong_client', login);
    if (login) page.answer(found && pending(found));
    if (!found) page.answer({ authenticated: false });
    expect(page.view).toMatchObject({ screen: 'failed', title });
  });

  test('an error does not end a login that waits for a typed code', () => {
    for (const error of ['silent_auth_failed', 'login_expired', 'no_login', 'x']) {
      const page = play().load(`#error=${error}`, tabLogin).answer(pending(coded()));
      expect(page.view).toMatchObject({ screen: 'code', note: '' });
    }
    const warned = play().load('#error=wrong_client', tabLogin).answer(pending(coded()));
    expect(warned.view).toMatchObject({
      screen: 'code',
      note: expect.stringContaining('not from your login'),
    });
  });

  test('a fragment that appears in the open page disturbs no login', () => {
    const page = play().load().submit();
    const before = page.view;
    expect(page.send({ on: 'hashchange', fragment: '#code=000001' }).view).toEqual(before);
    const idle = play().load().send({ on: 'hashchange', fragment: '#error=wrong_client' });
    expect(idle.view.title).toBe('This link is not from your login');
  });
});

describe('the session on the page', () => {
  test('the form is there before the server has said who is logged in, and an answer that comes late is ignored', () => {
    const page = play().load();
    expect(page.view).toMatchObject({ screen: 'number', focus: { key: 'number' } });
    const late = page.asked();
    page.submit();
    const turn = page.state.turn - 1;
    const timing = { durationMs: 1, serverMs: {} };
    page.send({
      on: 'answer',
      to: 'session',
      request: late as never,
      turn,
      timing,
      ok: true,
      result: user() as never,
    });
    expect(page.view.screen).toBe('wait');
  });

  test('a user who types is not disturbed by what the server says of an earlier login', () => {
    const page = play().load('', tabLogin).send({ on: 'type', text: '07700', format: true });
    page.answer({ authenticated: false });
    expect(page.view).toMatchObject({ screen: 'number', number: { text: '07700' } });
    expect(page.did('current')).toBe(false);
  });

  test('logging out shows the empty form, and tells the other tabs', () => {
    const page = play().load().answer(user()).send({ on: 'logout' });
    expect(page.view.done?.isBusy).toBe(true);
    page.answer(undefined);
    expect(page.view).toMatchObject({ screen: 'number', note: 'You are logged out.', number: { text: '' } });
    expect(page.effects).toContainEqual({ do: 'notify', change: 'out' });
    const failed = play().load().answer(user()).send({ on: 'logout' }).refuse('no_answer');
    expect(failed.view).toMatchObject({ screen: 'done', note: expect.stringContaining('still logged in') });
  });

  test('a login and a logout in another tab show here', () => {
    const page = play().load().answer({ authenticated: false }).send({ on: 'other_tab', change: 'in' });
    expect(page.answer(user()).view).toMatchObject({ screen: 'done', note: 'You logged in in another tab.' });
    page.send({ on: 'other_tab', change: 'out' }).answer({ authenticated: false });
    expect(page.view).toMatchObject({ screen: 'number', note: 'You logged out in another tab.' });
  });

  test('a login that another tab begins replaces the one here, and the page shows it at once', () => {
    const page = play()
      .load()
      .submit()
      .answer(open(['sms'], 'silent_auth_unavailable'));
    page.send({ on: 'other_tab', change: 'login' });
    expect(page.view).toMatchObject({ screen: 'failed', title: 'You started another login' });
    expect(page.view.failed?.channels).toEqual([]);
  });

  test('the time of the end of a session is shown if it is known', () => {
    expect(play().load().answer(user()).view.done?.until).toMatch(/1 Jan 2026/);
  });
});
