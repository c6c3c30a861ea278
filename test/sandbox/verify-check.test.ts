import { ask } from './open-sandbox.js';
import { openVerify } from './open-verify.js';
import type { OpenVerify } from './open-verify.js';

const ERRORS = 'https://developer.vonage.com/api-errors';
const UNKNOWN = 'c11236f4-00bf-4b89-84ba-88b25df97315';

let sandbox: OpenVerify;
beforeEach(async () => {
  sandbox = await openVerify();
});
afterEach(() => sandbox.close());

const wrong = (code: string): string => code.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));

describe('a code', () => {
  it('that is correct completes the request, once', async () => {
    const id = await sandbox.started();
    const code = await sandbox.lastCode();
    const answer = await sandbox.check(id, code);
    expect([answer.status, answer.body]).toEqual([200, { request_id: id, status: 'completed' }]);
    expect((await sandbox.check(id, code)).status).toBe(404);
  });

  it('can be corrected after two wrong ones', async () => {
    const id = await sandbox.started();
    const code = await sandbox.lastCode();
    for (let tries = 0; tries < 2; tries += 1) {
      const answer = await sandbox.check(id, wrong(code));
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({
        title: 'Invalid Code',
        type: `${ERRORS}/verify-v2#invalid-code`,
        detail: 'The code you provided does not match the expected value.',
      });
    }
    expect((await sandbox.check(id, code)).status).toBe(200);
  });

  it('that is wrong three times ends the request', async () => {
    const id = await sandbox.started(['sms', 'voice']);
    const code = await sandbox.lastCode();
    await sandbox.check(id, wrong(code));
    await sandbox.check(id, wrong(code));
    const answer = await sandbox.check(id, wrong(code));
    expect(answer.status).toBe(410);
    expect(answer.body).toMatchObject({
      title: 'Invalid Code',
      type: `${ERRORS}/verify-v2#expired`,
      detail: 'An incorrect code has been provided too many times. Workflow terminated.',
    });
    expect((await sandbox.check(id, code)).status).toBe(404);
    expect(await sandbox.messages()).toHaveLength(1);
  });

  it('is counted as wrong over all steps', async () => {
    const id = await sandbox.started(['sms', 'voice']);
    await sandbox.check(id, wrong(await sandbox.lastCode()));
    await sandbox.next(id);
    await sandbox.check(id, wrong(await sandbox.lastCode()));
    expect((await sandbox.check(id, wrong(await sandbox.lastCode()))).status).toBe(410);
  });

  it('of the customer is used in every message', async () => {
    const id = await sandbox.started(['sms', 'voice'], { code: 'e4dR1Qz' });
    await sandbox.next(id);
    expect((await sandbox.messages()).map(({ code }) => code)).toEqual(['e4dR1Qz', 'e4dR1Qz']);
    expect((await sandbox.check(id, 'E4DR1QZ')).status).toBe(400);
    expect((await sandbox.check(id, 'e4dR1Qz')).status).toBe(200);
  });

  it('of an earlier step is not valid any more', async () => {
    const id = await sandbox.started(['sms', 'voice'], { code_length: 10 });
    const first = await sandbox.lastCode();
    await sandbox.next(id);
    expect((await sandbox.check(id, first)).status).toBe(400);
    expect((await sandbox.check(id, await sandbox.lastCode())).status).toBe(200);
  });

  it.each([{}, { code: 1234 }, { code: '123' }, { code: '12345678901' }, { code: '1234', token: 'x' }])(
    'must be well formed: %j is refused, and uses up no attempt',
    async (body) => {
      const id = await sandbox.started();
      for (let tries = 0; tries < 3; tries += 1) {
        const answer = await sandbox.postJson(`/v2/verify/${id}`, body);
        expect(answer.status).toBe(422);
        expect(answer.body).toMatchObject({ invalid_parameters: [{ reason: expect.any(String) as string }] });
      }
      expect((await sandbox.check(id, await sandbox.lastCode())).status).toBe(200);
    },
  );
});

describe('the clock', () => {
  it('starts the next step when a step times out', async () => {
    await sandbox.started(['silent_auth', 'sms', 'voice'], { channel_timeout: 100 });
    sandbox.turn(59);
    expect(await sandbox.messages()).toEqual([]);
    sandbox.turn(1);
    expect(await sandbox.messages()).toMatchObject([{ channel: 'sms', at: '2026-03-01T12:01:00.000Z' }]);
    sandbox.turn(100);
    expect(await sandbox.messages()).toMatchObject([
      { channel: 'sms' },
      { channel: 'voice', at: '2026-03-01T12:02:40.000Z' },
    ]);
  });

  it('starts several overdue steps at once, each with its own start time', async () => {
    const id = await sandbox.started(['sms', 'sms', 'voice']);
    sandbox.turn(400);
    expect((await sandbox.check(id, '0000')).status).toBe(400);
    expect((await sandbox.messages()).map(({ at }) => at.slice(11, 19))).toEqual([
      '12:00:00',
      '12:03:00',
      '12:06:00',
    ]);
  });

  it('ends a request after its last step', async () => {
    const id = await sandbox.started();
    const code = await sandbox.lastCode();
    sandbox.turn(180);
    expect((await sandbox.check(id, code)).status).toBe(404);
  });

  it('is read on POST /__sandbox/tick', async () => {
    await sandbox.started(['silent_auth', 'sms']);
    sandbox.turn(60);
    const tick = await sandbox.control('POST', '/tick');
    expect([tick.status, tick.text]).toEqual([204, '']);
    sandbox.turn(-60);
    expect(await sandbox.messages()).toHaveLength(1);
  });

  it('is read every second after startTicking()', async () => {
    const stop = sandbox.startTicking();
    await sandbox.started(['silent_auth', 'sms']);
    sandbox.turn(60);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    stop();
    sandbox.turn(-60);
    expect(await sandbox.messages()).toHaveLength(1);
  });
});

