import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { launch } from '../../test/support/browser.js';

/** Takes the pictures of the README anew, from the demo as it is: `npm run pictures`. Wants Chromium. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const place = (name: string) => fileURLToPath(new URL(name, import.meta.url));

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return;
    await pause(100);
  }
  throw new Error(`nothing answers at ${url}`);
}

const [port, sandboxPort] = [await freePort(), await freePort()];
const [page, sandbox] = [`http://localhost:${port}`, `http://localhost:${sandboxPort}`];
const demo = spawn(process.execPath, ['--import', 'tsx', 'src/demo.ts'], {
  cwd: root,
  env: { ...process.env, PORT: `${port}`, SANDBOX_PORT: `${sandboxPort}`, LOG_LEVEL: 'error' },
  stdio: 'ignore',
});
const browser = await launch();
try {
  await answers(page);
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 960 } });
  const tab = await context.newPage();
  await tab.goto(page);
  await tab.getByLabel('Phone number').fill('+447700900000');
  await tab.getByRole('button', { name: 'Log in' }).click();
  await tab.getByRole('button', { name: 'Log out' }).waitFor();
  await tab.screenshot({ path: place('page.png') });
  await tab.goto(sandbox);
  await tab.getByText('It worked').waitFor();
  await tab.screenshot({ path: place('sandbox.png') });
} finally {
  await browser.close();
  demo.kill();
}
