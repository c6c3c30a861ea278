import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runInNewContext } from 'node:vm';
import { transformSync } from '@swc/core';
import { createClient, type Client, type Login } from '../client/silent-auth.js';
import { ERRORS, MESSAGE_FAILURES } from '../src/core/errors.js';
import { parsePhoneNumber } from '../src/core/phone-number.js';
import { outcomesOf } from './support/contract.js';
import { fetchWithCookies } from './support/cookies.js';
import { walk } from './support/device.js';
import { ALICE, BOB, CHALLENGE, withSystem, WITH_CODES, type System } from './support/system.js';

const docs = resolve(__dirname, '../docs');
const read = (file: string): string => readFileSync(join(docs, file), 'utf8');
const text = read('apps.md');
const blockOf = (language: string, document = text): string =>
  new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'm').exec(document)?.[1] ?? '';
const all = (pattern: RegExp, within: string): string[] =>
  [...within.matchAll(pattern)].map(([, found = '']) => found);

/** Names of Vonage's libraries, from their source. */
const OF_THE_SDKS = ['http_status', 'response_body', 'sdk_error'];
const MORE_OF_THE_SDKS = ['sdk_no_data_connectivity', 'sdk_timeout_error', 'sdk_'];

/** The settings that RCS and WhatsApp require. */
const SENDERS = { RCS_FROM: 'Shop', WHATSAPP_FROM: '447700900999' };

/** All field names and enumerated values of the contract. */
async function namesOnTheWire(): Promise<Set<string>> {
  const names = new Set<string>();
  const note = (json: unknown): void => {
    if (typeof json === 'string') names.add(json);
    if (typeof json !== 'object' || json === null) return;
    if (!Array.isArray(json)) Object.keys(json).forEach((name) => names.add(name));
    Object.values(json).forEach(note);
  };
  const env = { ...WITH_CODES, FALLBACK_CHANNELS: 'sms,rcs,whatsapp,voice', ...SENDERS };
  await withSystem({ env }, async (system) => {
    const withJar = fetchWithCookies();
    const listening: typeof fetch = async (address, request) => {
      const answer = await withJar(address, request);
      for (const said of [request?.body, await answer.clone().text()])
        if (typeof said === 'string' && said !== '') note(JSON.parse(said));
      return answer;
    };
    const app = createClient({ base: system.base, fetch: listening });
    const options = { client: 'app', codeChallenge: CHALLENGE.challenge, locale: 'de-AT' } as const;
    const { authUrl } = await app.login(ALICE, options);
    const { json } = await walk(authUrl ?? '', { sim: BOB });
    note(json);
    await app.verify(String(json?.['code']), { codeVerifier: CHALLENGE.verifier });
    await app.next('sms', { appHash: 'FA+9qCX9VSu' });
    await app.next('sms', { resend: true }).catch(() => undefined);
    system.world.turn(30);
    await app.next('voice');
    await system.control('faults', { 'verify-check': { status: 429, times: 1 } });
    await app.verify('123456', { codeVerifier: CHALLENGE.verifier }).catch(() => undefined);
  });
  return names;
}

