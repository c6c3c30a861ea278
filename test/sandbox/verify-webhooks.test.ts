import { createHash } from 'node:crypto';
import { jwtVerify } from 'jose';
import { APPLICATION_ID, field } from './open-sandbox.js';
import { ACCOUNT, ALICE, openListener, openVerify, SECRET, SHOP } from './open-verify.js';
import type { Heard, OpenVerify } from './open-verify.js';

const AT = '2026-03-01T12:00:00.000Z';

let listener: Awaited<ReturnType<typeof openListener>>;
let sandbox: OpenVerify;
beforeEach(async () => {
  listener = await openListener();
  sandbox = await openVerify({ listenerUrl: listener.url });
});
afterEach(() => {
  sandbox.close();
  listener.close();
});

const bodies = (heard: Heard[]) => heard.map(({ body }) => body);
const statuses = (heard: Heard[]) => heard.map(({ body }) => [body.type, body.channel, body.status]);
const sent = async () => (await sandbox.control('GET', '/webhooks')).body as Record<string, unknown>[];
/** Waits until the first webhook is recorded with this answer. */
const answered = async (status: number) => {
  while ((await sent())[0]?.status !== status) await new Promise((resolve) => setTimeout(resolve, 5));
};
/** Waits for webhooks that should not be sent. */
const quiet = () => new Promise((resolve) => setTimeout(resolve, 100));

const verified = async ({ headers, raw }: Heard) => {
  const token = headers.authorization?.replace('Bearer ', '') ?? '';
  const currentDate = new Date(sandbox.clock.ms);
  const { payload } = await jwtVerify(token, Buffer.from(SECRET), { algorithms: ['HS256'], currentDate });
  expect(payload.payload_hash).toBe(createHash('sha256').update(raw).digest('hex'));
  return payload;
};

describe('a webhook', () => {
  it('is signed with the secret of the account, over the bytes of its body', async () => {
    await sandbox.started(['silent_auth', 'sms'], {}, { coverage_check: false });
    const [heard] = (await listener.hear(1)) as [Heard];
    expect(heard.headers['content-type']).toBe('application/json');
    expect(await verified(heard)).toEqual({
      iss: 'Vonage',
      iat: sandbox.seconds(),
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      api_key: ACCOUNT,
      application_id: APPLICATION_ID,
      payload_hash: expect.any(String) as string,
    });
  });

  it('is recorded with its answer', async () => {
    await sandbox.started(['silent_auth', 'sms'], {}, { coverage_check: false });
    const [heard] = (await listener.hear(1)) as [Heard];
    await answered(204);
    expect(await sent()).toEqual([
      {
        at: AT,
        url: listener.url,
        headers: { 'content-type': 'application/json', authorization: heard.headers.authorization },
        body: heard.body,
        status: 204,
        tries: 1,
      },
    ]);
  });

  it('that is answered with 500, 401, 302 or 202 is sent again', async () => {
    listener.statuses.push(500, 401, 302, 202);
    for (const to of ['447700900001', '447700900002', '447700900003', '447700900004'])
      await sandbox.started(['silent_auth'], {}, { to, coverage_check: false });
    const heard = await listener.hear(8);
    for (const { raw, headers } of heard.slice(0, 4)) {
      const copies = heard.filter((each) => each.raw === raw);
      expect(copies.map((each) => each.headers.authorization)).toEqual(Array(2).fill(headers.authorization));
    }
    await quiet();
    expect(await sent()).toMatchObject(Array(4).fill({ status: 204, tries: 2 }));
    expect(listener.heard).toHaveLength(8);
  });

  it('is not sent again after a reset', async () => {
    listener.statuses.push(500);
    await sandbox.started(['silent_auth', 'sms'], {}, { coverage_check: false });
    await listener.hear(1);
    await sandbox.control('POST', '/reset');
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect([listener.heard.length, await sent()]).toEqual([1, []]);
  });

  it('is not sent without settings for webhooks', async () => {
    const deaf = await openVerify();
    await deaf.started(['silent_auth', 'sms'], {}, { coverage_check: false });
    expect((await deaf.control('GET', '/webhooks')).body).toEqual([]);
    deaf.close();
  });
});

