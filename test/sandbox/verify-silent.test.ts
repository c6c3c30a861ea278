import { ask, field, locationOf } from './open-sandbox.js';
import type { Answer } from './open-sandbox.js';
import { ALICE, openVerify } from './open-verify.js';
import type { OpenVerify } from './open-verify.js';

const ERRORS = 'https://developer.vonage.com/api-errors/verify-v2';
const HOME = 'https://acme-app.com/sa/redirect';
const OTHER = '+447700900555';

let sandbox: OpenVerify;
beforeEach(async () => {
  sandbox = await openVerify();
});
afterEach(() => sandbox.close());

const silent = (to = ALICE, more: Record<string, unknown> = {}, channels = ['silent_auth', 'sms']) =>
  sandbox.started(channels, {
    workflow: channels.map((channel, index) => ({ channel, to, ...(index ? {} : more) })),
  });

/** Changes the behaviour of a number after its request was started. */
const behaves = (number: string, behaviour: string) =>
  sandbox.control('PUT', `/subscribers/+${number}`, { behaviour });

describe('the check URL', () => {
  it('leads through the operator to a code that completes the request', async () => {
    const id = await silent();
    const { hops, last } = await sandbox.walkSilently(id);
    expect(hops.map(({ status }) => status)).toEqual([302, 301, 302, 200]);
    expect(hops.slice(0, 3).map((hop) => locationOf(hop).pathname)).toEqual([
      '/operator/authorize',
      '/camara/oauth/callback',
      `/v2/verify/${id}/silent-auth/complete`,
    ]);
    expect(last.headers.get('content-type')).toMatch('application/json');
    expect(last.body).toEqual({
      request_id: id,
      code: expect.stringMatching(/^[A-Za-z0-9]{6,10}$/) as string,
    });
    const checked = await sandbox.check(id, field(last.body, 'code'));
    expect(checked.body).toEqual({ request_id: id, status: 'completed' });
    expect(await sandbox.messages()).toEqual([]);
  });

  it('is recorded as opened by the device', async () => {
    await sandbox.walkSilently(await silent());
    const { body } = await sandbox.control('GET', '/requests?all=true');
    expect((body as { from: string }[]).map(({ from }) => from)).toEqual([
      'server',
      ...Array<string>(4).fill('device'),
    ]);
  });

  it('leads to the redirect_url with a code in the fragment', async () => {
    const id = await silent(ALICE, { redirect_url: `${HOME}?a=b#old` });
    const { end, last } = await sandbox.walkSilently(id);
    expect(last.status).toBe(302);
    const [, code = ''] = /#request_id=[0-9a-f-]{36}&code=(\w+)$/.exec(end) ?? [];
    expect(end).toBe(`${HOME}?a=b#request_id=${id}&code=${code}`);
    expect((await sandbox.check(id, code)).status).toBe(200);
  });

  it('works once, and so does every redirect', async () => {
    const id = await silent();
    const { hops, last } = await sandbox.walkSilently(id);
    const again = await ask(sandbox.checkUrl(id));
    expect([again.status, field(again.body, 'type')]).toEqual([412, `${ERRORS}#precondition-failed`]);
    for (const hop of hops.slice(0, 3)) expect((await ask(locationOf(hop).href)).status).toBe(400);
    expect((await sandbox.check(id, field(last.body, 'code'))).status).toBe(200);
  });

  it('is not used up by HEAD, nor by a malformed SIM', async () => {
    const id = await silent();
    expect((await ask(sandbox.checkUrl(id), { method: 'HEAD' })).status).toBe(405);
    expect((await ask(sandbox.checkUrl(id), { headers: { 'x-sandbox-sim': 'x' } })).status).toBe(400);
    expect((await ask(sandbox.checkUrl(id))).status).toBe(302);
  });

  it('fails when its step is over', async () => {
    const id = await silent();
    await sandbox.next(id);
    expect((await ask(sandbox.checkUrl(id))).status).toBe(412);
    const late = await silent('447700900001', { redirect_url: HOME });
    sandbox.turn(60);
    expect(locationOf(await ask(sandbox.checkUrl(late))).hash).toMatch(/^#error_description=The%20silent/);
  });

  it('issues no code if the step ended during the redirects', async () => {
    const id = await silent();
    const operator = locationOf(await ask(sandbox.checkUrl(id)));
    sandbox.turn(60);
    const { hops } = await sandbox.walk(operator.href);
    expect([hops.at(-1)?.status, hops.at(-1)?.body]).toEqual([
      412,
      expect.objectContaining({ detail: 'The silent auth verification cannot be completed.' }),
    ]);
    expect(await sandbox.messages()).toHaveLength(1);
  });

  it('exists only for requests with a silent step', async () => {
    const id = await sandbox.started(['sms']);
    expect((await ask(sandbox.checkUrl(id))).status).toBe(404);
  });

  it('completes only the request that it belongs to', async () => {
    const { hops } = await sandbox.walkSilently(await silent());
    const end = locationOf(hops[2] as Answer).href.replace(/verify\/[0-9a-f-]+/, 'verify/another');
    expect((await ask(end)).status).toBe(400);
  });
});

describe('a silent step that fails', () => {
  const CANNOT = 'The silent auth verification cannot be completed.';
  const rows: [string, string, number, string, string][] = [
    ['447700900101', 'other_sim', 403, 'msisdn-error', 'Device MSISDN does not match.'],
    ['447700900103', 'wifi', 412, 'precondition-failed', 'IP Address does not resolve to a cellular device.'],
    ['447700900104', 'not_mobile', 412, 'precondition-failed', CANNOT],
    ['447700900106', 'invalid_grant', 412, 'precondition-failed', CANNOT],
    ['447700900115', 'no_consent', 412, 'precondition-failed', CANNOT],
    [ALICE, 'server_error', 412, 'precondition-failed', CANNOT],
    [ALICE, 'rate_limited', 412, 'precondition-failed', CANNOT],
    [
      ALICE,
      'unsupported',
      412,
      'network-error',
      'Device number does not resolve to a supported Mobile Network Operator.',
    ],
  ];
  it.each(rows)(
    'for %s (%s) answers %i #%s, and the next step starts',
    async (to, behaviour, status, fragment, detail) => {
      const id = await silent(to);
      await behaves(to, behaviour);
      const { last } = await sandbox.walkSilently(id);
      expect(last.status).toBe(status);
      expect(last.headers.get('content-type')).toMatch('application/problem+json');
      expect(last.body).toMatchObject({ type: `${ERRORS}#${fragment}`, detail });
      expect((await sandbox.messages()).map(({ channel }) => channel)).toEqual(['sms']);
      expect((await sandbox.check(id, await sandbox.lastCode())).status).toBe(200);
    },
  );

  it.each(rows)(
    'for %s (%s) redirects with the detail',
    async (to, behaviour, _status, _fragment, detail) => {
      const id = await silent(to, { redirect_url: HOME });
      await behaves(to, behaviour);
      const { end } = await sandbox.walkSilently(id);
      expect(end).toBe(`${HOME}#error_description=${encodeURIComponent(detail)}`);
    },
  );

  const NO_NETWORK = 'Device number does not resolve to a supported Mobile Network Operator.';
  const uncovered = (channels: string[], more: Record<string, unknown> = {}) =>
    silent('447700900102', { coverage_check: false, ...more }, channels);

  it.each([[['silent_auth']], [['silent_auth', 'sms']], [['silent_auth', 'voice', 'sms']]])(
    'without coverage or a coverage check (%j) answers 412 at the link, and the next step has started',
    async (channels) => {
      const id = await uncovered(channels);
      for (let opened = 0; opened < 2; opened += 1) {
        const answer = await ask(sandbox.checkUrl(id));
        if (opened === 1 && channels.length === 1) {
          expect(answer.status).toBe(404);
        } else {
          expect([answer.status, answer.body]).toEqual([
            412,
            expect.objectContaining({ type: `${ERRORS}#network-error`, detail: NO_NETWORK }),
          ]);
        }
      }
      expect((await sandbox.messages()).map(({ channel }) => channel)).toEqual(channels.slice(1, 2));
    },
  );

  it('without coverage or a coverage check redirects with the detail', async () => {
    const id = await uncovered(['silent_auth', 'sms'], { redirect_url: HOME });
    const hash = `#error_description=${encodeURIComponent(NO_NETWORK)}`;
    expect(locationOf(await ask(sandbox.checkUrl(id))).href).toBe(HOME + hash);
  });

  it('without coverage ends after 60 seconds if the link is not opened', async () => {
    const id = await uncovered(['silent_auth']);
    sandbox.turn(60);
    expect((await ask(sandbox.checkUrl(id))).status).toBe(404);
  });

  const virtual: [string, number][] = [
    ['99012345678', 200],
    ['99012345677', 403],
    ['99011111199', 412],
  ];
  it.each(virtual)('for the virtual operator: %s ends with %i', async (to, status) => {
    const id = await silent(to, {}, ['silent_auth']);
    expect((await sandbox.walkSilently(id)).last.status).toBe(status);
    expect((await sandbox.next(id)).status).toBe(status === 200 ? 409 : 404);
  });

  it('because the number of the SIM is unknown answers 412', async () => {
    await sandbox.control('PUT', `/subscribers/+${ALICE}`, { behaviour: 'match', sim: null });
    expect((await sandbox.walkSilently(await silent())).last.status).toBe(412);
  });

  it('may be preceded by a slow redirect', async () => {
    const id = await silent('447700900105');
    const gone = fetch(sandbox.checkUrl(id), { redirect: 'manual', signal: AbortSignal.timeout(200) });
    await expect(gone).rejects.toThrow();
    expect((await ask(sandbox.checkUrl(id))).status).toBe(412);
  });

  it('may end with a body that is not JSON', async () => {
    const { last } = await sandbox.walkSilently(await silent('447700900108'));
    expect([last.status, last.body]).toEqual([200, undefined]);
  });
});

describe('the SIM in the device', () => {
  const rows: [string, string, (hop: number) => Record<string, string>, number][] = [
    ['a header at the first hop', ALICE, (hop) => (hop === 0 ? { 'x-sandbox-sim': OTHER } : {}), 403],
    ['a header at the last hop', ALICE, (hop) => (hop === 3 ? { 'x-sandbox-sim': OTHER } : {}), 403],
    ['a cookie', ALICE, () => ({ cookie: `sandbox_sim=${OTHER}` }), 403],
    ['its own number, over other_sim', '447700900101', () => ({ 'x-sandbox-sim': '+447700900101' }), 200],
  ];
  it.each(rows)('is the one that the device sends: %s', async (_, to, headersOf, status) => {
    expect((await sandbox.walkSilently(await silent(to), headersOf)).last.status).toBe(status);
  });

  it('is the one of the subscriber', async () => {
    await sandbox.control('PUT', `/subscribers/+${ALICE}`, { behaviour: 'match', sim: OTHER });
    expect((await sandbox.walkSilently(await silent())).last.status).toBe(403);
  });
});

describe('a silent code', () => {
  it('cannot be checked before a device has opened the link', async () => {
    const id = await silent();
    const answer = await sandbox.check(id, 'si9sfG');
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({
      title: 'Conflict',
      type: `${ERRORS}#no-code`,
      detail: 'The current Verify workflow step does not support a code.',
    });
    const { last } = await sandbox.walkSilently(id);
    expect((await sandbox.check(id, field(last.body, 'code'))).status).toBe(200);
  });

  it('has one attempt: after a wrong code the next step starts', async () => {
    const id = await silent();
    const { last } = await sandbox.walkSilently(id);
    const answer = await sandbox.check(id, 'wrong1');
    expect([answer.status, field(answer.body, 'type')]).toEqual([400, `${ERRORS}#invalid-code`]);
    expect((await sandbox.check(id, field(last.body, 'code'))).status).toBe(400);
    expect((await sandbox.check(id, await sandbox.lastCode())).status).toBe(200);
  });

  it('is not valid any more when the next step has started', async () => {
    const id = await silent();
    const { last } = await sandbox.walkSilently(id);
    await sandbox.next(id);
    expect((await sandbox.check(id, field(last.body, 'code'))).status).toBe(400);
  });

  it('is not the code of the customer', async () => {
    const id = await sandbox.started(['silent_auth', 'sms'], { code: '123456' });
    const { last } = await sandbox.walkSilently(id);
    expect(field(last.body, 'code')).not.toBe('123456');
  });

  it('is valid for 60 seconds, whatever the channel_timeout', async () => {
    const id = await sandbox.started(['silent_auth'], { channel_timeout: 900 });
    const { last } = await sandbox.walkSilently(id);
    sandbox.turn(60);
    expect((await sandbox.check(id, field(last.body, 'code'))).status).toBe(404);
  });
});
