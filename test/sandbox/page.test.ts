import { createPrivateKey } from 'node:crypto';
import type { Page } from 'playwright-core';
import { createAppToken } from '../../src/vonage/tokens.js';
import { seriousIssues } from '../support/axe.js';
import { describeInBrowser, refused, useBrowser } from '../support/browser.js';
import { credentials } from '../support/credentials.js';
import { ALICE, BOB, startSystem, type System, WITH_CODES } from '../support/system.js';
import { openPage, UNSUPPORTED, type Onlooker } from './open-page.js';
import { until } from '../support/until.js';

describeInBrowser('the page of the sandbox', () => {
  const stage = useBrowser();
  let system: System;
  let alice: Onlooker;
  let page: Page;

  beforeAll(async () => {
    system = await startSystem({ tapped: true, env: WITH_CODES });
  });
  beforeEach(async () => {
    await system.reset();
    alice = await openPage(stage, system);
    page = alice.watched;
  });
  afterAll(() => system.stop());

  test('shows the five steps and a link to the login page before the first login', async () => {
    expect(await page.locator('.step h3').count()).toBe(5);
    await alice.sees('No login yet');
    expect(await page.getByRole('link', { name: 'Open the login page' }).getAttribute('href')).toBe(
      system.base,
    );
    expect(await page.locator('#untapped').isVisible()).toBe(false);
    await alice.inspect('empty');
  });

  test('draws a silent login while it runs, and explains why it worked', async () => {
    await alice.logIn(ALICE);
    await alice.sees(`It worked: the SIM that opened the link has the number ${ALICE}`);
    expect(await alice.saysOf('1')).toEqual(['The app sends the number to the server.']);
    expect(await alice.saysOf('2')).toEqual(['The server asks Vonage for a link for this number.']);
    expect(await alice.saysOf('3')).toEqual([
      'The device opens the link over its mobile network.',
      'The operator identifies the SIM by the mobile connection.',
      'The device carries the operator’s answer to Vonage.',
    ]);
    expect(await alice.saysOf('4')).toEqual([
      'The device returns to the server, with an authorization code.',
      'The server exchanges the authorization code for a token. The code works once.',
    ]);
    expect(await alice.saysOf('5')).toHaveLength(2);
    await alice.inspect('worked');
  });

  test('draws each answer behind the calls that it needed', async () => {
    await alice.logIn(ALICE);
    await alice.sees('It worked');
    await page.setViewportSize({ width: 1280, height: 800 });
    const rows = page.locator('[data-step="2"] .calls li');
    await rows.nth(2).waitFor();
    expect(await rows.locator('summary .says, p .heard').allTextContents()).toEqual([
      'The server asks Vonage for a link for this number.',
      'Vonage supports the operator of this number, and returns a link.',
      'The server answers with a link, and binds the login to this session by a cookie.',
    ]);
    const starts = await page.evaluate<number[]>(
      `[...document.querySelectorAll('[data-step="2"] .calls :is(.says, p .heard)')].map((text) => text.getBoundingClientRect().left)`,
    );
    expect(starts.map((start) => start > (starts[2] ?? 0))).toEqual([true, true, false]);
    expect(await page.locator('[data-step="2"] h3 .bar').count()).toBe(1);
  });

  test('lists a login on a phone with one line for each call', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    await alice.logIn(ALICE);
    await alice.sees('It worked');
    const measure = () =>
      page.evaluate<number[]>(
        `[...document.querySelectorAll('.diagram, summary')].map((each) => each.clientHeight)`,
      );
    const [diagram = 0, ...lines] = await measure();
    expect(diagram).toBeLessThan(700);
    expect(lines.length).toBeGreaterThanOrEqual(9);
    expect(Math.max(...lines)).toBeLessThanOrEqual(32);
    expect(Math.min(...lines)).toBeGreaterThanOrEqual(24);
    const token = page.locator('summary', { hasText: '/oauth2/token' });
    expect(await token.innerText()).toMatch(
      /^Server\s+→?\s*Vonage\s+POST \/oauth2\/token\s+200\s·\s\d+\sms$/,
    );
    await token.click();
    await token.getByText('Vonage returns a token, which is valid for one request.').waitFor();
    expect(await seriousIssues(page)).toEqual([]);
  });

  test('opens a call with its request and answer', async () => {
    await alice.logIn(ALICE);
    await alice.sees('It worked');
    await page.locator('summary').filter({ hasText: 'The server exchanges' }).click();
    const request = page.getByRole('group', { name: 'Request' });
    expect(await request.textContent()).toMatch(/^POST .*\/oauth2\/token\n/);
    expect(await request.textContent()).toContain('grant_type=authorization_code');
    expect(await page.getByRole('group', { name: 'Answer' }).textContent()).toContain('"access_token"');
    await alice.inspect('opened');
  });

  test('fails a login with another SIM in the phone, and names the SIM', async () => {
    await page.getByLabel('SIM', { exact: true }).selectOption('Another number …');
    await page.keyboard.type('nonsense');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'plus sign' }).waitFor();
    await alice.inspect('typing');
    await page.getByLabel('Number of the SIM').fill(BOB);
    await page.keyboard.press('Enter');
    await page.getByText(`the operator sees the SIM ${BOB}`).waitFor();
    await alice.logIn(ALICE);
    await alice.sees(
      `It failed, as it should: the SIM that opened the link is ${BOB}, and the login is for ${ALICE}.`,
    );
    await alice.inspect('other-sim');

    await page.reload();
    await until(async () => (await page.getByLabel('SIM', { exact: true }).inputValue()) === BOB);
    await page.getByLabel('SIM', { exact: true }).selectOption('The number of the login');
    await alice.logInAgain(ALICE);
    await alice.sees('It worked');
  });

  test('fails a login on Wi-Fi, where the operator sees no SIM', async () => {
    await page.getByLabel('Wi-Fi').check();
    await alice.logIn(ALICE);
    await alice.sees('It failed: the operator did not see a SIM.');
    await alice.inspect('wifi');
    await page.getByLabel('Cellular').check();
    await alice.logInAgain(ALICE);
    await alice.sees('It worked');
  });

  test('shows an earlier login when it is chosen', async () => {
    await alice.logIn('+447700900101');
    await alice.sees('It failed, as it should');
    await alice.logInAgain(ALICE);
    await alice.sees('It worked');
    await page.getByLabel('Login', { exact: true }).selectOption({ index: 1 });
    await alice.sees('It failed, as it should');
  });

  test('changes what a number does, adds one, and resets them', async () => {
    await page.getByLabel(`Behaviour of ${ALICE}`).selectOption('The SIM has another number');
    await page.getByLabel(`SIM of ${ALICE}`).fill(BOB);
    await page.keyboard.press('Enter');
    await page.locator(`[aria-label="SIM of ${ALICE}"][value="${BOB}"]`).waitFor();
    await alice.logIn(ALICE);
    await alice.sees(`the SIM that opened the link is ${BOB}`);

    await page.getByLabel('Another number').fill('+34 600 111 222');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByLabel('Behaviour of +34600111222').waitFor();
    await page.getByRole('button', { name: 'Reset everything' }).click();
    await page.getByLabel('Behaviour of +34600111222').waitFor({ state: 'detached' });
    await alice.sees('No login yet');
    await until(async () => (await page.getByLabel(`Behaviour of ${ALICE}`).inputValue()) === 'match');
  });

  test('reports a setting that the sandbox refuses', async () => {
    await page.route('**/__sandbox/subscribers/*', (route) => route.fulfill({ status: 500 }));
    stage.expected = [refused(500)];
    await page.getByLabel('Another number').fill(BOB);
    await page.getByRole('button', { name: 'Add' }).click();
    await page
      .getByRole('alert')
      .filter({ hasText: `did not accept the settings of ${BOB}` })
      .waitFor();
    expect(await page.getByLabel('Another number').inputValue()).toBe(BOB);
  });

  test('adds a call, and leaves the others as they are', async () => {
    await alice.logIn(UNSUPPORTED);
    const first = page.locator('.step[data-step="1"] summary');
    await first.focus();
    await page.evaluate(`document.activeElement.closest('li').dataset.mark = 'kept'`);
    await alice.page.getByRole('button', { name: /SMS/ }).click();
    await page.locator('#messages .code').waitFor();
    expect(await page.locator('.step[data-step="1"] li[data-mark=kept]').count()).toBe(1);
    expect(await page.evaluate(`document.activeElement.closest('li')?.dataset.mark`)).toBe('kept');
  });

  test('offers to copy a code where the browser allows it', async () => {
    await alice.logIn(UNSUPPORTED);
    await alice.page.getByRole('button', { name: 'Get a code by SMS' }).click();
    const copy = page.getByRole('button', { name: `Copy the code for ${UNSUPPORTED}` });
    await copy.waitFor();
    await page.addInitScript(`Object.defineProperty(navigator, 'clipboard', { value: undefined })`);
    await page.reload();
    await page.locator('#messages .code').waitFor();
    expect(await copy.count()).toBe(0);
  });

  test('shows the messages of each channel, with their sender, in their language', async () => {
    const { applicationId, privateKeyPem } = credentials;
    const token = await createAppToken(applicationId, createPrivateKey(privateKeyPem), system.world)();
    const send = async (channel: string, to: string, changes: object) => {
      const step = { channel, to, ...(channel === 'whatsapp' && { from: '447700900900' }) };
      const body = JSON.stringify({ brand: 'Sandbox', code: '471100', workflow: [step], ...changes });
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const answer = await fetch(`${system.sandbox}/v2/verify`, { method: 'POST', headers, body });
      expect(answer.status).toBe(202);
    };
    const channels = ['sms', 'rcs', 'whatsapp', 'voice'];
    for (const [at, channel] of channels.entries())
      await send(channel, `44770090000${at}`, { locale: at % 2 ? 'de-de' : 'fr-fr' });
    const items = page.locator('#messages li');
    await items.nth(3).waitFor();
    expect(await page.locator('#messages .to').allTextContents()).toEqual(
      ['Call', 'WhatsApp', 'RCS', 'SMS'].map((name) => expect.stringContaining(`${name} to +`) as string),
    );
    expect(await page.locator('#messages .from').allTextContents()).toEqual([
      'From +447700900900',
      'From Sandbox',
      'From Sandbox',
    ]);
    expect(await page.locator('#messages [lang="de-de"]').allTextContents()).toEqual([
      'Ihr Sandbox-Code lautet: 4, 7, 1, 1, 0, 0. Noch einmal, Ihr Code lautet: 4, 7, 1, 1, 0, 0.',
      'Sandbox-Code: 471100. Gültig für 3 Minuten.',
    ]);
    const colours = await page.evaluate<string[]>(
      `[...document.querySelectorAll('#messages li')].map((li) => getComputedStyle(li).borderInlineStartColor)`,
    );
    expect(new Set(colours).size).toBe(4);
    await alice.inspect('channels');
  });

  test('can be used with the keyboard alone, in reading order', async () => {
    await alice.logIn(ALICE);
    await alice.sees('It worked');
    await page.bringToFront();
    const next = async () => {
      await page.keyboard.press('Tab');
      return page.evaluate<string>(
        `{ const { tagName, id, value, textContent } = document.activeElement; id || value || tagName + ' ' + textContent.slice(0, 16) }`,
      );
    };
    expect([await next(), await next(), await next(), await next(), await next()]).toEqual([
      'app',
      'sim',
      'cellular',
      'SUMMARY The app sends th',
      'SUMMARY The server asks ',
    ]);
    await page.keyboard.press('Enter');
    expect(await page.getByRole('group', { name: 'Request' }).textContent()).toMatch(/^POST/);
    expect(await next()).toMatch(/^PRE POST/);

    // Drawing the list again keeps the choice and the focus.
    await page.getByLabel(`Behaviour of ${ALICE}`).focus();
    await page.keyboard.press('ArrowDown');
    await page.getByText('number_mismatch.').nth(1).waitFor();
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe(`Behaviour of ${ALICE}`);
  });

  test('shows every behaviour of a number in full', async () => {
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const cut =
        await page.evaluate(`[...document.querySelectorAll('#subscribers select')].filter((select) => {
        const { font, paddingLeft, paddingRight } = getComputedStyle(select);
        const context = document.createElement('canvas').getContext('2d');
        context.font = font;
        const arrow = 20;
        const room = select.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - arrow;
        return [...select.options].some(({ text }) => context.measureText(text).width > room);
      }).length`);
      expect(cut).toBe(0);
    }
  });

  test('fits every width from 320 px', async () => {
    await alice.logIn(UNSUPPORTED);
    await alice.page.getByRole('button', { name: 'Get a code by SMS' }).click();
    await alice.sees('A code went to');
    await page.locator('summary').first().click();
    for (const width of [320, 390, 768, 1280]) {
      await page.setViewportSize({ width, height: 700 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    }
  });
});