describe('the events', () => {
  it('contain the check URL if there is no coverage check', async () => {
    const id = await sandbox.started(
      ['silent_auth', 'sms'],
      { client_ref: 'mine' },
      { coverage_check: false },
    );
    const [pending] = (await listener.hear(1)) as [Heard];
    expect(pending.body).toEqual({
      request_id: id,
      triggered_at: AT,
      type: 'event',
      channel: 'silent_auth',
      status: 'action_pending',
      action: [{ type: 'check', check_url: sandbox.checkUrl(id) }],
      client_ref: 'mine',
    });
    const { last } = await sandbox.walkSilently(id);
    expect((await sandbox.check(id, field(last.body, 'code'))).status).toBe(200);
  });

  it('of a silent login are the completed step and the summary', async () => {
    const id = await sandbox.started(['silent_auth', 'sms', 'voice'], {
      client_ref: 'mine',
      channel_timeout: 300,
    });
    const { last } = await sandbox.walkSilently(id);
    sandbox.turn(5);
    await sandbox.check(id, field(last.body, 'code'));
    expect(bodies(await listener.hear(2))).toEqual([
      {
        request_id: id,
        triggered_at: AT,
        type: 'event',
        channel: 'silent_auth',
        status: 'completed',
        finalized_at: '2026-03-01T12:00:05.000Z',
        client_ref: 'mine',
      },
      {
        request_id: id,
        submitted_at: AT,
        status: 'completed',
        type: 'summary',
        channel_timeout: 300,
        workflow: [
          { channel: 'silent_auth', initiated_at: AT, status: 'completed' },
          { channel: 'sms', status: 'unused' },
          { channel: 'voice', status: 'unused' },
        ],
        client_ref: 'mine',
      },
    ]);
  });

  const silence: [string, string, string][] = [
    ['447700900101', 'user_rejected', 'a walk with another SIM'],
    ['447700900103', 'failed', 'a walk over Wi-Fi'],
    ['447700900104', 'failed', 'a walk outside the network'],
  ];
  it.each(silence)('of %s report %s after %s', async (to, status) => {
    const workflow = ['silent_auth', 'sms'].map((channel) => ({ channel, to }));
    const id = await sandbox.started([], { workflow });
    await sandbox.walkSilently(id);
    expect(statuses(await listener.hear(1))).toEqual([['event', 'silent_auth', status]]);
    await sandbox.check(id, await sandbox.lastCode());
    const [, summary] = (await listener.hear(2)) as [Heard, Heard];
    expect(summary.body).toMatchObject({
      status: 'completed',
      workflow: [{ status }, { channel: 'sms', initiated_at: AT, status: 'completed' }],
    });
  });

  it('report a silent step without coverage as failed at once, if there is no coverage check', async () => {
    const workflow = [
      { channel: 'silent_auth', to: '447700900102', coverage_check: false },
      { channel: 'sms', to: '447700900102' },
    ];
    const answer = await sandbox.start([], { workflow });
    expect(answer.status).toBe(202);
    expect(await sandbox.messages()).toHaveLength(1);
    expect(statuses(await listener.hear(1))).toEqual([['event', 'silent_auth', 'failed']]);
  });

  it('report it when the link is opened if the silent step is the only one', async () => {
    const workflow = [{ channel: 'silent_auth', to: '447700900102', coverage_check: false }];
    const id = await sandbox.started([], { workflow });
    await sandbox.walkSilently(id);
    expect(statuses(await listener.hear(2))).toEqual([
      ['event', 'silent_auth', 'failed'],
      ['summary', undefined, 'failed'],
    ]);
  });

  it.each(['after a wrong code', 'after its timeout', 'when the next step is requested'])(
    'report the end of a silent step %s',
    async (how) => {
      const id = await sandbox.started(['silent_auth', 'sms']);
      if (how === 'after a wrong code') {
        await sandbox.walkSilently(id);
        await sandbox.check(id, 'wrong1');
      } else if (how === 'after its timeout') {
        sandbox.turn(60);
        await sandbox.control('POST', '/tick');
      } else {
        await sandbox.next(id);
      }
      const status = how === 'after a wrong code' ? 'failed' : 'expired';
      expect(statuses(await listener.hear(1))).toEqual([['event', 'silent_auth', status]]);
    },
  );

  it('of messages are only the summary', async () => {
    const id = await sandbox.started(['sms', 'voice']);
    await sandbox.next(id);
    await quiet();
    expect(listener.heard).toEqual([]);
    await sandbox.check(id, await sandbox.lastCode());
    expect(statuses(await listener.hear(1))).toEqual([['summary', undefined, 'completed']]);
  });

  it('of messages are sent too with message_events', async () => {
    await sandbox.control('PUT', '/webhooks', { message_events: true });
    const id = await sandbox.started(['rcs', 'whatsapp', 'sms'], { client_ref: 'mine' });
    await sandbox.next(id);
    sandbox.turn(180);
    await sandbox.check(id, await sandbox.lastCode());
    const [event, summary] = (await listener.hear(2)) as [Heard, Heard];
    expect(event.body).toEqual({
      request_id: id,
      triggered_at: '2026-03-01T12:03:00.000Z',
      type: 'event',
      channel: 'sms',
      status: 'completed',
      finalized_at: '2026-03-01T12:03:00.000Z',
      client_ref: 'mine',
    });
    expect(summary.body).toMatchObject({
      status: 'completed',
      workflow: [{ status: 'expired' }, { status: 'expired' }, { status: 'completed' }],
    });
  });

  it('of the virtual operator end with the request', async () => {
    const id = await sandbox.started(['silent_auth'], {}, { to: '99012345677' });
    await sandbox.walkSilently(id);
    expect(statuses(await listener.hear(2))).toEqual([
      ['event', 'silent_auth', 'user_rejected'],
      ['summary', undefined, 'failed'],
    ]);
  });
});

