import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeInBrowser, useBrowser, type Person } from './support/browser.js';
import type { Exchange } from './support/exchange.js';
import { ALICE, BOB, startSystem, WITH_CODES, type System } from './support/system.js';
import { until } from './support/until.js';

const [UNSUPPORTED, WIFI] = ['+447700900102', '+447700900103'];

/** The ids of a login of this browser. A page of another origin knows neither. */
interface Ids {
  loginId: string;
  verificationId: string;
}

/** Codes that another origin can put into the address of the page. */
const CODES: [string, (ids: Ids) => Record<string, string>][] = [
  ['a code alone', () => ({ code: '000001' })],
  ['a code of another login', () => ({ login_id: randomBytes(16).toString('hex'), code: '000001' })],
  ['a code with an empty login_id', () => ({ login_id: '', code: '000001' })],
  ['a code of another verification', () => ({ request_id: randomUUID(), code: '000001' })],
  ['a code with a segment of the link as request_id', () => ({ request_id: 'silent-auth', code: '000001' })],
  ['a code like those of /callback', () => ({ code: randomBytes(32).toString('base64url') })],
];
/** Codes that are not posted either while the login waits for a typed code. */
const CODES_WITH_OWN_IDS: typeof CODES = [
  ['a code of this login', ({ loginId }) => ({ login_id: loginId, code: '000001' })],
  ['a code of this verification', ({ verificationId }) => ({ request_id: verificationId, code: 'abcd' })],
];
const ERRORS: Record<string, string>[] = [
  { error: 'silent_auth_failed', error_description: 'x', reason: 'denied' },
  { error: 'login_expired', error_description: 'x' },
  { error: 'wrong_client', error_description: 'x' },
  { error: 'no_login' },
  { error_description: 'Device MSISDN does not match.' },
  { error_description: 'Your login is over. Start again.' },
];

const field = ({ page }: Person) => page.locator('#code-field:visible');
const fragmentOf = (fields: Record<string, string>) => `#${new URLSearchParams(fields).toString()}`;

