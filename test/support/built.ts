import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './programs.js';

const folder = join(process.env['TEST_FOLDER'] ?? '', 'package');

/**
 * The package, compiled like `npm run build`: `dist`, and links to its other files. The first
 * suite compiles it, and the others wait. `npm run typecheck` checks the types.
 */
export function builtPackage(): string {
  if (isFirst()) {
    const making = join(folder, 'making');
    const args = ['--noCheck', '-p', 'tsconfig.build.json', '--outDir', making];
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', ...args], { cwd: ROOT });
    // Of global-setup.ts.
    for (const part of ['client', 'page'])
      cpSync(join(ROOT, 'dist', part), join(making, part), { recursive: true });
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] };
    for (const part of ['node_modules', 'package.json', ...files.filter((file) => file !== 'dist')]) {
      mkdirSync(dirname(join(folder, part)), { recursive: true });
      symlinkSync(join(ROOT, part), join(folder, part));
    }
    renameSync(making, join(folder, 'dist'));
  }
  while (!existsSync(join(folder, 'dist'))) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  return folder;
}

/** The arguments of Node for a program of the package, such as `tools/cli.js`. */
export const built = (program: string): string[] => [join(builtPackage(), 'dist', program)];

/** Creating a folder succeeds in one process only. */
function isFirst(): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
