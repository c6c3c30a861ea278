import { seriousIssues } from './support/axe.js';
import {
  describeInBrowser,
  photograph,
  type Person,
  refused,
  useBrowser,
  type PersonOptions,
} from './support/browser.js';
import { ALICE, BOB, startSystem, withSystem, type System } from './support/system.js';

const [UNSUPPORTED, WIFI] = ['+447700900102', '+447700900103'];

describeInBrowser('usability of the page', () => {
  const stage = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ env: { FALLBACK_CHANNELS: 'sms,voice' } });
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const person = (options: PersonOptions = {}, at: System = system) => stage.person(at, options);
  /** A second tab of the same browser. */
  const secondTab = async ({ context }: Person) => {
    const page = await context.newPage();
    await page.goto(system.base);
    return page;
  };
  const lastCode = async () => (await system.messages()).at(-1)?.code ?? 'none came';

  describe('uses the language of the browser, or the one that the user chooses', () => {
    test('shows a whole login in German', async () => {
      const anna = await person({ locale: 'de-DE' });
      const { page } = anna;
      await page.goto(system.base);
      expect(await page.locator('html').getAttribute('lang')).toBe('de');
      expect(await page.title()).toBe('Anmelden mit der Telefonnummer');
      await page.getByLabel('Telefonnummer').fill(ALICE);
      await page.getByRole('button', { name: 'Anmelden' }).click();
      await anna.reads('Sie sind angemeldet.');
      await page.getByText('Die SIM in Ihrem Gerät').waitFor();
      expect(await anna.steps()).toEqual(Array(5).fill('fertig'));
      await photograph(page, 'german-logged-in');
    });

    test('shows an error, the offer of a code, and the code field in German', async () => {
      const anna = await person({ locale: 'de-AT' });
      await anna.page.goto(system.base);
      await anna.page.getByLabel('Telefonnummer').fill(WIFI);
      await anna.page.getByRole('button', { name: 'Anmelden' }).click();
      await anna.reads('Der Anbieter hat dieses Gerät nicht zugelassen.');
      await anna.page.getByText('Die üblichen Ursachen').waitFor();
      await photograph(anna.page, 'german-wifi');
      await anna.page.getByRole('button', { name: 'Code per SMS schicken' }).click();
      await anna.reads('Ein Code ist per SMS unterwegs.');
      await anna.page.getByLabel('Code aus der SMS').fill(await lastCode());
      await anna.reads('Sie sind angemeldet.');
      await anna.page.getByText('Einen Code per SMS').waitFor();
    });

    test('the victim of a relay is warned in German, and sees no code', async () => {
      const [attacker, anna] = [await person(), await person({ locale: 'de-DE' })];
      const data = { phone_number: ALICE, client: 'browser' };
      const begun = await attacker.context.request.post(`${system.base}/login`, { data });
      await anna.page.goto(((await begun.json()) as { auth_url: string }).auth_url);
      await anna.reads('will er sich vielleicht als Sie anmelden');
      expect(await anna.page.content()).not.toMatch(/[\w-]{43}/);
      expect(await attacker.session()).toEqual({ authenticated: false });
      await photograph(anna.page, 'german-relay');
    });

    test('a change of language translates the whole page, and is remembered', async () => {
      const alice = await person({ sim: BOB });
      await alice.logIn(ALICE);
      await alice.reads('the SIM in this device has another number');
      await alice.page.getByRole('button', { name: 'Deutsch' }).click();
      await alice.reads('Die SIM in diesem Gerät hat eine andere Nummer.');
      const words = await alice.page.locator('main').innerText();
      for (const english of ['SIM in this device', 'Log in', 'failed', 'Why it failed', 'Send me', 'Country'])
        expect(words).not.toContain(english);
      expect(await alice.page.getByLabel('Land').locator('option:checked').textContent()).toContain(
        'Vereinigtes Königreich',
      );
      await alice.page.reload();
      await alice.page.getByRole('button', { name: 'Code per SMS schicken' }).waitFor();
    });

    test('a language without a translation falls back to English', async () => {
      const { page } = await person({ locale: 'fi-FI' });
      await page.goto(system.base);
      await page.getByRole('button', { name: 'Log in' }).waitFor();
      expect(await page.locator('html').getAttribute('lang')).toBe('en');
    });
  });

  describe('accepts a number in national and international notation', () => {
    test.each([
      ['en-GB', '07700 900000', '07700 900000'],
      ['en-GB', '0044 7700 900000', '+44 7700 900000'],
      ['en-US', '+447700900000', '+44 7700 900000'],
    ])('in %s, %s', async (locale, typed, shown) => {
      const alice = await person({ locale });
      await alice.page.goto(system.base);
      await alice.page.getByLabel('Phone number').pressSequentially(typed);
      expect(await alice.page.getByLabel('Phone number').inputValue()).toBe(shown);
      await alice.page.getByRole('button', { name: 'Log in' }).click();
      await alice.reads('You are logged in.');
      expect(await alice.session()).toMatchObject({ phone_number: ALICE });
    });

    test('the country follows the number, and the number follows the country', async () => {
      const { page } = await person({ locale: 'de-DE' });
      await page.goto(system.base);
      const [country, phone] = [page.getByLabel('Land'), page.getByLabel('Telefonnummer')];
      expect(await country.inputValue()).toBe('DE');
      await phone.fill('+4477009000');
      expect(await country.inputValue()).toBe('GB');
      await country.selectOption('FR');
      expect(await phone.inputValue()).toMatch(/^\+33 7/);
      await phone.fill('06 12 34 56 78');
      expect(await country.inputValue()).toBe('FR');
    });

    test('an edit in the middle of the number keeps the cursor position', async () => {
      const { page } = await person();
      await page.goto(system.base);
      const phone = page.getByLabel('Phone number');
      await phone.fill(ALICE);
      for (let left = 0; left < 3; left += 1) await phone.press('ArrowLeft');
      await phone.press('5');
      expect(await page.evaluate('document.activeElement.selectionEnd')).toBe('+44 7700 9005'.length);
    });
  });

  test('each step shows its duration, and the sum is shown', async () => {
    const alice = await person();
    await alice.logIn(ALICE);
    await alice.reads('You are logged in.');
    const times = await alice.page.locator('#steps .took').allTextContents();
    expect(times).toHaveLength(5);
    for (const time of times) expect(time).toMatch(/^[\d.,]+(ms|s)$/);
    expect(await alice.page.locator('#total').textContent()).toMatch(/^In all [\d.]+(ms|s), and nothing/);
    const bars = await alice.page.evaluate<number[]>(
      `[...document.querySelectorAll('#steps .bar')].map((bar) => bar.getBoundingClientRect().left)`,
    );
    expect(bars).toEqual([...bars].sort((one, other) => one - other));
    await alice.page.getByText('Why it worked: the operator saw a SIM with this number').waitFor();
  });

  test('the server reports the duration of a request and of the callback', async () => {
    const { app, code } = await system.walkedLogin(ALICE);
    const answer = await app.post('/verify').send({ code }).expect(200);
    expect(answer.headers['server-timing']).toMatch(/^callback;dur=\d+\.\d, total;dur=\d+\.\d$/);
    const problem = await app.post('/verify').send({ code }).expect(400);
    expect(problem.headers['server-timing']).toMatch(/^total;dur=\d+\.\d$/);
  });

  describe('on a desktop computer', () => {
    test('a QR code links to this page, and its purpose is explained', async () => {
      const { page } = await person();
      const opened: string[] = [];
      page.on('request', (request) => opened.push(new URL(request.url()).pathname));
      await page.goto(system.base);
      const code = page.getByRole('img', { name: 'QR code with the address of this page' });
      await code.waitFor();
      const path = await code.locator('path').getAttribute('d');
      const expectedPath = await page.evaluate(
        `import('/vendor/qr.js').then(({ default: encode }) => encode('${system.base}/', 'raw', { border: 2 })
          .flatMap((row, y) => row.flatMap((dark, x) => dark ? ['M' + x + ' ' + y + 'h1v1h-1z'] : [])).join(''))`,
      );
      expect(path).toBe(expectedPath);
      await page.getByText('a login link to scan is what a phisher would send you').waitFor();
      await page.getByText('A phone cannot open it.').waitFor();
      expect(opened).not.toContain('/login');
    });

    test('a phone shows no QR code', async () => {
      const { page } = await person({ phone: true });
      await page.goto(system.base);
      await page.getByRole('button', { name: 'Log in' }).waitFor();
      expect(await page.locator('#other-device').isVisible()).toBe(false);
    });
  });

  test.each([
    ['wifi', 'This browser says that it is on Wi-Fi just now.'],
    ['cellular', 'This browser says that it is on the mobile network.'],
  ])('shows before the login which network the browser reports: %s', async (type, words) => {
    const { page } = await person();
    await page.addInitScript(
      `Object.defineProperty(navigator, 'connection', { value: { type: '${type}', addEventListener() {} } })`,
    );
    await page.goto(system.base);
    await page.getByText('a page in a browser cannot choose that network').waitFor();
    await page.getByText(words).waitFor();
  });

  test('a login that the network interrupts shows the usual causes until the next attempt', async () => {
    const alice = await person();
    await alice.logIn(WIFI);
    const causes = alice.page.getByRole('region', { name: 'The usual causes' });
    for (const cause of ['Wi-Fi', 'VPN', 'Private Relay', 'second SIM'])
      expect(await causes.textContent()).toContain(cause);
    await alice.page.getByRole('button', { name: 'Send me a code by SMS' }).click();
    await alice.page.locator('#code:visible').waitFor();
    expect(await causes.isVisible()).toBe(false);
  });

  test('a code that the browser reads from the SMS is posted automatically', async () => {
    const alice = await person();
    await alice.page.addInitScript(`
      window.OTPCredential = class {};
      navigator.credentials.get = (asked) => new Promise((offer) => (window.offered = { asked, offer }));
    `);
    await alice.logIn(UNSUPPORTED);
    await alice.page.getByRole('button', { name: 'Send me a code by SMS' }).click();
    await alice.page.locator('#code:visible').waitFor();
    expect(await alice.page.evaluate('window.offered.asked.otp')).toEqual({ transport: ['sms'] });
    await alice.page.evaluate(`window.offered.offer({ code: '${await lastCode()}' })`);
    await alice.reads('You are logged in.');
    expect(await alice.page.evaluate('window.offered.asked.signal.aborted')).toBe(true);
  });

  test('shows the help link if HELP_URL is set', async () => {
    const { page } = await person();
    await page.goto(system.base);
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    expect(await page.locator('#help').isVisible()).toBe(false);
    await withSystem({ env: { HELP_URL: 'https://help.example.com/login?a=1' } }, async (helpful) => {
      const { page } = await person({}, helpful);
      await page.goto(helpful.base);
      const link = page.getByRole('link', { name: 'help.example.com' });
      expect(await link.getAttribute('href')).toBe('https://help.example.com/login?a=1');
    });
  });

  describe('with two tabs', () => {
    test('a login and a logout in one tab show in the other', async () => {
      const alice = await person();
      const other = await secondTab(alice);
      await other.getByRole('button', { name: 'Log in' }).waitFor();
      await alice.logIn(ALICE);
      await alice.reads('You are logged in.');
      await other.getByText('You were logged in, in another tab.').waitFor();
      expect(await other.getByRole('region', { name: 'Your session' }).textContent()).toContain(ALICE);
      await other.getByRole('button', { name: 'Log out' }).click();
      await alice.reads('You were logged out, in another tab.');
    });

    test('a code of a login that another tab replaced is refused with an explanation', async () => {
      stage.expected = [refused(400)];
      const alice = await person();
      await alice.logIn(UNSUPPORTED);
      await alice.page.getByRole('button', { name: 'Send me a code by SMS' }).click();
      await alice.page.locator('#code:visible').waitFor();
      const code = await lastCode();
      const other = await secondTab(alice);
      await other.getByLabel('Phone number').fill(WIFI);
      await other.getByRole('button', { name: 'Log in' }).click();
      await other.getByRole('button', { name: 'Send me a code by SMS' }).waitFor();
      await alice.page.locator('#code').fill(code);
      await alice.reads('Another login was begun meanwhile');
      expect(await alice.session()).toEqual({ authenticated: false });
    });

    test('no code is sent to the number of the other tab', async () => {
      const alice = await person();
      await alice.logIn(UNSUPPORTED);
      const send = alice.page.getByRole('button', { name: 'Send me a code by SMS' });
      await send.waitFor();
      const other = await secondTab(alice);
      await other.getByLabel('Phone number').fill(WIFI);
      await other.getByRole('button', { name: 'Log in' }).click();
      await other.getByRole('button', { name: 'Send me a code by SMS' }).waitFor();
      await send.click();
      await alice.reads('Another login was begun meanwhile');
      expect(await send.isVisible()).toBe(false);
      expect(await system.messages()).toEqual([]);
    });

    test('a link of a login that another tab replaced is refused with an explanation', async () => {
      const alice = await person();
      await alice.page.route(`${system.sandbox}/**`, (route) => route.fulfill({ status: 204 }));
      await alice.logIn(ALICE);
      await alice.page.getByText('Opening the link').waitFor();
      const [{ body } = { body: {} }] = await system.upstream();
      const other = await secondTab(alice);
      await other.getByLabel('Phone number').fill(UNSUPPORTED);
      await other.getByRole('button', { name: 'Log in' }).click();
      await other.getByText('A silent login is not possible').waitFor();
      await alice.page.goto(`${system.base}/callback?code=late&state=${(body as { state: string }).state}`);
      await alice.reads('not begun in this browser');
      expect((await system.upstream()).filter(({ path }) => path === '/oauth2/token')).toEqual([]);
    });
  });

  describe('after leaving and returning', () => {
    /** A user who opened the link, and returned with the back button. */
    const backFromTheLink = async () => {
      const alice = await person();
      await alice.page.route(`${system.sandbox}/**`, (route) =>
        route.fulfill({ status: 200, contentType: 'text/plain', body: 'the operator is thinking' }),
      );
      await alice.logIn(ALICE);
      await alice.page.getByText('the operator is thinking').waitFor();
      await alice.page.goBack({ waitUntil: 'commit' });
      return alice;
    };

    test('a login that was left unfinished is shown with the next step', async () => {
      const alice = await backFromTheLink();
      await alice.reads('Your login is not finished.');
      expect(await alice.page.getByLabel('Phone number').inputValue()).toBe('+44 7700 900000');
      await alice.page.unroute(`${system.sandbox}/**`);
      await alice.page.getByRole('button', { name: 'Log in' }).click();
      await alice.reads('You are logged in.');
    });

    test('an expired login is reported when the page is loaded', async () => {
      const alice = await backFromTheLink();
      await alice.reads('Your login is not finished.');
      system.world.turn(301);
      await alice.page.reload();
      await alice.reads('Your login took too long.');
      await alice.page.getByRole('button', { name: 'Send me a code by SMS' }).waitFor();
    });

    test('a login whose session is lost is reported as over', async () => {
      stage.expected = [refused(404)];
      const alice = await backFromTheLink();
      await alice.reads('Your login is not finished.');
      await alice.context.clearCookies();
      await alice.page.reload();
      await alice.reads('This login is over. Start again.');
    });

    test('a reload while a request is pending shows the next step', async () => {
      const alice = await person();
      await alice.page.goto(system.base);
      await system.control('faults', { verify: { delay_ms: 1500 } });
      await alice.page.getByLabel('Phone number').fill(ALICE);
      await alice.page.getByRole('button', { name: 'Log in' }).click();
      await alice.page.getByText('Asking your operator').waitFor();
      expect(alice.page.url()).toBe(`${system.base}/`);
      await alice.page.reload();
      await alice.page.reload();
      await alice.reads('Your login is not finished.');
      await system.control('faults', { verify: null });
      await alice.page.getByRole('button', { name: 'Log in' }).click();
      await alice.reads('You are logged in.');
    });
  });

  describe('accessibility', () => {
    const states: [string, (alice: Person) => Promise<void>][] = [
      [
        'the start',
        (alice) => alice.page.goto(system.base).then(() => alice.page.locator('#phone:visible').waitFor()),
      ],
      ['a wrong number', (alice) => alice.logIn('12').then(() => alice.reads('too short'))],
      ['a failed login', (alice) => alice.logIn(WIFI).then(() => alice.reads('did not let this device in'))],
      [
        'a code to type',
        async (alice) => {
          await alice.logIn(UNSUPPORTED);
          await alice.page.getByRole('button', { name: 'Send me a code by SMS' }).click();
          await alice.reads('A code is on its way by SMS.');
        },
      ],
      ['a session', (alice) => alice.logIn(ALICE).then(() => alice.reads('You are logged in.'))],
    ];

    test.each(states)('axe finds no serious violation in %s, in light and dark', async (name, reach) => {
      const alice = await person();
      await reach(alice);
      for (const colorScheme of ['light', 'dark'] as const) {
        await alice.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        expect(await seriousIssues(alice.page)).toEqual([]);
        await photograph(alice.page, `page-${name.replaceAll(' ', '-')}-${colorScheme}`);
      }
    });

    test('no animation runs if the user prefers reduced motion', async () => {
      const { page } = await person();
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await page.goto(system.base);
      await page.locator('#phone:visible').waitFor();
      const moving = await page.evaluate(
        `[...document.querySelectorAll('*')].filter((each) => {
          const style = getComputedStyle(each, '::before');
          return style.animationName !== 'none' || getComputedStyle(each).transitionDuration !== '0s';
        }).length`,
      );
      expect(moving).toBe(0);
    });

    test('a code can be requested, typed and confirmed with the keyboard', async () => {
      const alice = await person();
      const { keyboard } = alice.page;
      await alice.logIn(UNSUPPORTED);
      await alice.reads('A silent login is not possible');
      await alice.page.locator('#message').focus();
      await keyboard.press('Tab');
      await keyboard.press('Enter');
      await alice.reads('A code is on its way by SMS.');
      await keyboard.type(await lastCode());
      await alice.reads('You are logged in.');
      expect(await alice.page.evaluate('document.activeElement.id')).toBe('message');
    });
  });
});
