import { randomUUID } from 'node:crypto';
import { Auth } from '@vonage/auth';
import { Verify2 } from '@vonage/verify2';
import { openAccount, type Account } from '../support/account.js';
import { createAppToken } from '../../src/vonage/tokens.js';
import { parsePrivateKey } from '../../src/core/keys.js';

let account: Account;
let token: string;
beforeAll(async () => {
  account = await openAccount();
  const key = parsePrivateKey(account.privateKeyPem);
  if (typeof key === 'string') throw new Error(key);
  token = await createAppToken(account.applicationId, key, account.world)();
});
afterAll(() => account.close());
beforeEach(() => account.control('POST', 'reset'));

// oxlint-disable-next-line typescript/no-explicit-any -- answers of any shape are compared
type Body = any;

const readJson = (text: string): Body => (text === '' ? undefined : JSON.parse(text));

const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${account.url}/v2/verify/templates${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    allow: answer.headers.get('allow'),
    body: readJson(text),
  };
};

const create = async (name = 'login'): Promise<string> =>
  String((await call('POST', '', { name })).body.template_id);
const WORDS = { channel: 'sms', locale: 'en-us', text: 'Your ${brand} code is ${code}' };
const addWords = async (id: string, changes: object = {}): Promise<string> => {
  const { body } = await call('POST', `/${id}/template_fragments`, { ...WORDS, ...changes });
  return String(body.template_fragment_id);
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const problem = (status: number, code: string, detail: string, title = 'Conflict') => ({
  status,
  type: 'application/problem+json; charset=utf-8',
  body: {
    type: `https://developer.vonage.com/api-errors/verify-v2#${code}`,
    title,
    detail,
    instance: expect.stringMatching(UUID),
  },
});
const invalid = (...parameters: { name: string; reason: unknown }[]) => ({
  status: 422,
  type: 'application/problem+json; charset=utf-8',
  body: {
    type: 'https://developer.vonage.com/api-errors#invalid-params',
    title: 'Invalid params',
    detail: 'The value of one or more parameters is invalid.',
    invalid_parameters: parameters,
  },
});

describe('a template', () => {
  it('is created with a name, and found at its links', async () => {
    const made = await call('POST', '', { name: 'my-template_1' });
    const self = `${account.url}/v2/verify/templates/${made.body.template_id}`;
    expect(made).toMatchObject({
      status: 201,
      body: {
        template_id: expect.stringMatching(UUID),
        name: 'my-template_1',
        is_default: true,
        _links: { self: { href: self }, fragments: { href: `${self}/template_fragments` } },
      },
    });
    expect(await call('GET', `/${made.body.template_id}`)).toMatchObject({ status: 200, body: made.body });
  });

  it('is the default if it is the first, until another one becomes the default', async () => {
    const [first, second] = [await create('first'), await create('second')];
    expect((await call('GET', `/${second}`)).body.is_default).toBe(false);
    const changed = await call('PATCH', `/${second}`, { is_default: true });
    expect(changed).toMatchObject({ status: 200, body: { name: 'second', is_default: true } });
    expect((await call('GET', `/${first}`)).body.is_default).toBe(false);
    await call('PATCH', `/${second}`, { is_default: false });
    expect((await call('GET', `/${second}`)).body.is_default).toBe(false);
  });

  it('can be renamed, but not to a name that is taken', async () => {
    const [first] = [await create('first'), await create('second')];
    const taken = problem(409, 'template-exists', 'A template with this name already exists');
    expect(await call('PATCH', `/${first}`, { name: 'second' })).toMatchObject(taken);
    expect(await call('POST', '', { name: 'second' })).toMatchObject(taken);
    expect(await call('PATCH', `/${first}`, { name: 'first' })).toMatchObject({ status: 200 });
    expect(await call('PATCH', `/${first}`, { name: 'third' })).toMatchObject({ body: { name: 'third' } });
  });

  it('can be deleted only when it is empty', async () => {
    const id = await create();
    const fragment = await addWords(id);
    expect(await call('DELETE', `/${id}`)).toMatchObject(
      problem(
        409,
        'not-empty-template',
        'The template is not empty and cannot be deleted. Please delete its fragments first',
      ),
    );
    expect(await call('DELETE', `/${id}/template_fragments/${fragment}`)).toMatchObject({ status: 204 });
    expect(await call('DELETE', `/${id}`)).toMatchObject({ status: 204, body: undefined });
    const gone = problem(404, 'template-not-found', 'Template not found', 'Not Found');
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      expect(await call(method, `/${id}`, method === 'PATCH' ? {} : undefined)).toMatchObject(gone);
    }
  });

  it('cannot be the eleventh', async () => {
    for (let count = 1; count <= 10; count += 1) await create(`template-${count}`);
    expect(await call('POST', '', { name: 'eleventh' })).toMatchObject(
      problem(409, 'max-templates', 'An account can only have a maximum of 10 custom templates'),
    );
  });

  it.each([
    ['no name', {}, 'name'],
    ['an empty name', { name: '' }, 'name'],
    ['a name of 65 characters', { name: 'a'.repeat(65) }, 'name'],
    ['a name with a space', { name: 'my template' }, 'name'],
    ['a name with a letter beyond ASCII', { name: 'señal' }, 'name'],
    ['a name that is not a string', { name: 7 }, 'name'],
    ['an unknown field', { name: 'fine', text: 'hello' }, 'body'],
    ['no JSON', '{"name":', 'body'],
    ['a list', [], 'body'],
  ])('is refused with %s', async (_, body, parameter) => {
    const answer = await call('POST', '', body);
    const parameters = answer.body.invalid_parameters as { name: string; reason: string }[];
    expect(answer).toMatchObject(invalid(...parameters));
    expect(new Set(parameters.map(({ name }) => name))).toEqual(new Set([parameter]));
    expect((await call('GET', '')).body.total_items).toBe(0);
  });

  it('is refused if the content type is not JSON', async () => {
    const answer = await call('POST', '', { name: 'fine' }, { 'content-type': 'text/plain' });
    expect(answer).toMatchObject(invalid({ name: 'body', reason: expect.any(String) }));
  });

  it('is identified by a UUID', async () => {
    expect(await call('GET', '/123')).toMatchObject(
      invalid({ name: 'Template ID', reason: 'Value must be an UUID' }),
    );
  });
});

