import {
  APPLICATION_ID,
  ask,
  field,
  locationOf,
  openSandbox,
  REDIRECT_URI,
  VERIFY_SCOPE,
} from './open-sandbox.js';
import type { OpenSandbox } from './open-sandbox.js';

const OTHER = '+447700900555';

let sandbox: OpenSandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
});
afterEach(() => sandbox.close());

/** Runs a whole login, and returns whether the device has this number. */
const verifies = async (
  number: string,
  headersOf?: (hop: number) => Record<string, string>,
): Promise<unknown> => {
  const { end } = await sandbox.walk(await sandbox.authUrl(number), headersOf);
  const { body } = await sandbox.exchange(new URL(end).searchParams.get('code') ?? '');
  const verified = await sandbox.verify(field(body, 'access_token'), { phoneNumber: number });
  return (verified.body as { devicePhoneNumberVerified: unknown }).devicePhoneNumberVerified;
};

describe('the redirects', () => {
  it('lead through the operator and Vonage to the dashboard URI, with the original state', async () => {
    const state = 'a state+with/odd=characters&ü';
    const { hops, end } = await sandbox.walk(await sandbox.authUrl('+447700900000', state));
    expect(hops.map(({ status }) => status)).toEqual([302, 301, 302]);
    expect(hops.map((hop) => locationOf(hop).pathname)).toEqual([
      '/operator/authorize',
      '/camara/oauth/callback',
      '/callback',
    ]);
    expect(hops.every(({ headers }) => headers.get('set-cookie') === null)).toBe(true);
    const url = new URL(end);
    expect(url.origin + url.pathname).toBe(REDIRECT_URI);
    expect([...url.searchParams.keys()]).toEqual(['code', 'state']);
    expect(url.searchParams.get('state')).toBe(state);
  });

  it('each work once', async () => {
    const first = await sandbox.authUrl();
    const { hops } = await sandbox.walk(first);
    const urls = [first, ...hops.slice(0, 2).map((hop) => locationOf(hop).href)];
    for (const url of urls) {
      const again = await ask(url);
      expect(again.status).toBe(400);
      expect(again.headers.get('location')).toBeNull();
      expect(again.body).toMatchObject({ title: 'Bad Request' });
    }
  });

  it('are not used up by HEAD', async () => {
    const url = await sandbox.authUrl();
    expect((await ask(url, { method: 'HEAD' })).status).toBe(405);
    expect((await ask(url)).status).toBe(302);
  });

  it('expire', async () => {
    const url = await sandbox.authUrl();
    sandbox.clock.ms += 5 * 60_000;
    expect((await ask(url)).status).toBe(400);
  });

  const altered: [string, string][] = [
    ['client_id', 'another'],
    ['redirect_uri', 'https://evil.example/callback'],
    ['response_type', 'token'],
    ['scope', 'openid'],
    ['state', 'v2_unknown'],
  ];
  it.each(altered)('refuse an auth URL whose %s was changed, without a redirect', async (name, value) => {
    const url = new URL(await sandbox.authUrl());
    url.searchParams.set(name, value);
    const answer = await ask(url.href);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('location')).toBeNull();
  });

  it.each([
    '/operator/authorize',
    '/operator/authorize?request=unknown',
    '/camara/oauth/callback',
    '/camara/oauth/callback?code=x&state=v2_unknown',
    '/oauth2/auth',
  ])('refuse %s without a redirect', async (path) => {
    const answer = await ask(sandbox.url + path);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('location')).toBeNull();
  });

  it('accept only the code that the operator issued', async () => {
    const operator = locationOf(await ask(await sandbox.authUrl()));
    const back = locationOf(await ask(operator.href));
    const forged = new URL(back);
    forged.searchParams.set('code', 'forged');
    expect((await ask(forged.href)).status).toBe(400);
    expect((await ask(back.href)).status).toBe(302);
  });

  const refused: [string, string][] = [
    ['+447700900103', 'access_denied'],
    ['+447700900107', 'server_error'],
    ['+447700900115', 'consent_required'],
    ['+99011111199', 'server_error'],
  ];
  it.each(refused)('of %s end in %s', async (number, error) => {
    const { hops, end } = await sandbox.walk(await sandbox.authUrl(number, 'state-of-mine'));
    expect(hops).toHaveLength(3);
    const { searchParams } = new URL(end);
    expect(searchParams.get('error')).toBe(error);
    expect(searchParams.get('error_description')).not.toBe('');
    expect(searchParams.get('state')).toBe('state-of-mine');
    expect(searchParams.has('code')).toBe(false);
  });
});