describe('the summary', () => {
  it('is expired when the last step times out', async () => {
    await sandbox.started(['sms', 'voice']);
    sandbox.turn(360);
    await sandbox.control('POST', '/tick');
    const [summary] = (await listener.hear(1)) as [Heard];
    expect(summary.body).toMatchObject({
      status: 'expired',
      workflow: [
        { channel: 'sms', initiated_at: AT, status: 'expired' },
        { channel: 'voice', initiated_at: '2026-03-01T12:03:00.000Z', status: 'expired' },
      ],
    });
  });

  it.each(['too many wrong codes', 'a cancellation'])('is failed after %s', async (what) => {
    const id = await sandbox.started(['sms', 'voice'], { code: '1234' });
    if (what === 'a cancellation') {
      sandbox.turn(30);
      await sandbox.cancel(id);
    } else {
      for (const code of ['0000', '0001', '0002']) await sandbox.check(id, code);
    }
    const [summary] = (await listener.hear(1)) as [Heard];
    expect(summary.body).toMatchObject({
      status: 'failed',
      workflow: [{ status: 'failed' }, { status: 'unused' }],
    });
  });
});

const BLOCKED = '447700900110';
const REASON = 'Fraudulent traffic detected for your account on network [ 23415 ].';

describe('a message that is blocked', () => {
  const to = BLOCKED;

  it.each(['sms', 'voice'])('by %s is reported by a summary alone, with the reason', async (channel) => {
    const id = await sandbox.started([channel], { client_ref: 'mine' }, { to });
    expect(await sandbox.messages()).toEqual([]);
    const [summary] = (await listener.hear(1)) as [Heard];
    await verified(summary);
    expect(summary.body).toEqual({
      request_id: id,
      submitted_at: AT,
      status: 'blocked',
      type: 'summary',
      channel_timeout: 180,
      workflow: [{ channel, initiated_at: AT, status: 'blocked', reason: REASON }],
      finalized_at: AT,
      client_ref: 'mine',
    });
    expect((await sandbox.check(id, '1234')).status).toBe(404);
    expect((await sandbox.start([channel], {}, { to })).status).toBe(202);
  });

  it.each(['rcs', 'whatsapp'])('is not one by %s', async (channel) => {
    const id = await sandbox.started([channel], {}, { to });
    await sandbox.check(id, await sandbox.lastCode());
    expect(statuses(await listener.hear(1))).toEqual([['summary', undefined, 'completed']]);
  });

  it('is skipped, and the next channel begins at once', async () => {
    const workflow = [
      { channel: 'sms', to },
      { channel: 'voice', to },
      { channel: 'whatsapp', to, from: SHOP },
    ];
    const id = await sandbox.started([], { workflow });
    expect(await sandbox.messages()).toMatchObject([{ channel: 'whatsapp', at: AT }]);
    await sandbox.check(id, await sandbox.lastCode());
    const [summary] = (await listener.hear(1)) as [Heard];
    expect(summary.body).toMatchObject({
      status: 'completed',
      workflow: [
        { channel: 'sms', status: 'blocked', reason: REASON },
        { channel: 'voice', status: 'blocked', reason: REASON },
        { channel: 'whatsapp', status: 'completed' },
      ],
    });
  });

  it('is sent without a fraud check', async () => {
    const id = await sandbox.started(['sms'], { fraud_check: false }, { to });
    expect((await sandbox.check(id, await sandbox.lastCode())).status).toBe(200);
    expect(statuses(await listener.hear(1))).toEqual([['summary', undefined, 'completed']]);
  });
});

