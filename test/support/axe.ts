import { source, type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

/** What a person who sees, hears or moves differently stumbles over. */
const STUMBLING = ['serious', 'critical'];

/**
 * What axe-core finds wrong with the page as it is now, serious or worse: one line for each element, empty when it is
 * well. Its source is evaluated, because the page's content security policy lets no script in.
 */
export async function seriousIssues(page: Page): Promise<string[]> {
  await page.evaluate(source);
  const { violations } = await page.evaluate<AxeResults>('axe.run(document)');
  return violations
    .filter(({ impact }) => STUMBLING.includes(impact ?? ''))
    .flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
}
