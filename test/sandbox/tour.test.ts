import { describeInBrowser, useBrowser, type PersonOptions } from '../support/browser.js';
import { ALICE, BOB, buildHouse, withHouse, type House, WITH_CODES } from '../support/house.js';
import { openPage, UNSUPPORTED, WIFI, type Onlooker } from './open-page.js';

describeInBrowser('a newcomer between the login page and the sandbox', () => {
  const stage = useBrowser();
  const person = (house: House, options?: PersonOptions) => openPage(stage, house, options);
  /** A house with a recording proxy, whose browsers are closed before it is. */
  const inHouse = (engine: string, work: (house: House) => Promise<void>) =>
    withHouse({ tapped: true, env: { ...WITH_CODES, SILENT_AUTH: engine } }, async (house) => {
      try {
        await work(house);
      } finally {
        await stage.leave();
      }
    });
  const press = ({ page }: Onlooker, name: string) => page.getByRole('button', { name }).click();
  /** Waits for the message in the list of the sandbox's page, and types the code of that message. */
  const typeCode = async ({ page, watched }: Onlooker, from: 'SMS' | 'Call') => {
    const message = watched.locator('#messages li', {
      has: watched.locator('.to', { hasText: new RegExp(`^${from} to \\+`) }),
    });
    const code = await message.first().locator('.digits').textContent();
    await page.locator('#code:visible').fill(code ?? '');
  };

  test('logs in, fails with another SIM, sees the reasons, and logs in by SMS', () =>
    inHouse('network-enablement', async (house) => {
      const alice = await person(house);
      await alice.logIn(ALICE);
      await alice.reads('You are logged in.');
      await alice.page.getByRole('link', { name: new URL(house.sandbox).host }).click();
      await alice.page.getByText(`It worked: the SIM that walked the link has the number ${ALICE}`).waitFor();
      await alice.page.getByLabel('SIM in it').selectOption(UNSUPPORTED);
      await alice.page.goBack({ waitUntil: 'commit' });
      await press(alice, 'Log out');
      await alice.logIn(ALICE);
      await alice.reads('the SIM in this device has another number');
      await alice.sees(`the SIM that walked the link is ${UNSUPPORTED}, and the login is for ${ALICE}.`);
      await press(alice, 'Send me a code by SMS');
      await alice.sees(`A code went to ${ALICE}.`);
      await typeCode(alice, 'SMS');
      await alice.reads('You are logged in.');
      await alice.sees(`It worked, by SMS: whoever typed the code has the phone with ${ALICE}.`);
      await alice.watched.getByText('by webhook of the request: completed').waitFor();
      expect(await alice.saysOf('code')).toEqual([
        'The app asks for a code to be sent.',
        'The server asks Vonage to send a code to this number.',
        `An SMS with a code goes to ${ALICE}.`,
        'The app presents the code that the user typed.',
        'The server asks Vonage whether this is the code.',
        'Vonage tells the server by webhook of the request: completed.',
      ]);
      await alice.inspect('sms');
    }));

  test('logs in by a call after an SMS, and the sandbox shows it', () =>
    inHouse('off', async (house) => {
      const alice = await person(house);
      await alice.logIn(ALICE);
      await alice.sees('there is no link for this number');
      await press(alice, 'Send me a code by SMS');
      await alice.sees(`A code went to ${ALICE}.`);
      house.world.turn(31);
      await press(alice, 'Call me with a code');
      await typeCode(alice, 'Call');
      await alice.sees(`It worked, by a call: whoever typed the code has the phone with ${ALICE}.`);
      expect(await alice.titles()).toEqual(['1The app sends the number', 'Instead: a code to type']);
      await alice.inspect('voice');
    }));

  test('sees that Verify issues the code itself, and continues by SMS without being asked', () =>
    inHouse('verify', async (house) => {
      const alice = await person(house);
      await alice.logIn(WIFI);
      await alice.sees('It failed: the operator did not see a SIM on this line.');
      expect(await alice.watched.getByText('Vonage gives no code: IP Address').count()).toBe(1);
      await alice.inspect('verify-wifi');
      await typeCode(alice, 'SMS');
      await alice.sees('It worked, by SMS');
      await press(alice, 'Log out');
      await alice.logIn(ALICE);
      await alice.sees('It worked: the SIM');
      expect((await alice.titles())[3]).toBe('4Back at Vonage: the operator’s answer becomes a code');
      await alice.inspect('verify-worked');
    }));

  test.each([
    ['network-enablement', 'not begun in this browser', 'There it gives no code: the second half'],
    ['oidc', 'not begun in this browser', 'There it gives no code: the second half'],
    ['verify', 'belongs to another login', 'Nobody is logged in until the app presents it'],
  ])('sees why a relayed link logs nobody in, with SILENT_AUTH=%s', (engine, words, why) =>
    inHouse(engine, async (house) => {
      const attacker = await person(house, { sim: BOB });
      const victim = await person(house);
      const begun = await attacker.context.request.post(`${house.base}/login`, {
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
  let house: House;
  beforeAll(async () => {
    house = await buildHouse();
  });
  afterAll(() => house.stop());

  test('says which calls it does not see, and where it would', async () => {
    const alice = await openPage(stage, house);
    await alice.watched.getByText('Only what Vonage and the operator are asked is shown.').waitFor();
    await alice.logIn(ALICE);
    await alice.sees('It worked');
    expect(await alice.saysOf('1')).toEqual([]);
    await alice.inspect('untapped');
  });
});