describe('a fragment', () => {
  it('is created for a channel and a locale, with its dates', async () => {
    const id = await create();
    const made = await call('POST', `/${id}/template_fragments`, WORDS);
    const template = `${account.url}/v2/verify/templates/${id}`;
    const now = new Date(account.world.now()).toISOString();
    expect(made).toMatchObject({
      status: 201,
      body: {
        template_fragment_id: expect.stringMatching(UUID),
        ...WORDS,
        date_created: now,
        date_updated: now,
        _links: {
          self: { href: `${template}/template_fragments/${made.body.template_fragment_id}` },
          template: { href: template },
        },
      },
    });
    const found = await call('GET', `/${id}/template_fragments/${made.body.template_fragment_id}`);
    expect(found).toMatchObject({ status: 200, body: made.body });
  });

  it('can change its text, and nothing else', async () => {
    const id = await create();
    const fragment = `/${id}/template_fragments/${await addWords(id)}`;
    const { date_created } = (await call('GET', fragment)).body;
    account.world.turn(60);
    const changed = await call('PATCH', fragment, { text: '${code}!' });
    const now = new Date(account.world.now()).toISOString();
    expect(changed).toMatchObject({
      status: 200,
      body: { text: '${code}!', date_created, date_updated: now },
    });
    for (const body of [
      {},
      { text: '${code}', locale: 'es-es' },
      { channel: 'voice' },
      { text: 'no variable' },
    ]) {
      expect(await call('PATCH', fragment, body)).toMatchObject({ status: 422 });
    }
    expect((await call('GET', fragment)).body).toEqual(changed.body);
  });

  it('is unique for a channel and a locale', async () => {
    const id = await create();
    await addWords(id);
    expect(await call('POST', `/${id}/template_fragments`, WORDS)).toMatchObject(
      problem(409, 'fragment-exists', 'A template fragment for this channel and locale already exists'),
    );
    await addWords(id, { channel: 'voice' });
    await addWords(id, { locale: 'es-es' });
    expect((await call('GET', `/${id}/template_fragments`)).body.total_items).toBe(3);
  });

  it('is found only in its own template', async () => {
    const [first, second] = [await create('first'), await create('second')];
    const fragment = await addWords(first);
    const gone = problem(404, 'template-fragment-not-found', 'Template Fragment not found', 'Not Found');
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? { text: '${code}' } : undefined;
      expect(await call(method, `/${second}/template_fragments/${fragment}`, body)).toMatchObject(gone);
    }
    expect(await call('GET', `/${randomUUID()}/template_fragments`)).toMatchObject({ status: 404 });
    expect(await call('GET', `/${first}/template_fragments/xyz`)).toMatchObject(
      invalid({ name: 'Template fragment ID', reason: 'Value must be an UUID' }),
    );
  });

  it.each([
    ['another channel', { channel: 'email' }, 'channel'],
    ['no channel', { channel: undefined }, 'channel'],
    ['a locale in capitals', { locale: 'en-US' }, 'locale'],
    ['a locale with an underscore', { locale: 'en_us' }, 'locale'],
    ['an empty locale', { locale: '' }, 'locale'],
    ['a text without the code', { text: 'Hello from ${brand}' }, 'text'],
    ['a variable that is not reserved', { text: '${code} ${pin}' }, 'text'],
    ['a variable that does not end', { text: '${code} ${brand' }, 'text'],
  ])('is refused with %s', async (_, changes, parameter) => {
    const id = await create();
    const answer = await call('POST', `/${id}/template_fragments`, { ...WORDS, ...changes });
    expect(answer).toMatchObject(invalid({ name: parameter, reason: expect.any(String) }));
  });

  it('may use all four reserved variables', async () => {
    const text = '${brand}: ${code}, ${time-limit} ${time-limit-unit}';
    const id = await create();
    const fragment = await addWords(id, { text });
    expect((await call('GET', `/${id}/template_fragments/${fragment}`)).body.text).toBe(text);
  });
});

