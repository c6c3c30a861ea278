import { readFileSync } from 'node:fs';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const source = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** The impacts of violations that fail a test. */
const FAILING_IMPACTS = ['serious', 'critical'];

/** The rules that depend on the colours of the page. */
export const COLOURS = ['color-contrast', 'link-in-text-block'];

/**
 * The serious and critical violations that axe-core finds on the page, one line for each element.
 * Its source is evaluated, because the content security policy of the page blocks scripts.
 * @param rules the only ones, or those to leave out, by their ids. Default: all rules
 */
export async function seriousIssues(
  page: Page,
  rules: { only?: readonly string[]; without?: readonly string[] } = {},
): Promise<string[]> {
  if (await page.evaluate('!("axe" in window)')) await page.evaluate(source);
  // The elements without violations are many, and take long to transfer. The policy of the page
  // forbids axe-core to fetch style sheets that others import, which one rule would need.
  const options = {
    resultTypes: ['violations'],
    preload: false,
    ...(rules.only && { runOnly: rules.only }),
    rules: Object.fromEntries((rules.without ?? []).map((id) => [id, { enabled: false }])),
  };
  const violations = await page.evaluate<AxeResults['violations']>(
    `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations)`,
  );
  return violations
    .filter(({ impact }) => FAILING_IMPACTS.includes(impact ?? ''))
    .flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
}
