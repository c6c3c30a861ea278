import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readConfig } from '../src/config/config.js';
import { RATES } from '../src/config/limits.js';
import { CODE_CHANNELS } from '../src/config/login.js';
import { ENGINES } from '../src/login/engines.js';
import { newCredentials } from '../src/sandbox/credentials.js';
import { ABSOLUTE_TTL_SECONDS, IDLE_TTL_SECONDS } from '../src/session/records.js';
import { countOf, testsOf } from './support/named-tests.js';

const root = resolve(__dirname, '..');
const page = readFileSync(join(root, 'docs/conformance.md'), 'utf8');

/** The requirements of a chapter of OWASP ASVS 5.0.0: by section, the level of each. */
const ASVS: Record<string, Record<string, string>> = {
  'ASVS V6: Authentication': {
    ...{ '6.1': '122', '6.2': '111111112222', '6.3': '11223333', '6.4': '112233' },
    ...{ '6.5': '22222333', '6.6': '2223', '6.7': '33', '6.8': '2222' },
  },
  'ASVS V7: Session management': {
    ...{ '7.1': '222', '7.2': '1111', '7.3': '22', '7.4': '11222', '7.5': '223', '7.6': '22' },
  },
  'ASVS V9: Self-contained tokens': { '9.1': '111', '9.2': '1222' },
  'ASVS V10: OAuth and OIDC': {
    ...{ '10.1': '22', '10.2': '223', '10.3': '22223', '10.4': '1111122222233333' },
    ...{ '10.5': '22222', '10.6': '22', '10.7': '222' },
  },
  'ASVS V16: Security logging and error handling': {
    ...{ '16.1': '2', '16.2': '22222', '16.3': '2222', '16.4': '222', '16.5': '2223' },
  },
};

/** The normative statements of an RFC: by section, a letter for each. */
const RFCS: Record<string, Record<string, string>> = {
  'RFC 9700: OAuth 2.0 security': {
    ...{ '2.1': 'abcde', '2.1.1': 'abcd', '2.1.2': 'ab', '2.2.1': 'a', '2.2.2': 'a', '2.3': 'abc' },
    ...{ '2.4': 'a', '2.5': 'ab', '2.6': 'abcdef', '4.1.3': 'abc', '4.2.4': 'abcde', '4.3.2': 'a' },
    ...{ '4.4.2': 'ab', '4.4.2.1': 'a', '4.4.2.2': 'a', '4.5.3.2': 'a', '4.7.1': 'abc', '4.8.2': 'a' },
    ...{ '4.9.3': 'ab', '4.10': 'a', '4.11.1': 'a', '4.11.2': 'a', '4.12': 'a', '4.13': 'ab' },
    ...{ '4.14.2': 'a', '4.15.1': 'a', '4.16': 'a', '4.17.2': 'a' },
  },
  'RFC 10017: backend for a frontend': {
    ...{ '6.1.2.2': 'a', '6.1.3.1': 'ab', '6.1.3.2': 'abcdefg', '6.1.3.3': 'a', '6.1.3.3.2': 'a' },
    ...{ '6.1.3.6': 'a', '7.2': 'a', '7.3': 'a', '8.1': 'a', '8.2': 'a', '9.1': 'a', '9.3': 'a', '9.4': 'a' },
  },
};

const sections = new Map(
  page.split(/^## /m).map((text) => [text.split('\n', 1).join(), text.split('\n')] as const),
);

const rowsOf = (title: string): string[][] =>
  (sections.get(title) ?? [])
    .filter((line) => /^\| \d/.test(line))
    .map((line) => line.slice(2, -2).split(' | '));

/** `6.2.1–6.2.3` stands for three requirements. */
function expand(cell: string): string[] {
  const [first = '', last = first] = cell.split('–');
  const [from, to] = [first, last].map((each) => Number(each.split('.').at(-1)));
  const section = first.replace(/\.\d+$/, '');
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, at) => `${section}.${Number(from) + at}`);
}

