import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import type { House } from './house.js';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const executablePath = [process.env['CHROME_PATH'], ...PLACES].find(
  (path) => path !== undefined && path !== '' && existsSync(path),
);

const ADVICE = `no browser at CHROME_PATH or ${PLACES.join(', ')}: install Chromium, or set CHROME_PATH`;

/** A suite that wants a browser. Without one it is skipped, and says so; where CI=true it fails. */
export function describeInBrowser(name: string, suite: () => void): void {
  if (executablePath !== undefined) {
    describe(name, suite);
  } else if (process.env['CI'] === 'true') {
    test(name, () => {
      throw new Error(ADVICE);
    });
  } else {
    process.stderr.write(`skipped "${name}": ${ADVICE}\n`);
    describe.skip(name, suite);
  }
}

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: executablePath as string,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    // Playwright turns off what keeps a page alive for the back button; people have it.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });

/** One person's browser: cookies of its own, and one tab. */
export interface Person {
  context: BrowserContext;
  page: Page;
  /** Types the number and presses the button. */
  logIn(phoneNumber: string): Promise<void>;
  /** Waits until the page says this, and shows a form or the session. */
  reads(text: string): Promise<void>;
  /** The state of each step, in words. */
  steps(): Promise<string[]>;
  /** What the server says of this browser's session. */
  session(): Promise<Record<string, unknown>>;
}

/** @param complaints takes whatever the console, the page or its content security policy has to say */
export async function newPerson(
  browser: Browser,
  house: Pick<House, 'base' | 'sandbox'>,
  complaints: string[],
  { sim, locale = 'en-GB', phone = false }: { sim?: string; locale?: string; phone?: boolean } = {},
): Promise<Person> {
  const context = await browser.newContext({ locale, hasTouch: phone, isMobile: phone });
  if (sim !== undefined) await context.addCookies([{ name: 'sandbox_sim', value: sim, url: house.sandbox }]);
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return {
    context,
    page,
    async logIn(phoneNumber) {
      await page.goto(house.base);
      await page.getByLabel('Phone number').fill(phoneNumber);
      await page.getByRole('button', { name: 'Log in' }).click();
    },
    async reads(text) {
      await page.getByRole('status').filter({ hasText: text }).waitFor();
      await page.locator('#login:visible, #code-form:visible, #session:visible').waitFor();
    },
    steps: () => page.locator('#steps .state').allTextContents(),
    session: async () =>
      (await (await context.request.get(`${house.base}/session`)).json()) as Record<string, unknown>,
  };
}

/** Takes pictures of a page as it is, on a phone and on a desk, for people to look at. */
export async function photograph(page: Page, name: string): Promise<void> {
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({
      path: resolve(__dirname, `../../artifacts/${name}-${width}.png`),
      fullPage: true,
    });
  }
}