/** A site of another origin. */
async function openOtherOrigin(): Promise<Server> {
  const page = '<!doctype html><title>Another origin</title><link rel="icon" href="data:," />';
  const server = createServer((_req, res) => res.setHeader('content-type', 'text/html').end(page));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

describeInBrowser('a link from another origin to the page', () => {
  // Each test opens the page some ten times.
  const stage = useBrowser();
  let otherOrigin: Server;
  beforeAll(async () => (otherOrigin = await openOtherOrigin()));
  afterAll(() => {
    otherOrigin.closeAllConnections();
    otherOrigin.close();
  });

  describe.each(['network-enablement', 'verify'])('with SILENT_AUTH=%s', (engine) => {
    let system: System;
    /** What this browser posted to `/verify`, and the last login that it began. */
    let posted: unknown[];
    let begun: Record<string, string>;
    const heard = ({ method, path, sent, body }: Exchange) => {
      if (path === '/verify') posted.push(sent);
      if (method === 'POST' && path === '/login') begun = JSON.parse(body) as Record<string, string>;
    };
    beforeAll(async () => {
      system = await startSystem({ heard, env: { ...WITH_CODES, SILENT_AUTH: engine } });
    });
    beforeEach(async () => {
      posted = [];
      await system.reset();
    });
    afterAll(() => system.stop());

    const otherPage = () => `http://127.0.0.1:${(otherOrigin.address() as AddressInfo).port}/`;
    /** Opens the page of the other origin, which links to ours, and waits until ours is idle. */
    const followLink = async (person: Person, fragment: string) => {
      await person.page.goto(otherPage());
      await person.page.evaluate(`location.assign('${system.base}/${fragment}')`);
      await person.page.waitForURL(`${system.base}/`);
      await isIdle(person);
    };
    const isIdle = ({ page }: Person) =>
      page
        .locator('form:visible :not([aria-disabled])[type=submit], #retry:visible, #logout:visible')
        .first()
        .waitFor();
    const lastCode = async () => (await system.messages()).at(-1)?.code ?? 'none came';
    const ids = (): Ids => ({
      loginId: begun['login_id'] ?? '',
      verificationId: /verify\/([0-9a-f-]{36})\//.exec(begun['auth_url'] ?? '')?.[1] ?? randomUUID(),
    });
    /** A user whose login waits for a typed code. */
    const withTypedCode = async (): Promise<Person> => {
      const person = await stage.person(system);
      await person.logIn(engine === 'verify' ? WIFI : UNSUPPORTED);
      await person.page.getByRole('button', { name: 'Get a code by SMS' }).click();
      await field(person).waitFor();
      await isIdle(person);
      return person;
    };
    /** A user whose login waits for the device, because the link is not open yet. */
    const withLink = async (): Promise<Person> => {
      const person = await stage.person(system);
      const answered = new Promise<void>((resolve) => {
        void person.page.route(`${system.sandbox}/**`, async (route) => {
          await route.fulfill({ status: 204 });
          resolve();
        });
      });
      await person.logIn(ALICE);
      await answered;
      await person.page.unroute(`${system.sandbox}/**`);
      return person;
    };
    const openLink = ({ page }: Person) => page.goto(begun['auth_url'] ?? '');

    test('does not use up a try of a login that waits for a typed code, and does not end it', async () => {
      const person = await withTypedCode();
      for (const [what, fields] of [...CODES, ...CODES_WITH_OWN_IDS]) {
        await followLink(person, fragmentOf(fields(ids())));
        expect([what, posted]).toEqual([what, []]);
        expect(await field(person).isVisible()).toBe(true);
      }
      await person.reads('Enter the code from the SMS');
      await field(person).fill(await lastCode());
      await person.reads('You are logged in');
    });

    test('with an error does not change a login that waits for a typed code', async () => {
      const person = await withTypedCode();
      for (const error of ERRORS) {
        await followLink(person, fragmentOf(error));
        expect([error, await field(person).isVisible()]).toEqual([error, true]);
        expect(await person.page.locator('main').innerText()).not.toContain('Start it again');
      }
      await field(person).fill(await lastCode());
      await person.reads('You are logged in');
    });

    test('does not change a login that waits for its device', async () => {
      const person = await withLink();
      for (const [what, fields] of CODES) {
        await followLink(person, fragmentOf(fields(ids())));
        expect([what, posted]).toEqual([what, []]);
      }
      await followLink(person, fragmentOf({ error: 'wrong_client' }));
      await openLink(person);
      await person.reads('You are logged in');
      expect(posted).toHaveLength(1);
      expect(await person.session()).toMatchObject({ channel: 'silent_auth' });
    });

    test('that changes the fragment of the open page does not disturb a code that is being typed', async () => {
      const person = await withTypedCode();
      await field(person).pressSequentially('123');
      for (const fields of [...CODES, ...CODES_WITH_OWN_IDS].map(([, of]) => of(ids())).concat(ERRORS)) {
        await person.page.evaluate(`location.hash = ${JSON.stringify(fragmentOf(fields))}`);
        await person.page.waitForURL(`${system.base}/`);
      }
      expect(await field(person).inputValue()).toBe('123');
      expect(posted).toEqual([]);
      await field(person).fill(await lastCode());
      await person.reads('You are logged in');
    });

    /**
     * Opens the link of the login in this browser, and stops before our page is loaded.
     * @returns the fragment of the redirect to our page
     */
    const fragmentFromLink = async ({ context }: Person): Promise<string> => {
      for (let at = begun['auth_url'] ?? ''; ;) {
        const answer = await context.request.get(at, { maxRedirects: 0 });
        const next = new URL(answer.headers()['location'] ?? '', at);
        if (next.hash !== '') return next.hash;
        at = next.href;
      }
    };

    test('with the code of this login logs in once', async () => {
      const person = await withLink();
      const fragment = await fragmentFromLink(person);
      await followLink(person, fragment);
      await person.reads('You are logged in');
      await followLink(person, fragment);
      expect(posted).toHaveLength(1);
      expect(await person.session()).toMatchObject({ authenticated: true, channel: 'silent_auth' });
    });

    test('with the code of this login posts nothing once the login no longer waits for its device', async () => {
      const person = await withLink();
      const fragment = await fragmentFromLink(person);
      system.world.turn(engine === 'verify' ? 61 : 301);
      await followLink(person, fragment);
      await person.reads('That took too long');
      expect(posted).toEqual([]);
    });

    test('with the code of this login posts nothing after another tab began another login', async () => {
      const person = await withLink();
      const fragment = await fragmentFromLink(person);
      const data = { phone_number: BOB, client: 'browser' };
      await person.context.request.post(`${system.base}/login`, { data });
      await followLink(person, fragment);
      await person.reads('You started another login');
      expect(posted).toEqual([]);
    });

    test('is not followed again by going back and forward', async () => {
      const person = await withTypedCode();
      await followLink(person, '#code=000001');
      await person.page.evaluate(`location.hash = 'code=000002'`);
      await person.page.waitForURL(`${system.base}/`);
      // The entries: our page, the other page, ours by its link, and ours with another fragment.
      for (const [steps, title] of [
        [-2, 'Another origin'],
        [-1, 'Log in'],
        [1, 'Another origin'],
        [1, 'Log in'],
        [1, 'Log in'],
      ] as const) {
        const navigated = person.page.waitForEvent('framenavigated');
        // Later, since the navigation ends the document that evaluates this.
        await person.page.evaluate(`void setTimeout(() => history.go(${steps}))`);
        await navigated;
        await until(async () => (await person.page.title().catch(() => '')) === title);
      }
      await field(person).waitFor();
      expect(posted).toEqual([]);
      await field(person).fill(await lastCode());
      await person.reads('You are logged in');
    });
  });
});
