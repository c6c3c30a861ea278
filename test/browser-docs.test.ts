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

  test('shows every operation completely, requests nothing from other hosts, and complies with the security policy', async () => {
    const { page, abroad } = await open('/docs');
    const shown = page.locator('.opblock');
    await shown.first().waitFor();
    expect(await shown.count()).toBe(operations.length);
    await photograph(page, 'docs');
    // Each operation, and the schema of each body.
    for (const parts of ['.opblock:not(.is-open) .opblock-summary-control', '.tablinks[data-name=model]']) {
      await page.evaluate(`for (const part of document.querySelectorAll('${parts}')) part.click()`);
      await page
        .locator('.opblock.is-open')
        .nth(operations.length - 1)
        .waitFor();
    }
    await page.getByText('LoginRequest').first().waitFor();
    expect(await page.locator('.errors-wrapper').count()).toBe(0);
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(abroad).toEqual([]);
  });

  test('can send a login request', async () => {
    const { page } = await open('/docs');
    await page.locator('#operations-Login-beginLogin .opblock-summary-control').click();
    await page.getByRole('button', { name: 'Try it out' }).click();
    await page.getByRole('button', { name: 'Execute' }).click();
    await page.locator('.live-responses-table .response-col_status', { hasText: '201' }).waitFor();
  });

  test('shows the section of an error for its type URL', async () => {
    const { page, abroad } = await open('/errors.md#invalid_code');
    expect(await page.locator('h2:target').textContent()).toBe('invalid_code');
    expect(await seriousIssues(page)).toEqual([]);
    await photograph(page, 'errors');
    expect(abroad).toEqual([]);
  });
});
