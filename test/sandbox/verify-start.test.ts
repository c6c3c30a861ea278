import { field } from './open-sandbox.js';
import { ALICE, openVerify, SHOP } from './open-verify.js';
import type { OpenVerify } from './open-verify.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ERRORS = 'https://developer.vonage.com/api-errors';

let sandbox: OpenVerify;
beforeEach(async () => {
  sandbox = await openVerify();
});
afterEach(() => sandbox.close());

const sms = { channel: 'sms', to: ALICE };
const silent = { channel: 'silent_auth', to: ALICE };
const voice = { channel: 'voice', to: ALICE };
const rcs = { channel: 'rcs', to: ALICE };
const whatsapp = { channel: 'whatsapp', to: ALICE, from: SHOP };

describe('starting a request', () => {
  it.each(['/v2/verify', '/v2/verify/'])('works at %s', async (path) => {
    const answer = await sandbox.postJson(path, { brand: 'ACME', workflow: [sms] });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ request_id: expect.stringMatching(UUID) as string });
  });

  it('returns a check URL when the first step is silent', async () => {
    const answer = await sandbox.start(['silent_auth', 'sms', 'voice']);
    const id = field(answer.body, 'request_id');
    expect(answer.body).toEqual({
      request_id: id,
      check_url: `${sandbox.url}/v2/verify/${id}/silent-auth/redirect`,
    });
  });

  const uncheckedNumbers = [ALICE, '447700900101', '447700900102', '447700900103', '447700900108'];
  it.each(uncheckedNumbers)('returns a check URL for %s when the coverage check is off', async (to) => {
    for (const channels of [['silent_auth'], ['silent_auth', 'sms']]) {
      const workflow = channels.map((channel) => ({ channel, to }));
      Object.assign(workflow[0] ?? {}, { coverage_check: false });
      const answer = await sandbox.start([], { workflow });
      const id = field(answer.body, 'request_id');
      expect(answer.status).toBe(202);
      expect(answer.body).toEqual({ request_id: id, check_url: sandbox.checkUrl(id) });
      await sandbox.control('POST', '/reset');
    }
  });

  it.each([
    rcs,
    { ...rcs, from: 'ACME Ltd.' },
    whatsapp,
    { ...sms, from: '447700900900' },
    { ...sms, from: 'ACME' },
  ])('accepts the step %j', async (step) => {
    const answer = await sandbox.postJson('/v2/verify', { brand: 'ACME', workflow: [step] });
    expect([answer.status, Object.keys(answer.body as object)]).toEqual([202, ['request_id']]);
  });

  it.each(['es', 'en-us', 'ar-xa', 'cmn-cn', 'fil-ph', 'yue-cn'])('accepts the locale %s', async (locale) => {
    expect((await sandbox.start(['sms'], { locale })).status).toBe(202);
  });

  it('accepts every field of the reference', async () => {
    const answer = await sandbox.postJson('/v2/verify', {
      brand: 'ACME',
      locale: 'es-es',
      channel_timeout: 900,
      client_ref: 'myRef1',
      code_length: 10,
      code: 'e4dR1Qz',
      fraud_check: false,
      workflow: [
        { ...silent, redirect_url: 'https://acme-app.com/sa/redirect', coverage_check: true },
        {
          ...sms,
          from: 'ACME',
          entity_id: '1101456324675322134',
          content_id: '1107457532145798767',
          app_hash: 'ABC123def45',
        },
        voice,
      ],
    });
    expect(answer.status).toBe(202);
  });

  it('is recorded as a request of the server', async () => {
    await sandbox.start();
    expect((await sandbox.control('GET', '/requests')).body).toMatchObject([
      { method: 'POST', path: '/v2/verify', from: 'server', status: 202 },
    ]);
  });

  const long = 'x'.repeat(50);
  const invalid: [string, object, string, string?][] = [
    ['no brand', { brand: undefined }, 'brand'],
    ['an empty brand', { brand: '' }, 'brand'],
    ['a long brand', { brand: 'x'.repeat(19) }, 'brand'],
    ['a brand with a sign', { brand: 'a/b' }, 'brand', 'must not contain any of / { } : $'],
    ['no workflow', { workflow: undefined }, 'workflow'],
    ['an empty workflow', { workflow: [] }, 'workflow'],
    ['four steps', { workflow: [silent, sms, voice, voice] }, 'workflow'],
    ['a step that is none', { workflow: ['sms'] }, 'workflow[0]'],
    [
      'email, which the sandbox does not play',
      { workflow: [{ channel: 'email', to: 'a@b.c' }] },
      'workflow[0]',
      '`channel` must be silent_auth, sms, rcs, whatsapp or voice: the sandbox plays no other channel',
    ],
    ['WhatsApp without a sender', { workflow: [sms, { ...whatsapp, from: undefined }] }, 'workflow[1]'],
    [
      'WhatsApp from a name',
      { workflow: [{ ...whatsapp, from: 'ACME' }] },
      'workflow[0]',
      '`from` Phone number is invalid',
    ],
    ['WhatsApp from a number with a plus', { workflow: [{ ...whatsapp, from: `+${SHOP}` }] }, 'workflow[0]'],
    ['RCS from nobody', { workflow: [{ ...rcs, from: '' }] }, 'workflow[0]'],
    [
      'an SMS from a name with a space',
      { workflow: [{ ...sms, from: 'ACME Ltd' }] },
      'workflow[0]',
      '`from` must be a number, or 3 to 11 letters and digits',
    ],
    ['an SMS from a long name', { workflow: [{ ...sms, from: 'ACMEACMEACME' }] }, 'workflow[0]'],
    ['a sender of a call', { workflow: [{ ...voice, from: SHOP }] }, 'workflow[0]'],
    ['an app_hash for RCS', { workflow: [{ ...rcs, app_hash: 'ABC123def45' }] }, 'workflow[0]'],
    ['an entity_id in words', { workflow: [{ ...sms, entity_id: 'mine' }] }, 'workflow[0]'],
    ['a long content_id', { workflow: [{ ...sms, content_id: '1'.repeat(21) }] }, 'workflow[0]'],
    ['no channel', { workflow: [{ to: ALICE }] }, 'workflow[0]'],
    ['no number', { workflow: [{ channel: 'sms' }] }, 'workflow[0]'],
    ['a plus', { workflow: [{ ...sms, to: `+${ALICE}` }] }, 'workflow[0]', '`to` Phone number is invalid'],
    [
      'two zeros',
      { workflow: [{ ...sms, to: `00${ALICE}` }] },
      'workflow[0]',
      '`to` Phone number is invalid',
    ],
    ...[
      ['a number of no country', '999770090000'],
      ['a number in another spelling', '4407700900000'],
      ['one of Australia', '610412345678'],
      ['a number that is too short', '44770090'],
    ].map(([name = '', to]): [string, object, string, string] => [
      name,
      { workflow: [{ ...sms, to }] },
      'workflow[0]',
      '`to` Phone number is invalid',
    ]),
    ['silence second', { workflow: [sms, silent] }, 'workflow', '`silent_auth` must be the first channel'],
    ['silence twice', { workflow: [silent, silent] }, 'workflow', '`silent_auth` must be the first channel'],
    ['a redirect_url that is none', { workflow: [{ ...silent, redirect_url: 'home' }] }, 'workflow[0]'],
    [
      'a redirect_url for sms',
      { workflow: [{ ...sms, redirect_url: 'https://a.b' }] },
      'workflow[0]',
      '`redirect_url` is not a known parameter',
    ],
    ['a coverage_check in words', { workflow: [{ ...silent, coverage_check: 'no' }] }, 'workflow[0]'],
    ['a coverage_check for voice', { workflow: [{ ...voice, coverage_check: true }] }, 'workflow[0]'],
    ['a short app_hash', { workflow: [{ ...sms, app_hash: 'x' }] }, 'workflow[0]'],
    ['the old sandbox field', { workflow: [{ ...silent, sandbox: true }] }, 'workflow[0]'],
    ['a locale in capitals', { locale: 'en-US' }, 'locale'],
    ['a locale of three letters', { locale: 'eng' }, 'locale'],
    ['a locale of four letters', { locale: 'mand-cn' }, 'locale'],
    ['a locale of three letters in capitals', { locale: 'fil-PH' }, 'locale'],
    ['a short channel_timeout', { channel_timeout: 14 }, 'channel_timeout'],
    ['a long channel_timeout', { channel_timeout: 901 }, 'channel_timeout'],
    ['half a second', { channel_timeout: 60.5 }, 'channel_timeout'],
    ['a channel_timeout in words', { channel_timeout: '60' }, 'channel_timeout'],
    ['an empty client_ref', { client_ref: '' }, 'client_ref'],
    ['a long client_ref', { client_ref: long }, 'client_ref'],
    ['a client_ref with a hyphen', { client_ref: 'my-ref' }, 'client_ref', 'must be letters and digits'],
    ['three digits', { code_length: 3 }, 'code_length'],
    ['eleven digits', { code_length: 11 }, 'code_length'],
    ['a short code', { code: '123' }, 'code'],
    ['a code with a sign', { code: '12-34' }, 'code'],
    ['a fraud_check in words', { fraud_check: 'yes' }, 'fraud_check'],
    ['an unknown field', { colour: 'red' }, 'colour', 'is not a known parameter'],
  ];
  it.each(invalid)('with %s is refused', async (...[, changes, name, reason]) => {
    const answer = await sandbox.postJson('/v2/verify', { brand: 'ACME', workflow: [sms], ...changes });
    expect(answer.status).toBe(422);
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    expect(answer.body).toEqual({
      title: 'Invalid params',
      detail: 'The value of one or more parameters is invalid.',
      type: `${ERRORS}#invalid-params`,
      instance: expect.stringMatching(UUID) as string,
      invalid_parameters: [{ name, reason: reason ?? expect.any(String) }],
    });
    expect(await sandbox.messages()).toEqual([]);
  });

  it('with a body that is not JSON is refused', async () => {
    const answer = await sandbox.post('/v2/verify', 'application/json', '{');
    expect(answer.body).toMatchObject({ invalid_parameters: [{ name: 'body' }] });
    expect((await sandbox.post('/v2/verify', 'text/plain', '{}')).status).toBe(415);
  });

  it('with a number of the virtual operator allows only a silent step', async () => {
    const to = '99012345678';
    const answer = await sandbox.start(['silent_auth', 'sms', 'voice'], {
      workflow: ['silent_auth', 'sms', 'voice'].map((channel) => ({ channel, to })),
    });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      invalid_parameters: [
        { name: 'workflow', reason: '`silent_auth` must be the only channel when virtual operator is used' },
        { name: 'workflow[1]', reason: '`to` Phone number is invalid' },
        { name: 'workflow[2]', reason: '`to` Phone number is invalid' },
      ],
    });
    expect((await sandbox.start(['sms'], {}, { to })).status).toBe(422);
    expect((await sandbox.start(['silent_auth'], {}, { to })).status).toBe(202);
  });
});

