import { source, type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

/** The impacts of violations that fail a test. */
const FAILING_IMPACTS = ['serious', 'critical'];

/**
 * The serious and critical violations that axe-core finds on the page, one line for each element.
 * Its source is evaluated, because the content security policy of the page blocks scripts.
 */
export async function seriousIssues(page: Page): Promise<string[]> {
  await page.evaluate(source);
  const { violations } = await page.evaluate<AxeResults>('axe.run(document)');
  return violations
    .filter(({ impact }) => FAILING_IMPACTS.includes(impact ?? ''))
    .flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
}
