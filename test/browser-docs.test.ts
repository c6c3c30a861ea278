import type { Page } from 'playwright-core';
import { seriousIssues } from './support/axe.js';
import { describeInBrowser, photograph, useBrowser } from './support/browser.js';
import { operations } from './support/contract.js';
import { startSystem, type System } from './support/system.js';

describeInBrowser('the API documentation page', () => {
  let system: System;
  const stage = useBrowser();
  beforeAll(async () => (system = await startSystem({ store: 'memory' })));
  afterAll(() => system.stop());

  /** Opens a page, and records its requests to other hosts. */
  async function open(path: string): Promise<{ page: Page; abroad: string[] }> {
    const { context, page } = await stage.person(system);
    const abroad: string[] = [];
    context.on('request', (request) => {
      if (!request.url().startsWith(system.base)) abroad.push(request.url());
    });
    await page.goto(system.base + path);
    return { page, abroad };
  }

  test.each([
    ['light', 390],
    ['dark', 390],
    ['light', 1280],
    ['dark', 1280],
  ] as const)('passes axe in %s mode at %i pixels', async (scheme, width) => {
    const { page, abroad } = await open('/docs');
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: scheme });
    await page.evaluate(`for (const each of document.querySelectorAll('details')) each.open = true`);
    expect(await seriousIssues(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(abroad).toEqual([]);
    await photograph(page, `docs-${scheme}`);
  });

  test('shows every operation, schema and error, and every link on it leads somewhere', async () => {
    const { page } = await open('/docs');
    for (const { operation, method, path } of operations) {
      const section = page.locator(`section#${operation.operationId}`);
      expect(await section.locator('h3').textContent()).toContain(`${method} ${path}`);
      const codes = await section.locator('.answers dt').allTextContents();
      expect(codes).toEqual(Object.keys(operation.responses));
    }
    const targets = await page.evaluate<string[]>(
      `[...document.querySelectorAll('a[href^="#"]')].map(({ hash }) => hash.slice(1))`,
    );
    expect(targets.length).toBeGreaterThan(operations.length);
    const missing = await page.evaluate<string[]>(
      `${JSON.stringify(targets)}.filter((id) => !document.getElementById(id))`,
    );
    expect(missing).toEqual([]);
    expect(await page.locator('script').count()).toBe(0);
  });

  test('shows a command for each request with a body', async () => {
    const { page } = await open('/docs');
    const text = await page.locator('#beginLogin pre', { hasText: 'curl' }).textContent();
    expect(text).toBe(
      `curl -X POST ${system.base}/login -b jar -c jar -H 'Content-Type: application/json' -d '{"phone_number":"+447700900000","locale":"en-GB"}'`,
    );
  });

  test('shows the section of an error for its type URL', async () => {
    const { page, abroad } = await open('/errors.md#invalid_code');
    expect(await page.locator('h2:target').textContent()).toBe('invalid_code');
    expect(await seriousIssues(page)).toEqual([]);
    await photograph(page, 'errors');
    expect(abroad).toEqual([]);
  });
});
