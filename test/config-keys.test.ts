import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { ConfigError, readConfig } from '../src/config/config.js';
import { ASSERTIONS, newSigningKey } from './support/assertions.js';
import { newCa } from './support/certificates.js';
import { newCredentials } from '../src/sandbox/credentials.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PKCS8 = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const PKCS1 = privateKey.export({ type: 'pkcs1', format: 'pem' }) as string;
const PUBLIC = publicKey.export({ type: 'spki', format: 'pem' }) as string;
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const SEC1 = EC.export({ type: 'sec1', format: 'pem' }) as string;
const ca = newCa();
const own = ca.issue();
const { sessionSecret, applicationId } = newCredentials();

const GOOD = {
  SESSION_SECRET: sessionSecret,
  VONAGE_APPLICATION_ID: applicationId,
  VONAGE_PRIVATE_KEY: PKCS8,
  BRAND: 'ACME',
};

const folder = mkdtempSync(join(tmpdir(), 'config-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const file = (content: string | Buffer): string => {
  const path = join(folder, `${files++}.key`);
  writeFileSync(path, content);
  return path;
};

type Form = (pem: string) => string;
const base64: Form = (text) => Buffer.from(text).toString('base64');
const escaped: Form = (pem) => pem.replaceAll('\n', '\\n');
const BAG = 'Bag Attributes\n    friendlyName: key\nKey Attributes: <No Attributes>\n';

/** What is done to a PEM on its way through files, shells, secret stores and editors. */
const FORMS: [what: string, form: Form][] = [
  ['as it is', (pem) => pem],
  ['in double quotes', (pem) => `"${pem}"`],
  ['in single quotes', (pem) => `'${pem}'`],
  ['in double quotes, with escaped line ends', (pem) => `"${escaped(pem)}"`],
  ['in quotes within quotes', (pem) => `'"${escaped(pem)}"'`],
  ['with escaped line ends', escaped],
  ['with line ends that are escaped twice', (pem) => pem.replaceAll('\n', '\\\\n')],
  ['with line ends of Windows', (pem) => pem.replaceAll('\n', '\r\n')],
  ['with escaped line ends of Windows', (pem) => pem.replaceAll('\n', '\\r\\n')],
  ['with line ends of an old Mac', (pem) => pem.replaceAll('\n', '\r')],
  ['with both kinds of line ends', (pem) => pem.replaceAll('\n', '\\n\n')],
  ['with an n where the shell took the backslash', (pem) => pem.replaceAll('\n', 'n')],
  ['with blank lines', (pem) => pem.replaceAll('\n', '\n\n')],
  ['with spaces for line ends', (pem) => pem.replaceAll('\n', ' ')],
  ['with tabs for line ends', (pem) => pem.replaceAll('\n', '\t')],
  ['without line ends', (pem) => pem.replaceAll('\n', '')],
  ['without any space', (pem) => pem.replace(/\s/g, '')],
  ['indented', (pem) => pem.replace(/^/gm, '    ')],
  ['with spaces behind its lines', (pem) => pem.replaceAll('\n', '  \n')],
  ['in lines of 76', (pem) => rewrapped(pem, 76)],
  ['with a byte order mark', (pem) => `\ufeff${pem}`],
  ['among other text', (pem) => `${BAG}${pem}-- the end --\n`],
  ['as a value of JSON', (pem) => JSON.stringify({ private_key: pem }).replaceAll('/', '\\/')],
  ['encoded for a URL', encodeURIComponent],
  ['with dashes of a word processor', (pem) => pem.replaceAll('-----', '–––––')],
  ['in base64', base64],
  ['in base64 with line ends', (pem) => base64(pem).replace(/.{76}/g, '$&\n')],
  ['in base64 with escaped line ends, in quotes', (pem) => `"${base64(pem).replace(/.{76}/g, '$&\\n')}"`],
  ['in base64url', (pem) => Buffer.from(pem).toString('base64url')],
  ['in base64 of base64', (pem) => base64(base64(pem))],
  ['in base64 of UTF-16', (pem) => Buffer.from(`\ufeff${pem}`, 'utf16le').toString('base64')],
  ['in base64 of a PEM with escaped line ends', (pem) => base64(escaped(pem))],
  ['in base64 of a PEM of Windows', (pem) => base64(pem.replaceAll('\n', '\r\n'))],
  ['in base64 of a PEM with spaces for line ends', (pem) => base64(pem.replaceAll('\n', ' '))],
  ['in a file', file],
  ['in a file whose path is in quotes', (pem) => `"${file(pem)}"`],
  ['in a file, in base64', (pem) => file(base64(pem))],
  ['in a file, in UTF-16', (pem) => file(Buffer.from(`\ufeff${pem}`, 'utf16le'))],
];

function rewrapped(pem: string, width: number): string {
  const line = new RegExp(`.{${width}}`, 'g');
  return pem.replace(/(?<=-\n)[^-]+/g, (body) => `${body.replaceAll('\n', '').replace(line, '$&\n')}\n`);
}

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
};

