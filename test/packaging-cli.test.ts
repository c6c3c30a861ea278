import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { installPackage } from './support/packed.js';
import { ALICE } from './support/system.js';
import { endPrograms, LISTENING, node, places, ROOT, SANDBOX, type Env } from './support/programs.js';
import { freePort } from './support/redis-server.js';

const run = promisify(execFile);
const COMMANDS = ['serve', 'sandbox', 'demo', 'phone', 'doctor', 'templates', 'sessions', 'report'];

const folder = mkdtempSync(join(tmpdir(), 'cli-'));
const cli = join(folder, 'node_modules/.bin/silent-auth');
const { version, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  bin: Record<string, string>;
};

beforeAll(async () => {
  await installPackage(folder);
  const entry = join(folder, 'node_modules/silent-auth-bff', bin['silent-auth'] ?? '');
  chmodSync(entry, 0o755);
  mkdirSync(join(folder, 'node_modules/.bin'));
  symlinkSync(entry, cli);
}, 300_000);
afterEach(endPrograms);
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the command by its link, in a folder without settings. */
async function silentAuth(args: string[], env: Env = {}) {
  const options = { cwd: folder, env: { PATH: process.env['PATH'], ...env } };
  try {
    return { code: 0, ...(await run(cli, args, options)) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

const WITH_OPTION = COMMANDS.map((command) => `${command} --odd`);
const WITH_HELP = COMMANDS.map((command) => `${command} --help`);
const WITH_ARGUMENT = ['serve', 'sandbox', 'demo'].map((command) => `${command} more`);
const OTHERS = ['-h', '--version', 'destroy', '--odd', 'serve --settings none.env'];

/** By its arguments. */
let called: Map<string, Called>;
beforeAll(async () => {
  const lines = [...WITH_OPTION, ...WITH_HELP, ...WITH_ARGUMENT, ...OTHERS];
  const all = await callAll(lines.map((line) => line.split(' ')));
  called = new Map(lines.map((line, at) => [line, all[at] as Called]));
}, 60_000);

/**
 * Calls the installed command with each of these arguments, in one process that evaluates its file
 * again for each.
 */
async function callAll(calls: readonly string[][]): Promise<Called[]> {
  const program = `
    const [file, write] = [${JSON.stringify(pathToFileURL(realpathSync(cli)).href)}, process.stdout.write.bind(process.stdout)];
    const called = [];
    for (const args of ${JSON.stringify(calls)}) {
      const said = { stdout: '', stderr: '' };
      process.stdout.removeAllListeners('error');
      for (const stream of ['stdout', 'stderr']) process[stream].write = (text) => (said[stream] += text);
      process.argv = [process.execPath, file, ...args];
      process.exitCode = 0;
      await import(file + '?' + called.length);
      called.push({ code: process.exitCode, ...said });
    }
    process.exitCode = 0;
    write(JSON.stringify(called));
  `;
  const { code, output } = await node(['--input-type=module', '--eval', program], {}, folder).ended;
  expect([code, output]).toEqual([0, expect.stringMatching(/^\[/)]);
  return JSON.parse(output) as Called[];
}

interface Called {
  code: number;
  stdout: string;
  stderr: string;
}

test('--help lists every command, and --version is that of the package', async () => {
  const { code, stdout, stderr } = await silentAuth(['--help']);
  expect([code, stderr]).toEqual([0, '']);
  expect([...stdout.matchAll(/^ {2}(\w+) +\w/gm)].map(([, command]) => command)).toEqual(COMMANDS);
  expect(called.get('-h')).toEqual({ code, stdout, stderr });
  expect(called.get('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('README lists every command', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  expect([...readme.matchAll(/^\| `silent-auth (\w+)/gm)].map(([, command]) => command)).toEqual(COMMANDS);
});

test('each command has with --help its usage, its settings and its exit codes', () => {
  const expected = COMMANDS.map((command) => ({
    ...{ code: 0, stderr: '' },
    stdout: expect.stringMatching(
      new RegExp(`^Usage: silent-auth ${command}\\b[^]*\\nReads [^]*Exits\\s+with\\s+0`),
    ),
  }));
  expect(WITH_HELP.map((line) => called.get(line))).toEqual(expected);
});

test('without a command, and with an unknown command or option, the commands are listed', async () => {
  const { code, stdout, stderr } = await silentAuth([]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('A command is missing.\nUsage: silent-auth <command>\n');
  expect(['destroy', '--odd'].map((line) => called.get(line))).toEqual(
    ['Unknown command: destroy.', 'Unknown option: --odd.'].map((problem) => ({
      ...{ code: 2, stdout: '' },
      stderr: expect.stringContaining(`${problem}\nUsage: silent-auth <command>\n`),
    })),
  );
});

test('each command refuses an option that it does not have', () => {
  const expected = COMMANDS.map((command) => ({
    ...{ code: 2, stdout: '' },
    stderr: expect.stringMatching(new RegExp(`^Unknown option '--odd'.*\nUsage: silent-auth ${command}\\b`)),
  }));
  expect(WITH_OPTION.map((line) => called.get(line))).toEqual(expected);
});

test.each(WITH_ARGUMENT)('%s is refused, because the command takes no argument', (line) => {
  expect(called.get(line)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Unexpected argument: more.'),
  });
});

test('a settings file that is named and missing is an error', () => {
  expect(called.get('serve --settings none.env')).toEqual({
    ...{ code: 2, stdout: '' },
    stderr: expect.stringMatching(/^none\.env cannot be read: ENOENT/),
  });
});

test('the commands of an installed package work together, with the settings in .env', async () => {
  const { base, sandbox, env } = await places();
  const METRICS_PORT = `${await freePort()}`;
  const work = join(folder, 'work');
  mkdirSync(work);
  const all = { ...env, METRICS_PORT, AUTH_URL_HOSTS: new URL(sandbox).host };
  const here = (...args: string[]) => node([cli, ...args], all, work);
  const ends = async (...args: string[]) => {
    const { code, output } = await here(...args).ended;
    return [args[0], code, output];
  };

  expect(await ends('sandbox', '--init', '.env')).toEqual(['sandbox', 0, expect.any(String)]);
  await here('sandbox').said(SANDBOX);
  await here('serve').said(LISTENING);
  expect(await ends('phone', base, ALICE)).toEqual(['phone', 0, expect.stringMatching(/^Logged in as/m)]);
  const [, , report] = await ends('report', `http://127.0.0.1:${METRICS_PORT}/metrics`);
  expect(report).toContain('Silence worked for 1 of 1');
  const checked = expect.stringContaining('ok           settings: They can be used.');
  expect(await ends('doctor', base)).toEqual(['doctor', 1, checked]);
  cpSync(join(ROOT, 'templates.json'), join(work, 'templates.json'));
  expect(await ends('templates', 'plan', '--check')).toEqual([
    'templates',
    1,
    expect.stringContaining('+ template'),
  ]);
}, 60_000);

test('demo serves the page with its client, and the contract', async () => {
  const { base, env } = await places();
  const { PORT = '', SANDBOX_PORT = '' } = env;
  await node([cli, 'demo'], { PORT, SANDBOX_PORT }, folder).said(/The demo is at/);
  for (const path of ['/', '/client.js', '/openapi.json', '/errors.md'])
    expect([path, (await fetch(base + path)).status]).toEqual([path, 200]);
}, 30_000);
