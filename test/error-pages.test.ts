import { LoginError } from '../src/core/errors.js';
import { seriousIssues } from './support/axe.js';
import { describeInBrowser, photograph, refused, useBrowser } from './support/browser.js';
import { withMounted } from './support/mounted.js';
import { startSystem, withSystem, type System } from './support/system.js';

const AWAY = new LoginError('unavailable', 'Redis does not answer.', { retry_after: 5 });
const NAVIGATION = { 'sec-fetch-dest': 'document', accept: 'text/html' };

describe('an error that a person sees', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ store: 'memory', env: { BRAND: 'A&B "C"' } })));
  afterAll(() => system.stop());
  const visit = (path: string, { headers = {}, method = 'GET' } = {}) =>
    fetch(system.base + path, { method, headers: { ...NAVIGATION, ...headers } });

  test.each<[string, string, { method?: string }, number, string]>([
    ['an unknown path', '/nothing', {}, 404, 'This page does not exist'],
    ['a path in other letters', '/CALLBACK', {}, 404, 'This page does not exist'],
    ['a path with a slash too much', '/callback/', {}, 404, 'This page does not exist'],
    ['a link without a state', '/callback?code=x', {}, 400, 'This link is not complete'],
    ['a form sent to the link', '/callback', { method: 'POST' }, 405, 'This did not work'],
    ['a session without a login', '/login', {}, 404, 'This did not work'],
    ['a form of another site', '/login', { method: 'POST' }, 403, 'This did not work'],
  ])('after %s is a page', async (_what, path, init, status, heading) => {
    const origin = init.method === undefined ? {} : { origin: 'https://evil.example' };
    const answer = await visit(path, { ...init, headers: origin });
    const html = await answer.text();
    expect([answer.status, html]).toEqual([status, expect.stringContaining(`<h1>${heading}</h1>`)]);
    const { headers } = answer;
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('vary')).toBe('Sec-Fetch-Dest, Accept-Language');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none';style-src 'self';img-src 'self';form-action 'none';base-uri 'none';frame-ancestors 'none'",
    );
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(html));
    expect(html).toContain(`${String(headers.get('x-request-id'))}</code>`);
    expect(html).toContain('<a class="button" href="/">');
    expect(html).toContain('<p class="brand">A&#38;B &#34;C&#34;</p>');
    expect(html).not.toContain('<script');
  });

  test.each([
    ['de-AT,en;q=0.5', '', '<html lang="de" dir="ltr">', 'Diese Seite gibt es nicht'],
    ['ar', '', '<html lang="ar" dir="rtl">', 'هذه الصفحة غير موجودة'],
    ['de', 'lang=fr', '<html lang="fr" dir="ltr">', 'Cette page n’existe pas'],
    ['*', '', '<html lang="en" dir="ltr">', 'This page does not exist'],
    ['xx', 'lang=../x', '<html lang="en" dir="ltr">', 'This page does not exist'],
  ])('is in the language of the user: %s, cookie %p', async (language, cookie, start, heading) => {
    const html = await (await visit('/nothing', { headers: { 'accept-language': language, cookie } })).text();
    expect(html).toContain(start);
    expect(html).toContain(`<h1>${heading}</h1>`);
  });

  test('is counted and logged as for programs', async () => {
    const { headers } = await visit('/callback?code=x');
    const id = String(headers.get('x-request-id'));
    const line = system.world
      .logged()
      .split('\n')
      .find((each) => each.includes(id));
    expect(line).toContain('"step":"callback","outcome":"invalid_request"');
  });

  test('has the accent colour of the login page', () =>
    withSystem({ store: 'memory', env: { ACCENT_COLOR: '#7a1fa2' } }, async ({ base }) => {
      expect(await (await visit('/nothing')).text()).toContain('href="/pages.css"');
      const style = await fetch(`${base}/pages.css`);
      expect(style.headers.get('cache-control')).toBe('no-cache');
      expect(await style.text()).toContain(':root{--accent:light-dark(#7a1fa2,');
    }));

  test('has no body for HEAD', async () => {
    const answer = await visit('/nothing', { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      404,
      'text/html; charset=utf-8',
      '',
    ]);
  });

  test.each(['empty', 'image', 'iframe', 'Document', 'document,document', ''])(
    'is JSON for Sec-Fetch-Dest %p',
    async (destination) => {
      const answer = await visit('/nothing', { headers: { 'sec-fetch-dest': destination } });
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
    },
  );

  test('says that the server cannot answer now, and how long to wait', () =>
    withSystem(
      { store: 'memory', through: (store) => ({ ...store, ping: () => Promise.reject(AWAY) }) },
      async ({ base }) => {
        const answer = await fetch(`${base}/readyz`, { headers: NAVIGATION });
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
        expect(await answer.text()).toContain('<h1>Logging in does not work right now</h1>');
      },
    ));
});

test('routes in another app show the same page, without style, and lead to its home', () =>
  withMounted(
    { options: (redis) => ({ session: 'host', redis, homeUrl: '/welcome?a="b"&c' }) },
    async ({ base }) => {
      const answer = await fetch(`${base}/auth/callback`, { headers: NAVIGATION });
      const html = await answer.text();
      expect([answer.status, html]).toEqual([400, expect.stringContaining('This link is not complete')]);
      expect(html).toContain('<a class="button" href="/welcome?a=&#34;b&#34;&#38;c">');
      expect(html).not.toMatch(/stylesheet|favicon|<img/);
    },
  ));

describeInBrowser('the page of an error', () => {
  let system: System;
  const stage = useBrowser();
  beforeAll(async () => (system = await startSystem({ store: 'memory' })));
  afterAll(() => system.stop());

  test.each([
    ['light', 390],
    ['dark', 390],
    ['light', 1280],
    ['dark', 1280],
  ] as const)('passes axe in %s mode at %i pixels, and leads to the login page', async (scheme, width) => {
    const { page } = await stage.person(system);
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: scheme });
    const answer = await page.goto(`${system.base}/nothing`);
    expect(answer?.status()).toBe(404);
    stage.expected = [refused(404)];
    expect(await seriousIssues(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await photograph(page, `error-${scheme}`);
    await page.getByRole('link', { name: 'Go to the start page' }).click();
    await page.waitForURL(`${system.base}/`);
  });
});

test('the cookie of a chosen language is for https only, where clients use https', async () => {
  const cookieOf = async (env: Record<string, string>) => {
    let cookie = '';
    await withSystem({ store: 'memory', env }, async (system) => {
      cookie = (await fetch(`${system.base}/?lang=de`)).headers.get('set-cookie') ?? '';
    });
    return cookie;
  };
  const usual = 'lang=de; Path=/; Max-Age=31536000; SameSite=Lax';
  expect(await cookieOf({})).toBe(usual);
  expect(await cookieOf({ PUBLIC_URL: 'https://login.example.com' })).toBe(`${usual}; Secure`);
});