describe('the next step', () => {
  it('starts when it is requested, and the answer is empty', async () => {
    const id = await sandbox.started(['silent_auth', 'sms', 'voice']);
    for (const channel of ['sms', 'voice']) {
      const answer = await sandbox.next(id);
      expect([answer.status, answer.text]).toEqual([200, '']);
      expect((await sandbox.messages()).at(-1)).toMatchObject({ channel });
    }
  });

  it('is refused if there is none, and the request continues', async () => {
    const id = await sandbox.started();
    const answer = await sandbox.next(id);
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({
      title: 'Conflict',
      type: `${ERRORS}#conflict`,
      detail: 'There are no more events left to trigger.',
    });
    expect((await sandbox.check(id, await sandbox.lastCode())).status).toBe(200);
  });

  it('needs no body', async () => {
    const id = await sandbox.started(['sms', 'voice']);
    expect((await sandbox.send('POST', `/v2/verify/${id}/next_workflow`)).status).toBe(200);
  });
});

describe('cancelling', () => {
  const rows: [string, string[], number, number, number][] = [
    ['at once', ['sms'], 0, 0, 409],
    ['after 29.999 seconds', ['sms'], 0, 29.999, 409],
    ['after 30 seconds', ['sms'], 0, 30, 204],
    ['after 30 seconds of silence', ['silent_auth'], 0, 30, 204],
    ['in the last second', ['whatsapp'], 0, 179, 204],
    ['after its last second', ['rcs'], 0, 180, 404],
    ['after silence and one message', ['silent_auth', 'sms', 'voice'], 1, 30, 204],
    ['after silence and two messages', ['silent_auth', 'sms', 'voice'], 2, 30, 409],
    ['after two messages', ['sms', 'voice'], 1, 30, 409],
  ];
  it.each(rows)('%s (%j)', async (_, channels, steps, seconds, status) => {
    const id = await sandbox.started(channels);
    for (let step = 0; step < steps; step += 1) await sandbox.next(id);
    sandbox.turn(seconds);
    const answer = await sandbox.cancel(id);
    expect(answer.status).toBe(status);
    if (status === 204) {
      expect(answer.text).toBe('');
      expect((await sandbox.cancel(id)).status).toBe(404);
    } else if (status === 409) {
      expect(answer.body).toMatchObject({
        title: 'Conflict',
        type: `${ERRORS}#conflict`,
        detail: 'The operation cannot be performed at this time. Please try again later.',
      });
    }
  });

  it('prevents further messages', async () => {
    const id = await sandbox.started(['silent_auth', 'sms']);
    sandbox.turn(30);
    await sandbox.cancel(id);
    sandbox.turn(60);
    expect(await sandbox.messages()).toEqual([]);
  });
});

describe('an unknown request', () => {
  it('is not found by any endpoint', async () => {
    const answers = [
      await sandbox.check(UNKNOWN, '1234'),
      await sandbox.next(UNKNOWN),
      await sandbox.cancel(UNKNOWN),
      await ask(sandbox.checkUrl(UNKNOWN)),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-type')).toMatch('application/problem+json');
      expect(answer.body).toMatchObject({
        title: 'Not Found',
        type: `${ERRORS}#not-found`,
        detail: `Request ${UNKNOWN} was not found or it has been verified already.`,
      });
    }
  });

  it('includes one from before a reset', async () => {
    const id = await sandbox.started();
    await sandbox.control('POST', '/reset');
    expect((await sandbox.next(id)).status).toBe(404);
    expect((await sandbox.start()).status).toBe(202);
  });

  it('is refused by other methods', async () => {
    const answer = await ask(`${sandbox.url}/v2/verify/${UNKNOWN}`);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, DELETE']);
  });
});

describe('faults', () => {
  it('apply to one endpoint each', async () => {
    const endpoints = ['start', 'check', 'next', 'cancel'];
    const faults = endpoints.map((name, index) => [`verify-${name}`, { status: 501 + index, times: 1 }]);
    await sandbox.control('PUT', '/faults', Object.fromEntries(faults));
    const answers = [
      await sandbox.start(),
      await sandbox.check(UNKNOWN, '1234'),
      await sandbox.next(UNKNOWN),
      await sandbox.cancel(UNKNOWN),
    ];
    expect(answers.map(({ status }) => status)).toEqual([501, 502, 503, 504]);
    expect((await sandbox.postJson('/v2/verify/', {})).status).toBe(422);
    expect((await sandbox.cancel(UNKNOWN)).status).toBe(404);
  });

  it('of the check do not apply to the templates', async () => {
    await sandbox.control('PUT', '/faults', { 'verify-check': { status: 503 } });
    expect((await sandbox.postJson('/v2/verify/templates', { name: 'mine' })).status).toBe(201);
  });
});
