import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { built } from './support/built.js';

const run = promisify(execFile);
const root = resolve(__dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'hooks-'));
const env = { PATH: process.env['PATH'] ?? '' };
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
afterAll(() => rmSync(folder, { recursive: true }));

const NO_HOOK = 'is no hook; the module may export beforeLogin, beforeSession, onEvent alone.';
const NONE = 'HOOKS: the module has to export one of beforeLogin, beforeSession, onEvent.';

/** Modules with their problems. Node itself loads them, all in one process. */
const MODULES: [string, string, (string | RegExp)[]][] = [
  ['both hooks', 'export const beforeLogin = () => {}; export async function beforeSession() {}', []],
  ['one hook', 'export function beforeSession() {}', []],
  ['nothing', '', [NONE]],
  ['a name spelled wrong', 'export const beforelogin = () => {};', [NONE, `HOOKS: beforelogin ${NO_HOOK}`]],
  [
    'a default export beside a hook',
    'export const beforeLogin = () => {}; export default {};',
    [`HOOKS: default ${NO_HOOK}`],
  ],
  [
    'a hook that is not a function',
    'export const beforeLogin = {};',
    ['HOOKS: beforeLogin must be a function.'],
  ],
  [
    'a syntax error',
    'export const = 1;',
    [/^HOOKS: .*\.mjs cannot be loaded as an ES module: Unexpected token/],
  ],
  ['an error while it loads', 'throw new Error("no key");', [/cannot be loaded as an ES module: no key$/]],
];

describe('the module of HOOKS', () => {
  let problems: string[][];
  const files = MODULES.map(([, text], at) => write(`${at}.mjs`, text));
  const others = [join(folder, 'nowhere.mjs'), '', `  ${relative(root, files[0] ?? '')}  `];
  beforeAll(async () => {
    const script = `
      import { loadHooks } from '${built('server.js').join()}';
      const loaded = await Promise.all(process.argv.slice(1).map((HOOKS) => loadHooks({ HOOKS })));
      console.log(JSON.stringify(loaded.map(({ problems }) => problems)));`;
    const args = ['--input-type=module', '-e', script, '--', ...files, ...others];
    problems = JSON.parse((await run(process.execPath, args, { cwd: root, env })).stdout) as string[][];
  });

  test.each(MODULES.map(([what, , expected], at) => [what, expected, at] as const))(
    'with %s has the problems %p',
    (_what, expected, at) => {
      const matching = expected.map((each) =>
        typeof each === 'string' ? each : expect.stringMatching(each),
      );
      expect(problems[at]).toEqual(matching);
    },
  );

  test('is optional, and reported if it is set and missing', () => {
    expect(problems.slice(MODULES.length, -1)).toEqual([[`HOOKS: there is no file ${others[0]}.`], []]);
  });

  test('is resolved from the working directory', () => {
    expect(problems.at(-1)).toEqual([]);
  });
});

test('problems of the hooks are reported with all other problems, and the server does not start', async () => {
  const HOOKS = write('none.mjs', 'export const beforeLogin = 1;');
  const failure = await run(process.execPath, built('main.js'), { cwd: root, env: { ...env, HOOKS } }).then(
    () => undefined,
    (error: unknown) => error as { code: number; stderr: string },
  );
  expect(failure?.code).toBe(1);
  expect(failure?.stderr).toContain('  - HOOKS: beforeLogin must be a function.');
  expect(failure?.stderr).toContain('  - SESSION_SECRET is missing');
});
