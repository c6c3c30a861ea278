import {
  describeInBrowser,
  photograph,
  type Person,
  refused,
  useBrowser,
  type PersonOptions,
} from './support/browser.js';
import { ALICE, BOB, startSystem, withSystem, WITH_CODES, type System } from './support/system.js';

const ALL_DONE = ['done', 'done', 'done', 'done', 'done'];
const [UNSUPPORTED, WIFI] = ['+447700900102', '+447700900103'];

const button = ({ page }: Person, name: string) => page.getByRole('button', { name });

describeInBrowser('a login on the page', () => {
  const stage = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ env: { ...WITH_CODES, EXPLAIN: 'true' } });
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const person = (options: PersonOptions = {}, at: System = system) => stage.person(at, options);
  const phone = ({ page }: Person) => page.getByLabel('Phone number');
  const focused = ({ page }: Person) => page.evaluate<string>('document.activeElement.id');
  const asked = async () => (await system.upstream()).map(({ path }) => path);
  /** Begins a login with Alice's number in this browser, and does not open the link. */
  const begin = async ({ context }: Person, { base }: System = system): Promise<string> => {
    const data = { phone_number: ALICE, client: 'browser' };
    const begun = await context.request.post(`${base}/login`, { data });
    return ((await begun.json()) as { auth_url: string }).auth_url;
  };

  test('goes through all five steps in three requests, shows the session, and removes the fragment', async () => {
    const alice = await person();
    const requests: string[] = [];
    alice.page.on('request', (request) => {
      if (request.url().startsWith(system.base) && /fetch|xhr/.test(request.resourceType()))
        requests.push(`${request.method()} ${new URL(request.url()).pathname}`);
    });
    await alice.logIn(ALICE);
    await alice.reads('You are logged in');
    expect(requests).toEqual(['GET /session', 'POST /login', 'GET /login', 'POST /verify']);
    expect(await focused(alice)).toBe('heading');
    expect(await alice.page.locator('#done-number').textContent()).toBe('+44 7700 900000');
    expect(alice.page.url()).toBe(`${system.base}/`);
    expect(await phone(alice).isVisible()).toBe(false);
    expect(await alice.steps()).toEqual(ALL_DONE);
    await alice.page.getByText('How it worked').click();
    expect(await alice.page.locator('#total').textContent()).toMatch(/^In all [\d.]+(ms|s), from the click/);

    expect(await alice.session()).toMatchObject({ authenticated: true, phone_number: ALICE });
    const cookies = await alice.context.cookies();
    expect(cookies).toEqual([expect.objectContaining({ name: 'sid', httpOnly: true, sameSite: 'Lax' })]);
    expect(await alice.page.evaluate('document.cookie')).toBe('');
    expect(await asked()).toHaveLength(3);

    await alice.page.reload();
    await alice.reads('Ends if unused');
    await button(alice, 'Log out').click();
    await alice.reads('You are logged out.');
    expect(await alice.session()).toEqual({ authenticated: false });
    expect(await phone(alice).inputValue()).toBe('');
  });

  test('a device with another SIM is not logged in, and goes on by SMS', async () => {
    const bob = await person({ sim: BOB });
    await bob.logIn(ALICE);
    await bob.reads('This SIM has another number');
    expect(await bob.session()).toEqual({ authenticated: false });
    expect(await bob.steps()).toEqual(['done', 'done', 'done', 'done', 'failed']);
    expect(await system.messages()).toEqual([]);
    await button(bob, 'Get a code by SMS').click();
    await bob.page.getByLabel('6-digit code').waitFor();
    expect(await focused(bob)).toBe('code-field');
    await bob.page.keyboard.type((await system.messages()).at(-1)?.code ?? '');
    await bob.reads('Confirmed with a code by SMS.');
    expect(await bob.session()).toMatchObject({ channel: 'sms' });
  });

  test('a device on Wi-Fi sees what to turn off, and can try again or change the number', async () => {
    const alice = await person();
    await alice.logIn(WIFI);
    await alice.reads('Turn Wi-Fi off and mobile data on');
    expect(await focused(alice)).toBe('heading');
    expect(alice.page.url()).toBe(`${system.base}/`);
    await button(alice, 'Change').first().click();
    expect([await focused(alice), await phone(alice).inputValue()]).toEqual(['phone', '+44 7700 900103']);
    await phone(alice).fill('07700 900000');
    await button(alice, 'Log in').click();
    await alice.reads('You are logged in');
  });

  test('a number that the server refuses is shown at its field', () =>
    withSystem({ env: { ALLOWED_COUNTRIES: 'DE' } }, async (german) => {
      stage.expected = [refused(403)];
      const alice = await person({}, german);
      await alice.logIn(ALICE);
      await alice.reads('Numbers from this country cannot be used here.');
      expect(await focused(alice)).toBe('phone');
      expect(await phone(alice).getAttribute('aria-invalid')).toBe('true');
      expect(await german.upstream()).toEqual([]);
    }));

  test('a double click begins one login', async () => {
    const alice = await person();
    await alice.page.goto(system.base);
    await phone(alice).fill(ALICE);
    await button(alice, 'Log in').dblclick();
    await alice.reads('You are logged in');
    expect(await asked()).toHaveLength(3);
  });

  test('works with the keyboard alone, from the form to the logout and back', async () => {
    const alice = await person();
    const { page } = alice;
    await page.goto(system.base);
    await page.locator('#unready[hidden]').waitFor({ state: 'attached' });
    await page.keyboard.press('Tab');
    expect(await focused(alice)).toBe('country');
    await page.keyboard.press('Tab');
    await page.keyboard.type(ALICE);
    await page.keyboard.press('Enter');
    await alice.reads('You are logged in');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await alice.reads('You are logged out.');
    expect(await focused(alice)).toBe('heading');
  });

  test('waiting can be cancelled before the link opens', async () => {
    const alice = await person();
    await alice.page.route(`${system.sandbox}/**`, (route) => route.fulfill({ status: 204 }));
    await alice.logIn(ALICE);
    await alice.reads('Confirming your SIM');
    await button(alice, 'Cancel').click();
    await alice.reads('Login cancelled.');
    expect(await phone(alice).inputValue()).toBe('+44 7700 900000');
    await alice.page.unroute(`${system.sandbox}/**`);
    await button(alice, 'Log in').click();
    await alice.reads('You are logged in');
  });

  test('one lost POST /verify loses nothing: "Try again" sends the code again', async () => {
    stage.expected = [expect.stringContaining('net::ERR_FAILED')];
    const alice = await person();
    await alice.page.route('**/verify', (route) => route.abort(), { times: 1 });
    await alice.logIn(ALICE);
    await alice.reads('The connection broke off');
    await button(alice, 'Try again').click();
    await alice.reads('You are logged in');
    expect(await asked()).toHaveLength(3);
    expect(await system.messages()).toEqual([]);
  });

  test('a browser that lost its cookies at the operator shows that as the cause', async () => {
    stage.expected = [refused(404)];
    const alice = await person();
    await alice.page.route(`${system.sandbox}/**`, (route) =>
      route.fulfill({ status: 200, contentType: 'text/plain', body: 'the operator is thinking' }),
    );
    await alice.logIn(ALICE);
    await alice.page.getByText('the operator is thinking').waitFor();
    const [{ body } = { body: {} }] = await system.upstream();
    await alice.context.clearCookies();
    await alice.page.goto(`${system.base}/callback?code=x&state=${(body as { state: string }).state}`);
    await alice.reads('This browser did not keep your login');
  });

  test('CONTINUE_URL is where the user goes once logged in', () =>
    withSystem({ env: { CONTINUE_URL: '/errors.md' } }, async (onward) => {
      const alice = await person({}, onward);
      await alice.logIn(ALICE);
      await alice.page.waitForURL(`${onward.base}/errors.md`);
      await alice.page.goto(onward.base);
      const link = alice.page.getByRole('link', { name: 'Continue' });
      expect(await link.getAttribute('href')).toBe('/errors.md');
    }));

  describe('with two tabs', () => {
    test('a login and a logout in one tab show in the other', async () => {
      const alice = await person();
      const other = await alice.context.newPage();
      await other.goto(system.base);
      await other.locator('#unready[hidden]').waitFor({ state: 'attached' });
      await alice.logIn(ALICE);
      await other.getByText('You logged in in another tab.').waitFor();
      await other.getByRole('button', { name: 'Log out' }).click();
      await alice.reads('You logged out in another tab.');
    });

    test('a login that the other tab begins ends the one here, and no code goes to the other number', async () => {
      const alice = await person();
      await alice.logIn(UNSUPPORTED);
      await button(alice, 'Get a code by SMS').waitFor();
      const other = await alice.context.newPage();
      await other.goto(system.base);
      await other.getByLabel('Phone number').fill(WIFI);
      await other.getByRole('button', { name: 'Log in' }).click();
      await alice.reads('You started another login');
      expect(await button(alice, 'Get a code by SMS').isVisible()).toBe(false);
      expect(await system.messages()).toEqual([]);
    });
  });

  describe('when the phone of another user opens the link', () => {
    /** The attacker begins with Alice's number; her phone opens the link. */
    const relay = async (at: System, locale = 'en-GB') => {
      const [attacker, alice] = [await person({ sim: BOB }, at), await person({ locale }, at)];
      const link = await begin(attacker, at);
      await alice.page.goto(link);
      await alice.page.locator('#failed').waitFor();
      return { attacker, alice, link };
    };

    test.each([
      ['en-GB', 'they may be trying to log in as you'],
      ['de-DE', 'Sie'],
    ])('neither is logged in, no code is issued, and a warning is shown in %s', async (locale, words) => {
      const { attacker, alice } = await relay(system, locale);
      await alice.reads(words);
      expect(alice.page.url()).toBe(`${system.base}/`);
      expect(await alice.page.content()).not.toMatch(/[\w-]{43}/);
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
        await attacker.reads('This SIM has another number');
        expect(await attacker.session()).toEqual({ authenticated: false });
        await attacker.context.clearCookies({ name: 'sandbox_sim' });
        await attacker.logIn(BOB);
        await attacker.reads('You are logged in');
        expect(await attacker.session()).toMatchObject({ phone_number: BOB });
      } finally {
        await direct.stop();
      }
    });

    test('another browser that opens the callback of a login does not end the login', async () => {
      const [alice, stranger] = [await person(), await person()];
      const link = await begin(alice);
      const [{ body } = { body: {} }] = await system.upstream();
      const { state } = body as { state: string };
      await stranger.page.goto(`${system.base}/callback?code=guess&state=${state}`);
      await stranger.reads('This link is not from your login');
      await alice.page.goto(link);
      await alice.reads('You are logged in');
    });
  });
});