describe('a request whose silent step is skipped', () => {
  const to = '447700900114';

  it('starts without a link, at the next channel', async () => {
    const workflow = ['silent_auth', 'sms', 'voice'].map((channel) => ({ channel, to }));
    const answer = await sandbox.start([], { workflow });
    expect([answer.status, Object.keys(answer.body as object)]).toEqual([202, ['request_id']]);
    expect(await sandbox.messages()).toMatchObject([{ channel: 'sms' }]);
    const id = field(answer.body, 'request_id');
    expect((await sandbox.check(id, await sandbox.lastCode())).status).toBe(200);
  });

  it('has a link without a coverage check', async () => {
    const answer = await sandbox.start(['silent_auth', 'sms'], {}, { to, coverage_check: false });
    expect(answer.body).toMatchObject({ check_url: expect.any(String) as string });
  });
});

describe('a request is not started', () => {
  const rows: [string, string, Record<string, unknown>, number, object][] = [
    [
      'without coverage',
      '447700900102',
      {},
      412,
      {
        title: 'Network not supported',
        type: `${ERRORS}/verify-v2#precondition-failed`,
        detail: 'Device number does not resolve to a supported Mobile Network Operator.',
      },
    ],
    [
      'beyond the rate limit',
      '447700900109',
      {},
      429,
      {
        title: 'Rate Limit Hit',
        type: `${ERRORS}#throttled`,
        detail: 'Please wait, then retry your request',
      },
    ],
    [
      'because of an internal error',
      '447700900107',
      {},
      500,
      {
        title: 'Internal error',
        type: `${ERRORS}#internal-error`,
        detail: 'There was an error processing your request in the Platform.',
      },
    ],
    [
      'with an unknown template',
      ALICE,
      { template_id: '4ed3027d-8762-44a0-aa3f-c393717413a4' },
      404,
      { title: 'Not Found', type: `${ERRORS}/verify-v2#template-not-found`, detail: 'Template not found' },
    ],
  ];
  it.each(rows)('%s', async (_, to, changes, status, problem) => {
    const answer = await sandbox.start(['silent_auth', 'sms'], changes, { to });
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ ...problem, instance: expect.stringMatching(UUID) as string });
    expect(answer.headers.get('retry-after')).toBe(status === 429 ? '7' : null);
  });

  it('for lack of coverage with any number whose messages end by themselves', async () => {
    for (const last of ['0', '1', '2', '3', '4']) {
      const answer = await sandbox.start(['silent_auth'], {}, { to: `44770090011${last}` });
      expect([last, answer.status]).toEqual([last, 412]);
    }
  });

  it('for lack of coverage only if a step is silent', async () => {
    expect((await sandbox.start(['sms'], {}, { to: '447700900102' })).status).toBe(202);
  });

  it('while another one for the same number is under way', async () => {
    const live = await sandbox.started();
    const answer = await sandbox.start(['voice', 'sms']);
    expect(answer.status).toBe(409);
    expect(answer.body).toEqual({
      title: 'Conflict',
      type: `${ERRORS}/verify-v2#concurrent`,
      detail: 'Concurrent verifications to the same number are not allowed.',
      instance: expect.stringMatching(UUID) as string,
      request_id: live,
    });
    expect((await sandbox.start(['sms'], {}, { to: '447700900001' })).status).toBe(202);
    expect((await sandbox.start(['sms', 'sms'], {}, { to: '447700900002' })).status).toBe(409);
  });

  const ends: [string, string, (id: string) => unknown][] = [
    ['sms', 'is completed', async (id) => sandbox.check(id, await sandbox.lastCode())],
    ['sms', 'has expired', () => sandbox.turn(180)],
    [
      'rcs',
      'had three wrong codes',
      async (id) => {
        for (const code of ['0000a', '0001a', '0002a']) await sandbox.check(id, code);
      },
    ],
    [
      'whatsapp',
      'is cancelled',
      (id) => {
        sandbox.turn(30);
        return sandbox.cancel(id);
      },
    ],
    ['silent_auth', 'has expired', () => sandbox.turn(60)],
    [
      'silent_auth',
      'had a wrong code',
      async (id) => {
        await sandbox.walkSilently(id);
        await sandbox.check(id, 'wrong1');
      },
    ],
    [
      'silent_auth',
      'was opened with another SIM',
      (id) => sandbox.walkSilently(id, () => ({ 'x-sandbox-sim': '+447700900555' })),
    ],
    [
      'silent_auth',
      'was opened over Wi-Fi',
      (id) => sandbox.walkSilently(id, () => ({ 'x-sandbox-network': 'wifi' })),
    ],
  ];
  it.each(ends)('until the other one, by %s, %s', async (channel, _, end) => {
    const id = await sandbox.started([channel]);
    expect((await sandbox.start()).body).toMatchObject({ request_id: id });
    await end(id);
    expect((await sandbox.cancel(id)).status).toBe(404);
    expect((await sandbox.start()).status).toBe(202);
  });

  it('while a link was opened, and its code is not checked', async () => {
    const id = await sandbox.started(['silent_auth']);
    await sandbox.walkSilently(id);
    expect(await sandbox.start()).toMatchObject({ status: 409, body: { request_id: id } });
  });
});

describe('the application JWT', () => {
  it('is required by every endpoint but the check URL', async () => {
    const id = await sandbox.started(['silent_auth', 'sms']);
    for (const path of ['', `/${id}`, `/${id}/next_workflow`]) {
      const answer = await sandbox.postJson(`/v2/verify${path}`, {}, 'nonsense');
      expect(answer.status).toBe(401);
      expect(answer.body).toMatchObject({ title: 'Unauthorized', type: `${ERRORS}#unauthorized` });
    }
    const unsigned = await fetch(`${sandbox.url}/v2/verify/${id}`, { method: 'DELETE' });
    expect(unsigned.status).toBe(401);
  });

  it('is refused with its own problem when it has expired', async () => {
    const old = await sandbox.jwt({ iat: sandbox.seconds() - 900, exp: sandbox.seconds() });
    const answer = await sandbox.postJson('/v2/verify', {}, old);
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({
      title: 'You did not provide correct credentials.',
      type: `${ERRORS}#jwt-expired`,
      detail: 'The JWT provided has expired.',
    });
  });
});
