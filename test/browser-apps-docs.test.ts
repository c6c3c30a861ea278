import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describeInBrowser, refused, useBrowser, type Person } from './support/browser.js';
import { ALICE, BOB, startSystem, withSystem, WITH_CODES, type System } from './support/system.js';

const ROOT = resolve(__dirname, '..');
const text = readFileSync(join(ROOT, 'docs/apps.md'), 'utf8');
const blockOf = (language: string): string =>
  new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'm').exec(text)?.[1] ?? '';

/** This package, with the page of docs/apps.md instead of its own. */
function packageWithThatPage(): string {
  const folder = mkdtempSync(join(tmpdir(), 'apps-docs-'));
  for (const each of readdirSync(ROOT)) {
    if (each !== 'public') symlinkSync(join(ROOT, each), join(folder, each));
  }
  mkdirSync(join(folder, 'public'));
  symlinkSync(join(ROOT, 'public/favicon.svg'), join(folder, 'public/favicon.svg'));
  writeFileSync(join(folder, 'public/index.html'), blockOf('html'));
  writeFileSync(join(folder, 'public/login.js'), blockOf('js'));
  return folder;
}

describeInBrowser('the page of docs/apps.md', () => {
  const stage = useBrowser();
  const root = packageWithThatPage();
  let system: System;
  beforeAll(async () => (system = await startSystem({ root, env: WITH_CODES })));
  beforeEach(async () => {
    await system.reset();
    // At its start the page requests the login of its session, which has none.
    stage.expected = [refused(404)];
  });
  afterAll(async () => {
    await system.stop();
    rmSync(root, { recursive: true });
  });

  const begin = async (phoneNumber: string, sim?: string): Promise<Person> => {
    const person = await stage.person(system, sim === undefined ? {} : { sim });
    await person.logIn(phoneNumber);
    return person;
  };
  const says = ({ page }: Person, words: string) =>
    page.getByRole('status').filter({ hasText: words }).waitFor();
  const typesCode = async ({ page }: Person, code: string) => {
    await page.getByLabel('Code').fill(code);
    await page.getByRole('button', { name: 'Confirm' }).click();
  };
  const lastCode = async () => (await system.messages()).at(-1)?.code ?? '';

  test('logs in silently, and removes the code from the address', async () => {
    const alice = await begin(ALICE);
    await says(alice, `Logged in as ${ALICE}.`);
    expect(alice.page.url()).toBe(`${system.base}/`);
    expect(await alice.session()).toMatchObject({ channel: 'silent_auth' });
    expect(await alice.page.locator('#channels button').isVisible()).toBe(false);
    await alice.page.reload();
    await says(alice, `Logged in as ${ALICE}.`);
  });

  test.each([
    ['another SIM', ALICE, BOB, 'another number'],
    ['a device on Wi-Fi', '+447700900103', undefined, 'The operator did not confirm the number.'],
    ['a number that cannot be silent', '+447700900102', undefined, 'without a code'],
  ])('continues with a typed code for %s', async (_what, phoneNumber, sim, words) => {
    const person = await begin(phoneNumber, sim);
    await says(person, words);
    expect(await system.messages()).toEqual([]);
    await person.page.getByRole('button', { name: 'Send an SMS' }).click();
    await says(person, 'Type the 6 digits that come by sms.');
    await person.page.reload();
    await typesCode(person, await lastCode());
    await says(person, `Logged in as ${phoneNumber}.`);
    expect(await person.session()).toMatchObject({ channel: 'sms' });
  });

  test('sends another code by itself, as soon as the server does', async () => {
    stage.expected.push(refused(409));
    const person = await stage.person(system);
    await person.page.clock.install();
    await person.logIn('+447700900102');
    await person.page.getByRole('button', { name: 'Send an SMS' }).click();
    await says(person, 'Type the 6 digits');
    await person.page.getByRole('button', { name: 'Send again' }).click();
    await says(person, 'The next one follows in 30 seconds.');
    system.world.turn(30);
    await person.page.clock.fastForward(30_000);
    await says(person, 'Type the 6 digits');
    expect(await system.messages()).toHaveLength(2);
    await typesCode(person, await lastCode());
    await says(person, 'Logged in as +447700900102.');
  });

  test('asks again after a wrong code, and reports when no tries are left', async () => {
    stage.expected.push(refused(400), refused(400), refused(429));
    const alice = await begin('+447700900102');
    await alice.page.getByRole('button', { name: 'Send an SMS' }).click();
    await says(alice, 'Type the 6 digits');
    const wrong = (await lastCode()) === '000000' ? '000001' : '000000';
    for (const error of ['invalid_code', 'invalid_code', 'too_many_attempts']) {
      await alice.page.getByRole('status').evaluate('document.getElementById("message").textContent = ""');
      await typesCode(alice, wrong);
      await says(alice, `That did not work (${error}).`);
    }
    expect(await alice.page.getByLabel('Code').isVisible()).toBe(false);
  });

  test('does not post a code that another origin put into its address', async () => {
    const alice = await begin('+447700900102');
    await alice.page.getByRole('button', { name: 'Send an SMS' }).click();
    await says(alice, 'Type the 6 digits');
    for (const fragment of ['#code=000001', '#code=000002', `#login_id=${'a'.repeat(32)}&code=000003`]) {
      await alice.page.goto('about:blank');
      await alice.page.goto(`${system.base}/${fragment}`);
      await alice.page.getByLabel('Code').waitFor();
      expect(alice.page.url()).toBe(`${system.base}/`);
    }
    await typesCode(alice, await lastCode());
    await says(alice, 'Logged in as +447700900102.');
  });

  test('shows why a number is invalid', async () => {
    stage.expected.push(refused(400), refused(404));
    await says(await begin('+447'), 'That did not work (invalid_phone_number).');
  });
});

