import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const page = read('docs/production.md');

test('docs/production.md names only existing settings', () => {
  const known = [...read('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name);
  const others = ['NODE_ENV', 'NODE_IMAGE', 'NODE_OPTIONS', 'NAME', 'NAME_FILE', 'SIGTERM'];
  // Capitals in backticks are a setting, or one of these. Redis commands contain a space.
  const named = [...page.matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g)].map(([, name]) => name);
  expect(new Set(named).size).toBeGreaterThan(15);
  for (const name of named) expect([...known, ...others]).toContain(name);
});

test('docs/production.md has no broken link, and shows every proxy of deploy/proxies', () => {
  const links = [...page.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)];
  for (const [, target = '', anchor] of links) {
    const path = target === '' ? 'docs/production.md' : join('docs', target);
    expect([path, existsSync(join(root, path))]).toEqual([path, true]);
    if (anchor === undefined) continue;
    const anchors = [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading.toLowerCase().replaceAll(' ', '-'),
    );
    expect(anchors).toContain(anchor);
  }
  const shown = links.map(([, target = '']) => target).filter((target) => target.includes('deploy/proxies'));
  expect(shown.map((target) => target.replace('../deploy/proxies/', '')).sort()).toEqual([
    'Caddyfile',
    'envoy.yaml',
    'haproxy.cfg',
    'nginx.conf',
  ]);
});

test('docs/production.md runs only existing files', () => {
  const commands = [...page.matchAll(/```sh\n([^`]*)```/g)].map(([, text = '']) => text).join('');
  const files = [...commands.matchAll(/deploy\/[\w.-]+/g)].map(([file]) => file);
  expect(files).toEqual(['deploy/new-secrets.sh', 'deploy/kustomize']);
  for (const file of files) expect([file, existsSync(join(root, file))]).toEqual([file, true]);
});
