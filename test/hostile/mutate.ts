import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { GameOptions } from './adversary/run-games.js';
import type { Mutation } from './mutations.js';

const ROOT = resolve(__dirname, '../..');

/** The files that a run of the tests needs. */
const COPIED = [
  ...['src', 'client', 'test', 'public', 'docs'],
  ...['openapi.yaml', 'jest.config.js', 'package.json', 'tsconfig.json'],
];

/** The adversary has to find a mutation within as many games as the long run plays. */
const GAMES = { runs: 2000, seed: 20_260_101, stopAtFirst: true };

/**
 * Breaks a rule in a copy of the project, and runs the test that has to fail.
 * @returns the failed tests by title, with their messages
 * @throws Error if `find` does not occur exactly once, or the tests could not be run
 */
export async function mutate({ file, find, replace, caughtBy }: Mutation): Promise<Map<string, string>> {
  const source = readFileSync(join(ROOT, file), 'utf8');
  if (source.split(find).length !== 2) throw new Error(`${file} does not hold exactly once: ${find}`);
  const copy = mkdtempSync(join(tmpdir(), 'mutation-'));
  try {
    for (const each of COPIED) cpSync(join(ROOT, each), join(copy, each), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    writeFileSync(
      join(copy, file),
      source.replace(find, () => replace),
    );
    if ('suite' in caughtBy) return await runTests(copy, caughtBy.suite, caughtBy.test);
    writeFileSync(join(copy, GENERATED_TEST), testOfGames({ ...caughtBy, ...GAMES }));
    return await runTests(copy, GENERATED_TEST, GAMES_TEST);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const GENERATED_TEST = 'test/hostile/generated.test.ts';

/** The title of the generated test that plays games. */
export const GAMES_TEST = 'the adversary breaks nothing';

const testOfGames = (options: GameOptions): string => `
import { runGames } from './adversary/run-games.js';
test('${GAMES_TEST}', async () => {
  const { broken, played } = await runGames(${JSON.stringify(options)});
  if (broken !== undefined) throw new Error(broken + ' (game ' + played + ')');
}, 600_000);
`;

interface Report {
  testResults: { assertionResults: { title: string; status: string; failureMessages: string[] }[] }[];
}

async function runTests(copy: string, file: string, name: string): Promise<Map<string, string>> {
  const report = join(copy, 'report.json');
  const pattern = `${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
  const args = ['--runInBand', '--json', '--outputFile', report, '--testNamePattern', pattern];
  const env = { ...process.env };
  delete env['JEST_WORKER_ID'];
  const stderr = await new Promise<string>((done) => {
    execFile(
      process.execPath,
      [join(ROOT, 'node_modules/jest/bin/jest.js'), ...args, '--runTestsByPath', file],
      { cwd: copy, env, maxBuffer: 2 ** 26 },
      (_error, _out, err) => done(err),
    );
  });
  const results = (JSON.parse(readFileSync(report, 'utf8')) as Report).testResults.flatMap(
    ({ assertionResults }) => assertionResults,
  );
  const ran = results.filter(({ status }) => status === 'passed' || status === 'failed');
  if (ran.length === 0) throw new Error(`no such test ran: ${name}\n${stderr}`);
  return new Map(
    ran
      .filter(({ status }) => status === 'failed')
      .map(({ title, failureMessages }) => [title, failureMessages.join('\n')]),
  );
}
