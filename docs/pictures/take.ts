import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { launch } from '../../test/support/browser.js';

/**
 * Takes the screenshots of the README from the demo: `npx tsx docs/pictures/take.ts`, after
 * `npm run build`. Requires Chromium.
 */

const root = fileURLToPath(new URL('../..', import.meta.url));
const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Resolves when a server answers. @throws after ten seconds */
async function waitFor(url: string, tries = 100): Promise<void> {
  const answer = await fetch(url).catch(() => undefined);
  if (answer) return;
  if (tries === 0) throw new Error(`no server answers at ${url}`);
  await pause(100);
  await waitFor(url, tries - 1);
}

const { PORT = '3000', SANDBOX_PORT = '4000' } = process.env;
const [page, sandbox] = [`http://localhost:${PORT}`, `http://localhost:${SANDBOX_PORT}`];
const demo = spawn(process.execPath, ['--import', 'tsx', 'src/tools/cli.ts', 'demo'], {
  cwd: root,
  stdio: 'ignore',
});
const browser = await launch();
try {
  await waitFor(page);
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 640, height: 1120 } });
  const tab = await context.newPage();
  await tab.goto(page);
  await tab.getByLabel('Phone number').fill('+447700900000');
  await tab.getByRole('button', { name: 'Log in' }).click();
  await tab.getByRole('button', { name: 'Log out' }).waitFor();
  await tab.getByText('How it worked').click();
  await tab.screenshot({ path: pathOf('page.png') });
  await tab.setViewportSize({ width: 1280, height: 1010 });
  await tab.goto(sandbox);
  await tab.getByText('It worked').waitFor();
  await tab.screenshot({ path: pathOf('sandbox.png') });
} finally {
  await browser.close();
  demo.kill();
}
