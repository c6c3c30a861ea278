import type { Left, TabLogin } from '../client/page/state.js';
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
  type Player,
} from './support/page-player.js';

const OURS = `#login_id=${LOGIN_ID}&code=${CODE}`;

describe('the choice of another language', () => {
  /** What the page keeps for the next one, after the language was chosen, and where it goes. */
  const choose = (page: Player) => {
    page.send({ on: 'language', url: '/?lang=de' });
    return page.effects;
  };
  const leftBy = (page: Player): Left => {
    const [leave, go] = choose(page);
    expect(go).toEqual({ do: 'open', url: '/?lang=de' });
    if (leave?.do !== 'leave') throw new Error('nothing was kept');
    return JSON.parse(JSON.stringify(leave.left)) as Left;
  };
  const reopen = (left: Left, login?: TabLogin) =>
    play().send({ on: 'open', fragment: '', login, left, keepsCookies: true, loadedAt: 0 });

  test('keeps the failure, its number and its next steps', () => {
    const page = play().load('#error=silent_auth_failed&reason=denied', tabLogin);
    const left = leftBy(page.answer(pending(open())));
    const again = reopen(left, tabLogin);
    expect(again.view).toEqual({ ...page.view, focus: again.view.focus });
    // The answer of GET /session, which says that no login succeeded.
    expect(again.answer({ authenticated: false }).view.title).toBe(page.view.title);
    again.send({ on: 'retry', keepsCookies: true });
    expect(again.asked()).toEqual({ do: 'login', number: '+447700900000' });
  });

  test('keeps the wait of a login that the server refused', () => {
    const page = play().load().submit().refuse('rate_limited', { retryAfter: 480 });
    const again = reopen(leftBy(page)).answer({ authenticated: false });
    expect(again.view.failed?.retry).toEqual({ text: 'Try again in 8 minutes', isEarly: true });
    expect(textOf(again.view.who?.text)).toBe('+44 7700 900000');
  });

  test('keeps a number that is typed, and what is wrong with it', () => {
    const again = reopen(leftBy(play().load().submit('07700')));
    expect(again.view.number).toMatchObject({ text: '07700', error: expect.stringContaining('too short') });
  });

  test('keeps the field for a code, which the server knows', () => {
    const page = play().load('', tabLogin).answer({ authenticated: false }).answer(pending(coded()));
    const again = reopen(leftBy(page), tabLogin).answer({ authenticated: false });
    expect(again.answer(pending(coded())).view.screen).toBe('code');
  });

  test.each<[string, (page: Player) => Player]>([
    ['is being sent', (page) => page.answer(pending(silent()))],
    ['got no answer', (page) => page.answer(pending(silent())).refuse('no_answer')],
    ['could not be looked at', (page) => page.refuse('no_answer')],
  ])('hands a code of the device that %s on in the fragment, and stores it nowhere', (_when, andThen) => {
    const page = andThen(play().load(OURS, tabLogin));
    expect(choose(page)).toEqual([{ do: 'open', url: `/?lang=de${OURS}` }]);
  });

  test('the link of a login, or an error of another site, is not handed on', () => {
    expect(leftBy(play().load().submit().answer(silent()))).not.toHaveProperty('screen');
    const failed = leftBy(play().load('#error=wrong_client').answer({ authenticated: false }));
    expect(reopen(failed).view.title).toBe('This link is not from your login');
  });
});
