import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { COLOURS, seriousIssues } from './support/axe.js';
import {
  describeInBrowser,
  photograph,
  type Person,
  type PersonOptions,
  useBrowser,
} from './support/browser.js';
import { ALICE, BOB, startSystem, withSystem, WITH_CODES, type System } from './support/system.js';

const [UNSUPPORTED, WIFI] = ['+447700900102', '+447700900103'];
const WORDS = { without: COLOURS };
const LANGUAGES = readdirSync(join(__dirname, '../public/words')).map((name) => name.replace('.json', ''));

describeInBrowser('usability of the page', () => {
  const stage = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem({
      env: { ...WITH_CODES, EXPLAIN: 'true', HELP_URL: 'https://help.example.com/' },
    });
  });
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  const person = (options: PersonOptions = {}, at: System = system) => stage.person(at, options);
  const isReady = (page: Page) => page.locator('#unready[hidden]').waitFor({ state: 'attached' });
  const submit = async (page: Page, number: string) => {
    await page.locator('#phone').fill(number);
    await page.locator('#number [type=submit]').click();
  };

  /** Fields that show less than half of a number or a code on a screen of 320 px. */
  const narrowFields = (page: Page) =>
    page.evaluate(
      "[...document.querySelectorAll('input')].filter((each) => each.checkVisibility() && each.clientWidth < 160).map(({ id }) => id)",
    );

  /** How to reach each state of the page, in any language, from the state before it. */
  const states: [string, (page: Page) => Promise<void>][] = [
    ['the start', begin],
    [
      'a wrong number',
      async (page) => {
        await submit(page, '07700');
        await page.locator('#phone-error:not(:empty)').waitFor();
      },
    ],
    [
      'a hint',
      async (page) => {
        await submit(page, '+54 11 2345 6789');
        await page.locator('#hint:visible').waitFor();
      },
    ],
    [
      'waiting',
      async (page) => {
        await page.route(`${system.sandbox}/**`, (route) => route.fulfill({ status: 204 }));
        await submit(page, ALICE);
        await page.locator('#wait:visible').waitFor();
      },
    ],
    [
      'a failed login',
      async (page) => {
        await begin(page);
        await submit(page, WIFI);
        await page.locator('#failed:visible').waitFor();
      },
    ],
    [
      'a code to type',
      async (page) => {
        await begin(page);
        await submit(page, UNSUPPORTED);
        await page.locator('#channels button').first().click();
        await page.locator('#code:visible').waitFor();
        await page.locator('#code-field').fill('12');
        await page.locator('#code-submit').click();
      },
    ],
    [
      'a session',
      async (page) => {
        await begin(page);
        await submit(page, ALICE);
        await page.locator('#done:visible').waitFor();
        await page.locator('#explain summary').click();
      },
    ],
  ];

  /** Opens the form in a new session. */
  async function begin(page: Page): Promise<void> {
    await page.unrouteAll();
    await page.context().clearCookies({ name: 'sid' });
    if (page.url().startsWith(system.base)) await page.evaluate('sessionStorage.clear()');
    await page.goto(system.base);
    await isReady(page);
  }

  test.each(LANGUAGES)(
    'everything fits, can be used and is announced in each state in %s',
    async (language) => {
      const { page, context } = await person({ locale: language, phone: true });
      await context.addCookies([{ name: 'lang', value: language, url: system.base }]);
      const wide = page.viewportSize() as { width: number; height: number };
      for (const [name, reach] of states) {
        await page.evaluate('document.activeElement?.blur()');
        await reach(page);
        expect([name, await page.locator('html').getAttribute('lang')]).toEqual([name, language]);
        // Languages share their colours, and the schemes all but them.
        const schemes = language === 'en' ? { light: {}, dark: { only: COLOURS } } : { light: WORDS };
        for (const [colorScheme, rules] of Object.entries(schemes)) {
          await page.emulateMedia({ colorScheme: colorScheme as 'light' | 'dark', reducedMotion: 'reduce' });
          expect([name, colorScheme, await seriousIssues(page, rules)]).toEqual([name, colorScheme, []]);
        }
        // WCAG 2.2, success criteria 1.4.4 and 1.4.10.
        await page.setViewportSize({ width: 320, height: 800 });
        await page.evaluate("document.documentElement.style.fontSize = '200%'");
        const width = await page.evaluate<number>('document.documentElement.scrollWidth');
        expect([name, await narrowFields(page)]).toEqual([name, []]);
        await page.evaluate("document.documentElement.style.fontSize = ''");
        await page.setViewportSize({ width: 390, height: 800 });
        await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = false");
        const height = await page.evaluate<number>('document.documentElement.scrollHeight');
        expect([name, width <= 320, height <= 800]).toEqual([name, true, true]);
        if (name !== 'the start')
          expect([name, await page.evaluate('document.activeElement !== document.body')]).toEqual([
            name,
            true,
          ]);
        await photograph(page, `page-${name.replaceAll(' ', '-')}-${language}`);
        await page.setViewportSize(wide);
      }
    },
  );

  test('forced colours keep the marks, the bars and the chosen language visible', async () => {
    const alice = await person();
    await alice.page.emulateMedia({ forcedColors: 'active' });
    await alice.logIn(ALICE);
    await alice.reads('You are logged in');
    await alice.page.locator('#explain summary').click();
    await alice.page.locator('.languages summary').click();
    const hidden = await alice.page
      .evaluate(`['.mark', '.bar', '.languages a[aria-current]'].filter((part) => {
      const { borderTopStyle, outlineStyle } = getComputedStyle(document.querySelector(part));
      return borderTopStyle !== 'solid' && outlineStyle !== 'solid';
    })`);
    expect(hidden).toEqual([]);
  });

  test('no animation runs if the user prefers reduced motion', async () => {
    const { page } = await person();
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(system.base);
    await isReady(page);
    const moving = await page.evaluate(
      `[...document.querySelectorAll('main *')].filter((each) => each.id !== 'unready' &&
        ['', '::before', '::after'].some((part) => getComputedStyle(each, part || null).animationName !== 'none')).length`,
    );
    expect(moving).toBe(0);
  });

  describe('languages', () => {
    test.each([
      ['de-AT', '/', 'de'],
      ['fi-FI', '/', 'en'],
      ['fi-FI', '/?lang=fr', 'fr'],
      ['en-GB', '/?lang=xx', 'en'],
    ])('a browser in %s is shown %s in %s', async (locale, path, language) => {
      const { page } = await person({ locale });
      await page.goto(system.base + path);
      expect(await page.locator('html').getAttribute('lang')).toBe(language);
    });

    test('Arabic is written from right to left, and its numbers from left to right', async () => {
      const { page } = await person({ locale: 'ar-EG' });
      await page.goto(system.base);
      expect(await page.locator('html').getAttribute('dir')).toBe('rtl');
      await submit(page, WIFI);
      const number = page.locator('#who-text bdi');
      await number.waitFor();
      expect([await number.getAttribute('dir'), await number.textContent()]).toEqual([
        'ltr',
        '+44 7700 900103',
      ]);
    });

    test('a language is chosen by a link, without scripts too, and is kept', async () => {
      const context = await stage.browser.newContext({ locale: 'en-GB', javaScriptEnabled: false });
      stage.meet({ context });
      const page = await context.newPage();
      await page.goto(system.base);
      await page.locator('.languages summary').click();
      await page.getByRole('link', { name: 'Deutsch' }).click();
      await page.goto(`${system.base}/`);
      expect(await page.locator('html').getAttribute('lang')).toBe('de');
      expect(await page.locator('noscript').innerText()).toContain('JavaScript');
    });

    test('another language keeps the failure, the number and the code that was sent', async () => {
      const { page } = await person();
      const choose = async (language: string) => {
        await page.locator('.languages summary').click();
        await page.getByRole('link', { name: language }).click();
      };
      await page.goto(system.base);
      await submit(page, WIFI);
      await page.getByText('did not confirm this phone').waitFor();
      await choose('Deutsch');
      await page.getByText('Ihr Anbieter hat dieses Telefon nicht bestätigt').waitFor();
      expect(page.url()).toBe(`${system.base}/?lang=de`);
      expect(await page.locator('#who-text').innerText()).toBe('+44 7700 900103');
      await page.getByRole('button', { name: 'Code per SMS erhalten' }).click();
      await page.locator('#code:visible').waitFor();
      await choose('Français');
      await page.getByText('Saisissez le code reçu par SMS').waitFor();
    });

    test('the language of the page is that of the messages', async () => {
      for (const [locale, lang, sent] of [
        ['de-AT', '', 'de-AT'],
        ['en-GB', '?lang=de', 'de'],
        ['fi-FI', '', 'en'],
      ] as const) {
        const { page } = await person({ locale });
        await page.goto(`${system.base}/${lang}`);
        const begun = page.waitForRequest(`${system.base}/login`);
        await submit(page, UNSUPPORTED);
        expect((await begun).postDataJSON()).toMatchObject({ locale: sent });
      }
    });
  });

  describe('responds without its script, storage, cookies or session', () => {
    const usable = async (page: Page) => {
      await page.locator('#phone').fill(ALICE);
      expect(await page.locator('#number [type=submit]').isVisible()).toBe(true);
    };

    /** Opens the page, whose script comes once the returned function is called. */
    const openSlowly = async (page: Page): Promise<() => void> => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      await page.route('**/page/page-*.js', async (route) => {
        await held;
        await route.continue();
      });
      await page.goto(system.base, { waitUntil: 'commit' });
      await page.locator('html[data-country]').waitFor();
      return release;
    };

    test('before the script comes, "Log in" says that it takes a moment, sends nothing, and goes on by itself later', async () => {
      const { page } = await person();
      const release = await openSlowly(page);
      const requested: string[] = [];
      page.on('request', (request) => requested.push(request.url()));
      await usable(page);
      await page.locator('#number [type=submit]').click();
      await page.getByRole('status').filter({ hasText: 'One moment' }).waitFor();
      expect([page.url(), requested]).toEqual([`${system.base}/`, []]);
      expect(await page.locator('#phone').inputValue()).toBe(ALICE);
      release();
      await page.locator('#done:visible').waitFor();
      expect(await page.locator('#soon').isVisible()).toBe(false);
    });

    test('a number that is changed after "Log in" was pressed is not sent by itself', async () => {
      const { page } = await person();
      const release = await openSlowly(page);
      await usable(page);
      await page.locator('#number [type=submit]').click();
      await page.locator('#phone').fill('+4477009');
      expect(await page.locator('#soon').isVisible()).toBe(false);
      release();
      await isReady(page);
      expect(await page.locator('#phone').inputValue()).toBe('+44 7700 9');
      expect(await page.locator('#phone-error').textContent()).toBe('');
    });

    test('before the script comes, the country is shown and can be chosen', async () => {
      const { page } = await person({ locale: 'de-AT' });
      const release = await openSlowly(page);
      const [country, shown] = [page.locator('#country'), page.locator('#country-shown')];
      expect(await shown.textContent()).toBe('AT +43');
      await country.selectOption('FR +33');
      expect(await shown.textContent()).toBe('FR +33');
      release();
      await isReady(page);
      expect([await shown.textContent(), await country.inputValue()]).toEqual(['FR +33', 'FR']);
      await country.locator('option:checked', { hasText: 'Frankreich (+33)' }).waitFor({ state: 'attached' });
    });

    test('if the script cannot be loaded, the page says so at once', async () => {
      stage.expected = [expect.stringContaining('net::ERR_FAILED')];
      const { page } = await person();
      await page.route('**/page/page-*.js', (route) => route.abort());
      await page.goto(system.base);
      await page.getByText('This page did not load completely.').waitFor({ timeout: 3000 });
      await page.locator('#number [type=submit]').click();
      expect(await page.locator('#soon').isVisible()).toBe(false);
    });

    test('if no script can be loaded, the page says so after some seconds', async () => {
      const lost = expect.stringContaining('net::ERR_FAILED') as unknown;
      stage.expected = [lost, lost];
      const { page } = await person();
      await page.route('**/page/*.js', (route) => route.abort());
      await page.goto(system.base);
      await page.evaluate('for (const each of document.getAnimations()) each.finish()');
      await page.getByText('This page did not load completely.').waitFor();
    });

    test.each([
      ['the first script', '**/page/first-*.js'],
      ['the style', '**/page/*.css'],
    ])('without %s a login works', async (_which, pattern) => {
      const lost = expect.stringContaining('net::ERR_FAILED') as unknown;
      // The redirects load the page again.
      stage.expected = [lost, lost];
      const { page } = await person();
      await page.route(pattern, (route) => route.abort());
      await page.goto(system.base);
      await submit(page, ALICE);
      await page.locator('#done:visible').waitFor();
    });

    test('with storage blocked, a login works', async () => {
      const alice = await person();
      await alice.page.addInitScript(`
        for (const name of ['localStorage', 'sessionStorage'])
          Object.defineProperty(window, name, { get() { throw new DOMException('denied', 'SecurityError'); } });
      `);
      await alice.logIn(ALICE);
      await alice.reads('You are logged in');
    });

    test('with cookies blocked, the page says so before it asks the operator', async () => {
      const alice = await person();
      await alice.page.addInitScript(
        "Object.defineProperty(Document.prototype, 'cookie', { get: () => '', set: () => undefined })",
      );
      await alice.page.goto(system.base);
      await alice.reads('This browser does not keep cookies');
      expect(await system.upstream()).toEqual([]);
    });

    test('without an answer to GET /session the form works', async () => {
      stage.expected = [expect.stringContaining('net::ERR_FAILED')];
      const alice = await person();
      await alice.page.route('**/session', (route) => route.abort());
      await alice.logIn(ALICE);
      await alice.reads('You are logged in');
    });
  });

  describe('the field for the number', () => {
    test.each([
      ['en-GB', '07700 900000', '07700 900000'],
      ['en-GB', '0044 7700 900000', '00 44 7700 900000'],
      ['en-US', '+447700900000', '+44 7700 900000'],
    ])('in %s, %s', async (locale, typed, shown) => {
      const alice = await person({ locale });
      await alice.page.goto(system.base);
      await isReady(alice.page);
      await alice.page.getByLabel('Phone number').pressSequentially(typed);
      expect(await alice.page.getByLabel('Phone number').inputValue()).toBe(shown);
      await alice.page.getByRole('button', { name: 'Log in' }).click();
      await alice.reads('You are logged in');
      expect(await alice.session()).toMatchObject({ phone_number: ALICE });
    });

    test('the country follows the number, the number the country, and an edit keeps the cursor', async () => {
      const { page } = await person({ locale: 'de-DE' });
      await page.goto(`${system.base}/?lang=en`);
      await isReady(page);
      const [country, phone] = [page.getByLabel('Country'), page.getByLabel('Phone number')];
      expect(await country.inputValue()).toBe('DE');
      await phone.fill('+4477009000');
      expect(await country.inputValue()).toBe('GB');
      await country.selectOption('FR');
      expect(await phone.inputValue()).toMatch(/^\+33 7/);
      await phone.fill(ALICE);
      for (let left = 0; left < 3; left += 1) await phone.press('ArrowLeft');
      await phone.press('5');
      expect(await page.evaluate('document.activeElement.selectionEnd')).toBe('+44 7700 9005'.length);
    });

    test('a hint is taken with one click', async () => {
      const { page } = await person();
      await page.goto(system.base);
      await submit(page, '+54 11 2345 6789');
      const begun = page.waitForRequest(`${system.base}/login`);
      await page.getByRole('button', { name: 'Use +54 9 11 2345 6789' }).click();
      expect((await begun).postDataJSON()).toMatchObject({ phone_number: '+5491123456789' });
    });
  });

  test('a QR code has the address of the page, is drawn at desks, and loads its code only then', async () => {
    const { page } = await person();
    const requested: string[] = [];
    page.on('request', (request) => requested.push(new URL(request.url()).pathname));
    await page.goto(system.base);
    await isReady(page);
    expect(requested.filter((path) => path.includes('/qr-'))).toEqual([]);
    await page.getByText('The number is on another phone').click();
    await page.locator('#qr path').waitFor({ state: 'attached' });
    await page.getByText('Never scan or open a login link').waitFor();
    await page.getByText('which another phone cannot open').waitFor();
    const phone = await person({ phone: true });
    await phone.page.goto(system.base);
    await isReady(phone.page);
    expect(await phone.page.locator('#other-phone').isVisible()).toBe(false);
  });

  test.each([
    ['wifi', 'You are on Wi-Fi. Turn it off first'],
    ['cellular', 'You are on mobile data'],
    ['other', 'Turn Wi-Fi and VPN off first'],
  ])('says what the browser reports of its network: %s', async (type, words) => {
    const alice = await person();
    await alice.page.addInitScript(
      `Object.defineProperty(navigator, 'connection', { value: { type: '${type}', addEventListener() {} } })`,
    );
    await alice.page.goto(system.base);
    await alice.reads(words);
  });

  test('a code that the browser reads from the SMS is posted by itself', async () => {
    const alice = await person();
    await alice.page.addInitScript(`
      window.OTPCredential = class {};
      navigator.credentials.get = (asked) => new Promise((offer) => (window.offered = { asked, offer }));
    `);
    await alice.logIn(UNSUPPORTED);
    await alice.page.getByRole('button', { name: 'Get a code by SMS' }).click();
    await alice.page.locator('#code:visible').waitFor();
    expect(await alice.page.evaluate('window.offered.asked.otp')).toEqual({ transport: ['sms'] });
    const code = (await system.messages()).at(-1)?.code ?? '';
    await alice.page.evaluate(`window.offered.offer({ code: '${code}' })`);
    await alice.reads('You are logged in');
    expect(await alice.page.evaluate('window.offered.asked.signal.aborted')).toBe(true);
  });

  test('shows the brand, its colour and its link for help', () =>
    withSystem(
      { env: { BRAND: 'A <b> & Co', ACCENT_COLOR: '#5b21b6', HELP_URL: 'https://help.example.com/a?b=1' } },
      async (branded) => {
        const { page } = await person({}, branded);
        await page.goto(branded.base);
        expect(await page.locator('.brand').innerText()).toContain('A <b> & Co');
        const color = await page
          .getByRole('button', { name: 'Log in' })
          .evaluate('getComputedStyle(document.querySelector("#number [type=submit]")).backgroundColor');
        expect(color).toBe('rgb(91, 33, 182)');
        expect(await page.getByRole('link', { name: 'Help' }).getAttribute('href')).toBe(
          'https://help.example.com/a?b=1',
        );
        expect(await seriousIssues(page)).toEqual([]);
      },
    ));

  test('the steps of a login are shown only with EXPLAIN', () =>
    withSystem({}, async (plain) => {
      const alice: Person = await person({ sim: BOB }, plain);
      await alice.logIn(ALICE);
      await alice.reads('This SIM has another number');
      expect(await alice.page.locator('#explain').isVisible()).toBe(false);
    }));

  test('the server reports the duration of a request and of the callback', async () => {
    const { app, code } = await system.walkedLogin(ALICE);
    const answer = await app.post('/verify').send({ code }).expect(200);
    expect(answer.headers['server-timing']).toMatch(/^callback;dur=\d+\.\d, total;dur=\d+\.\d$/);
    const problem = await app.post('/verify').send({ code }).expect(400);
    expect(problem.headers['server-timing']).toMatch(/^total;dur=\d+\.\d$/);
  });
});
