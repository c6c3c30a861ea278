import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contrast, readPage, type PageSettings } from '../src/config/page.js';
import { createReader, type Env } from '../src/config/reader.js';
import { startSystem } from './support/system.js';

const folder = mkdtempSync(join(tmpdir(), 'page-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><script>alert(1)</script></svg>';
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');

function read(env: Env): { page: PageSettings; problems: readonly string[] } {
  const reader = createReader(env);
  return { page: readPage(reader, 'https://login.example.com'), problems: reader.problems };
}

test('the page has the name of BRAND, and needs no other setting', () => {
  expect(read({ BRAND: 'ACME' })).toEqual({ page: { brand: 'ACME', explain: false }, problems: [] });
});

describe('ACCENT_COLOR', () => {
  test.each(['#0b6e5f', '#767676', '#000000', '#7A1FA2', '#b00020', '#0000ff'])(
    '%s can be read in light and dark mode',
    (color) => {
      const { page, problems } = read({ ACCENT_COLOR: color });
      expect(problems).toEqual([]);
      const { light, dark } = page.accent as NonNullable<PageSettings['accent']>;
      expect(light).toEqual({ color: color.toLowerCase(), on: '#ffffff' });
      const ratios = [
        [light.color, '#ffffff'],
        [light.color, light.on],
        [dark.color, '#19211f'],
        [dark.color, dark.on],
      ].map(([one = '', other = '']) => contrast(one, other));
      expect(Math.min(...ratios)).toBeGreaterThanOrEqual(4.5);
    },
  );

  test('the contrast is that of WCAG', () => {
    expect(contrast('#ffffff', '#000000')).toBe(21);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.478, 3);
  });

  test.each([
    ['#777777', 4.47],
    ['#ffcc00', 1.51],
    ['#1db954', 2.58],
    ['#ffffff', 1],
  ])('%s is too light: its contrast and a colour near it are named', (color, ratio) => {
    const [problem = '', ...others] = read({ ACCENT_COLOR: color }).problems;
    expect(others).toEqual([]);
    expect(problem).toContain(`ACCENT_COLOR: ${color} has a contrast of ${ratio} to white`);
    const [, near = ''] = /(#[0-9a-f]{6}) is near/.exec(problem) ?? [];
    expect(read({ ACCENT_COLOR: near }).problems).toEqual([]);
    expect(contrast(near, '#ffffff')).toBeLessThan(4.8);
  });
});

test.each<[string, Env, RegExp]>([
  ['a colour by its name', { ACCENT_COLOR: 'teal' }, /^ACCENT_COLOR must be a colour like #0b6e5f\.$/],
  ['a colour of three digits', { ACCENT_COLOR: '#07a' }, /^ACCENT_COLOR must be/],
  ['a logo over http', { LOGO_URL: 'http://cdn.example.com/logo.svg' }, /^LOGO_URL must begin with https/],
  ['a logo of another scheme', { LOGO_URL: 'file:///logo.svg' }, /^LOGO_URL must begin with https/],
  ['a logo of another kind', { LOGO_URL: 'logo.gif' }, /^LOGO_URL must be a URL .* \.svg or \.png file/],
  ['a logo that is not there', { LOGO_URL: join(folder, 'none.svg') }, /^LOGO_URL .*read \(ENOENT\)\.$/],
  ['a page as a logo', { LOGO_URL: file('page.svg', '<html>') }, /^LOGO_URL .* is no SVG image/],
  ['an SVG called .png', { LOGO_URL: file('svg.png', SVG) }, /^LOGO_URL .* is no PNG image/],
  [
    'a logo that is too large',
    { LOGO_URL: file('large.svg', SVG.padEnd(102_401)) },
    /^LOGO_URL .* has 102401 bytes: at most 102400/,
  ],
  ['a next page that is a script', { CONTINUE_URL: 'javascript:alert(1)' }, /^CONTINUE_URL must begin/],
  ['a next page over http', { CONTINUE_URL: 'http://app.example.com/' }, /^CONTINUE_URL must begin/],
  ['a next page of another host as a path', { CONTINUE_URL: '//evil.example' }, /^CONTINUE_URL must begin/],
  ['the same with a backslash', { CONTINUE_URL: '/\\evil.example' }, /^CONTINUE_URL must begin/],
  ['a next page without a slash', { CONTINUE_URL: 'account' }, /^CONTINUE_URL must begin/],
  ['the login page as the next page', { CONTINUE_URL: '/?again' }, /^CONTINUE_URL must not be the login/],
  ['its URL', { CONTINUE_URL: 'https://login.example.com/' }, /^CONTINUE_URL must not be the login page/],
  ['a help URL that is a script', { HELP_URL: 'javascript:alert(1)' }, /^HELP_URL must be a URL/],
  ['a help page that is no URL', { HELP_URL: 'help.example.com' }, /^HELP_URL must be a URL/],
  ['an explanation by another word', { EXPLAIN: 'yes' }, /^EXPLAIN must be one of true, false/],
])('%s is refused', (_what, env, problem) => {
  expect(read(env).problems).toEqual([expect.stringMatching(problem)]);
});

test('all problems of the page are reported at once', () => {
  const env = { LOGO_URL: 'logo.gif', ACCENT_COLOR: 'red', CONTINUE_URL: 'x', HELP_URL: 'x', EXPLAIN: 'x' };
  expect(read(env).problems.map((each) => each.split(/[ :]/)[0])).toEqual(Object.keys(env));
});

test.each(['https://app.example.com/start?from=login', 'http://localhost:5173/', '/account'])(
  'CONTINUE_URL may be %s',
  (url) => expect(read({ CONTINUE_URL: url })).toMatchObject({ page: { continueUrl: url }, problems: [] }),
);

test.each<[string, () => string, string, string | Buffer]>([
  ['/logo.svg', () => file('logo.svg', SVG), 'image/svg+xml', SVG],
  ['/logo.png', () => file('LOGO.PNG', PNG), 'image/png', PNG],
])('a file of LOGO_URL is served as %s, and runs no script', async (path, name, type, content) => {
  const system = await startSystem({ store: 'memory', env: { LOGO_URL: name() } });
  try {
    const { body, headers } = await system.app().get(path).buffer().expect(200);
    expect((body as Buffer).equals(Buffer.from(content))).toBe(true);
    expect(headers).toMatchObject({
      'content-type': expect.stringMatching(`^${type.replace('+', '.')}`) as string,
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    });
    const home = await system.app().get('/');
    expect(home.headers['content-security-policy']).toContain("img-src 'self';");
  } finally {
    await system.stop();
  }
});

test('a logo of another host is the one image of another host that pages may show', async () => {
  const env = { LOGO_URL: 'https://cdn.example.com/logo.svg' };
  const system = await startSystem({ store: 'memory', env });
  try {
    const { headers } = await system.app().get('/');
    expect(headers['content-security-policy']).toContain("img-src 'self' https://cdn.example.com;");
    await system.app().get('/logo.svg').expect(404);
  } finally {
    await system.stop();
  }
});
