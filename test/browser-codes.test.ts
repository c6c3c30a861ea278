import { describeInBrowser, photograph, type Person, refused, useBrowser } from './support/browser.js';
import { ALICE, BOB, startSystem, withSystem, type System, WITH_CODES } from './support/system.js';

const [UNSUPPORTED, WIFI] = ['+447700900102', '+447700900103'];
const [SMS, CALL] = ['Send me a code by SMS', 'Call me with a code'];

const button = ({ page }: Person, name: string) => page.getByRole('button', { name });
const field = ({ page }: Person) => page.locator('#code:visible');
const sessionOf = ({ page }: Person) => page.getByRole('region', { name: 'Your session' });
const messages = async (system: System) =>
  (await system.messages()).map(({ to, channel }) => `${channel} to ${to}`);
const lastCode = async (system: System) => (await system.messages()).at(-1)?.code ?? 'none came';
/** Another code of the same length. */
const otherThan = (code: string) => (code === '000000' ? '111111' : '000000');

describeInBrowser('a typed code on the page', () => {
  const stage = useBrowser();

  describe.each(['network-enablement', 'verify'])('with SILENT_AUTH=%s', (engine) => {
    const byVerify = engine === 'verify';
    let system: System;
    beforeAll(async () => {
      system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: engine } });
    });
    beforeEach(() => system.reset());
    afterAll(() => system.stop());

    const person = (options?: { sim?: string }) => stage.person(system, options);
    /** A user whose number has no silent authentication, after the code was sent. */
    const withCode = async (): Promise<Person> => {
      const alice = await person();
      await alice.logIn(UNSUPPORTED);
      await button(alice, SMS).click();
      await field(alice).waitFor();
      return alice;
    };

    test('a number without silent authentication logs in by SMS, and the page shows the channel', async () => {
      const alice = await person();
      await alice.logIn(UNSUPPORTED);
      await alice.reads('A silent login is not possible for this number');
      expect(await messages(system)).toEqual([]);
      expect(await button(alice, CALL).isVisible()).toBe(true);
      await photograph(alice.page, `offer-${engine}`);

      await button(alice, SMS).click();
      await alice.reads('A code is on its way by SMS.');
      expect(await messages(system)).toEqual([`sms to ${UNSUPPORTED}`]);
      const code = field(alice);
      expect(
        await Promise.all(['autocomplete', 'inputmode', 'maxlength'].map((name) => code.getAttribute(name))),
      ).toEqual(['one-time-code', 'numeric', '6']);
      expect(await alice.page.evaluate('document.activeElement.id')).toBe('code');
      expect(await alice.page.getByLabel('Code from the SMS').isVisible()).toBe(true);
      expect(await alice.page.getByLabel('Phone number').isVisible()).toBe(false);
      expect(await alice.page.locator('#code-hint').textContent()).toBe(`6 digits, sent to ${UNSUPPORTED}.`);
      await photograph(alice.page, `code-${engine}`);

      await alice.page.keyboard.type(await lastCode(system));
      await alice.reads('You are logged in.');
      await sessionOf(alice).filter({ hasText: 'A code by SMS' }).waitFor();
      expect(await alice.session()).toMatchObject({ phone_number: UNSUPPORTED, channel: 'sms' });
      expect(await alice.steps()).toEqual(['done', 'failed', '', '', '']);
      expect(await alice.page.locator('#instead .state').textContent()).toBe('done');
      expect(await field(alice).count()).toBe(0);
      expect(await button(alice, CALL).isVisible()).toBe(false);
      await photograph(alice.page, `logged-in-by-sms-${engine}`);
    });

    test('with another SIM the login continues by SMS, and then by a call', async () => {
      const alice = await person({ sim: BOB });
      await alice.logIn(ALICE);
      await alice.reads('the SIM in this device has another number');
      expect(await messages(system)).toEqual([]);
      await button(alice, SMS).click();
      await field(alice).waitFor();
      expect(await messages(system)).toEqual([`sms to ${ALICE}`]);
      await photograph(alice.page, `other-sim-code-${engine}`);

      system.world.turn(30);
      await button(alice, CALL).click();
      await alice.reads('You are being called');
      expect(await alice.page.getByLabel('Code from the call').isVisible()).toBe(true);
      expect(await button(alice, CALL).isVisible()).toBe(false);
      expect(await button(alice, SMS).isVisible()).toBe(false);
      expect(await messages(system)).toEqual([`sms to ${ALICE}`, `voice to ${ALICE}`]);
      await photograph(alice.page, `call-${engine}`);

      await field(alice).fill(await lastCode(system));
      await alice.reads('You are logged in.');
      await sessionOf(alice).filter({ hasText: 'A code by phone call' }).waitFor();
      expect(await alice.session()).toMatchObject({ phone_number: ALICE, channel: 'voice' });
    });

    test('a device on Wi-Fi returns to the code field, or to the button that requests a code', async () => {
      const alice = await person();
      await alice.logIn(WIFI);
      await alice.reads(byVerify ? 'did not see this device on its network' : 'did not let this device in');
      expect(await alice.steps()).toEqual(['done', 'done', 'failed', '', '']);
      expect(await messages(system)).toEqual([]);
      await button(alice, SMS).click();
      await field(alice).waitFor();
      expect(alice.page.url()).toBe(`${system.base}/`);
      await photograph(alice.page, `wifi-code-${engine}`);
      await field(alice).fill(await lastCode(system));
      await alice.reads('You are logged in.');
      expect(await messages(system)).toEqual([`sms to ${WIFI}`]);
      expect(await alice.session()).toMatchObject({ channel: 'sms' });
    });

    test('a silent login sends no message, and the page names the SIM', async () => {
      const alice = await person();
      await alice.logIn(ALICE);
      await alice.reads('You are logged in.');
      expect(await alice.steps()).toEqual(['done', 'done', 'done', 'done', 'done']);
      await sessionOf(alice).filter({ hasText: 'The SIM in your device' }).waitFor();
      expect(await alice.session()).toMatchObject({ phone_number: ALICE, channel: 'silent_auth' });
      expect(alice.page.url()).toBe(`${system.base}/`);
      expect(await alice.page.locator('#offer').isVisible()).toBe(false);
      expect(await messages(system)).toEqual([]);
    });

    test('a wrong code empties the field, and the right code then logs in', async () => {
      stage.expected = [refused(400)];
      const alice = await withCode();
      const right = await lastCode(system);
      await field(alice).pressSequentially(otherThan(right));
      await alice.reads('This code is not right.');
      expect(await field(alice).inputValue()).toBe('');
      expect(await field(alice).getAttribute('aria-invalid')).toBe('true');
      await photograph(alice.page, `wrong-code-${engine}`);
      await field(alice).pressSequentially(right);
      await alice.reads('You are logged in.');
      expect(await alice.session()).toMatchObject({ channel: 'sms' });
    });

    test('three wrong codes end the login, and a new one can be begun', async () => {
      stage.expected = [refused(400), refused(400), refused(429)];
      const alice = await withCode();
      const wrong = otherThan(await lastCode(system));
      for (const says of ['This code is not right.', 'This code is not right.', 'wrong too often']) {
        await field(alice).fill(wrong);
        await alice.reads(says);
      }
      expect(await field(alice).count()).toBe(0);
      expect(await button(alice, CALL).isVisible()).toBe(false);
      expect(await alice.page.getByLabel('Phone number').inputValue()).toBe('+44 7700 900102');
      expect(await alice.page.locator('#instead .state').textContent()).toBe('failed');
      expect(await alice.session()).toEqual({ authenticated: false });
      await alice.logIn(ALICE);
      await alice.reads('You are logged in.');
    });

    test('a reload keeps the code field', async () => {
      const alice = await withCode();
      await alice.page.reload();
      await alice.reads('A code is on its way by SMS.');
      expect(await button(alice, CALL).isVisible()).toBe(true);
      await field(alice).fill(await lastCode(system));
      await alice.reads('You are logged in.');
      expect(await messages(system)).toHaveLength(1);
    });

    test('a reload keeps the button that requests a code', async () => {
      const alice = await person();
      await alice.logIn(UNSUPPORTED);
      await button(alice, SMS).waitFor();
      await alice.page.reload();
      await button(alice, SMS).click();
      await field(alice).waitFor();
      await field(alice).fill(await lastCode(system));
      await alice.reads('You are logged in.');
    });

    test('no code is offered while the form has another number than the login', async () => {
      const alice = await person();
      await alice.logIn(UNSUPPORTED);
      await button(alice, SMS).waitFor();
      await alice.page.getByLabel('Phone number').fill(BOB);
      expect(await button(alice, SMS).isVisible()).toBe(false);
      await alice.page.getByLabel('Phone number').fill(UNSUPPORTED);
      expect(await button(alice, SMS).isVisible()).toBe(true);
      expect(await messages(system)).toEqual([]);
    });

    test('a double click sends one SMS', async () => {
      const alice = await person();
      const asked: string[] = [];
      alice.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
      await alice.logIn(UNSUPPORTED);
      await button(alice, SMS).waitFor();
      // The page moves after the first click, so the second one of a real double click may miss.
      await alice.page.evaluate('for (const _ of [1, 2]) document.querySelector("#channels button").click()');
      await alice.reads('A code is on its way by SMS.');
      expect(asked.filter((path) => path === '/login/next')).toHaveLength(1);
      expect(await messages(system)).toEqual([`sms to ${UNSUPPORTED}`]);
    });

    test('a code can be pasted with the surrounding text and spaces', async () => {
      const alice = await withCode();
      const code = await lastCode(system);
      await alice.page.evaluate(
        `{
          const clipboardData = new DataTransfer();
          clipboardData.setData('text', ' ${code.slice(0, 3)} ${code.slice(3)} ');
          const paste = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
          document.getElementById('code').dispatchEvent(paste);
        }`,
      );
      await alice.reads('You are logged in.');
    });

    test('the button posts nothing until all digits are typed', async () => {
      const alice = await withCode();
      const asked = (await system.upstream()).length;
      await field(alice).pressSequentially('12a3');
      expect(await field(alice).inputValue()).toBe('123');
      await button(alice, 'Confirm the code').click();
      await alice.reads('The code has 6 digits.');
      expect((await system.upstream()).length).toBe(asked);
    });

    test('another number can be used instead, also after a reload', async () => {
      const alice = await withCode();
      await button(alice, 'Use another number').click();
      expect(await alice.page.getByLabel('Phone number').inputValue()).toBe('');
      await alice.page.reload();
      await alice.page.getByLabel('Phone number').waitFor();
      expect(await field(alice).count()).toBe(0);
      await alice.logIn(BOB);
      await alice.reads('You are logged in.');
      expect(await alice.session()).toMatchObject({ phone_number: BOB });
    });

    test('the page reports an expired login', async () => {
      const alice = await withCode();
      system.world.turn(301);
      stage.expected = [refused(410)];
      await field(alice).fill('123456');
      await alice.reads('This code is too old. Ask for another one.');
      await button(alice, CALL).click();
      await field(alice).waitFor();
      system.world.turn(301);
      stage.expected = [refused(410), refused(410)];
      await field(alice).fill('123456');
      await alice.reads('This code is too old. Start again.');
      expect(await field(alice).count()).toBe(0);
      expect(await alice.page.getByLabel('Phone number').isVisible()).toBe(true);
    });

    test('a lost session shows the form instead of the code field', async () => {
      stage.expected = [refused(400), refused(404)];
      const alice = await withCode();
      await alice.context.clearCookies();
      await field(alice).fill('123456');
      await alice.reads('This code is too old. Start again.');
      expect(await alice.page.getByLabel('Phone number').isVisible()).toBe(true);
      expect(await field(alice).count()).toBe(0);
    });

    test('if the server does not answer, the code stays in the field', async () => {
      stage.expected = [expect.stringContaining('net::ERR_FAILED')];
      const alice = await withCode();
      const code = await lastCode(system);
      await alice.page.route('**/verify', (route) => route.abort());
      await field(alice).fill(code);
      await alice.reads('The server did not answer.');
      expect(await field(alice).inputValue()).toBe(code);
      await alice.page.unroute('**/verify');
      await button(alice, 'Confirm the code').click();
      await alice.reads('You are logged in.');
    });

    test('the code field fits every width from 320 px, in light and in dark', async () => {
      const alice = await withCode();
      for (const colorScheme of ['light', 'dark'] as const) {
        await alice.page.emulateMedia({ colorScheme });
        for (const width of [320, 390, 768, 1280]) {
          await alice.page.setViewportSize({ width, height: 800 });
          expect(await alice.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(
            width,
          );
        }
      }
      await photograph(alice.page, `code-dark-${engine}`);
    });
  });

  describe('events that Vonage starts', () => {
    let system: System;
    beforeAll(async () => {
      system = await startSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'verify', VERIFY_CHAIN: 'true' } });
    });
    beforeEach(() => system.reset());
    afterAll(() => system.stop());

    test.each([
      ['The silent auth verification cannot be completed.', 'The operator could not confirm the number'],
      ['Device MSISDN does not match.', 'the SIM in this device has another number'],
      [
        'Device number does not resolve to a supported Mobile Network Operator.',
        'The operator cannot confirm this number.',
      ],
      ['IP Address does not resolve to a cellular device.', 'did not see this device on its network'],
      ['Call +15550100 to unlock <b>your</b> account', 'The login did not succeed.'],
      ['toString', 'The login did not succeed.'],
      ['', 'The login did not succeed.'],
    ])(
      'an error of Vonage in the fragment is recognised, and its text is not shown: %j',
      async (said, words) => {
        const alice = await stage.person(system);
        await alice.page.goto(
          `${system.base}/#${new URLSearchParams({ error_description: said }).toString()}`,
        );
        await alice.reads(words);
        if (said !== '') expect(await alice.page.content()).not.toContain(said);
        expect(await alice.page.content()).not.toContain('unlock');
        expect(alice.page.url()).toBe(`${system.base}/`);
        // No login was begun in this tab, so there is none to continue.
        expect(await alice.page.locator('#offer').isVisible()).toBe(false);
        expect(await messages(system)).toEqual([]);
      },
    );

    test('after the SMS step expires, the page follows Vonage to the call', async () => {
      stage.expected = [refused(400)];
      const alice = await stage.person(system);
      await alice.logIn(WIFI);
      await field(alice).waitFor();
      const code = await lastCode(system);
      system.world.turn(301);
      await field(alice).fill(code);
      await alice.page.getByLabel('Code from the call').waitFor();
      await alice.reads('This code is not right.');
      await field(alice).fill(await lastCode(system));
      await alice.reads('You are logged in.');
      expect(await alice.session()).toMatchObject({ channel: 'voice' });
    });

    test('the page shows the code field, even if the webhook arrives late', async () => {
      await system.control('webhooks', { paused: true });
      const alice = await stage.person(system);
      await alice.logIn(WIFI);
      await alice.page.getByText('did not see this device on its network').waitFor();
      await system.control('webhooks', { paused: false });
      await alice.reads('type the code that is on its way by SMS');
      await field(alice).fill(await lastCode(system));
      await alice.reads('You are logged in.');
      expect(await messages(system)).toEqual([`sms to ${WIFI}`]);
    });
  });

  test('the page waits for a link that arrives by webhook', () =>
    withSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'verify', COVERAGE_CHECK: 'false' } }, async (system) => {
      const alice = await stage.person(system);
      await alice.logIn(ALICE);
      await alice.reads('You are logged in.');
      expect(await alice.session()).toMatchObject({ channel: 'silent_auth' });
      expect(await messages(system)).toEqual([]);
    }));

  test('if voice is the only channel, the page offers the call', () =>
    withSystem({ env: { ...WITH_CODES, FALLBACK_CHANNELS: 'voice' } }, async (system) => {
      const alice = await stage.person(system);
      await alice.logIn(UNSUPPORTED);
      expect(await button(alice, SMS).isVisible()).toBe(false);
      await button(alice, CALL).click();
      await alice.reads('You are being called');
      await field(alice).fill(await lastCode(system));
      await alice.reads('You are logged in.');
      expect(await alice.session()).toMatchObject({ channel: 'voice' });
    }));

  test('if the link does not open, the page offers a code', () =>
    withSystem({ env: WITH_CODES }, async (system) => {
      const alice = await stage.person(system);
      await alice.page.clock.install();
      await alice.page.route(`${system.sandbox}/**`, (route) => route.fulfill({ status: 204 }));
      await alice.logIn(ALICE);
      await alice.page.getByText('Opening the link').waitFor();
      await alice.page.clock.fastForward(20_000);
      await alice.reads('The link did not open.');
      await button(alice, SMS).click();
      await alice.reads('A code is on its way by SMS.');
    }));
});