describeInBrowser('the back button', () => {
  const stage = useBrowser({ isFull: true });
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: WITH_CODES })));
  afterAll(() => system.stop());

  test('shows the current session', async () => {
    const alice = await stage.person(system);
    await alice.page.addInitScript(
      "addEventListener('pageshow', (event) => event.persisted && (window.cameBack = true))",
    );
    await alice.logIn(ALICE);
    await alice.reads('You are logged in');
    await alice.page.goBack({ waitUntil: 'commit' });
    await button(alice, 'Log out').waitFor();
    expect(await alice.page.evaluate('window.cameBack')).toBe(true);
  });

  test('shows the next step to a user who comes back from the operator', async () => {
    const alice = await stage.person(system);
    await alice.page.route(`${system.sandbox}/**`, (route) =>
      route.fulfill({ status: 200, contentType: 'text/plain', body: 'the operator is thinking' }),
    );
    await alice.logIn(ALICE);
    await alice.page.getByText('the operator is thinking').waitFor();
    await alice.page.goBack({ waitUntil: 'commit' });
    await alice.reads('You are not logged in yet');
    system.world.turn(301);
    await alice.page.reload();
    await alice.reads('That took too long');
    await alice.page.unroute(`${system.sandbox}/**`);
    await button(alice, 'Try again').click();
    await alice.reads('You are logged in');
  });
});