test.each(Object.entries(ASVS))('%s: no requirement is missing, and each has its level', (title, all) => {
  const levels = new Map(
    Object.entries(all).flatMap(([section, text]) =>
      Array.from(text, (level, at): [string, string] => [`${section}.${at + 1}`, level]),
    ),
  );
  const rows = rowsOf(title);
  expect(rows.flatMap(([cell = '']) => expand(cell))).toEqual([...levels.keys()]);
  for (const [cell = '', level] of rows) {
    const [least, most] = [levels.get(expand(cell).at(0) ?? ''), levels.get(expand(cell).at(-1) ?? '')];
    expect([cell, level]).toEqual([cell, least === most ? least : `${least}–${most}`]);
  }
});

test.each(Object.entries(RFCS))('%s: no statement is missing', (title, all) => {
  const statements = Object.entries(all).flatMap(([section, letters]) =>
    Array.from(letters, (letter) => `${section} ${letter}`),
  );
  expect(rowsOf(title).map(([cell]) => cell)).toEqual(statements);
});

const rows = [...Object.keys(ASVS), ...Object.keys(RFCS)].flatMap((title) =>
  rowsOf(title).map((cells) => ({ title, cells: cells.slice(-3), row: cells[0] ?? '' })),
);

test('each row has one of three statuses, and a reason', () => {
  expect(rows.length).toBeGreaterThan(150);
  for (const { row, cells } of rows) {
    const [requirement = '', status = '', why = ''] = cells;
    expect([row, status]).toEqual([row, expect.stringMatching(/^(?:met|deviates|does not apply)$/)]);
    expect([row, requirement !== '' && why !== '']).toEqual([row, true]);
  }
});

test('each row that is met names tests', () => {
  for (const { row, cells } of rows.filter(({ cells: [, status] }) => status === 'met'))
    expect([row, testsOf(cells[2] ?? '').length]).not.toEqual([row, 0]);
});

const named = new Map(
  rows.flatMap(({ cells }) => testsOf(cells[2] ?? '')).map((each) => [`${each.file} ${each.title}`, each]),
);

test.each([...named.values()])('$file has the test "$title", once', (each) => {
  expect(countOf(each)).toBe(1);
});

test('the figures of docs/conformance.md are those of the code', () => {
  const { applicationId, privateKeyPem, sessionSecret } = newCredentials();
  const { maxSessions } = readConfig({
    ...{ SESSION_SECRET: sessionSecret, BRAND: 'ACME' },
    ...{ VONAGE_APPLICATION_ID: applicationId, VONAGE_PRIVATE_KEY: privateKeyPem },
  });
  const text = (sections.get('What the standard wants written down') ?? []).join(' ');
  expect(text).toContain(`${IDLE_TTL_SECONDS / 60} minutes without use`);
  expect(text).toContain(`${ABSOLUTE_TTL_SECONDS / 3600} hours after its login`);
  expect(text).toContain(`at most ${maxSessions} sessions`);
  expect(text).toContain(`${RATES['send-number']} messages an hour and ${RATES['send-number-day']} a day`);
  expect(text).toContain(`${RATES['login-number']} in 10 minutes`);
});

test('every way to log in is in docs/conformance.md', () => {
  const table = (sections.get('What the standard wants written down') ?? [])
    .filter((line) => line.startsWith('| '))
    .join('\n');
  const engines = Object.keys(ENGINES).filter((name) => name !== 'off');
  for (const way of ['silent_auth', ...engines, ...CODE_CHANNELS]) expect(table).toContain(`\`${way}\``);
});

test('the requirements that ASSURANCE names are those of docs/conformance.md', () => {
  const rules = readFileSync(join(root, 'src/config/assurance.ts'), 'utf8');
  const refused = [...rules.matchAll(/refuse\(\s*'([\d.]+)'/g)].map(([, number]) => number);
  const described = (sections.get('Assurance') ?? []).flatMap(
    (line) => /^\| .* \| ([\d.]+) \|$/.exec(line)?.slice(1) ?? [],
  );
  expect(refused.sort()).toEqual(described.sort());
});
