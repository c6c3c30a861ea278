import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './programs.js';
import { until } from './until.js';

const run = promisify(execFile);
const work = join(process.env['TEST_FOLDER'] ?? '', 'packed');
const packed = join(work, 'package');

/** What a fresh clone does not have. */
const NOT_CLONED = ['.env', '.git', 'artifacts', 'coverage', 'dist', 'node_modules'];

/**
 * Packs the package, as `npm pack` does in a fresh clone after `npm ci`, and extracts it. The first
 * suite does so, and the others wait.
 */
async function packedPackage(): Promise<string> {
  if (isFirst()) {
    const clone = join(work, 'clone');
    cpSync(ROOT, clone, { recursive: true, filter: (path) => !NOT_CLONED.includes(basename(path)) });
    symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
    await run('npm', ['pack', '--pack-destination', work], { cwd: clone });
    const extracted = join(work, 'extracted');
    mkdirSync(extracted);
    await run('sh', ['-c', 'tar -xzf *.tgz -C extracted --strip-components=1'], { cwd: work });
    renameSync(extracted, packed);
  }
  await until(() => Promise.resolve(existsSync(packed)), 300);
  return packed;
}

/** Creating a folder succeeds in one process only. */
function isFirst(): boolean {
  try {
    mkdirSync(work);
    return true;
  } catch {
    return false;
  }
}

/**
 * Installs the package as `npm install` does in an empty project, without the network.
 * @param host the folder of the project
 * @param others packages of this checkout that are installed too
 */
export async function installPackage(host: string, others: readonly string[] = []): Promise<void> {
  const installed = join(host, 'node_modules/silent-auth-bff');
  cpSync(await packedPackage(), installed, { recursive: true });
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  const isWanted = (path: string) => others.some((name) => path === `node_modules/${name}`);
  for (const [path, { dev }] of Object.entries(packages)) {
    if (!TOP_LEVEL.test(path) || (dev === true && !isWanted(path))) continue;
    mkdirSync(dirname(join(host, path)), { recursive: true });
    symlinkSync(join(ROOT, path), join(host, path));
  }
}

interface Lock {
  packages: Record<string, { dev?: boolean }>;
}

/** Packages are linked with the packages of their own. */
const TOP_LEVEL = /^node_modules\/(?:@[^/]+\/)?[^/]+$/;