describe('a message that does not stay on the phone', () => {
  const ends: [string, string, string, number][] = ['sms', 'rcs', 'whatsapp', 'voice'].flatMap(
    (channel): [string, string, string, number][] => [
      ['447700900111', channel, 'rejected', 0],
      ['447700900112', channel, 'user_rejected', 1],
      ['447700900113', channel, 'failed', 0],
    ],
  );
  it.each(ends)('of %s by %s ends as %s: %i arrived', async (to, channel, status, arrived) => {
    const id = await sandbox.started([channel], {}, { to });
    expect(await sandbox.messages()).toHaveLength(arrived);
    const [event, summary] = (await listener.hear(2)) as [Heard, Heard];
    await verified(event);
    expect(event.body).toEqual({
      request_id: id,
      triggered_at: AT,
      type: 'event',
      channel,
      status,
      finalized_at: AT,
    });
    expect(summary.body).toMatchObject({ status: 'failed', workflow: [{ channel, status }] });
    expect((await sandbox.start([channel], {}, { to })).status).toBe(202);
  });
});

describe('with options, webhooks', () => {
  const configure = (options: object) => sandbox.control('PUT', '/webhooks', options);
  const rejected = async () => {
    const id = await sandbox.started(['silent_auth'], {}, { to: '99012345677' });
    await sandbox.walkSilently(id);
  };

  it('have an object as their action', async () => {
    await configure({ action_as_object: true });
    const id = await sandbox.started(['silent_auth', 'sms'], {}, { coverage_check: false });
    const [pending] = (await listener.hear(1)) as [Heard];
    expect(pending.body.action).toEqual({ type: 'check', check_url: sandbox.checkUrl(id) });
  });

  it('are sent twice with the same bytes', async () => {
    await configure({ duplicate: true });
    await rejected();
    const heard = await listener.hear(4);
    expect(heard.map(({ body }) => body.type)).toEqual(['event', 'event', 'summary', 'summary']);
    expect(heard[1]?.headers.authorization).toBe(heard[0]?.headers.authorization);
    expect(heard[2]?.headers.authorization).not.toBe(heard[0]?.headers.authorization);
  });

  it('are sent in reverse order', async () => {
    await configure({ out_of_order: true });
    await rejected();
    expect((await listener.hear(2)).map(({ body }) => body.type)).toEqual(['summary', 'event']);
  });

  it('are sent once without a signature, and signed after a 5xx', async () => {
    await configure({ unsigned_once: true });
    listener.statuses.push(503);
    await rejected();
    const heard = await listener.hear(3);
    expect(heard.map(({ body, headers }) => [body.type, headers.authorization !== undefined])).toEqual([
      ['event', false],
      ['summary', true],
      ['event', true],
    ]);
    await verified(heard[2] as Heard);
  });

  it('are held back until they are released', async () => {
    await configure({ paused: true });
    await rejected();
    await quiet();
    expect([listener.heard, await sent()]).toEqual([[], []]);
    await configure({ paused: false });
    expect((await listener.hear(2)).map(({ body }) => body.type)).toEqual(['event', 'summary']);
  });

  it('keep their options until the reset', async () => {
    const usual = {
      duplicate: false,
      unsigned_once: false,
      out_of_order: false,
      action_as_object: false,
      message_events: false,
      paused: false,
    };
    expect((await configure({ duplicate: true, paused: true })).body).toEqual({
      ...usual,
      duplicate: true,
      paused: true,
    });
    await sandbox.started(['silent_auth', 'sms'], {}, { to: ALICE, coverage_check: false });
    await sandbox.control('POST', '/reset');
    expect((await configure({})).body).toEqual(usual);
    await quiet();
    expect(listener.heard).toEqual([]);
  });

  it.each([{ duplicate: 'yes' }, { late: true }])('refuse the options %j', async (options) => {
    expect((await configure(options)).status).toBe(400);
  });
});