describe('a page', () => {
  it('has ten items, and links only to pages that exist', async () => {
    const id = await create();
    for (let count = 10; count < 35; count += 1) await addWords(id, { locale: `en-${count}` });
    const url = `${account.url}/v2/verify/templates/${id}/template_fragments`;
    const link = (page: number) => ({ href: `${url}?page=${page}&page_size=10` });
    const pages = await Promise.all(
      [1, 2, 3, 4].map(async (page) => (await call('GET', `/${id}/template_fragments?page=${page}`)).body),
    );
    expect(pages[0]).toMatchObject({ page: 1, page_size: 10, total_pages: 3, total_items: 25 });
    expect(pages[0]._links).toEqual({ self: link(1), next: link(2), first: link(1), last: link(3) });
    expect(pages[1]._links).toEqual({
      self: link(2),
      next: link(3),
      prev: link(1),
      first: link(1),
      last: link(3),
    });
    expect(pages[2]._links).toEqual({ self: link(3), prev: link(2), first: link(1), last: link(3) });
    const locales = pages.map((page) =>
      (page._embedded.template_fragments as Body[]).map(({ locale }) => locale),
    );
    expect(locales.map(({ length }) => length)).toEqual([10, 10, 5, 0]);
    expect(new Set(locales.flat()).size).toBe(25);
  });

  it('of an account without templates is empty', async () => {
    expect(await call('GET', '')).toMatchObject({
      status: 200,
      body: { page: 1, total_pages: 1, total_items: 0, _embedded: { templates: [] } },
    });
  });

  it.each([
    ['page=0', 'page'],
    ['page=x', 'page'],
    ['page=1&page=2', 'page'],
    ['page_size=0', 'page_size'],
    ['page_size=101', 'page_size'],
    ['page_size=1.5', 'page_size'],
  ])('is refused for %s', async (query, name) => {
    expect(await call('GET', `?${query}`)).toMatchObject(invalid({ name, reason: expect.any(String) }));
  });
});