/** A page on another origin of the same site, which has a copy of the client. */
async function openOtherOrigin(): Promise<Server> {
  const client = readFileSync(join(ROOT, 'dist/client/silent-auth.js'));
  const server = createServer((req, res) => {
    const isClient = req.url === '/client.js';
    res.setHeader('content-type', isClient ? 'text/javascript' : 'text/html');
    res.end(isClient ? client : '<!doctype html><title>A shop</title><link rel="icon" href="data:," />');
  });
  await once(server.listen(0, 'localhost'), 'listening');
  return server;
}

describeInBrowser('a page on another origin, using the client with a base URL', () => {
  const stage = useBrowser();

  test('logs in by a code, shows the user, and logs out', async () => {
    const shop = await openOtherOrigin();
    const origin = `http://localhost:${(shop.address() as AddressInfo).port}`;
    try {
      await withSystem({ env: { ...WITH_CODES, ALLOWED_ORIGINS: origin } }, async (system) => {
        const { page } = await stage.person(system);
        await page.goto(origin);
        const call = (method: string, ...values: string[]) =>
          page.evaluate<unknown>(
            `import('/client.js').then(({ createClient }) =>
              createClient({ base: '${system.base}/', credentials: 'include' }).${method}(...${JSON.stringify(values)}))`,
          );
        expect(await call('login', ALICE)).toMatchObject({ channel: 'silent_auth' });
        await call('cancel');
        expect(await call('current')).toBeUndefined();
        await call('login', ALICE);
        expect(await call('next')).toMatchObject({ channel: 'sms' });
        const code = (await system.messages()).at(-1)?.code ?? '';
        expect(await call('verify', code)).toMatchObject({ verified: true });
        expect(await call('session')).toMatchObject({ authenticated: true, phoneNumber: ALICE });
        await call('logout');
        expect(await call('session')).toEqual({ authenticated: false });
        stage.expected = [refused(404)];
        await stage.leave();
      });
    } finally {
      shop.closeAllConnections();
      shop.close();
    }
  });
});
