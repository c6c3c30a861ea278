import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Locked {
  dev?: boolean;
  integrity?: string;
  resolved?: string;
  hasInstallScript?: boolean;
}

const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
const everything = Object.entries(packages).filter(([path]) => path !== '');
const production = everything.filter(([, { dev }]) => dev !== true);
const pathsOf = (entries: [string, Locked][]): string[] => entries.map(([path]) => path);

/** Licences that require only attribution of an MIT package. */
const LICENCES = [
  'MIT',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'BlueOak-1.0.0',
  '(MIT OR Apache-2.0)',
];

/** Development packages with binaries for the platform. */
const MAY_RUN_AT_INSTALLATION = [
  'node_modules/@parcel/watcher',
  'node_modules/@swc/core',
  'node_modules/esbuild',
  'node_modules/unrs-resolver',
];

describe('production dependencies', () => {
  test('are few, transitive ones included', () => {
    const [, direct, all] =
      /at most (\d+) packages directly and (\d+) with all/.exec(read('docs/security.md')) ?? [];
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: object };
    expect(Object.keys(dependencies).length).toBeLessThanOrEqual(Number(direct));
    expect(production.length).toBeLessThanOrEqual(Number(all));
    expect(production.length).toBeGreaterThan(Object.keys(dependencies).length);
  });

  test('have no installation scripts', () => {
    expect(pathsOf(production.filter(([, { hasInstallScript }]) => hasInstallScript))).toEqual([]);
  });

  test('are what a host installs too: no override changes them, which hosts do not inherit', () => {
    const { overrides } = JSON.parse(read('package.json')) as { overrides: object };
    const changed = Object.keys(overrides).filter((name) =>
      production.some(([path]) => path.endsWith(`node_modules/${name}`)),
    );
    expect(changed).toEqual([]);
  });

  test('have licences compatible with MIT', () => {
    const others = pathsOf(production)
      .map((path) => [path, (JSON.parse(read(`${path}/package.json`)) as { license?: unknown }).license])
      .filter(([, license]) => !LICENCES.includes(String(license)));
    expect(others).toEqual([]);
  });
});

describe('all dependencies', () => {
  test('are locked by hash, from the public registry only', () => {
    const unlocked = everything.filter(
      ([, { integrity, resolved = 'https://registry.npmjs.org/' }]) =>
        !integrity?.startsWith('sha512-') || !resolved.startsWith('https://registry.npmjs.org/'),
    );
    expect(pathsOf(unlocked)).toEqual([]);
  });

  test('have no installation scripts, except a few for development', () => {
    const running = pathsOf(everything.filter(([, { hasInstallScript }]) => hasInstallScript));
    expect(running.filter((path) => !MAY_RUN_AT_INSTALLATION.includes(path))).toEqual([]);
  });
});
