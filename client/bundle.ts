import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { build, type BuildOptions, type Plugin } from 'esbuild';

/** Bundles the scripts and the style of the login page into `dist/page`, with compressed copies. */

const root = join(import.meta.dirname, '..');
const folder = join(root, 'dist', 'page');

const compress = async (name: string): Promise<void> => {
  const path = join(folder, name);
  const bytes = await readFile(path);
  const { BROTLI_PARAM_SIZE_HINT: size, BROTLI_PARAM_LGBLOCK: block } = constants;
  // By blocks of 64 KiB the numbering plans take 93 bytes less.
  const brotli = { params: { [size]: bytes.length, [block]: 16 } };
  await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, brotli));
  await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }));
};

const modernNumbers: Plugin = {
  name: 'modern-numbers',
  setup(building) {
    building.onResolve({ filter: /\/es6\// }, ({ path, resolveDir, kind }) =>
      building.resolve(path.replace('/es6/', '/es6-modern/'), { resolveDir, kind }),
    );
  },
};

const options = {
  absWorkingDir: root,
  outdir: folder,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'safari16.4'],
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  legalComments: 'none',
  plugins: [modernNumbers],
  logLevel: 'warning',
  metafile: true,
} as const satisfies BuildOptions;

const results = [
  // By itself, since what two scripts share would become a file of its own.
  await build({ ...options, entryPoints: { first: 'client/page/first.ts' } }),
  await build({
    ...options,
    entryPoints: { page: 'client/page/main.ts', style: 'public/page.css' },
    splitting: true,
  }),
];

const made = results.flatMap(({ metafile }) => Object.keys(metafile.outputs)).map((path) => basename(path));
await Promise.all(made.map(compress));
// Only now, since a server may be reading what was built before.
const isOld = (name: string): boolean => !made.includes(name.replace(/\.(?:br|gz)$/, ''));
await Promise.all((await readdir(folder)).filter(isOld).map((name) => rm(join(folder, name))));
