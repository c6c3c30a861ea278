import { connect } from 'node:net';
import { ALICE, buildHouse, type House } from './support/house.js';

/** Sent as they are: [what, body, content type, status, error]. */
type Row = [what: string, body: string | undefined, type: string | undefined, status: number, error: string];

const JSON_TYPE = 'application/json';
const number = (text: string) => JSON.stringify({ phone_number: text });

const NUMBERS: Row[] = [
  ...['string_value', '1234567890', '+12334foo22222', '+00012230304913849', '123', '++49565456787'].map(
    (text): Row => [
      `the CAMARA counterexample ${text}`,
      number(text),
      JSON_TYPE,
      400,
      'invalid_phone_number',
    ],
  ),
  ...(
    [
      ['nothing', ''],
      ['a plus', '+'],
      ['too few digits', '+44770'],
      ['too many digits', '+4477009000001234'],
      ['a length the country does not have', '+447700'],
      ['a country code nobody has', '+9991234567'],
      ['00 for +', '00447700900000'],
      ['no plus', '447700900000'],
      ['a space in front', ` ${ALICE}`],
      ['a space behind', `${ALICE} `],
      ['spaces within', '+44 7700 900000'],
      ['dashes', '+44-7700-900000'],
      ['an extension', `${ALICE};ext=1`],
      ['a line end', `${ALICE}\n`],
      ['CR and LF within', '+447700\r\n900000'],
      ['a full-width plus', '＋447700900000'],
      ['full-width digits', '+４４７７００９０００００'],
      ['Arabic digits', '+٤٤٧٧٠٠٩٠٠٠٠٠'],
      ['an invisible space', `+44\u200b7700900000`],
      ['a mark that turns the direction', `\u202e${ALICE}`],
      ['a NUL', `${ALICE}\u0000`],
      ['HTML', '<b>+447700900000</b>'],
      ['a lone surrogate', '\ud800'],
    ] as const
  ).map(([what, text]): Row => [what, number(text), JSON_TYPE, 400, 'invalid_phone_number']),
];

const BODIES: Row[] = [
  ['a number for a string', '{"phone_number":447700900000}', JSON_TYPE, 400, 'invalid_request'],
  ['null', '{"phone_number":null}', JSON_TYPE, 400, 'invalid_request'],
  ['an array for a string', `{"phone_number":["${ALICE}"]}`, JSON_TYPE, 400, 'invalid_request'],
  ['an object for a string', `{"phone_number":{"$gt":""}}`, JSON_TYPE, 400, 'invalid_request'],
  ['true', '{"phone_number":true}', JSON_TYPE, 400, 'invalid_request'],
  ['nothing in it', '{}', JSON_TYPE, 400, 'invalid_request'],
  ['an array', `[{"phone_number":"${ALICE}"}]`, JSON_TYPE, 400, 'invalid_request'],
  ['a string', `"${ALICE}"`, JSON_TYPE, 400, 'invalid_request'],
  ['null as a whole', 'null', JSON_TYPE, 400, 'invalid_request'],
  ['half of it', `{"phone_number":"${ALICE}"`, JSON_TYPE, 400, 'invalid_request'],
  ['a comma too many', `{"phone_number":"${ALICE}",}`, JSON_TYPE, 400, 'invalid_request'],
  ['an unknown field', `{"phone_number":"${ALICE}","scope":"x"}`, JSON_TYPE, 400, 'invalid_request'],
  ['a state', `{"phone_number":"${ALICE}","state":"mine"}`, JSON_TYPE, 400, 'invalid_request'],
  [
    '__proto__',
    `{"phone_number":"${ALICE}","__proto__":{"client":"app"}}`,
    JSON_TYPE,
    400,
    'invalid_request',
  ],
  ['__proto__ alone', `{"__proto__":{"phone_number":"${ALICE}"}}`, JSON_TYPE, 400, 'invalid_request'],
  ['constructor', `{"phone_number":"${ALICE}","constructor":{}}`, JSON_TYPE, 400, 'invalid_request'],
  [
    'the same field twice',
    `{"phone_number":"+447700900001","phone_number":"${ALICE}"}`,
    JSON_TYPE,
    400,
    'invalid_request',
  ],
  [
    'a field twice, once escaped',
    `{"phone_number":"${ALICE}","\\u0070hone_number":"${ALICE}"}`,
    JSON_TYPE,
    400,
    'invalid_request',
  ],
  ['a client nobody is', `{"phone_number":"${ALICE}","client":"admin"}`, JSON_TYPE, 400, 'invalid_request'],
  [
    'a challenge that is too short',
    `{"phone_number":"${ALICE}","code_challenge":"x"}`,
    JSON_TYPE,
    400,
    'invalid_request',
  ],
  [
    'a challenge that is empty',
    `{"phone_number":"${ALICE}","code_challenge":""}`,
    JSON_TYPE,
    400,
    'invalid_request',
  ],
  ['17 KiB', JSON.stringify({ phone_number: 'x'.repeat(17 * 1024) }), JSON_TYPE, 413, 'payload_too_large'],
  ['1 MiB', JSON.stringify({ phone_number: 'x'.repeat(1024 * 1024) }), JSON_TYPE, 413, 'payload_too_large'],
  ['nothing', undefined, undefined, 400, 'invalid_request'],
  ['nothing, as JSON', '', JSON_TYPE, 400, 'invalid_request'],
];

const TYPES: Row[] = [
  ...[
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'text/json',
    'application/json5',
    'application/problem+json',
    'application/json; charset=utf-16',
    'application/json; charset=utf-7',
    'application/json, text/plain',
  ].map((type): Row => [type, number(ALICE), type, 415, 'unsupported_media_type']),
  ['no type', number(ALICE), '', 415, 'unsupported_media_type'],
];