describe('docs/apps.md', () => {
  let names: Set<string>;
  beforeAll(async () => (names = await namesOnTheWire()));

  test.each(['swift', 'kotlin'])('calls only existing routes, in %s', (language) => {
    const paths = all(/\bpost(?:WhenFree)?\("([^"]+)"/g, blockOf(language));
    expect(paths).toEqual(['login', 'login/next', 'verify']);
    const undeclared = paths.filter(
      (path) => !['200', '201'].some((status) => outcomesOf('POST', `/${path}`).includes(status)),
    );
    expect(undeclared).toEqual([]);
  });

  test.each(['swift', 'kotlin'])('sends and reads only names of the contract, in %s', (language) => {
    const words = all(/"([a-z][A-Za-z_]*)"/g, blockOf(language)).filter(
      (word) => !['login', 'verify', 'null'].includes(word),
    );
    expect(words.length).toBeGreaterThan(8);
    expect(words.filter((word) => !names.has(word) && !OF_THE_SDKS.includes(word))).toEqual([]);
  });

  test('decodes in Swift only fields that the server sends', () => {
    const fields = all(/\blet (\w+): (?:String|Int|Bool|\[String\])\??(?:;| \})/g, blockOf('swift'));
    expect(fields.length).toBeGreaterThan(6);
    const snake = fields.map((field) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    expect(snake.filter((name) => !names.has(name))).toEqual([]);
  });

  test('names only fields, errors and values of the contract', () => {
    const known = [
      ...names,
      ...Object.keys(ERRORS),
      ...MESSAGE_FAILURES,
      ...OF_THE_SDKS,
      ...MORE_OF_THE_SDKS,
    ];
    const prose = text.replace(/^```[^]*?^```$/gm, '');
    const named = all(/`(?:error: |response_body\.)?([a-z]+_[a-z_]*)`/g, prose);
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  test.each([
    ['07700 900000', '+447700900000'],
    ['+44 (0)7700 900000', '+447700900000'],
    ['\u202a+44\u00a07700\u00a0900000\u202c', '+447700900000'],
    ['tel:+44-7700-900000', '+447700900000'],
    ['٠٧٧٠٠ ٩٠٠٠٠٠', '+447700900000'],
    ['+54 11 2345-6789', '+541123456789'],
    ['+52 1 55 1234 5678', undefined],
    ['07700', undefined],
    ['my number', undefined],
  ])('converts %j to %s, which the server accepts', (typed, number) => {
    const exported: { toE164?: (typed: string, country: string) => string | undefined } = {};
    const { code } = transformSync(blockOf('ts'), {
      jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
      module: { type: 'commonjs' },
    });
    runInNewContext(code, { exports: exported, require });
    expect(exported.toE164?.(typed, 'GB')).toBe(number);
    if (number !== undefined) expect(parsePhoneNumber(number)).toBe(number);
  });

  test('calls only existing routes, with names of the contract, in the Dart code of docs/flutter.md', () => {
    const dart = blockOf('dart', read('flutter.md'));
    expect(all(/\b_post(?:WhenFree)?\('([^']+)'/g, dart)).toEqual(['login', 'login/next', 'verify']);
    const words = all(/'([a-z][a-z_]*)'/g, dart).filter(
      (word) => !['cellular_link', 'login', 'login_in_progress', 'open', 'verify'].includes(word),
    );
    expect(words.length).toBeGreaterThan(8);
    expect(words.filter((word) => !names.has(word))).toEqual([]);
  });

  test.each(['react-native.md', 'flutter.md'])('the bridges of %s read only what the SDKs answer', (file) => {
    for (const language of ['swift', 'kotlin']) {
      const words = all(/"([A-Za-z]\w*)"/g, blockOf(language, read(file)));
      expect(words).toContain('response_body');
      expect(words.filter((word) => !/^(?:CellularLink|cellular_link|response_body)$/.test(word))).toEqual(
        [],
      );
    }
  });

  describe('after a request whose answer was lost', () => {
    afterEach(() => jest.restoreAllMocks());

    const { fetch: plainFetch } = globalThis;
    const lose = async (request: () => Promise<unknown>) => {
      jest.spyOn(globalThis, 'fetch').mockImplementationOnce(async (...sent) => {
        await plainFetch(...sent);
        throw new TypeError('the connection broke');
      });
      await expect(request()).rejects.toMatchObject({ error: 'no_answer' });
    };
    const withApp = (work: (app: Client, system: System) => Promise<void>) =>
      withSystem({ env: WITH_CODES }, (system) =>
        work(createClient({ base: system.base, fetch: fetchWithCookies() }), system),
      );
    const codeOf = async ({ authUrl }: Login) => String((await walk(authUrl ?? '')).json?.['code']);
    const logIn = async (app: Client, number: string) => app.verify(await codeOf(await app.login(number)));

    test.each(['POST /login', 'POST /verify'])(
      'of %s the session is lost, and the login begins again',
      (path) =>
        withApp(async (app) => {
          await logIn(app, ALICE);
          if (path === 'POST /login') await lose(() => app.login(ALICE, { reauthenticate: true }));
          else {
            const code = await codeOf(await app.login(ALICE));
            await lose(() => app.verify(code));
          }
          expect([await app.session(), await app.current()]).toEqual([{ authenticated: false }, undefined]);
          expect(await logIn(app, ALICE)).toMatchObject({ verified: true });
        }),
    );

    test('of POST /login/next the request is repeated, and sends no second message', () =>
      withApp(async (app, system) => {
        await app.login(ALICE);
        await lose(() => app.next('sms'));
        expect(await app.next('sms')).toMatchObject({ channel: 'sms', sent: false });
        const messages = await system.messages();
        expect(messages).toHaveLength(1);
        expect(await app.verify(messages[0]?.code ?? '')).toMatchObject({ verified: true });
      }));
  });

  test.each(['apps.md', 'react-native.md', 'flutter.md'])('%s links only to files that exist', (file) => {
    const links = all(/\]\((?!https?:|#)([^)#]+)/g, read(file));
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) expect([link, existsSync(join(docs, link))]).toEqual([link, true]);
  });
});
