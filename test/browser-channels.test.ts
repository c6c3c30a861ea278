import { seriousIssues } from './support/axe.js';
import { describeInBrowser, photograph, type Person, refused, useBrowser } from './support/browser.js';
import { startSystem, withSystem, type System, WITH_CODES } from './support/system.js';

const UNSUPPORTED = '+447700900102';
const ENV = {
  ...WITH_CODES,
  FALLBACK_CHANNELS: 'sms,rcs,whatsapp,voice',
  WHATSAPP_FROM: '447700900999',
};
const SMS = 'Send me a code by SMS';
const WHATSAPP = 'Send me a code by WhatsApp';
const WAITS = 'The last attempt with this number was only a moment ago.';

const button = ({ page }: Pick<Person, 'page'>, name: string) => page.getByRole('button', { name });
const field = ({ page }: Person) => page.locator('#code:visible');
const channelsOf = async (system: System) => (await system.messages()).map(({ channel }) => channel);
const lastCode = async (system: System) => (await system.messages()).at(-1)?.code ?? 'none came';
/** Sets the clock of the page to that of the server, `seconds` ahead. */
const setClock = ({ page }: Person, system: System, seconds = 0) =>
  page.clock.install({ time: system.world.now() + seconds * 1000 });
/** Advances the clocks of the server and of the pages. */
const pass = async (system: System, seconds: number, ...people: Person[]) => {
  system.world.turn(seconds);
  for (const { page } of people) await page.clock.fastForward(seconds * 1000);
};

