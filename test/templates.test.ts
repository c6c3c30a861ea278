import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LoginError } from '../src/core/errors.js';
import { newCredentials } from '../src/sandbox/credentials.js';
import { parseTemplates } from '../src/tools/templates/file.js';
import { makePlan } from '../src/tools/templates/plan.js';
import { connectTemplates, templates } from '../src/tools/templates/templates.js';
import { languageFor } from '../src/vonage/languages.js';
import type { Terminal } from '../src/tools/command.js';
import type { Templates } from '../src/tools/templates/api.js';
import { built } from './support/built.js';
import { openAccount, type Account } from './support/account.js';
import { testWorld } from './support/world.js';

const ROOT = resolve(__dirname, '..');
const SHIPPED = join(ROOT, 'templates.json');
const folder = mkdtempSync(join(tmpdir(), 'templates-'));
const file = join(folder, 'templates.json');
const noSettings = join(folder, 'none.env');
writeFileSync(noSettings, '');

let account: Account;
let vonage: Templates;
/** The settings, with the page at login.example.com. */
let settings: Terminal['env'];
beforeAll(async () => {
  account = await openAccount();
  settings = { ...account.env, PUBLIC_URL: 'https://login.example.com' };
  vonage = reach(settings);
});
afterAll(async () => {
  await account.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => account.control('POST', 'reset'));

const reach = (env: Terminal['env']): Templates => connectTemplates(env, testWorld()).templates;

/** Runs `silent-auth templates` with these arguments, and settings from `env` only. */
async function run(line: string, env: Terminal['env'] = settings) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await templates([...line.split(' '), '--file', file, '--settings', noSettings], {
    env,
    world: account.world,
    out: (each) => out.push(each),
    err: (each) => err.push(each),
  });
  return { code, out, err: err.join('\n') };
}

const words = (text: string, channel = 'sms', locale = 'en-us') => ({ channel, locale, text });
const LOGIN = { name: 'login', fragments: [words('Your code is ${code}'), words('${code}', 'voice')] };
/** The templates of the package, as an account has them. */
const shipped = () => readFileSync(SHIPPED, 'utf8').replaceAll('${host}', 'login.example.com');
const write = (...templates: object[]) => writeFileSync(file, JSON.stringify({ templates }));

/** The content of the account in the format of the file. */
const contents = async () =>
  Promise.all(
    (await vonage.list()).map(async ({ id, name, isDefault }) => ({
      name,
      is_default: isDefault,
      fragments: (await vonage.fragments.list(id)).map(({ channel, locale, text }) => ({
        channel,
        locale,
        text,
      })),
    })),
  );

/** The requests that are not reads. */
const writes = async () =>
  (await account.requests())
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => ({ method, path }));

