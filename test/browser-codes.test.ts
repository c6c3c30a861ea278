import { describeInBrowser, photograph, type Person, refused, useBrowser } from './support/browser.js';
import { ALICE, startSystem, withSystem, type System, WITH_CODES } from './support/system.js';

const [UNSUPPORTED, WIFI] = ['+447700900102', '+447700900103'];
const ENV = { ...WITH_CODES, FALLBACK_CHANNELS: 'sms,rcs,whatsapp,voice', WHATSAPP_FROM: '447700900999' };
const [SMS, CALL] = ['Get a code by SMS', 'Get a call with a code'];

const button = ({ page }: Pick<Person, 'page'>, name: string) => page.getByRole('button', { name });
const field = ({ page }: Person) => page.locator('#code-field:visible');
const channelsOf = async (system: System) => (await system.messages()).map(({ channel }) => channel);
const lastCode = async (system: System) => (await system.messages()).at(-1)?.code ?? 'none came';
/** Another code of the same length. */
const otherThan = (code: string) => (code === '000000' ? '111111' : '000000');
/** Sets the clock of the page to that of the server. */
const setClock = ({ page }: Person, system: System) => page.clock.install({ time: system.world.now() });
/** Advances the clocks of the server and of the page. */
const pass = async (system: System, seconds: number, { page }: Person) => {
  system.world.turn(seconds);
  await page.clock.fastForward(seconds * 1000);
};

