import type { Browser, Page } from 'playwright-core';
import { seriousIssues } from '../support/axe.js';
import { describeInBrowser, launch, newPerson, photograph, type Person } from '../support/browser.js';
import { ALICE, BOB, buildHouse, type House } from '../support/house.js';

const UNSUPPORTED = '+447700900102';
const WITH_CODES = {
  FALLBACK_CHANNELS: 'sms,voice',
  VONAGE_API_KEY: 'abcd1234',
  VONAGE_SIGNATURE_SECRET: 'w'.repeat(40),
};

// Pictures of whole pages take their time.
jest.setTimeout(60_000);

describeInBrowser('the page of the sandbox', () => {
  let browser: Browser;
  let house: House;
  let person: Person;
  /** The tab with the sandbox; the person's own tab is for the login page. */
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await launch();
    house = await buildHouse({ tapped: true, env: WITH_CODES });
  }, 60_000);
  beforeEach(async () => {
    await house.reset();
    complaints.length = 0;
    person = await newPerson(browser, house, complaints);
    page = await person.context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(house.sandbox);
    await page.getByLabel(`What ${UNSUPPORTED} does`).waitFor();
  });
  afterEach(async () => {
    await person.context.close();
    expect(complaints).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await house.stop();
  });

  /** A login by HTTP, in this browser: what the sandbox draws does not depend on the login page. */
  const logIn = async (number = ALICE): Promise<void> => {
    const { request } = person.context;
    const begun = await request.post(`${house.base}/login`, {
      data: { phone_number: number, client: 'app' },
    });
    const { auth_url: link } = (await begun.json()) as { auth_url: string | null };
    if (link === null) return;
    const home = await request.get(link);
    const { code } = (await home.json()) as { code?: string };
    if (code !== undefined) await request.post(`${house.base}/verify`, { data: { code } });
  };
  const endsWith = (text: string) => page.locator('#ending').filter({ hasText: text }).waitFor();
  const saysOf = (step: string) => page.locator(`[data-step="${step}"] .says`).allTextContents();
  /** Looks at the page in both lights, and lets axe-core do so too. */
  const inspect = async (name: string): Promise<void> => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await photograph(page, `sandbox-${name}-${colorScheme}`);
      expect(await seriousIssues(page)).toEqual([]);
    }
  };

  test('shows the five steps before anybody logged in, and where the login page is', async () => {
    expect(await page.locator('.step h3').count()).toBe(5);
    await endsWith('Nobody has logged in yet');
    expect(await page.getByRole('link', { name: 'Open the login page' }).getAttribute('href')).toBe(
      house.base,
    );
    await inspect('empty');
  });

  test('draws a silent login while it happens, and says why it worked', async () => {
    await logIn();
    await endsWith(`It worked: the SIM that walked the link has the number ${ALICE}`);
    expect(await saysOf('1')).toEqual(['The app sends the number to the server.']);
    expect(await saysOf('2')).toEqual(['The server asks Vonage for a link for this number.']);
    expect(await saysOf('3')).toEqual([
      'The device opens the link over its mobile network.',
      'The operator looks which SIM is on this line.',
      'The device carries the operator’s answer to Vonage.',
    ]);
    expect(await saysOf('4')).toEqual([
      'The device comes back to the server, with the operator’s code.',
      'The server trades the operator’s code for a token: the code is dead from here on.',
    ]);
    expect(await saysOf('5')).toHaveLength(2);
    await inspect('worked');
  });

  test('opens an arrow by keyboard alone, with the real request and answer', async () => {
    await logIn();
    await endsWith('It worked');
    const arrow = page.locator('summary').filter({ hasText: 'The server trades' });
    await arrow.focus();
    await page.keyboard.press('Enter');
    const request = page.getByRole('group', { name: 'Request' });
    expect(await request.textContent()).toMatch(/^POST .*\/oauth2\/token\n/);
    expect(await request.textContent()).toContain('grant_type=authorization_code');
    expect(await page.getByRole('group', { name: 'Answer' }).textContent()).toContain('"access_token"');
    await inspect('opened');
  });

  test('breaks a login by another SIM in the phone, and says whose SIM walked', async () => {
    await page.getByLabel('SIM in it').selectOption('Another number …');
    await page.keyboard.type('nonsense');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'plus sign' }).waitFor();
    await inspect('typing');
    await page.getByLabel('Number of that SIM').fill(BOB);
    await page.keyboard.press('Enter');
    await page.getByText(`the operator sees the SIM ${BOB}`).waitFor();
    await logIn();
    await endsWith(
      `It failed, as it should: the SIM that walked the link is ${BOB}, and the login is for ${ALICE}.`,
    );
    await inspect('other-sim');

    await page.reload();
    expect(await page.getByLabel('SIM in it').inputValue()).toBe(BOB);
    await page.getByLabel('SIM in it').selectOption('The number of the login');
    await logIn();
    await endsWith('It worked');
  });

  test('puts the phone on Wi-Fi, where no operator sees its SIM', async () => {
    await page.getByLabel('Wi-Fi').check();
    await logIn();
    await endsWith('It failed: the operator did not see a SIM on this line.');
    await inspect('wifi');
    await page.getByLabel('Cellular').check();
    await logIn();
    await endsWith('It worked');
  });

  test('shows the code of an SMS, with which the login goes on', async () => {
    const { request } = person.context;
    await logIn(UNSUPPORTED);
    await request.post(`${house.base}/login/next`, { data: { channel: 'sms' } });
    await page.getByText(`SMS to ${UNSUPPORTED}`).waitFor();
    const code = (await page.locator('.digits').first().textContent()) ?? '';
    await request.post(`${house.base}/verify`, { data: { code } });
    await endsWith(`It worked, by SMS: whoever typed the code has the phone with ${UNSUPPORTED}.`);
    expect(await saysOf('code')).toContain(`An SMS with a code goes to ${UNSUPPORTED}.`);
    await page.getByLabel('SIM in it').selectOption(ALICE);
    await page.getByText(`It went to another phone: the SIM in this one is ${ALICE}.`).waitFor();
    await inspect('sms');
  });

  test('lets an earlier login be looked at again', async () => {
    await logIn();
    await logIn('+447700900101');
    await endsWith('It failed, as it should');
    await page.getByLabel('Login', { exact: true }).selectOption({ index: 1 });
    await endsWith('It worked');
  });

  test('changes what a number does, adds one, and resets them', async () => {
    await page.getByLabel(`What ${ALICE} does`).selectOption('The SIM has another number');
    await page.getByLabel(`SIM of ${ALICE}`).fill(BOB);
    await page.keyboard.press('Enter');
    await page.locator(`[aria-label="SIM of ${ALICE}"][value="${BOB}"]`).waitFor();
    await logIn();
    await endsWith(`the SIM that walked the link is ${BOB}`);

    await page.getByLabel('Another number').fill('+34 600 111 222');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByLabel('What +34600111222 does').waitFor();
    await page.getByRole('button', { name: 'Reset everything' }).click();
    await page.getByLabel('What +34600111222 does').waitFor({ state: 'detached' });
    await endsWith('Nobody has logged in yet');
    expect(await page.getByLabel(`What ${ALICE} does`).inputValue()).toBe('match');
  });

  test('fits a narrow screen', async () => {
    await logIn();
    await endsWith('It worked');
    await page.setViewportSize({ width: 320, height: 700 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  });
});
