import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './programs.js';
import { until } from './until.js';

const run = promisify(execFile);
const folder = join(process.env['TEST_FOLDER'] ?? '', 'package');

/**
 * Compiles the package like `npm run build`. The first suite compiles it, and the others wait.
 * @returns a folder with `dist`, `package.json` and `node_modules`
 */
export async function builtPackage(): Promise<string> {
  if (isFirst()) {
    const compile = (project: string, to: string) => {
      const args = ['-p', project, '--outDir', join(folder, to)];
      return run(process.execPath, ['node_modules/typescript/bin/tsc', ...args], { cwd: ROOT });
    };
    await Promise.all([compile('tsconfig.build.json', 'making'), compile('client', 'making/client')]);
    for (const part of ['node_modules', 'package.json']) symlinkSync(join(ROOT, part), join(folder, part));
    renameSync(join(folder, 'making'), join(folder, 'dist'));
  }
  await until(() => Promise.resolve(existsSync(join(folder, 'dist'))), 300);
  return folder;
}

/** Creating a folder succeeds in one process only. */
function isFirst(): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