describe('the SIM in the device', () => {
  const header = { 'x-sandbox-sim': OTHER };
  const cookie = { cookie: `a=b; sandbox_sim=${OTHER}` };
  const own = '+447700900000';
  const rows: [string, string, ((hop: number) => Record<string, string>) | undefined, boolean][] = [
    ['is the number of the login', own, undefined, true],
    ['is that of the header of the first request', own, (hop) => (hop === 0 ? header : {}), false],
    ['is that of the header of the last request', own, (hop) => (hop === 2 ? header : {}), false],
    ['is that of the cookie', own, () => cookie, false],
    ['is that of an encoded cookie', own, () => ({ cookie: 'sandbox_sim=%2B447700900555' }), false],
    [
      'is that of the header rather than the cookie',
      OTHER,
      () => ({ ...header, cookie: `sandbox_sim=${own}` }),
      true,
    ],
    ['is another for other_sim', '+447700900101', undefined, false],
    [
      'is that of the header rather than other_sim',
      '+447700900101',
      () => ({ 'x-sandbox-sim': '+447700900101' }),
      true,
    ],
    ['is its own for an even number of the virtual operator', '+99012345678', undefined, true],
    ['is another for an odd number of the virtual operator', '+99012345677', undefined, false],
    ['is its own for an unlisted number', '+34600111222', undefined, true],
  ];
  it.each(rows)('%s (%s)', async (_, number, headersOf, verified) => {
    expect(await verifies(number, headersOf)).toBe(verified);
  });

  it('is the one of the subscriber when the device states none', async () => {
    await sandbox.control('PUT', '/subscribers/+447700900101', {
      behaviour: 'other_sim',
      sim: '+447700900101',
    });
    expect(await verifies('+447700900101')).toBe(true);
    await sandbox.control('PUT', '/subscribers/+447700900000', { behaviour: 'match', sim: OTHER });
    expect(await verifies('+447700900000')).toBe(false);
  });

  it.each([
    { 'x-sandbox-sim': '447700900000' },
    { 'x-sandbox-sim': '+999770090000' },
    { 'x-sandbox-sim': '+4407700900000' },
    { cookie: 'sandbox_sim=%2B610412345678' },
    { cookie: 'sandbox_sim=nonsense' },
    { cookie: 'sandbox_sim=%2B44770090' },
  ])('must be a phone number: %p spends nothing', async (headers) => {
    const url = await sandbox.authUrl();
    expect((await ask(url, { headers })).status).toBe(400);
    const operator = locationOf(await ask(url)).href;
    expect((await ask(operator, { headers })).status).toBe(400);
    const back = locationOf(await ask(operator)).href;
    expect((await ask(back, { headers })).status).toBe(400);
    expect((await ask(back)).status).toBe(302);
  });
});

