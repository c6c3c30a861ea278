import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { transformSync } from '@swc/core';
import { runGames } from './adversary/run-games.js';
import type { Servers } from './adversary/servers.js';
import type { Mutation } from './mutations.js';

const ROOT = resolve(__dirname, '../..');

/** The files that a run of the tests needs. */
const COPIED = [
  ...['src', 'client', 'test', 'public', 'docs', 'examples'],
  ...['openapi.yaml', 'jest.config.js', 'package.json', 'tsconfig.json'],
];

/** The adversary has to find a mutation within as many games as the long run plays. */
const ENOUGH_GAMES = 2000;
/** With this seed, five games of its field find each mutation of the short run. */
export const SEED = 20_260_102;

/**
 * Breaks a rule, and runs the test that has to fail: games against a changed build in this process,
 * or a suite in a changed copy of the project.
 * @returns the failed tests by title, with their messages
 * @throws Error if `find` does not occur exactly once, or the tests could not be run
 */
export async function mutate({ file, find, replace, caughtBy }: Mutation): Promise<Map<string, string>> {
  const source = readFileSync(join(ROOT, file), 'utf8');
  if (source.split(find).length !== 2) throw new Error(`${file} does not hold exactly once: ${find}`);
  const changed = source.replace(find, () => replace);
  if ('suite' in caughtBy) return runInCopy(file, changed, caughtBy);
  const servers = await serversWith({ [file]: changed });
  const { broken } = await runGames({
    ...caughtBy,
    ...{ runs: ENOUGH_GAMES, seed: SEED, stopAtFirst: true, servers },
  });
  return new Map(broken === undefined ? [] : [[GAMES_TEST, broken]]);
}

/** The title of the games among the failed tests. */
export const GAMES_TEST = 'the adversary breaks nothing';

/** Loads the servers with these texts of some of their files. */
export async function serversWith(texts: Readonly<Record<string, string>>): Promise<Servers> {
  const files = Object.entries(texts).map(([file, text]) => [join(ROOT, file), text] as const);
  let servers: Servers | undefined;
  await jest.isolateModulesAsync(async () => {
    for (const [path, text] of files) jest.doMock(path, () => evaluate(path, text));
    ({ SERVERS: servers } = await import('./adversary/servers.js'));
    for (const [path] of files) jest.dontMock(path);
  });
  return servers as Servers;
}

/** @returns what a module with this text exports */
function evaluate(path: string, text: string): object {
  const { code } = transformSync(text, {
    filename: path,
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
  });
  const module = { exports: {} };
  /* oxlint-disable-next-line typescript/no-implied-eval,
     typescript/no-unsafe-call -- loads a module */
  new Function('module', 'exports', 'require', code)(module, module.exports, createRequire(path));
  return module.exports;
}

async function runInCopy(
  file: string,
  text: string,
  { suite, test }: { suite: string; test: string },
): Promise<Map<string, string>> {
  const copy = mkdtempSync(join(tmpdir(), 'mutation-'));
  try {
    for (const each of COPIED) cpSync(join(ROOT, each), join(copy, each), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    writeFileSync(join(copy, file), text);
    return await runTests(copy, suite, test);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

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