describeInBrowser('the channels of a code on the page', () => {
  const stage = useBrowser();

  test.each(['network-enablement', 'oidc', 'camara', 'verify', 'off'])(
    'in German on Wi-Fi: by SMS, sent again, and then by WhatsApp, with SILENT_AUTH=%s',
    (engine) =>
      withSystem({ env: { ...ENV, SILENT_AUTH: engine } }, async (system) => {
        stage.expected = [refused(409)];
        const number = '+4915112345678';
        await system.control(`subscribers/${number}`, { behaviour: 'wifi' });
        const anna = await stage.person(system, { locale: 'de-DE' });
        const { page } = anna;
        await setClock(anna, system);
        await page.goto(system.base);
        await page.getByLabel('Telefonnummer').fill('0151 12345678');
        await button(anna, 'Anmelden').click();

        await button(anna, 'Code per SMS schicken').click();
        await anna.reads('Ein Code ist per SMS unterwegs.');
        const [sms] = await system.messages();
        expect(sms).toMatchObject({ to: number, channel: 'sms' });
        expect(sms?.text).toMatch(/^Sandbox-Code: \d{6}\. Gültig für 5 Minuten\./);
        const phone = await anna.context.newPage();
        await phone.goto(system.sandbox);
        await phone.getByText(sms?.text ?? '').waitFor();
        await phone.close();
        const again = button(anna, 'Noch einmal schicken');
        expect(await again.textContent()).toMatch(/^Noch einmal schicken \(in (?:30|2\d) s\)$/);
        expect(await again.isDisabled()).toBe(true);
        await photograph(page, `channels-german-code-${engine}`);

        await pass(system, 30, anna);
        await again.and(page.locator(':enabled')).click();
        await anna.reads('Ein neuer Code ist unterwegs. Der vorige gilt nicht mehr.');

        await button(anna, 'Code per WhatsApp schicken').click();
        await anna.reads('Der letzte Versuch mit dieser Nummer ist erst einen Moment her.');
        await page.getByText('In 30 s geht es von selbst weiter.').waitFor();
        expect(await channelsOf(system)).toEqual(['sms', 'sms']);
        await photograph(page, `channels-german-wait-${engine}`);
        await pass(system, 30, anna);
        await anna.reads('Ein Code ist per WhatsApp unterwegs.');
        await page.getByLabel('Code aus WhatsApp').fill(await lastCode(system));
        await anna.reads('Sie sind angemeldet.');
        await page.getByText('Einen Code per WhatsApp').waitFor();
        expect(await anna.session()).toMatchObject({ phone_number: number, channel: 'whatsapp' });
        expect(await channelsOf(system)).toEqual(['sms', 'sms', 'whatsapp']);
      }),
  );

  describe('while time passes', () => {
    let system: System;
    beforeAll(async () => (system = await startSystem({ env: ENV })));
    beforeEach(() => system.reset());
    afterAll(() => system.stop());

    /** A user whose number has no silent authentication, after an SMS was sent. */
    const withCode = async (clockAhead = 0): Promise<Person> => {
      const alice = await stage.person(system);
      await setClock(alice, system, clockAhead);
      await alice.logIn(UNSUPPORTED);
      await button(alice, SMS).click();
      await field(alice).waitFor();
      return alice;
    };

    test('every channel has a button, and the code can be typed while the page waits for the next', async () => {
      stage.expected = [refused(409)];
      const alice = await withCode();
      const names = ['Send me a code by RCS', WHATSAPP, 'Call me with a code'];
      expect(await alice.page.locator('#channels button').allTextContents()).toEqual(names);
      await button(alice, WHATSAPP).click();
      await alice.reads(WAITS);
      expect(await button(alice, WHATSAPP).isVisible()).toBe(false);
      expect(await alice.page.evaluate('document.activeElement.id')).toBe('message');
      for (const colorScheme of ['light', 'dark'] as const) {
        await alice.page.emulateMedia({ colorScheme });
        expect(await seriousIssues(alice.page)).toEqual([]);
      }
      await field(alice).fill(await lastCode(system));
      await alice.reads('You are logged in.');
      await pass(system, 30, alice);
      expect(await channelsOf(system)).toEqual(['sms']);
    });

    test('the user can cancel what the page waits for', async () => {
      stage.expected = [refused(409)];
      const alice = await withCode();
      await button(alice, WHATSAPP).click();
      await alice.page.getByText('Continues by itself in 30 s.').waitFor();
      await pass(system, 10, alice);
      await alice.page.getByText(/^Continues by itself in (?:20|19) s\.$/).waitFor();
      await button(alice, 'Cancel').click();
      await alice.reads('Cancelled.');
      await pass(system, 30, alice);
      expect(await button(alice, WHATSAPP).isVisible()).toBe(true);
      expect(await channelsOf(system)).toEqual(['sms']);
    });

    test('with another session under way, the page waits and then sends the code', async () => {
      stage.expected = [refused(409), refused(410)];
      const alice = await withCode();
      const former = await lastCode(system);
      const other = await stage.person(system);
      await setClock(other, system);
      await other.logIn(UNSUPPORTED);
      await button(other, SMS).click();
      await other.reads(WAITS);
      await photograph(other.page, 'channels-wait');
      await pass(system, 30, other);
      await field(other).waitFor();
      await field(alice).fill(former);
      await alice.page.getByLabel('Phone number').waitFor();
      expect(await alice.session()).toEqual({ authenticated: false });
      await field(other).fill(await lastCode(system));
      await other.reads('You are logged in.');
      expect(await channelsOf(system)).toEqual(['sms', 'sms']);
    });

    test('a clock that is an hour fast delays the next code no further', async () => {
      stage.expected = [refused(409)];
      const alice = await withCode(3600);
      await button(alice, 'Send again').click();
      await alice.reads(WAITS);
      await pass(system, 30, alice);
      await alice.reads('A new code is on its way.');
      expect(await channelsOf(system)).toEqual(['sms', 'sms']);
    });

    test('a clock that is an hour slow delays the next code no further', async () => {
      const alice = await withCode(-3600);
      expect(await button(alice, 'Send again in').textContent()).toMatch(/in (?:30|29) s$/);
      await pass(system, 30, alice);
      await button(alice, 'Send again').and(alice.page.locator(':enabled')).click();
      await alice.reads('A new code is on its way.');
    });

    test.each([
      ['+447700900110', 'blocked', 'protection against fraud blocked it'],
      ['+447700900111', 'rejected', 'the mobile network rejected it'],
      ['+447700900112', 'user_rejected', 'was declined on the phone'],
      ['+447700900113', 'unreachable', 'is switched off or has no signal'],
    ])('says what became of a message to %s: %s', async (number, reason, words) => {
      const alice = await stage.person(system);
      await setClock(alice, system);
      await alice.logIn(number);
      await button(alice, SMS).click();
      await field(alice).waitFor();
      await pass(system, 6, alice);
      await alice.reads(words);
      await alice.reads('Choose another way to get a code, or start again.');
      expect(await field(alice).count()).toBe(0);
      expect(await button(alice, WHATSAPP).isVisible()).toBe(true);
      await photograph(alice.page, `channels-${reason}`);
      await alice.page.reload();
      await alice.reads(words);
    });
  });

  test('a login that takes the place of another begins by itself, unless the user cancels', () =>
    withSystem({ env: { ...ENV, SILENT_AUTH: 'verify' } }, async (system) => {
      const number = '+447700900000';
      await system.app().post('/login').send({ phone_number: number }).expect(201);
      stage.expected = [refused(409), refused(409)];
      const alice = await stage.person(system);
      await setClock(alice, system);
      await alice.logIn(number);
      await alice.reads('Another login with this number began a moment ago.');
      await photograph(alice.page, 'channels-wait-begin');
      await button(alice, 'Cancel').click();
      await alice.reads('Cancelled.');
      expect(await alice.page.getByLabel('Phone number').inputValue()).toBe('+44 7700 900000');
      await button(alice, 'Log in').click();
      await alice.reads('Another login with this number began a moment ago.');
      await pass(system, 30, alice);
      await alice.reads('You are logged in.');
      expect(await alice.session()).toMatchObject({ channel: 'silent_auth' });
    }));

  test('a code of ten digits is typed in full, on the smallest screen', () =>
    withSystem({ env: { ...ENV, CODE_LENGTH: '10' } }, async (system) => {
      const alice = await stage.person(system);
      await alice.logIn(UNSUPPORTED);
      await button(alice, SMS).click();
      await field(alice).waitFor();
      await alice.page.getByText('10 digits').waitFor();
      await alice.page.setViewportSize({ width: 320, height: 800 });
      await field(alice).pressSequentially((await lastCode(system)).slice(0, 9));
      const widths = ['document.documentElement.scrollWidth', 'code.scrollWidth - code.clientWidth'];
      const [page, hidden] = await Promise.all(widths.map((each) => alice.page.evaluate<number>(each)));
      expect([(page ?? 0) <= 320, hidden]).toEqual([true, 0]);
      await field(alice).press('End');
      await field(alice).pressSequentially((await lastCode(system)).slice(9));
      await alice.reads('You are logged in.');
    }));

  test.each([
    ['de-AT', undefined, 'de-AT'],
    ['en-GB', 'Deutsch', 'de'],
    ['fi-FI', undefined, 'en'],
  ])('a browser in %s, with the language %j chosen, asks for messages in %s', (locale, chosen, sent) =>
    withSystem({ env: ENV }, async (system) => {
      const { page } = await stage.person(system, { locale });
      await page.goto(system.base);
      if (chosen !== undefined) await button({ page }, chosen).click();
      const begun = page.waitForRequest(`${system.base}/login`);
      await page.locator('#phone').fill(UNSUPPORTED);
      await page.locator('#submit').click();
      expect((await begun).postDataJSON()).toMatchObject({ locale: sent });
      await page.locator('#channels button').first().waitFor();
    }),
  );
});
