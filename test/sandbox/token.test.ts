import { ask, field, openSandbox, REDIRECT_URI } from './open-sandbox.js';
import type { OpenSandbox } from './open-sandbox.js';

const NUMBER = { phoneNumber: '+447700900000' };

let sandbox: OpenSandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
});
afterEach(() => sandbox.close());

const form = (text: string) => sandbox.post('/oauth2/token', 'application/x-www-form-urlencoded', text);

describe('the token endpoint', () => {
  it('gives a token for a code', async () => {
    const { status, headers, body } = await sandbox.exchange(await sandbox.codeFor());
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      access_token: expect.any(String) as string,
      token_type: 'Bearer',
      expires_in: 300,
    });
  });

  it.each(['application/json', 'text/plain'])('refuses the content type %s', async (type) => {
    const { status, body } = await sandbox.post('/oauth2/token', type, '{}');
    expect(status).toBe(415);
    expect(body).toMatchObject({ title: 'Unsupported Media Type' });
  });

  it('refuses GET', async () => {
    expect((await ask(`${sandbox.url}/oauth2/token`)).status).toBe(405);
  });

  const redirect = `redirect_uri=${encodeURIComponent(REDIRECT_URI)}`;
  const invalid: [string, string, string][] = [
    ['nothing', '', 'invalid_request'],
    ['no grant_type', `code=x&${redirect}`, 'invalid_request'],
    ['no code', `grant_type=authorization_code&${redirect}`, 'invalid_request'],
    ['no redirect_uri', 'grant_type=authorization_code&code=x', 'invalid_request'],
    ['a repeated code', `grant_type=authorization_code&code=x&code=y&${redirect}`, 'invalid_request'],
    ['an empty grant_type', `grant_type=&code=x&${redirect}`, 'invalid_request'],
    ['a repeated grant_type', `grant_type=password&grant_type=password&${redirect}`, 'invalid_request'],
    [
      'a repeated unknown field',
      `grant_type=authorization_code&code=x&${redirect}&a=1&a=2`,
      'invalid_request',
    ],
    ['another grant_type', `grant_type=password&code=x&${redirect}`, 'unsupported_grant_type'],
    ['another grant_type alone', 'grant_type=client_credentials', 'unsupported_grant_type'],
    [
      'another grant_type without a code',
      'grant_type=refresh_token&refresh_token=x',
      'unsupported_grant_type',
    ],
    [
      'another grant_type with an empty code',
      `grant_type=password&code=&${redirect}`,
      'unsupported_grant_type',
    ],
    [
      'another grant_type with a repeated code',
      'grant_type=password&code=x&code=y',
      'unsupported_grant_type',
    ],
    [
      'a grant_type in capitals',
      `grant_type=Authorization_Code&code=x&${redirect}`,
      'unsupported_grant_type',
    ],
    ['an unknown code', `grant_type=authorization_code&code=x&${redirect}`, 'invalid_grant'],
  ];
  it.each(invalid)('refuses %s', async (_, text, error) => {
    const answer = await form(text);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ error, error_description: expect.any(String) as string });
  });

  it('does not use up a code that is sent with another grant_type', async () => {
    const code = await sandbox.codeFor();
    const wrong = await sandbox.exchange(code, { grant_type: 'client_credentials' });
    expect(wrong.body).toMatchObject({ error: 'unsupported_grant_type' });
    expect((await sandbox.exchange(code)).status).toBe(200);
  });

  it('refuses a code after 60 seconds', async () => {
    const [early, late] = [await sandbox.codeFor(), await sandbox.codeFor()];
    sandbox.clock.ms += 59_999;
    expect((await sandbox.exchange(early)).status).toBe(200);
    sandbox.clock.ms += 1;
    expect((await sandbox.exchange(late)).body).toMatchObject({ error: 'invalid_grant' });
  });

  it('refuses a code with another redirect_uri, and uses it up', async () => {
    const code = await sandbox.codeFor();
    const wrong = await sandbox.exchange(code, { redirect_uri: `${REDIRECT_URI}/` });
    expect(wrong.body).toMatchObject({ error: 'invalid_grant' });
    expect((await sandbox.exchange(code)).body).toMatchObject({ error: 'invalid_grant' });
  });

  it('refuses a used code, and revokes the token it gave', async () => {
    const code = await sandbox.codeFor();
    const token = field((await sandbox.exchange(code)).body, 'access_token');
    expect((await sandbox.exchange(code)).body).toMatchObject({ error: 'invalid_grant' });
    expect((await sandbox.verify(token, NUMBER)).status).toBe(401);
  });

  it('accepts exactly one of many parallel uses', async () => {
    const code = await sandbox.codeFor();
    const answers = await Promise.all(Array.from({ length: 20 }, () => sandbox.exchange(code)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('refuses the code of a number that behaves as invalid_grant', async () => {
    const answer = await sandbox.exchange(await sandbox.codeFor('+447700900106'));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: 'invalid_grant' });
  });
});

describe('the token response', () => {
  const varied: [object, object, number][] = [
    [{ expires_in: 29, token_type: 'bearer' }, { expires_in: 29, token_type: 'bearer' }, 29],
    [
      { expires_in: '120', refresh_token: 'r' },
      { expires_in: '120', token_type: 'Bearer', refresh_token: 'r' },
      120,
    ],
    [{ expires_in: null }, { token_type: 'Bearer' }, 300],
    [{ expires_in: 'soon' }, { expires_in: 'soon', token_type: 'Bearer' }, 300],
  ];
  it.each(varied)(
    'can be changed to %j, which the lifetime of the token follows',
    async (change, expected, life) => {
      await sandbox.control('PUT', '/token', change);
      const [first, second] = [await sandbox.codeFor(), await sandbox.codeFor()];
      const { body } = await sandbox.exchange(first);
      expect(body).toEqual({ ...expected, access_token: expect.any(String) as string });
      const other = field((await sandbox.exchange(second)).body, 'access_token');
      sandbox.clock.ms += life * 1000 - 1;
      expect((await sandbox.verify(field(body, 'access_token'), NUMBER)).status).toBe(200);
      sandbox.clock.ms += 1;
      expect((await sandbox.verify(other, NUMBER)).status).toBe(401);
    },
  );

  it.each([{ expires_in: true }, { unknown: 1 }, { token_type: 7 }])(
    'cannot be changed to %j',
    async (change) => {
      const { status, body } = await sandbox.control('PUT', '/token', change);
      expect(status).toBe(400);
      expect(body).toMatchObject({ invalid_parameters: [{ name: expect.any(String) as string }] });
    },
  );
});