describeInBrowser('a typed code on the page', () => {
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
        await page.locator('#phone').fill('0151 12345678');
        await page.locator('#number [type=submit]').click();

        await page.locator('#channels [value=sms]').click();
        await field(anna).waitFor();
        const [sms] = await system.messages();
        expect(sms).toMatchObject({ to: number, channel: 'sms' });
        expect(sms?.text).toMatch(/^Sandbox-Code: \d{6}\. Gültig für 5 Minuten\./);
        const again = page.locator('#resend');
        expect(await again.textContent()).toMatch(/0:(?:30|2\d)/);
        expect(await again.getAttribute('aria-disabled')).toBe('true');
        await photograph(page, `code-german-${engine}`);

        await pass(system, 30, anna);
        await page.locator('#resend:not([aria-disabled])').click();
        await page.locator('#note').filter({ hasText: 'Ein neuer Code ist unterwegs.' }).waitFor();
        await expectMessages(system, ['sms', 'sms']);
        await page.locator('#code-channels [value=whatsapp]').click();
        await page.locator('#code-left').filter({ hasText: '0:30' }).waitFor();
        await expectMessages(system, ['sms', 'sms']);
        await pass(system, 30, anna);
        await page.getByRole('heading', { name: 'WhatsApp' }).waitFor();
        await field(anna).fill(await lastCode(system));
        await page.locator('#done:visible').waitFor();
        expect(await anna.session()).toMatchObject({ phone_number: number, channel: 'whatsapp' });
        await expectMessages(system, ['sms', 'sms', 'whatsapp']);
      }),
  );

  const expectMessages = async (system: System, channels: string[]) =>
    expect(await channelsOf(system)).toEqual(channels);

  describe.each(['network-enablement', 'verify'])('with SILENT_AUTH=%s', (engine) => {
    let system: System;
    beforeAll(async () => (system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: engine } })));
    beforeEach(() => system.reset());
    afterAll(() => system.stop());

    /** A user whose number has no silent authentication, after the code was sent. */
    const withCode = async (): Promise<Person> => {
      const alice = await stage.person(system);
      await alice.logIn(UNSUPPORTED);
      await button(alice, SMS).click();
      await field(alice).waitFor();
      return alice;
    };

    test('nothing is sent before the user asks for it, and a double click sends one SMS', async () => {
      const alice = await stage.person(system);
      await alice.logIn(UNSUPPORTED);
      await button(alice, SMS).waitFor();
      await expectMessages(system, []);
      expect(await button(alice, CALL).isVisible()).toBe(true);
      await alice.page.evaluate('for (const _ of [1, 2]) document.querySelector("#channels button").click()');
      await field(alice).waitFor();
      expect(
        await Promise.all(['autocomplete', 'inputmode'].map((name) => field(alice).getAttribute(name))),
      ).toEqual(['one-time-code', 'numeric']);
      await alice.reads('Sent to +44 7700 900102');
      await field(alice).fill(await lastCode(system));
      await alice.reads('Confirmed with a code by SMS.');
      await expectMessages(system, ['sms']);
    });

    test('three wrong codes end the login, each with the tries that are left, and a new one can be begun', async () => {
      stage.expected = [refused(400), refused(400), refused(429)];
      const alice = await withCode();
      const wrong = otherThan(await lastCode(system));
      for (const words of ['2 tries are left', 'One try is left', 'Too many wrong codes']) {
        await field(alice).fill(wrong);
        await alice.reads(words);
      }
      expect(await button(alice, CALL).isVisible()).toBe(false);
      expect(await alice.session()).toEqual({ authenticated: false });
      await alice.logIn(ALICE);
      await alice.reads('You are logged in');
    });

    test('a reload keeps the field, and a pasted SMS logs in', async () => {
      const alice = await withCode();
      await alice.page.reload();
      await field(alice).waitFor();
      const text = (await system.messages()).at(-1)?.text ?? '';
      await alice.page.evaluate(
        `{
          const clipboardData = new DataTransfer();
          clipboardData.setData('text', ${JSON.stringify(text)});
          const code = document.getElementById('code-field');
          code.focus();
          document.execCommand('insertText', false, clipboardData.getData('text'));
        }`,
      );
      await alice.reads('You are logged in');
      await expectMessages(system, ['sms']);
    });

    test('an expired code and a lost session are reported', async () => {
      stage.expected = [refused(410), refused(400), refused(404)];
      const alice = await withCode();
      system.world.turn(301);
      await field(alice).fill('123456');
      await alice.reads('This code is too old');
      await button(alice, CALL).click();
      await field(alice).waitFor();
      await alice.context.clearCookies();
      await field(alice).fill('123456');
      await alice.reads('This code is too old');
      expect(await button(alice, 'Try again').isVisible()).toBe(true);
    });

    test('the field fits every width from 320 px', async () => {
      const alice = await withCode();
      for (const width of [320, 390, 768, 1280]) {
        await alice.page.setViewportSize({ width, height: 800 });
        expect(await alice.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      }
    });
  });

  test('with another session under way, the page waits and then sends the code', () =>
    withSystem({ env: ENV }, async (system) => {
      stage.expected = [refused(409)];
      const [alice, other] = [await stage.person(system), await stage.person(system)];
      await alice.logIn(UNSUPPORTED);
      await button(alice, SMS).click();
      await field(alice).waitFor();
      await setClock(other, system);
      await other.logIn(UNSUPPORTED);
      await button(other, SMS).click();
      await other.reads('Your turn in a moment');
      await photograph(other.page, 'queue');
      await pass(system, 30, other);
      await field(other).waitFor();
      await field(other).fill(await lastCode(system));
      await other.reads('You are logged in');
      expect(await alice.session()).toEqual({ authenticated: false });
      await expectMessages(system, ['sms', 'sms']);
    }));

  test.each([
    ['+447700900110', 'No code was sent'],
    ['+447700900113', 'The phone cannot be reached'],
  ])('says what became of a message to %s, also after a reload', (number, title) =>
    withSystem({ env: ENV }, async (system) => {
      const alice = await stage.person(system);
      await setClock(alice, system);
      await alice.logIn(number);
      await button(alice, SMS).click();
      await field(alice).waitFor();
      await pass(system, 6, alice);
      await alice.reads(title);
      await alice.page.reload();
      await alice.reads(title);
    }),
  );

  test('a code of ten digits is typed in full, on the smallest screen', () =>
    withSystem({ env: { ...ENV, CODE_LENGTH: '10' } }, async (system) => {
      const alice = await stage.person(system);
      await alice.logIn(UNSUPPORTED);
      await button(alice, SMS).click();
      await alice.page.getByLabel('10-digit code').waitFor();
      await alice.page.setViewportSize({ width: 320, height: 800 });
      await field(alice).pressSequentially((await lastCode(system)).slice(0, 9));
      const hidden =
        "document.getElementById('code-field').scrollWidth - document.getElementById('code-field').clientWidth";
      expect(await alice.page.evaluate<number>(hidden)).toBe(0);
      await field(alice).pressSequentially((await lastCode(system)).slice(9));
      await alice.reads('You are logged in');
    }));

  describe('events that Vonage starts', () => {
    const chained = { ...WITH_CODES, SILENT_AUTH: 'verify', VERIFY_CHAIN: 'true' };

    test('after the SMS step expires, the page follows Vonage to the call', () =>
      withSystem({ env: chained }, async (system) => {
        stage.expected = [refused(400)];
        const alice = await stage.person(system);
        await alice.logIn(WIFI);
        await field(alice).waitFor();
        await alice.reads('Your operator did not see this phone');
        const code = await lastCode(system);
        system.world.turn(301);
        await field(alice).fill(code);
        await alice.reads('Enter the code from the call');
        await field(alice).fill(await lastCode(system));
        await alice.reads('Confirmed with a code by phone.');
      }));

    test('the page shows the field, even if the webhook arrives late', () =>
      withSystem({ env: chained }, async (system) => {
        await system.control('webhooks', { paused: true });
        const alice = await stage.person(system);
        await alice.logIn(WIFI);
        await alice.page.waitForRequest(
          (request) => request.url().endsWith('/login') && request.method() === 'GET',
        );
        await system.control('webhooks', { paused: false });
        await field(alice).fill(await lastCode(system));
        await alice.reads('You are logged in');
        await expectMessages(system, ['sms']);
      }));
  });

  test('the page waits for a link that arrives by webhook', () =>
    withSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'verify', COVERAGE_CHECK: 'false' } }, async (system) => {
      const alice = await stage.person(system);
      await alice.logIn(ALICE);
      await alice.reads('You are logged in');
      expect(await alice.session()).toMatchObject({ channel: 'silent_auth' });
    }));
});