describe.each(FORMS)('a PEM %s', (_what, form) => {
  test.each([
    ['PKCS #8', PKCS8],
    ['PKCS #1', PKCS1],
    ['PKCS #8 behind a certificate', `${own.cert.replaceAll('\r', '')}${PKCS8}`],
  ])('is read as the key of the application: %s', (_format, pem) => {
    const { vonage } = readConfig({ ...GOOD, VONAGE_PRIVATE_KEY: form(pem) });
    expect(vonage.privateKey.equals(privateKey)).toBe(true);
  });

  test('is read as a key of assertions, also beside another one', () => {
    const second = newSigningKey();
    const { assertions } = readConfig({
      ...{ ...GOOD, ...ASSERTIONS },
      ASSERTION_KEYS: `${form(SEC1)}, ${form(second)}`,
    });
    const [one, two] = (assertions ?? { keys: [] }).keys;
    expect(one?.equals(EC)).toBe(true);
    expect(two?.export({ type: 'pkcs8', format: 'pem' })).toBe(second);
  });

  test('is read as what TLS with Redis takes', () => {
    const { redis } = readConfig({
      ...{ ...GOOD, REDIS_URL: 'rediss://redis' },
      REDIS_CA: form(`${ca.certificate}${own.cert}`.replaceAll('\r', '')),
      REDIS_CERT: form(own.cert.replaceAll('\r', '')),
      REDIS_KEY: form(own.key),
    });
    const { ca: authorities = '', cert = '', key = '' } = redis?.certificates ?? {};
    expect(() => createSecureContext({ ca: authorities, cert, key })).not.toThrow();
    const found = authorities.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [];
    const prints = [...found, cert].map((each) => new X509Certificate(each).fingerprint256);
    const wanted = [ca.certificate, own.cert, own.cert].map(
      (each) => new X509Certificate(each).fingerprint256,
    );
    expect(prints).toEqual(wanted);
  });
});

const encrypted = (type: 'pkcs8' | 'pkcs1'): string =>
  privateKey.export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hunter2' }) as string;

const newKey = (namedCurve: string): string =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

const head = (pem: string, count: number): string => pem.split('\n').slice(0, count).join('\n');
const withoutLine = (pem: string, line: number): string =>
  pem
    .split('\n')
    .filter((_, at) => at !== line)
    .join('\n');

const FAULTS: [what: string, text: () => string, says: RegExp][] = [
  ['an encrypted key', () => encrypted('pkcs8'), /is encrypted with a passphrase: decrypt it with `openssl/],
  ['an encrypted key of the older kind', () => encrypted('pkcs1'), /is encrypted with a passphrase/],
  ['the public key', () => PUBLIC, /holds a public key, and no private key\.$/],
  ['a certificate', () => own.cert, /holds a certificate, and no private key\.$/],
  ['the first line alone', () => head(PKCS8, 1), /is truncated: .* write \\n for its line ends\.$/],
  ['the first lines alone', () => head(PKCS8, 9), /is truncated: /],
  ['the last lines alone', () => PKCS8.split('\n').slice(9).join('\n'), /is truncated: /],
  ['a key without one of its lines', () => withoutLine(PKCS8, 5), /is truncated: /],
  ['a key with another first character', () => PKCS8.replace('MII', 'NII'), /looks like a PEM, but holds no/],
  ['two keys', () => `${PKCS8}${PKCS1}`, /holds several private keys, and one is wanted\.$/],
  [
    'a key of OpenSSH',
    () => PKCS8.replaceAll('PRIVATE', 'OPENSSH PRIVATE'),
    /is in the format of OpenSSH: convert/,
  ],
  ['a file with other text', () => file('hunter2'), /names a file that holds neither PEM nor base64/],
  ['a word', () => 'hunter2', /is neither PEM, nor base64 of a PEM, nor a file that can be read\.$/],
];

const refusedIn = (name: string, text: string): string => {
  const known = {
    ...GOOD,
    ...ASSERTIONS,
    REDIS_URL: 'rediss://redis',
    REDIS_CERT: own.cert,
    REDIS_KEY: own.key,
  };
  const [problem = '', ...others] = problemsOf({ ...known, [name]: text });
  expect(others).toEqual([]);
  for (const line of text.split(/\s|\\n/).filter((each) => each.length > 30))
    expect(problem).not.toContain(line);
  expect(problem).not.toMatch(/hunter2|config-keys/);
  return problem;
};

describe.each(FAULTS)('%s is refused without repeating any of it,', (_what, text, says) => {
  test.each<[string, Form]>([
    ['as it is', (pem) => pem],
    ['in quotes, with escaped line ends', (pem) => `"${escaped(pem)}"`],
    ['in base64', base64],
    ['in a file', file],
  ])('%s', (_form, form) => {
    // A word, or a path in base64, is another fault.
    const isPem = text().includes('---');
    expect(refusedIn('VONAGE_PRIVATE_KEY', isPem ? form(text()) : text())).toMatch(says);
  });
});

test.each([
  ['ASSERTION_KEYS', encrypted('pkcs8'), /^ASSERTION_KEYS: one of the keys is encrypted/],
  ['ASSERTION_KEYS', PUBLIC, /^ASSERTION_KEYS: one of the keys holds a public key/],
  ['ASSERTION_KEYS', head(SEC1, 2), /^ASSERTION_KEYS: one of the keys is truncated/],
  ['ASSERTION_KEYS', PKCS8, /^ASSERTION_KEYS: one of the keys must be a key of the curve P-256/],
  ['ASSERTION_KEYS', newKey('P-384'), /^ASSERTION_KEYS: one of the keys must be a key of the curve P-256/],
  ['REDIS_KEY', encrypted('pkcs1'), /^REDIS_KEY is encrypted/],
  ['REDIS_KEY', own.cert, /^REDIS_KEY holds a certificate, and no private key/],
  ['REDIS_CERT', own.key, /^REDIS_CERT looks like a PEM, but holds no certificate that can be read/],
  ['REDIS_CA', head(ca.certificate, 3), /^REDIS_CA is truncated/],
  ['REDIS_CA', withoutLine(ca.certificate, 3), /^REDIS_CA looks like a PEM, but holds no certificate/],
])('%s says what is wrong with it, too: %#', (name, text, says) => {
  expect(refusedIn(name, text)).toMatch(says);
});