describe('the client', () => {
  it('creates, reads, changes and deletes a template and a fragment', async () => {
    const made = await vonage.create('login');
    expect(made).toEqual({ id: expect.any(String), name: 'login', isDefault: true });
    expect(await vonage.list()).toEqual([made]);
    expect(await vonage.update(made.id, { isDefault: false })).toEqual({ ...made, isDefault: false });
    const fragment = await vonage.fragments.create(made.id, words('${code}'));
    expect(fragment).toEqual({ id: expect.any(String), ...words('${code}') });
    expect(await vonage.fragments.list(made.id)).toEqual([fragment]);
    const rewritten = await vonage.fragments.update(made.id, fragment.id, '${brand} ${code}');
    expect(rewritten).toEqual({ ...fragment, text: '${brand} ${code}' });
    expect(await vonage.fragments.list(made.id)).toEqual([rewritten]);
    await vonage.fragments.remove(made.id, fragment.id);
    await vonage.remove(made.id);
    expect(await vonage.list()).toEqual([]);
  });

  it('reads all pages of a list', async () => {
    const { id } = await vonage.create('many');
    for (let count = 10; count < 55; count += 1) {
      await vonage.fragments.create(id, words('${code}', 'sms', `en-${count}`));
    }
    const all = await vonage.fragments.list(id);
    expect(new Set(all.map(({ locale }) => locale)).size).toBe(45);
    const pages = (await account.requests()).filter(({ path }) => path.includes('page='));
    expect(pages.map(({ path }) => path.split('?')[1])).toEqual([
      'page=1&page_size=20',
      'page=2&page_size=20',
      'page=3&page_size=20',
    ]);
  });

  it('sends one JWT of the application for all calls, and a correlation id', async () => {
    await vonage.list();
    await vonage.list();
    const [first, second] = (await account.requests()).map(({ headers }) => headers);
    expect(first?.['authorization']).toMatch(/^Bearer ey/);
    expect(second).toMatchObject({ authorization: first?.['authorization'] });
    expect(first?.['x-correlator']).toMatch(/^[0-9a-f]{32}$/);
  });

  const UUID = /^[0-9a-f-]{36}$/;
  it.each<[string, () => Promise<unknown>, number, string]>([
    ['does not exist', () => vonage.remove(randomUUID()), 404, 'template-not-found'],
    ['is refused', () => vonage.create('no good'), 422, 'invalid-params'],
    [
      'already exists',
      () => vonage.create('taken').then(() => vonage.create('taken')),
      409,
      'template-exists',
    ],
    [
      'is not empty',
      async () => {
        const { id } = await vonage.create('full');
        await vonage.fragments.create(id, words('${code}'));
        await vonage.remove(id);
      },
      409,
      'not-empty-template',
    ],
  ])('reports the error of Vonage when a template %s', async (_, work, status, error) => {
    const refusal = await work().catch((thrown: unknown) => thrown);
    expect(refusal).toBeInstanceOf(LoginError);
    expect(refusal).toMatchObject({
      code: 'upstream_error',
      upstream: { api: 'verify-templates', status, error, instance: expect.stringMatching(UUID) },
    });
  });

  it('names the parameter that Vonage rejected', async () => {
    const { id } = await vonage.create('login');
    await expect(vonage.fragments.create(id, words('no code'))).rejects.toMatchObject({
      fields: { errors: [{ field: 'text', message: 'must contain ${code}' }] },
    });
  });

  describe('with invalid answers of Vonage', () => {
    const withServer = async (listener: RequestListener, work: (templates: Templates) => Promise<void>) => {
      const server = createServer(listener).listen(0, 'localhost');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      try {
        await work(reach({ ...account.env, VONAGE_BASE_URL: `http://localhost:${port}` }));
      } finally {
        server.close();
        server.closeAllConnections();
      }
    };
    const answering =
      (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener =>
      (_req, res) =>
        res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

    it.each<[string, RequestListener, object]>([
      ['an invalid list', answering(200, { templates: [] }), { code: 'upstream_error' }],
      [
        'an invalid template',
        answering(200, { total_pages: 1, _embedded: { templates: [{ name: 7 }] } }),
        { code: 'upstream_error' },
      ],
      ['an endless list', answering(200, { total_pages: 1e9, _embedded: {} }), { code: 'upstream_error' }],
      [
        'no time',
        answering(429, {}, { 'retry-after': '9' }),
        { code: 'unavailable', fields: { retry_after: 9 } },
      ],
      ['a broken connection', (req) => req.socket.destroy(), { code: 'upstream_error' }],
      ['a redirect', answering(302, {}, { location: 'http://localhost:1' }), { code: 'upstream_error' }],
    ])('fails on %s', async (_, listener, error) => {
      await withServer(listener, async (templates) => {
        await expect(templates.list()).rejects.toMatchObject({ name: 'LoginError', ...error });
      });
    });

    it('reads a list without items, and an invalid parameter without a list', async () => {
      await withServer(answering(200, { total_pages: 0 }), async (templates) => {
        expect(await templates.list()).toEqual([]);
      });
      const one = { title: 'Invalid params', invalid_parameters: { name: 'name', reason: 'is too long' } };
      await withServer(answering(422, one), async (templates) => {
        await expect(templates.create('login')).rejects.toMatchObject({
          fields: { errors: [{ field: 'name', message: 'is too long' }] },
        });
      });
    });
  });
});

describe('plan', () => {
  it('prints the changes that apply would make, and makes none', async () => {
    write({ ...LOGIN, is_default: true });
    expect(await run('plan')).toEqual({
      code: 0,
      err: '',
      out: [
        '+ template login (default)',
        '+   login sms en-us: "Your code is ${code}"',
        '+   login voice en-us: "${code}"',
        '3 to add, 0 to change, 0 to remove.',
      ],
    });
    expect(await writes()).toEqual([]);
  });

  it('exits with 1 for a difference only with --check', async () => {
    write(LOGIN);
    expect((await run('plan --check')).code).toBe(1);
    await run('apply');
    expect((await run('plan --check')).code).toBe(0);
  });

  it('orders creations before deletions, except where the limit of templates leaves no room', () => {
    const actual = (name: string, isDefault = false) => ({ id: name, name, isDefault, fragments: [] });
    const names = (count: number) => Array.from({ length: count }, (_, at) => actual(`old-${at}`, at === 0));
    const wanted = { templates: [{ name: 'new', is_default: true, fragments: [] }] };
    const kinds = (count: number) =>
      makePlan(wanted, names(count), { prune: true }).changes.map((each) => each.kind);
    expect(kinds(2)).toEqual(['add-template', 'set-default', 'remove-template', 'remove-template']);
    expect(kinds(10)).toEqual([
      ...Array.from({ length: 9 }, () => 'remove-template'),
      ...['add-template', 'set-default', 'remove-template'],
    ]);
  });

  it('sets the new default before it removes the old one, whatever their order in the file', () => {
    const template = (name: string, is_default: boolean) => ({ name, is_default, fragments: [] });
    const actual = ['one', 'two'].map((name) => ({
      id: name,
      name,
      isDefault: name === 'one',
      fragments: [],
    }));
    const wanted = { templates: [template('one', false), template('two', true)] };
    expect(makePlan(wanted, actual, { prune: false }).changes).toMatchObject([
      { template: 'two', isDefault: true },
      { template: 'one', isDefault: false },
    ]);
  });
});

describe('apply', () => {
  it('makes the account match the file, and has nothing to do the second time', async () => {
    writeFileSync(file, readFileSync(SHIPPED));
    const first = await run('apply');
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain('31 to add, 0 to change, 0 to remove.');
    expect(await contents()).toEqual(JSON.parse(shipped()).templates);

    const made = await writes();
    const [template] = await vonage.list();
    expect(await run('apply')).toEqual({
      code: 0,
      err: '',
      out: [
        'Nothing to do: the account is as the file says.',
        'For TEMPLATE_ID:',
        `  login  ${template?.id}`,
      ],
    });
    expect(await writes()).toEqual(made);
  });

  it('corrects differences with the fewest calls', async () => {
    write(LOGIN, { name: 'other', is_default: true, fragments: [] });
    await run('apply');
    const [login, other] = await vonage.list();
    const [sms, voice] = await vonage.fragments.list(login?.id ?? '');
    await vonage.fragments.update(login?.id ?? '', sms?.id ?? '', 'Drifted ${code}');
    await vonage.fragments.remove(login?.id ?? '', voice?.id ?? '');
    await vonage.update(login?.id ?? '', { isDefault: true });
    const before = await writes();

    const drift = [
      '+   login voice en-us: "${code}"',
      '~   login sms en-us:',
      '      - "Drifted ${code}"',
      '      + "Your code is ${code}"',
      '~ template other: becomes the default',
      '1 to add, 2 to change, 0 to remove.',
    ];
    expect((await run('plan')).out.slice(0, 6)).toEqual(drift);
    expect((await run('apply')).out.slice(0, 6)).toEqual(drift);
    const path = `/v2/verify/templates/${login?.id}/template_fragments`;
    expect((await writes()).slice(before.length)).toEqual([
      { method: 'POST', path },
      { method: 'PATCH', path: `${path}/${sms?.id}` },
      { method: 'PATCH', path: `/v2/verify/templates/${other?.id}` },
    ]);
    expect((await run('plan --check')).code).toBe(0);
  });

  it('removes the default from a template if the file says so', async () => {
    write({ ...LOGIN, is_default: false });
    expect((await run('apply')).code).toBe(0);
    expect((await contents())[0]).toMatchObject({ is_default: false });
    await vonage.update((await vonage.list())[0]?.id ?? '', { isDefault: true });
    expect((await run('apply')).out[0]).toBe('~ template login: is no longer the default');
    expect((await run('plan --check')).code).toBe(0);
  });

  it('keeps templates that the file does not name, unless --prune is given', async () => {
    write(LOGIN, { name: 'old', fragments: [words('Old ${code}')] });
    await run('apply');
    write({ ...LOGIN, fragments: [LOGIN.fragments[0]], is_default: true });
    const left = [
      '  left alone: template old (not in the file; --prune removes it)',
      '  left alone: login voice en-us (not in the file; --prune removes it)',
    ];
    for (const command of ['plan', 'apply']) {
      expect((await run(command)).out.slice(0, 3)).toEqual([
        ...left,
        'Nothing to do: the account is as the file says.',
      ]);
    }
    expect(await contents()).toHaveLength(2);

    const gone = [
      '-   login voice en-us: "${code}"',
      '-   old sms en-us: "Old ${code}"',
      '- template old',
      '0 to add, 0 to change, 3 to remove.',
    ];
    expect((await run('plan --prune')).out.slice(0, 4)).toEqual(gone);
    expect(await contents()).toHaveLength(2);
    expect((await run('apply --prune')).out.slice(0, 4)).toEqual(gone);
    expect(await contents()).toEqual([{ name: 'login', is_default: true, fragments: [LOGIN.fragments[0]] }]);
    expect((await run('plan --prune --check')).code).toBe(0);
  });

  it('removes the default of the account only if the file names another', async () => {
    const standard = await vonage.create('standard');
    await vonage.fragments.create(standard.id, words('Standard ${code}'));
    write(LOGIN);
    const { out } = await run('apply --prune');
    expect(out).toContain(
      '  left alone: template standard (the default of the account; the file names no other)',
    );
    expect((await contents()).map(({ name }) => name)).toEqual(['standard', 'login']);
    write({ ...LOGIN, is_default: true });
    expect((await run('apply --prune')).out.slice(0, 3)).toEqual([
      '~ template login: becomes the default',
      '-   standard sms en-us: "Standard ${code}"',
      '- template standard',
    ]);
    expect((await contents()).map(({ name, is_default }) => ({ name, is_default }))).toEqual([
      { name: 'login', is_default: true },
    ]);
  });

  it('never changes a channel that the file cannot describe', async () => {
    write(LOGIN);
    await run('apply');
    for (const name of ['login', 'foreign']) {
      const template = account.shelf.all().find((each) => each.name === name) ?? account.shelf.add(name);
      account.shelf.addFragment(template, words('${code}', 'email') as never);
    }
    const { out } = await run('apply --prune');
    expect(out.slice(0, 3)).toEqual([
      '  left alone: template foreign (a channel that the file cannot describe)',
      '  left alone: login email en-us (a channel that the file cannot describe)',
      'Nothing to do: the account is as the file says.',
    ]);
    expect(await run('pull')).toMatchObject({
      code: 0,
      err: 'The file cannot describe these:\n  - login email en-us\n  - foreign email en-us',
    });
  });

  it('continues after an interruption', async () => {
    await vonage.create('nine');
    for (let count = 1; count <= 8; count += 1) await vonage.create(`more-${count}`);
    write(LOGIN, { name: 'second', fragments: [] });
    const stopped = await run('apply');
    expect(stopped.code).toBe(2);
    expect(stopped.err).toMatch(
      /^Stopped after 3 of 4 changes\. Those are made; apply goes on from there\.\n/,
    );
    expect(stopped.err).toMatch(
      /has its ten templates already.*\(HTTP 409, max-templates, instance [0-9a-f-]{36}\)$/,
    );
    for (const { id, name } of await vonage.list()) if (name.startsWith('more')) await vonage.remove(id);
    expect((await run('apply')).out[0]).toBe('+ template second');
  });
});

describe('pull', () => {
  it('writes a file from which apply makes the same account', async () => {
    writeFileSync(file, readFileSync(SHIPPED));
    await run('apply');
    write();
    expect(await run('pull')).toEqual({ code: 0, err: '', out: [`${file} written: login.`] });
    expect(readFileSync(file, 'utf8')).toBe(readFileSync(SHIPPED, 'utf8'));
    expect((await run('plan --prune --check')).code).toBe(0);
    await account.control('POST', 'reset');
    await run('apply');
    expect(await contents()).toEqual(JSON.parse(shipped()).templates);
  });

  it('keeps the file if the account has no templates', async () => {
    write(LOGIN);
    const before = readFileSync(file, 'utf8');
    expect(await run('pull')).toMatchObject({ code: 0, out: [expect.stringContaining('is left as it is')] });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('reports the parts of its file that apply would refuse', async () => {
    account.shelf.addFragment(account.shelf.add('odd'), {
      channel: 'sms',
      locale: 'en-us',
      text: '${code} ${shop}',
    });
    const { code, err } = await run('pull');
    expect(code).toBe(0);
    expect(err).toContain('templates[0].fragments[0].text: may use only ${code}');
    expect((await run('plan')).code).toBe(2);
  });
});

describe('the file', () => {
  describe('of the package', () => {
    const parsed = parseTemplates(readFileSync(SHIPPED, 'utf8'));
    const fragments = 'problems' in parsed ? [] : parsed.templates.flatMap((template) => template.fragments);
    const LOCALES = 'de-de en-au en-gb en-in en-us es-es es-mx es-us fr-ca fr-fr'.split(' ');

    it.each(['sms', 'rcs', 'voice'])('has a text for %s in each variant of four languages', (channel) => {
      const locales = fragments.filter((each) => each.channel === channel).map(({ locale }) => locale);
      expect(locales.sort()).toEqual(LOCALES);
      for (const locale of locales) expect(languageFor(channel as 'sms', locale)).toBe(locale);
    });

    it.each(LOCALES)('has an SMS in %s that is one message, whatever the brand and the code', (locale) => {
      const { text = '' } = fragments.find((each) => each.channel === 'sms' && each.locale === locale) ?? {};
      expect(text).toMatch(/[^\n]\n\n@\$\{host\} #\$\{code\}$/);
      const longest = text
        .replaceAll('${host}', 'h'.repeat(40))
        .replaceAll('${code}', '1'.repeat(10))
        .replaceAll('${brand}', 'B'.repeat(18));
      // The characters of GSM 03.38 that take one place; Vonage adds an app hash on a line of its
      // own.
      expect(longest).toMatch(/^[@£$¥èéùìòÇ\nØøÅåΔ_ÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]*$/);
      expect(`${longest}\n12345678901`.length).toBeLessThanOrEqual(160);
    });
  });

  it('has the host of PUBLIC_URL in the texts of the account, and ${host} in the file', async () => {
    const text = '${code}\n@${host} #${code}';
    write({ name: 'login', fragments: [words(text)] });
    expect((await run('plan')).out[1]).toBe('+   login sms en-us: "${code}\\n@login.example.com #${code}"');
    await run('apply');
    expect((await contents())[0]?.fragments[0]?.text).toBe('${code}\n@login.example.com #${code}');
    await run('pull');
    expect(JSON.parse(readFileSync(file, 'utf8')).templates[0].fragments[0].text).toBe(text);
    const other = { ...settings, PUBLIC_URL: 'https://other.example.com:8443' };
    expect((await run('plan', other)).out.slice(0, 3)).toEqual([
      '~   login sms en-us:',
      '      - "${code}\\n@login.example.com #${code}"',
      '      + "${code}\\n@other.example.com #${code}"',
    ]);
    await run('pull', other);
    expect(readFileSync(file, 'utf8')).toContain('@login.example.com');
  });

  it('with ${host} is refused without PUBLIC_URL', async () => {
    write({ name: 'login', fragments: [words('${code}\n@${host} #${code}')] });
    for (const command of ['plan', 'apply']) {
      expect(await run(command, account.env)).toEqual({
        code: 2,
        out: [],
        err: expect.stringMatching(/Set PUBLIC_URL/),
      });
    }
    expect(await account.requests()).toEqual([]);
    write(LOGIN);
    expect((await run('apply', account.env)).code).toBe(0);
  });

  it('is checked before Vonage is called, and all problems are reported with their path', async () => {
    write(
      {
        name: 'no good',
        is_default: true,
        fragments: [
          words('none'),
          words('${code} ${pin}', 'fax', 'en_US'),
          words('@${host} #${code}', 'rcs'),
        ],
      },
      { name: 'twice', is_default: true, fragments: [words('${code}'), words('${code}')], colour: 'red' },
      { name: 'twice' },
    );
    const { code, err, out } = await run('apply');
    expect({ code, out }).toEqual({ code: 2, out: [] });
    expect(err.split('\n').map((line) => line.trim())).toEqual([
      `${file} cannot be used:`,
      '- templates[0].name: must be 1 to 64 letters, digits, _ or -',
      '- templates[0].fragments[0].text: must contain ${code}',
      '- templates[0].fragments[1].channel: must be sms, rcs or voice',
      '- templates[0].fragments[1].locale: must be a locale in lower case, such as en-us',
      '- templates[0].fragments[1].text: may use only ${code}, ${brand}, ${time-limit}, ${time-limit-unit}, ${host}',
      '- templates[0].fragments[2].text: may use ${host} only in a last line @${host} #${code}',
      '- templates[1]: Unrecognized key: "colour"',
      '- templates[2].fragments: Invalid input: expected array, received undefined',
      '- templates[2].name: "twice" is there twice',
      '- templates[1].is_default: only one template can be the default',
      '- templates[1].fragments[1]: sms en-us is there twice',
    ]);
    expect(await account.requests()).toEqual([]);
  });

  it.each([
    ['is not JSON', '{', 'it is not JSON'],
    ['is a list', '[]', 'the file: Invalid input: expected object, received array'],
    ['is empty', '{}', 'templates: Invalid input: expected array, received undefined'],
    [
      'has eleven templates',
      JSON.stringify({
        templates: Array.from({ length: 11 }, (_, at) => ({ name: `t${at}`, fragments: [] })),
      }),
      'templates: must be at most 10: Vonage keeps no more',
    ],
  ])('is refused when it %s', async (_, text, problem) => {
    writeFileSync(file, text);
    expect(await run('plan')).toMatchObject({ code: 2, err: expect.stringContaining(problem) });
  });

  it('has to exist', async () => {
    rmSync(file, { force: true });
    expect(await run('plan')).toMatchObject({
      code: 2,
      err: expect.stringContaining('cannot be read: ENOENT'),
    });
  });
});

describe('errors', () => {
  beforeEach(() => write(LOGIN));

  it('an account without write access is reported with the contact', async () => {
    await account.control('PUT', 'templates', { enabled: false });
    expect((await run('plan')).code).toBe(0);
    const { code, err } = await run('apply');
    expect(code).toBe(2);
    expect(err).toMatch(
      /Ask Vonage support to enable custom template management.*\(HTTP 403, forbidden, instance/,
    );
  });

  it('a key of another application is reported', async () => {
    const { privateKeyPem } = newCredentials();
    const { code, err } = await run('plan', { ...settings, VONAGE_PRIVATE_KEY: privateKeyPem });
    expect(code).toBe(2);
    expect(err).toMatch(
      /VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY belong together.*\(HTTP 401, unauthorized/,
    );
  });

  it('a wrong clock is named as the likely cause', async () => {
    account.world.turn(3600);
    const slow = { env: account.env, world: testWorld(), out: () => undefined };
    const err: string[] = [];
    const code = await templates(['plan', '--file', file, '--settings', noSettings], {
      ...slow,
      err: (line) => err.push(line),
    });
    account.world.turn(-3600);
    expect(code).toBe(2);
    expect(err.join()).toMatch(/Check this machine's clock\. \(HTTP 401, jwt-expired, instance/);
  });

  it('a sandbox that does not run is reported', async () => {
    const { code, err } = await run('plan', { ...settings, VONAGE_BASE_URL: 'http://localhost:1' });
    expect(code).toBe(2);
    expect(err).toBe(
      'No answer came from http://localhost:1 (ECONNREFUSED). Is the sandbox running (silent-auth sandbox)?',
    );
  });

  it('an address without the templates API is reported', async () => {
    const { code, err } = await run('plan', { ...settings, VONAGE_BASE_URL: `${account.url}/elsewhere` });
    expect(code).toBe(2);
    expect(err).toMatch(/^There are no templates at this address\..*\(HTTP 404, not-found/);
  });

  it('all invalid settings are reported at once', async () => {
    const { code, err } = await run('plan', {
      VONAGE_PRIVATE_KEY: 'nonsense',
      VONAGE_VERIFY_HOST: 'ftp://x',
      PUBLIC_URL: 'login.example.com',
    });
    expect(code).toBe(2);
    expect(err.split('\n')).toEqual([
      'The settings cannot be used:',
      expect.stringContaining('VONAGE_APPLICATION_ID is missing'),
      expect.stringContaining('VONAGE_PRIVATE_KEY is neither PEM'),
      expect.stringContaining('VONAGE_VERIFY_HOST must be a URL like https://api.nexmo.com'),
      expect.stringContaining('PUBLIC_URL must be an origin, like https://login.example.com'),
    ]);
  });

  it('settings can be in files, and have the rules of the server', async () => {
    const key = join(folder, 'key.pem');
    writeFileSync(key, account.privateKeyPem);
    const env = { ...account.env, VONAGE_PRIVATE_KEY: '', VONAGE_PRIVATE_KEY_FILE: key };
    expect((await run('plan', env)).code).toBe(0);
    const wrong = { ...env, VONAGE_APPLICATION_ID: 'mine', NODE_ENV: 'production' };
    expect((await run('plan', wrong)).err.split('\n').slice(1)).toEqual([
      expect.stringContaining('VONAGE_APPLICATION_ID must be a UUID'),
      expect.stringContaining('VONAGE_BASE_URL must begin with https://'),
    ]);
  });

  it.each(['apply --check', 'pull --prune', 'pull --check'])(
    '"%s" is refused as an unknown option',
    async (line) => {
      const before = readFileSync(file, 'utf8');
      const { code, err } = await run(line);
      const [command, option] = line.split(' ');
      expect([code, err]).toEqual([
        2,
        expect.stringMatching(`^${command} has no option ${option}\\.\nUsage`),
      ]);
      expect(await account.requests()).toEqual([]);
      expect(readFileSync(file, 'utf8')).toBe(before);
    },
  );

  it.each(['', 'destroy', 'plan apply', 'plan --force'])('"%s" prints the usage', async (line) => {
    expect(await run(line)).toMatchObject({
      code: 2,
      out: [],
      err: expect.stringContaining('Usage: silent-auth templates plan|apply|pull'),
    });
  });

  it('--help exits with 0', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, out: [expect.stringContaining('Usage')], err: '' });
  });
});

test('the command reads settings from .env, and exits with its code', async () => {
  const key = account.privateKeyPem.replaceAll('\n', '\\n');
  writeFileSync(
    join(folder, '.env'),
    `VONAGE_APPLICATION_ID=${account.applicationId}\nVONAGE_PRIVATE_KEY="${key}"\nVONAGE_BASE_URL=${account.url}\n`,
  );
  write(LOGIN);
  const command = built('tools/cli.js');
  // The command dates its JWT by the real clock.
  account.world.turn((Date.now() - account.world.now()) / 1000);
  const start = (cwd: string, ...args: string[]) =>
    new Promise<{ code: unknown; out: string; err: string }>((done) => {
      const env = { PATH: process.env['PATH'] };
      execFile(process.execPath, [...command, 'templates', ...args], { cwd, env }, (error, out, err) => {
        done({ code: error?.code ?? 0, out, err });
      });
    });
  expect(await start(folder, 'plan', '--check')).toMatchObject({
    code: 1,
    out: expect.stringContaining('+ template login\n'),
    err: '',
  });
  expect(await start(tmpdir(), 'plan')).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('VONAGE_APPLICATION_ID is missing'),
  });
});
