import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import type { System } from './system.js';

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Chromium without windows: a test in it takes two thirds of the processor time. */
const HEADLESS_SHELL = '/usr/bin/chromium-headless-shell';

const firstOf = (paths: readonly (string | undefined)[]): string | undefined =>
  paths.find((path) => path !== undefined && path !== '' && existsSync(path));

const fullBrowser = firstOf([process.env['CHROME_PATH'], ...BROWSERS]);
const quickBrowser = firstOf([process.env['CHROME_PATH'], HEADLESS_SHELL, ...BROWSERS]);

const ADVICE = `no browser at CHROME_PATH or ${BROWSERS.join(', ')}: install Chromium, or set CHROME_PATH`;

/** A suite that needs a browser. Without one it is skipped with a message, and fails if CI=true. */
export function describeInBrowser(name: string, suite: () => void): void {
  if (fullBrowser !== undefined) {
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

/** Pages of the address bar in each window of Chromium, which cost as much as the tested page. */
const ADDRESS_BAR = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup'];

/** A process that waits for the next site, which most tests do not open. */
const SPARE_PROCESS = 'SpareRendererForSitePerProcess';

/** Playwright disables these with a switch that the one below overrides. */
const DISABLED_BY_PLAYWRIGHT = [
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'LensOverlay',
  'MediaRouter',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'OptimizationHints',
  'NetworkTimeServiceQuerying',
  'AimEnabled',
  'PreconnectToSearch',
];

export const launch = (executablePath = fullBrowser as string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      // Without them, each visit to another origin starts a process.
      '--disable-site-isolation-trials',
      '--renderer-process-limit=1',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--disable-features=${[...ADDRESS_BAR, SPARE_PROCESS, ...DISABLED_BY_PLAYWRIGHT].join()}`,
    ],
    // Playwright disables the back/forward cache, which users have.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });

/** The browser of one user: its own cookies, and one tab. */
export interface Person {
  context: BrowserContext;
  page: Page;
  /** Types the number and presses the button. */
  logIn(phoneNumber: string): Promise<void>;
  /** Waits until the page shows this text. */
  reads(text: string): Promise<void>;
  /** The state of each step, as text. */
  steps(): Promise<string[]>;
  /** The answer of `GET /session` in this browser. */
  session(): Promise<Record<string, unknown>>;
}

/** A user: the SIM in the device, the language, and whether the device is a phone. */
export interface PersonOptions {
  sim?: string;
  locale?: string;
  phone?: boolean;
}

/** Records errors of the console, the page and its content security policy. */
export function listenTo(page: Page, complaints: string[]): void {
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
}

/** The console message of Chromium for a refused request. */
export const refused = (status: number): unknown =>
  expect.stringContaining(`the server responded with a status of ${status}`);

/** The browser of a suite, and the users of each test. */
export interface Stage {
  readonly browser: Browser;
  /** The errors of the pages. The test fails unless they equal `expected`. */
  readonly complaints: string[];
  expected: unknown[];
  person(system: System, options?: PersonOptions): Promise<Person>;
  /** Closes this browser context at the end of the test. */
  meet<P extends Pick<Person, 'context'>>(person: P): P;
  leave(): Promise<void>;
}

/**
 * Opens a browser for a suite, and fails each test whose pages report unexpected errors.
 * @param isFull whether the suite needs a browser with windows, which has a back/forward cache
 */
export function useBrowser({ isFull = false } = {}): Stage {
  const people: Pick<Person, 'context'>[] = [];
  const opened: { browser?: Browser } = {};
  const stage: Stage = {
    get browser() {
      return opened.browser as Browser;
    },
    complaints: [],
    expected: [],
    person: async (system, options) =>
      stage.meet(await newPerson(stage.browser, system, stage.complaints, options)),
    meet(person) {
      people.push(person);
      return person;
    },
    async leave() {
      await Promise.all(people.splice(0).map(({ context }) => context.close()));
    },
  };
  beforeAll(async () => {
    opened.browser = await launch(isFull ? fullBrowser : quickBrowser);
  });
  beforeEach(() => {
    stage.expected = [];
    stage.complaints.length = 0;
  });
  afterEach(async () => {
    await stage.leave();
    expect(stage.complaints).toEqual(stage.expected);
  });
  afterAll(() => stage.browser.close());
  return stage;
}

async function newPerson(
  browser: Browser,
  system: Pick<System, 'base' | 'sandbox'>,
  complaints: string[],
  { sim, locale = 'en-GB', phone = false }: PersonOptions = {},
): Promise<Person> {
  const context = await browser.newContext({ locale, hasTouch: phone, isMobile: phone });
  if (sim !== undefined) await context.addCookies([{ name: 'sandbox_sim', value: sim, url: system.sandbox }]);
  const page = await context.newPage();
  listenTo(page, complaints);
  return {
    context,
    page,
    async logIn(phoneNumber) {
      // An earlier login of the tab would be shown in place of the form.
      if (page.url().startsWith(system.base)) await page.evaluate('sessionStorage.clear()');
      await page.goto(system.base);
      await page.getByLabel('Phone number').fill(phoneNumber);
      await page.getByRole('button', { name: 'Log in' }).click();
    },
    async reads(text) {
      await page.locator('main').getByText(text).filter({ visible: true }).first().waitFor();
    },
    steps: () => page.locator('#steps li:not(#instead) .state').allTextContents(),
    session: async () =>
      (await (await context.request.get(`${system.base}/session`)).json()) as Record<string, unknown>,
  };
}

/**
 * Saves screenshots of a page at phone and desktop width to `artifacts/`. Only if PICTURES is set,
 * because a screenshot takes longer than most tests.
 */
export async function photograph(page: Page, name: string): Promise<void> {
  if (process.env['PICTURES'] === undefined) return;
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({
      path: resolve(__dirname, `../../artifacts/${name}-${width}.png`),
      fullPage: true,
    });
  }
}
