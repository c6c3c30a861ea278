import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Hunt } from './adversary/run-games.js';
import type { Mutation } from './mutations.js';

const ROOT = resolve(__dirname, '../..');

/** What a run of the tests needs; the rest of the house stays behind. */
const COPIED = [
  ...['src', 'client', 'test', 'public', 'docs'],
  ...['openapi.yaml', 'jest.config.js', 'package.json', 'tsconfig.json'],
];

/**
 * Games until the adversary has to have found a mutation: as many as the long run plays. Always
 * the same ones.
 */
const GAMES = { runs: 2000, seed: 20_260_101, hasty: true };

/**
 * Breaks a rule in a copy of the house and runs there what has to notice.
 * @returns the names of the tests that failed, each with what it said
 * @throws Error if the place to break is not there exactly once, or the tests could not be run
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
    writeFileSync(join(copy, HUNTED), huntAsTest({ ...caughtBy, ...GAMES }));
    return await runTests(copy, HUNTED, HUNT);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const HUNTED = 'test/hostile/hunted.test.ts';

/** The name of the test that a hunt is. */
export const HUNT = 'the adversary breaks nothing';

const huntAsTest = (hunt: Hunt): string => `
import { hunt } from './adversary/run-games.js';
test('${HUNT}', async () => {
  const { broken, played } = await hunt(${JSON.stringify(hunt)});
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
  const said = await new Promise<string>((done) => {
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
  if (ran.length === 0) throw new Error(`no such test ran: ${name}\n${said}`);
  return new Map(
    ran
      .filter(({ status }) => status === 'failed')
      .map(({ title, failureMessages }) => [title, failureMessages.join('\n')]),
  );
}
