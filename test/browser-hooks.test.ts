import type { Hooks } from '../src/login/hooks.js';
import { describeInBrowser, refused, type Person, useBrowser } from './support/browser.js';
import { ALICE, withSystem, WITH_CODES } from './support/system.js';

describeInBrowser('the page with hooks', () => {
  const stage = useBrowser();

  /** Logs in silently with these hooks, and runs `work` with the page and the messages. */
  const atThePage = (
    engine: string,
    hooks: Hooks,
    work: (person: Person, code: () => Promise<string>) => Promise<void>,
  ) =>
    withSystem({ env: { ...WITH_CODES, SILENT_AUTH: engine }, hooks }, async (system) => {
      const person = await stage.person(system);
      await person.logIn(ALICE);
      await work(person, async () => (await system.messages()).at(-1)?.code ?? 'none came');
      await stage.leave();
    });
  const typeCode = async ({ page }: Person, code: () => Promise<string>) => {
    await page.getByRole('button', { name: 'Get a code by SMS' }).click();
    await page.locator('#code-field:visible').waitFor();
    await page.locator('#code-field').fill(await code());
  };

  test.each(['network-enablement', 'verify'])(
    'a step-up is shown, and completed by SMS (%s)',
    async (engine) => {
      stage.expected = [refused(403)];
      const beforeSession: Hooks['beforeSession'] = ({ channel }) =>
        channel === 'silent_auth' ? { stepUp: true } : { allow: true };
      await atThePage(engine, { beforeSession }, async (person, code) => {
        await person.reads('One more step');
        await typeCode(person, code);
        await person.reads('You are logged in');
        expect(await person.session()).toMatchObject({ authenticated: true, channel: 'sms' });
      });
    },
  );

  test('a refusal is shown before the link and after a typed code, and the form returns', async () => {
    stage.expected = [refused(403), refused(403), refused(403)];
    await atThePage('network-enablement', { beforeLogin: () => ({ refuse: true }) }, async (person) => {
      await person.reads('This login is not allowed');
    });
    await atThePage(
      'network-enablement',
      { beforeSession: () => ({ stepUp: true }) },
      async (person, code) => {
        await person.reads('Your SIM is confirmed.');
        await typeCode(person, code);
        await person.reads('This login is not allowed');
        expect(await person.page.locator('#code').isHidden()).toBe(true);
        await person.page.getByRole('button', { name: 'Try again' }).waitFor();
      },
    );
  });
});