describe('access', () => {
  it('requires the JWT of the application', async () => {
    const id = await create();
    for (const authorization of ['', 'Basic YTpi', 'Bearer nonsense']) {
      for (const [method, path] of [
        ['GET', ''],
        ['POST', ''],
        ['PATCH', `/${id}`],
        ['DELETE', `/${id}`],
        ['GET', `/${id}/template_fragments`],
        ['DELETE', `/${id}/template_fragments/${randomUUID()}`],
      ] as const) {
        expect(await call(method, path, undefined, { authorization })).toMatchObject({ status: 401 });
      }
    }
  });

  it('to write is refused before the request is validated if the account may not write templates', async () => {
    const id = await create();
    const fragment = await addWords(id);
    expect((await account.control('PUT', 'templates', { enabled: false })).status).toBe(200);
    const forbidden = problem(
      403,
      'forbidden',
      'Templates management is not enabled for your account',
      'Forbidden',
    );
    expect(await call('POST', '')).toMatchObject(forbidden);
    expect(await call('PATCH', '/123')).toMatchObject(forbidden);
    expect(await call('DELETE', `/${id}`)).toMatchObject(forbidden);
    expect(await call('POST', '/123/template_fragments')).toMatchObject(forbidden);
    expect(await call('PATCH', '/123/template_fragments/xyz')).toMatchObject(forbidden);
    expect(await call('DELETE', `/${id}/template_fragments/${fragment}`)).toMatchObject(forbidden);
    expect((await call('GET', '')).body.total_items).toBe(1);
    expect((await call('GET', `/${id}/template_fragments`)).body.total_items).toBe(1);
    expect((await account.control('PUT', 'templates', { enabled: 'no' })).status).toBe(400);
    await account.control('POST', 'reset');
    expect(await create()).toMatch(UUID);
  });

  it('by other methods is refused', async () => {
    expect(await call('DELETE', '')).toMatchObject({ status: 405, allow: 'GET, POST' });
    expect(await call('PUT', `/${randomUUID()}`, {})).toMatchObject({
      status: 405,
      allow: 'GET, PATCH, DELETE',
    });
  });
});

test("Vonage's own client creates, changes and deletes a template", async () => {
  const { applicationId, privateKeyPem, url } = account;
  const client = new Verify2(new Auth({ applicationId, privateKey: privateKeyPem }), { apiHost: url });
  const named = (name: string) => ({ templateId: '', name, isDefault: false });
  const template = await client.createTemplate(named('life'));
  const { templateId } = template;
  expect(template).toMatchObject({ name: 'life', isDefault: true });
  for (const name of ['second', 'third']) await client.createTemplate(named(name));
  const names: string[] = [];
  for await (const each of client.listAllTemplates({ pageSize: 1 })) names.push(each.name);
  expect(names).toEqual(['life', 'second', 'third']);

  const words = { channel: 'sms' as const, locale: 'en-us', text: '${code}' };
  const unset = { templateFragmentId: '', dateCreated: '', dateUpdated: '' };
  const { templateFragmentId } = await client.createTemplateFragment(templateId, { ...words, ...unset });
  const rewritten = { ...words, ...unset, templateFragmentId, text: '${brand} ${code}' };
  await client.updateTemplateFragment(templateId, rewritten);
  expect(await client.getTemplateFragment(templateId, templateFragmentId)).toMatchObject({
    templateFragmentId,
    text: '${brand} ${code}',
  });
  const fragments = [];
  for await (const each of client.listAllTemplateFragments({ templateId })) fragments.push(each);
  expect(fragments).toHaveLength(1);

  await expect(client.deleteTemplate(templateId)).rejects.toThrow('409');
  await client.deleteTemplateFragment(templateId, templateFragmentId);
  expect(await client.updateTemplate({ templateId, name: 'renamed', isDefault: true })).toMatchObject({
    name: 'renamed',
    isDefault: true,
  });
  expect((await client.getTemplate(templateId)).name).toBe('renamed');
  expect(await client.deleteTemplate(templateId)).toBe(true);
  await expect(client.getTemplate(templateId)).rejects.toThrow('404');
});
