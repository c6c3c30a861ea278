import { describeInBrowser, useBrowser, type PersonOptions } from '../support/browser.js';
import { ALICE, BOB, startSystem, withSystem, type System, WITH_CODES } from '../support/system.js';
import { openPage, UNSUPPORTED, WIFI, type Onlooker } from './open-page.js';

describeInBrowser('a user of the login page and the page of the sandbox', () => {
  const stage = useBrowser();
  const person = (system: System, options?: PersonOptions) => openPage(stage, system, options);
  /** Runs `work` with a recording proxy, and closes the browsers before the servers. */
  const inSystem = (engine: string, work: (system: System) => Promise<void>) =>
    withSystem({ tapped: true, env: { ...WITH_CODES, SILENT_AUTH: engine } }, async (system) => {
      try {
        await work(system);
      } finally {
        await stage.leave();
      }
    });
  const press = ({ page }: Onlooker, name: string) => page.getByRole('button', { name }).click();
  /**
   * Waits for the message in the list of the sandbox's page, and types the code of that message.
   */
  const typeCode = async ({ page, watched }: Onlooker, from: 'SMS' | 'Call') => {
    const message = watched.locator('#messages li', {
      has: watched.locator('.to', { hasText: new RegExp(`^${from} to \\+`) }),
    });
    const code = await message.first().locator('.digits').textContent();
    await page.locator('#code-field:visible').fill(code ?? '');
  };

  test('logs in, fails with another SIM, sees the reason, and logs in by SMS', () =>
    inSystem('network-enablement', async (system) => {
      const alice = await person(system);
      await alice.logIn(ALICE);
      await alice.reads('You are logged in');
      await alice.page.getByRole('link', { name: 'Help' }).click();
      await alice.page.getByText(`It worked: the SIM that opened the link has the number ${ALICE}`).waitFor();
      await alice.page.getByLabel('SIM', { exact: true }).selectOption(UNSUPPORTED);
      await alice.page.goBack({ waitUntil: 'commit' });
      await press(alice, 'Log out');
      await alice.logIn(ALICE);
      await alice.reads('This SIM has another number');
      await alice.sees(`the SIM that opened the link is ${UNSUPPORTED}, and the login is for ${ALICE}.`);
      await press(alice, 'Get a code by SMS');
      await alice.sees(`A code went to ${ALICE}.`);
      await typeCode(alice, 'SMS');
      await alice.reads('You are logged in');
      await alice.sees(`It worked, by SMS: the user typed the code that was sent to ${ALICE}.`);
      await alice.watched.getByText('by webhook the status of the request: completed').waitFor();
      expect(await alice.saysOf('code')).toEqual([
        'The app asks for a code to be sent.',
        'The server asks Vonage to send a code to this number.',
        `An SMS with a code goes to ${ALICE}.`,
        'The app presents the code that the user typed.',
        'The server asks Vonage to check the code.',
        'Vonage reports by webhook the status of the request: completed.',
      ]);
      await alice.inspect('sms');
    }));

  test('logs in by a call after an SMS, and the sandbox shows it', () =>
    inSystem('off', async (system) => {
      const alice = await person(system);
      await alice.logIn(ALICE);
      await alice.sees('there is no link for this number');
      await press(alice, 'Get a code by SMS');
      await alice.sees(`A code went to ${ALICE}.`);
      system.world.turn(31);
      await press(alice, 'Call me instead');
      await typeCode(alice, 'Call');
      await alice.sees(`It worked, by a call: the user typed the code that was sent to ${ALICE}.`);
      expect((await alice.titles()).slice(0, 2)).toEqual([
        '1The app sends the number',
        'Instead: the user types a code',
      ]);
      await alice.inspect('voice');
    }));

  test('sees that Verify issues the code itself, and continues by SMS', () =>
    inSystem('verify', async (system) => {
      const alice = await person(system);
      await alice.logIn(WIFI);
      await alice.sees('It failed: the operator did not see a SIM.');
      expect(
        await alice.watched.locator('[data-answer]', { hasText: 'Vonage gives no code: IP Address' }).count(),
      ).toBe(1);
      await alice.inspect('verify-wifi');
      await press(alice, 'Get a code by SMS');
      await typeCode(alice, 'SMS');
      await alice.sees('It worked, by SMS');
      await press(alice, 'Log out');
      await alice.logIn(ALICE);
      await alice.sees('It worked: the SIM');
      expect((await alice.titles())[3]).toBe('4The device returns to Vonage, which issues a code');
      await alice.inspect('verify-worked');
    }));

  test.each([
    ['network-enablement', 'This link is not from your login', 'It gets no code'],
    ['oidc', 'This link is not from your login', 'It gets no code'],
    ['verify', 'belongs to another login', 'when the app presents it in the session that started the login'],
  ])('sees why a relayed link logs no user in, with SILENT_AUTH=%s', (engine, words, why) =>
    inSystem(engine, async (system) => {
      const attacker = await person(system, { sim: BOB });
      const victim = await person(system);
      const begun = await attacker.context.request.post(`${system.base}/login`, {
        data: { phone_number: ALICE, client: 'browser' },
      });
      const { auth_url: link } = (await begun.json()) as { auth_url: string };
      await victim.page.goto(link);
      await victim.reads(words);
      await attacker.sees(why);
      expect(await attacker.session()).toEqual({ authenticated: false });
      expect(await victim.session()).toEqual({ authenticated: false });
      await attacker.inspect(`relay-${engine}`);
    }),
  );
});

describeInBrowser('the page of a sandbox without a recording proxy', () => {
  const stage = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system.stop());

  test('names the calls that it does not record, and the command that records them', async () => {
    const alice = await openPage(stage, system);
    await alice.watched.getByText('Only the calls to Vonage and the operator are shown.').waitFor();
    await alice.logIn(ALICE);
    await alice.sees('It worked');
    expect(await alice.saysOf('1')).toEqual([]);
    await alice.inspect('untapped');
  });
});