describe('the direct OpenID Connect request', () => {
  const direct = (changes: Record<string, string | undefined> = {}): string => {
    const query = new URLSearchParams({
      client_id: APPLICATION_ID,
      response_type: 'code',
      scope: `openid ${VERIFY_SCOPE}`,
      redirect_uri: REDIRECT_URI,
      login_hint: '+447700900000',
      state: 'direct-state',
    });
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) query.delete(name);
      else query.set(name, value);
    }
    return `${sandbox.url}/oauth2/auth?${query.toString()}`;
  };

  // Vonage's SDKs for Node and Java write it as a URI of RFC 3966.
  it.each(['+447700900000', 'tel:+447700900000'])(
    'with the login_hint %s follows the same three redirects to a code that verifies',
    async (login_hint) => {
      const { hops, end } = await sandbox.walk(direct({ login_hint }));
      expect(hops).toHaveLength(3);
      const { searchParams } = new URL(end);
      expect(searchParams.get('state')).toBe('direct-state');
      const token = await sandbox.exchange(searchParams.get('code') ?? '');
      const verified = await sandbox.verify(field(token.body, 'access_token'), {
        phoneNumber: '+447700900000',
      });
      expect(verified.body).toEqual({ devicePhoneNumberVerified: true });
    },
  );

  const notRedirected: [string, Record<string, string | undefined>][] = [
    ['another client_id', { client_id: 'another' }],
    ['no client_id', { client_id: undefined }],
    ['another redirect_uri', { redirect_uri: 'https://evil.example/' }],
    ['a redirect_uri with a trailing slash', { redirect_uri: `${REDIRECT_URI}/` }],
    ['a redirect_uri in upper case', { redirect_uri: REDIRECT_URI.toUpperCase() }],
    ['no redirect_uri', { redirect_uri: undefined }],
    ['a SIM that is no number', {}],
  ];
  it.each(notRedirected)('with %s is not redirected', async (what, changes) => {
    const headers: Record<string, string> = what.startsWith('a SIM') ? { 'x-sandbox-sim': 'x' } : {};
    const answer = await ask(direct(changes), { headers });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('location')).toBeNull();
    expect(answer.body).toMatchObject({ title: 'Bad Request' });
  });

  const redirected: [string, Record<string, string | undefined>, string][] = [
    ['another response_type', { response_type: 'token' }, 'unsupported_response_type'],
    ['no openid in the scope', { scope: VERIFY_SCOPE }, 'invalid_scope'],
    ['only openid in the scope', { scope: 'openid' }, 'invalid_scope'],
    ['an unknown scope', { scope: 'openid dpv:other' }, 'invalid_scope'],
    ['no scope', { scope: undefined }, 'invalid_scope'],
    ['no login_hint', { login_hint: undefined }, 'invalid_request'],
    ['a login_hint without plus', { login_hint: '447700900000' }, 'invalid_request'],
    ['a login_hint of another scheme', { login_hint: 'sip:+447700900000' }, 'invalid_request'],
    ['a login_hint in another spelling', { login_hint: '+4407700900000' }, 'invalid_request'],
    ['a login_hint of no country', { login_hint: '+999770090000' }, 'invalid_request'],
    ['a short state', { state: '1234567' }, 'invalid_request'],
    ['no state', { state: undefined }, 'invalid_request'],
    ['a number that is not allowed', { login_hint: '+447700900102' }, 'unauthorized_client'],
    ['a number that is rate limited', { login_hint: '+447700900109' }, 'temporarily_unavailable'],
  ];
  it.each(redirected)('with %s redirects to the callback with an error', async (_, changes, error) => {
    const url = locationOf(await ask(direct(changes)));
    expect(url.origin + url.pathname).toBe(REDIRECT_URI);
    expect(url.searchParams.get('error')).toBe(error);
    expect(url.searchParams.get('error_description')).not.toBe('');
    expect(url.searchParams.get('state')).toBe('state' in changes ? (changes.state ?? null) : 'direct-state');
  });

  it('with a used state redirects to the callback with an error', async () => {
    await ask(direct());
    expect(locationOf(await ask(direct())).searchParams.get('error')).toBe('invalid_request');
  });

  it('with a repeated parameter is refused', async () => {
    expect((await ask(`${direct()}&client_id=${APPLICATION_ID}`)).status).toBe(400);
    expect(locationOf(await ask(`${direct()}&state=other-state`)).searchParams.get('error')).toBe(
      'invalid_request',
    );
  });
});
