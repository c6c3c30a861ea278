import {
  describeInBrowser,
  photograph,
  type Person,
  refused,
  useBrowser,
  type PersonOptions,
} from './support/browser.js';
import { ALICE, BOB, startSystem, type System } from './support/system.js';

const ALL_DONE = ['done', 'done', 'done', 'done', 'done'];
const NONE_YET = ['', '', '', '', ''];

describeInBrowser('the page', () => {
  const stage = useBrowser({ isFull: true });
  let system: System;
  beforeAll(async () => {
    system = await startSystem();
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const person = (options: PersonOptions = {}, at: System = system) => stage.person(at, options);
  /** Begins a login with Alice's number in this browser, and does not open the link. */
  const begin = async ({ context }: Person, { base }: System = system): Promise<string> => {
    const data = { phone_number: ALICE, client: 'browser' };
    const begun = await context.request.post(`${base}/login`, { data });
    return ((await begun.json()) as { auth_url: string }).auth_url;
  };
  const asked = async () => (await system.upstream()).map(({ path }) => path);

  test('a login through all five steps shows the session and removes the fragment', async () => {
    const alice = await person();
    await alice.logIn(ALICE);
    await alice.reads('You are logged in.');
    expect(await alice.steps()).toEqual(ALL_DONE);
    const session = alice.page.getByRole('region', { name: 'Your session' });
    expect(await session.textContent()).toContain(ALICE);
    expect(alice.page.url()).toBe(`${system.base}/`);
    expect(await alice.page.getByLabel('Phone number').isVisible()).toBe(false);

    expect(await alice.session()).toMatchObject({ authenticated: true, phone_number: ALICE });
    const cookies = await alice.context.cookies();
    expect(cookies).toEqual([expect.objectContaining({ name: 'sid', httpOnly: true, sameSite: 'Lax' })]);
    expect(await alice.page.evaluate('document.cookie')).toBe('');
    expect(await asked()).toHaveLength(3);
    await photograph(alice.page, 'logged-in');
  });

  test('logging out ends the session and offers the form again', async () => {
    const alice = await person();
    await alice.logIn(ALICE);
    await alice.page.getByRole('button', { name: 'Log out' }).click();
    await alice.reads('You are logged out.');
    expect(await alice.session()).toEqual({ authenticated: false });
    expect(await alice.page.getByLabel('Phone number').inputValue()).toBe('');
    expect(await alice.steps()).toEqual(NONE_YET);
  });

  test('a user stays logged in after a reload', async () => {
    const alice = await person();
    await alice.logIn(ALICE);
    await alice.reads('You are logged in.');
    await alice.page.reload();
    await alice.page.getByRole('button', { name: 'Log out' }).waitFor();
    expect(await alice.page.getByRole('region', { name: 'Your session' }).textContent()).toContain(ALICE);
    expect(await alice.page.getByLabel('Phone number').isVisible()).toBe(false);
    expect(await asked()).toHaveLength(3);
  });

  test('a device with another SIM is not logged in', async () => {
    const bob = await person({ sim: BOB });
    await bob.logIn(ALICE);
    await bob.reads('the SIM in this device has another number');
    expect(await bob.steps()).toEqual(['done', 'done', 'done', 'done', 'failed']);
    expect(await bob.session()).toEqual({ authenticated: false });
    expect(await bob.page.getByLabel('Phone number').inputValue()).toBe('+44 7700 900000');
    await photograph(bob.page, 'another-sim');
  });

  test('a device that is not on cellular is asked to leave Wi-Fi', async () => {
    const alice = await person();
    await alice.logIn('+447700900103');
    await alice.reads('The operator did not let this device in.');
    expect(await alice.steps()).toEqual(['done', 'done', 'failed', '', '']);
    expect(await alice.session()).toEqual({ authenticated: false });
    expect(alice.page.url()).toBe(`${system.base}/`);
    await photograph(alice.page, 'wifi');
  });

  test('an operator without silent authentication is reported without a redirect', async () => {
    const alice = await person();
    await alice.logIn('+447700900102');
    await alice.reads('A silent login is not possible for this number');
    expect(await alice.steps()).toEqual(['done', 'failed', '', '', '']);
    expect(await asked()).toHaveLength(1);
    expect(await alice.page.getByRole('button', { name: 'Log in' }).isEnabled()).toBe(true);
    await photograph(alice.page, 'no-silence');
  });

  test.each([
    ['', 'This is not a phone number.'],
    ['+44 7700', 'This number is too short.'],
    ['+44 7700 900000 000', 'This number is too long.'],
    ['call me', 'This is not a phone number.'],
    ['<img src=x onerror=alert(1)>', 'This is not a phone number.'],
  ])('the page refuses %j before it calls the server', async (text, words) => {
    const alice = await person();
    await alice.logIn(text);
    await alice.reads(words);
    expect(await alice.page.getByLabel('Phone number').getAttribute('aria-invalid')).toBe('true');
    expect(await asked()).toEqual([]);
  });

  test('the server refuses a number without a valid country code before it calls Vonage', async () => {
    stage.expected = [refused(400)];
    const alice = await person();
    await alice.logIn('+9997700900000');
    await alice.reads('No country has such a number.');
    expect(await alice.steps()).toEqual(['failed', '', '', '', '']);
    expect(await asked()).toEqual([]);
    await photograph(alice.page, 'invalid-number');
  });

  test('a number can contain spaces, dashes and brackets', async () => {
    const alice = await person();
    await alice.logIn(' +44 (7700) 900-000 ');
    await alice.reads('You are logged in.');
    expect(await alice.session()).toMatchObject({ phone_number: ALICE });
  });

  test('the Retry-After of Vonage is shown to the user', async () => {
    stage.expected = [refused(503)];
    const alice = await person();
    await alice.logIn('+447700900109');
    await alice.reads('Try again in');
    expect(await alice.steps()).toEqual(['done', 'failed', '', '', '']);
  });

  test('if the server does not answer, the page reports it and enables the button', async () => {
    stage.expected = [expect.stringContaining('net::ERR_FAILED')];
    const alice = await person();
    await alice.page.route('**/login', (route) => route.abort());
    await alice.logIn(ALICE);
    await alice.reads('The server did not answer.');
    await alice.page.unroute('**/login');
    await alice.page.getByRole('button', { name: 'Log in' }).click();
    await alice.reads('You are logged in.');
  });

  test('if the link does not open, the button is enabled after a timeout', async () => {
    const alice = await person();
    await alice.page.clock.install();
    await alice.page.route(`${system.sandbox}/**`, (route) => route.fulfill({ status: 204 }));
    await alice.logIn(ALICE);
    await alice.reads('Opening the link');
    const button = alice.page.getByRole('button', { name: 'Log in' });
    expect(await button.isEnabled()).toBe(false);
    await alice.page.clock.fastForward(20_000);
    await alice.reads('The link did not open.');
    expect(await button.isEnabled()).toBe(true);
    expect(await alice.steps()).toEqual(['done', 'done', 'failed', '', '']);
  });

  test('a double click begins one login', async () => {
    const alice = await person();
    await alice.page.goto(system.base);
    await alice.page.getByLabel('Phone number').fill(ALICE);
    await alice.page.getByRole('button', { name: 'Log in' }).dblclick();
    await alice.reads('You are logged in.');
    expect(await asked()).toHaveLength(3);
  });

  test('a login works with the keyboard alone', async () => {
    const { page, ...alice } = await person();
    await page.goto(system.base);
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.id')).toBe('country');
    await page.keyboard.press('Tab');
    await page.keyboard.type(ALICE);
    await page.keyboard.press('Enter');
    await alice.reads('You are logged in.');
    expect(await page.evaluate('document.activeElement.id')).toBe('message');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByLabel('Phone number').waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('phone');
  });

  test('the back button shows the current session', async () => {
    const alice = await person();
    await alice.page.addInitScript(
      "addEventListener('pageshow', (event) => event.persisted && (window.cameBack = true))",
    );
    await alice.logIn(ALICE);
    await alice.reads('You are logged in.');
    await alice.page.goBack({ waitUntil: 'commit' });
    const logOut = alice.page.getByRole('button', { name: 'Log out' });
    await logOut.waitFor();
    expect(await alice.page.evaluate('window.cameBack')).toBe(true);
    expect(await alice.steps()).toEqual(NONE_YET);
    await logOut.click();
    await alice.reads('You are logged out.');
  });

  test('text in a fragment is neither trusted nor shown', async () => {
    const alice = await person();
    const words = 'Call +15550100 to unlock <b>your</b> account';
    await alice.page.goto(
      `${system.base}/#${new URLSearchParams({ error: 'access_denied', error_description: words, reason: 'toString' }).toString()}`,
    );
    await alice.reads('The login did not succeed.');
    expect(await alice.page.content()).not.toContain('unlock');
    expect(alice.page.url()).toBe(`${system.base}/`);

    await alice.page.goto(`${system.base}/#login_id=x&code=${'A'.repeat(43)}`);
    await alice.reads('The code is wrong');
    expect(alice.page.url()).toBe(`${system.base}/`);
    expect(await alice.session()).toEqual({ authenticated: false });
  });

  test('another browser that opens the callback of a login does not end the login', async () => {
    const [alice, stranger] = [await person(), await person()];
    const link = await begin(alice);
    const [{ body } = { body: {} }] = await system.upstream();
    const { state } = body as { state: string };
    await stranger.page.goto(`${system.base}/callback?code=guess&state=${state}`);
    await stranger.reads('not begun in this browser');
    await alice.page.goto(link);
    await alice.reads('You are logged in.');
  });

  test('fits every width from 320 px, in light and in dark', async () => {
    const { page } = await person();
    await page.goto(system.base);
    await page.getByLabel('Phone number').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [320, 390, 768, 1280, 2560]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      }
      await photograph(page, `start-${colorScheme}`);
    }
  });

  describe('when the phone of another user opens the link', () => {
    /** The attacker begins with Alice's number; her phone opens the link. */
    const relay = async (at: System) => {
      const attacker = await person({ sim: BOB }, at);
      const alice = await person({}, at);
      const link = await begin(attacker, at);
      await alice.page.goto(link);
      await alice.reads('not begun in this browser');
      return { attacker, alice, link };
    };

    test('neither is logged in, and no code is issued', async () => {
      const { attacker, alice } = await relay(system);
      expect(alice.page.url()).toBe(`${system.base}/`);
      expect(await alice.steps()).toEqual(NONE_YET);
      expect(await alice.context.cookies()).toEqual([]);
      expect(await alice.session()).toEqual({ authenticated: false });
      expect(await attacker.session()).toEqual({ authenticated: false });
      // The authorization code was not exchanged, so no code of ours was issued.
      expect(await asked()).toHaveLength(1);
      expect(await system.redis.keys('*code:*')).toEqual([]);
      await photograph(alice.page, 'relay');
    });

    test('the browser that began the login can still open the link, with the SIM of its own device', async () => {
      const direct = await startSystem({ store: 'memory', env: { SILENT_AUTH: 'oidc' } });
      try {
        const { attacker, link } = await relay(direct);
        // After a reset Vonage accepts a link again, so only our state can refuse it.
        await fetch(`${direct.sandbox}/__sandbox/reset`, { method: 'POST' });
        await attacker.page.goto(link);
        await attacker.reads('the SIM in this device has another number');
        expect(await attacker.session()).toEqual({ authenticated: false });
        await attacker.context.clearCookies({ name: 'sandbox_sim' });
        await attacker.logIn(BOB);
        await attacker.reads('You are logged in.');
        expect(await attacker.session()).toMatchObject({ phone_number: BOB });
      } finally {
        await direct.stop();
      }
    });
  });
});