describe('bad input to POST /login gets a clear error, and nothing else happens', () => {
  let house: House;
  beforeAll(async () => (house = await buildHouse()));
  beforeEach(() => house.reset());
  afterAll(() => house.stop());

  const nothingHappened = async (answer: Response) => {
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(await house.upstream()).toEqual([]);
    expect(await house.redis.dbsize()).toBe(0);
    expect(house.world.logged()).not.toContain('7700');
  };
  const post = (
    path: string,
    body: string | undefined,
    type: string | undefined,
    headers: Record<string, string> = {},
  ) =>
    fetch(house.base + path, {
      method: 'POST',
      ...(body !== undefined && { body: Buffer.from(body) }),
      headers: { ...headers, ...(type && { 'content-type': type }) },
    });

  test.each([...NUMBERS, ...BODIES, ...TYPES])('%s', async (_what, body, type, status, error) => {
    const answer = await post('/login', body, type);
    const problem = (await answer.json()) as Record<string, unknown>;
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(problem).toEqual({
      type: `${house.base}/errors.md#${error}`,
      title: expect.any(String),
      status,
      detail: expect.any(String),
      error,
      instance: answer.headers.get('x-request-id'),
      ...('errors' in problem && { errors: expect.any(Array) }),
    });
    expect(answer.status).toBe(status);
    expect(JSON.stringify(problem)).not.toMatch(/7700|stack|node_modules/);
    await nothingHappened(answer);
  });

  test('names the field that is wrong', async () => {
    const answer = await post('/login', '{"phone_number":7,"nonsense":1}', JSON_TYPE);
    expect(((await answer.json()) as { errors: unknown }).errors).toEqual([
      { field: 'phone_number', message: 'A string is wanted.' },
      { field: 'nonsense', message: 'This field is not known.' },
    ]);
  });

  test.each(['gzip', 'deflate', 'br', 'x'])('a body in %s', async (encoding) => {
    const answer = await post('/login', number(ALICE), JSON_TYPE, { 'content-encoding': encoding });
    expect(answer.status).toBe(415);
    await nothingHappened(answer);
  });

  test.each(['PUT', 'PATCH', 'OPTIONS'])('%s', async (method) => {
    const answer = await fetch(`${house.base}/login`, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST, DELETE');
    expect(await answer.json()).toMatchObject({ error: 'method_not_allowed' });
    await nothingHappened(answer);
  });

  test.each([
    '/LOGIN',
    '/login/',
    '//login',
    '/login/x',
    '/nothing',
    '/../login',
    '/login%2f',
    '/.env',
    '/package.json',
    '/..%2fpackage.json',
  ])('at %s', async (path) => {
    const answer = await post(path, number(ALICE), JSON_TYPE);
    expect([404, 405]).toContain(answer.status === 201 && path === '/../login' ? 404 : answer.status);
    if (path !== '/../login') await nothingHappened(answer);
  });

  test.each<[string, string, number]>([
    ['no code', '{}', 400],
    ['a number', '{"code":123456}', 400],
    ['an array', '{"code":["a"]}', 400],
    ['an unknown field', '{"code":"a","request_id":"b"}', 400],
    ['a code twice', '{"code":"a","code":"b"}', 400],
    ['a code of 300 characters', JSON.stringify({ code: 'a'.repeat(300) }), 400],
    ['a code of 100 kB', JSON.stringify({ code: 'a'.repeat(100_000) }), 413],
    ['a verifier that is too short', '{"code":"a","code_verifier":"b"}', 400],
  ])('to POST /verify: %s', async (_what, body, status) => {
    const answer = await post('/verify', body, JSON_TYPE);
    expect(answer.status).toBe(status);
    await nothingHappened(answer);
  });

  const raw = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(house.base).port), 'localhost', () => socket.write(text));
      let answer = '';
      socket.setTimeout(3000, () => socket.destroy(new Error('no answer')));
      socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
      socket.on('end', () => resolve(answer)).on('error', reject);
    });

  test.each([
    ['nonsense', 'nonsense\r\n\r\n', 400],
    [
      'a body of two lengths',
      'POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
      400,
    ],
    [
      'a length and chunks',
      'POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['headers of 20 kB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 413],
    ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
  ])('what is not HTTP (%s) is answered and hung up on', async (_what, text, status) => {
    expect(await raw(text)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});

describe('every answer', () => {
  let house: House;
  beforeAll(async () => (house = await buildHouse()));
  afterAll(() => house.stop());

  test.each(['/session', '/login', '/healthz', '/readyz', '/callback', '/nothing', '/'])(
    'of %s is shielded',
    async (path) => {
      const { headers } = await fetch(house.base + path);
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none';script-src 'self';.*frame-ancestors 'none'$/,
      );
      expect(headers.get('content-security-policy')).not.toContain('unsafe');
      expect(headers.get('cache-control')).toBe(path === '/' ? 'no-cache' : 'no-store');
    },
  );

  test('says that the server lives, and that it is ready', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const answer = await fetch(house.base + path);
      expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
    }
  });

  test.each([
    ['a range beyond the end', { range: 'bytes=99999999-' }],
    ['a version that is none', { 'if-match': '"x"' }],
  ])('to %s of a file is an error of the client', async (_what, headers) => {
    const answer = await fetch(`${house.base}/errors.md`, { headers: headers as Record<string, string> });
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      400,
      'invalid_request',
    ]);
    expect(house.world.logged()).not.toContain('internal_error');
  });

  test('the type of a problem leads to a text that explains it', async () => {
    const problem = (await (await fetch(`${house.base}/nothing`)).json()) as { type: string };
    const text = await (await fetch(problem.type)).text();
    expect(text).toContain('## not_found');
  });
});
