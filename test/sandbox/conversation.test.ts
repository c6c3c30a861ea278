import { Conversation } from '../../src/sandbox/conversation/conversation.js';
import { diagramOf } from '../../src/sandbox/conversation/diagram.js';
import { walk } from '../support/device.js';
import { ALICE, BOB, startSystem, withSystem, type System, CHAINED, WITH_CODES } from '../support/system.js';
import { UNSUPPORTED, WIFI } from './open-page.js';

interface DrawnLogin {
  id: number;
  number: string;
  ending: { tone: string; says: string };
  steps: {
    step: string;
    title: string;
    calls: { id: number; says: string; asked: { url: string; body: string } }[];
    arrows: { call: number; isEnd: boolean; depth: number }[];
  }[];
}

const loginsAt = async ({ sandbox }: System): Promise<DrawnLogin[]> => {
  const answer = await fetch(`${sandbox}/__sandbox/conversation`);
  return ((await answer.json()) as { logins: DrawnLogin[] }).logins;
};
const pathsOf = ({ steps }: DrawnLogin) =>
  steps.flatMap(({ calls }) => calls.map(({ asked }) => new URL(asked.url).pathname));

/** The requests and answers of each step, indented by depth. */
const arrowsOf = ({ steps }: DrawnLogin) => {
  const calls = steps.flatMap((step) => step.calls);
  return steps.map(({ arrows }) =>
    arrows.map(({ call, isEnd, depth }) => {
      const url = calls.find(({ id }) => id === call)?.asked.url ?? '';
      return `${'  '.repeat(depth)}${isEnd ? '<-' : '->'} ${new URL(url).pathname}`;
    }),
  );
};

describe('logins', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ tapped: true, env: WITH_CODES })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  test('that run at the same time are separated, each with all its calls', async () => {
    const [alice, bob] = await Promise.all([system.walkedLogin(ALICE), system.walkedLogin(BOB)]);
    await Promise.all([alice, bob].map(({ app, code }) => app.post('/verify').send({ code }).expect(200)));
    const logins = await loginsAt(system);
    expect(logins.map(({ number }) => number).sort()).toEqual([ALICE, BOB]);
    for (const { number, steps, ending } of logins) {
      expect(ending.tone).toBe('good');
      expect(steps.map(({ calls }) => calls.length)).toEqual([1, 1, 3, 2, 2]);
      expect(steps[0]?.calls[0]?.asked.body).toContain(number);
      expect(steps[4]?.calls[1]?.asked.body).toContain(number);
    }
  });

  test('have each answer behind the calls that it needed', async () => {
    const { app, code } = await system.walkedLogin(ALICE);
    await app.post('/verify').send({ code }).expect(200);
    const [login] = await loginsAt(system);
    expect(login && arrowsOf(login)).toEqual([
      ['-> /login'],
      ['  -> /v0.1/network-enablement', '  <- /v0.1/network-enablement', '<- /login'],
      [
        '-> /oauth2/auth',
        '<- /oauth2/auth',
        '-> /operator/authorize',
        '<- /operator/authorize',
        '-> /camara/oauth/callback',
        '<- /camara/oauth/callback',
      ],
      ['-> /callback', '  -> /oauth2/token', '  <- /oauth2/token', '<- /callback'],
      [
        '-> /verify',
        '  -> /camara/number-verification/v031/verify',
        '  <- /camara/number-verification/v031/verify',
        '<- /verify',
      ],
    ]);
  });

  test('in one session each have the calls made after their start', async () => {
    const app = system.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    await app.get('/login').expect(200);
    await app.post('/login').send({ phone_number: UNSUPPORTED }).expect(201);
    await app.post('/login/next').send({ channel: 'sms' }).expect(200);
    await app.get('/login').expect(200);
    const [later, earlier] = await loginsAt(system);
    expect(earlier && pathsOf(earlier)).toEqual(['/login', '/v0.1/network-enablement', '/login']);
    expect(later && pathsOf(later)).toEqual(
      expect.arrayContaining(['/login/next', '/v2/verify', UNSUPPORTED, '/login']),
    );
  });

  test('that are refused leave the session to the previous login', async () => {
    const app = system.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    await app.post('/login').send({ phone_number: '+999770090000' }).expect(400);
    await app.get('/login').expect(200);
    const [refused, begun] = await loginsAt(system);
    expect(refused && pathsOf(refused)).toEqual(['/login']);
    expect(refused?.ending.says).toBe('It failed: the server says invalid_phone_number.');
    expect(begun && pathsOf(begun)).toHaveLength(3);
  });

  test('show only the last of several polls', async () => {
    const app = system.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    for (let times = 0; times < 3; times += 1) await app.get('/login').expect(200);
    const [login] = await loginsAt(system);
    expect(login && pathsOf(login).filter((path) => path === '/login')).toHaveLength(2);
  });

  test('continue after a mistyped code', async () => {
    const app = system.app();
    await app.post('/login').send({ phone_number: UNSUPPORTED }).expect(201);
    await app.post('/login/next').send({ channel: 'sms' }).expect(200);
    const code = (await system.messages())[0]?.code ?? '';
    const wrong = code === '000000' ? '111111' : '000000';
    await app.post('/verify').send({ code: wrong }).expect(400);
    expect((await loginsAt(system))[0]?.ending.says).toMatch(
      /^The user is not logged in yet: the typed code is not/,
    );
    await app.post('/verify').send({ code }).expect(200);
    expect((await loginsAt(system))[0]?.ending.says).toMatch(/^It worked, by SMS/);
  });

  test('show that the user cancelled, and that a logout ended the session', async () => {
    const { app, code } = await system.walkedLogin();
    await app.delete('/login').send({}).expect(204);
    expect((await loginsAt(system))[0]?.ending.says).toBe('The login was cancelled.');
    await app.post('/verify').send({ code }).expect(400);
    const other = await system.walkedLogin(BOB);
    await other.app.post('/verify').send({ code: other.code }).expect(200);
    await other.app.post('/logout').send({}).expect(204);
    const [last] = await loginsAt(system);
    expect(last?.steps.at(-1)).toMatchObject({ step: 'after', calls: [{ says: 'The user logs out.' }] });
    expect(last?.ending.tone).toBe('good');
  });
});

describe('the outcome', () => {
  const OTHER_SIM = 'the SIM that opened the link is +447700900001, and the login is for +447700900000';
  const NO_LINK = 'there is no link for this number';
  const NO_SIM = 'the operator did not see a SIM';
  const BROKEN = 'Vonage or the operator returned an error';

  test.each([
    ['network-enablement', ALICE, BOB, OTHER_SIM],
    ['network-enablement', UNSUPPORTED, undefined, NO_LINK],
    ['network-enablement', WIFI, undefined, NO_SIM],
    ['network-enablement', '+447700900104', undefined, 'did not use its mobile network'],
    ['network-enablement', '+447700900106', undefined, BROKEN],
    ['network-enablement', '+447700900107', undefined, BROKEN],
    ['network-enablement', '+447700900108', undefined, 'the server accepts only a clear confirmation'],
    ['oidc', ALICE, BOB, OTHER_SIM],
    ['oidc', UNSUPPORTED, undefined, BROKEN],
    ['oidc', WIFI, undefined, NO_SIM],
    ['verify', ALICE, BOB, OTHER_SIM],
    ['verify', UNSUPPORTED, undefined, NO_LINK],
    ['verify', WIFI, undefined, NO_SIM],
    ['verify', '+447700900104', undefined, BROKEN],
    ['off', ALICE, undefined, NO_LINK],
  ])('with SILENT_AUTH=%s, for %s and the SIM %s, is that %s', (engine, number, sim, why) =>
    withSystem({ tapped: true, env: { ...WITH_CODES, SILENT_AUTH: engine } }, async (system) => {
      const app = system.app();
      const begun = await app.post('/login').send({ phone_number: number }).expect(201);
      const { auth_url: link } = begun.body as { auth_url: string | null };
      if (link !== null) {
        const { json } = await walk(link, sim === undefined ? {} : { sim });
        if (json?.['code'] !== undefined) await app.post('/verify').send({ code: json['code'] });
      }
      const [login] = await loginsAt(system);
      expect(login?.ending).toEqual({ tone: 'bad', says: expect.stringContaining(why) });
    }),
  );

  test.each([true, false])('names the channel of the code (recording proxy: %s)', (tapped) =>
    withSystem({ tapped, env: { ...WITH_CODES, SILENT_AUTH: 'off' } }, async (system) => {
      const app = system.app();
      await app.post('/login').send({ phone_number: ALICE }).expect(201);
      await app.post('/login/next').send({ channel: 'sms' }).expect(200);
      system.world.turn(31);
      await app.post('/login/next').send({ channel: 'voice' }).expect(200);
      const code = (await system.messages()).at(-1)?.code;
      await app.post('/verify').send({ code }).expect(200);
      const [login] = await loginsAt(system);
      expect(login?.ending.says).toBe(
        `It worked, by a call: the user typed the code that was sent to ${ALICE}.`,
      );
    }),
  );

  test('of a code from another session is that this session did not start the login', () =>
    withSystem({ tapped: true }, async (system) => {
      const { code } = await system.walkedLogin();
      expect((await loginsAt(system))[0]?.ending.says).toMatch(
        /^The device has a code\. The user is logged in when/,
      );
      await system.app().post('/verify').send({ code }).expect(400);
      const [login] = await loginsAt(system);
      expect(login?.ending.says).toContain(
        'presented in another session than the one that started the login',
      );
      expect(login?.steps[4]?.calls[0]?.says).toContain(
        'without the cookie of the session that started the login',
      );
    }));
});

describe('a webhook', () => {
  test.each([true, false])('is drawn once (recording proxy: %s)', (tapped) =>
    withSystem({ tapped, env: CHAINED }, async (system) => {
      const { app, code } = await system.walkedLogin();
      await app.post('/verify').send({ code }).expect(200);
      const webhooks = async () => {
        const [login] = await loginsAt(system);
        return login ? pathsOf(login).filter((path) => path === '/webhooks/verify').length : 0;
      };
      const sent = async () => {
        const answer = await fetch(`${system.sandbox}/__sandbox/webhooks`);
        return (await answer.json()) as { status: number | null }[];
      };
      while (!(await sent()).every(({ status }) => status === 204)) await system.world.pause(10);
      expect(await webhooks()).toBe((await sent()).length);
    }),
  );
});

describe('the recorded conversation', () => {
  const ask = (method: string, path: string, body = '', cookie = '') => ({
    method,
    url: `http://server${path}`,
    headers: cookie === '' ? [] : [['Cookie', cookie] as [string, string]],
    body,
  });
  const begun = (index: number) => ({
    status: 201,
    headers: [['Set-Cookie', `sid=session-${index}; Path=/`] as [string, string]],
    body: JSON.stringify({ login_id: `login-${index}`, auth_url: 'http://vonage/' }),
  });
  const open = () => {
    const reported: number[] = [];
    const conversation = new Conversation({ now: () => 0 }, ({ id }) => reported.push(id));
    conversation.includesServer = true;
    const begin = (index: number) =>
      conversation
        .record(ask('POST', '/login', JSON.stringify({ phone_number: `+44770090${1000 + index}` })))
        ?.answer(begun(index));
    return { conversation, begin, reported };
  };

  test('keeps the last fifty logins, and reports no changes of older ones', () => {
    const { conversation, begin, reported } = open();
    for (let index = 1; index <= 51; index += 1) begin(index);
    expect(conversation.logins.map(({ id }) => id)).toEqual(
      Array.from({ length: 50 }, (_each, index) => 51 - index),
    );
    for (const index of [1, 2]) conversation.record(ask('GET', '/session', '', `sid=session-${index}`));
    expect(conversation.logins.map(({ calls }) => calls.length)).toEqual([...Array<number>(49).fill(1), 2]);
    expect(reported.slice(51)).toEqual([2]);
  });

  test('keeps the attempt of another session, but not its other calls', () => {
    const { conversation, begin } = open();
    begin(1);
    conversation
      .record(ask('POST', '/verify', JSON.stringify({ code: 'x' }), 'sid=session-1'))
      ?.answer({ status: 400, headers: [], body: '{}' });
    conversation
      .record(ask('POST', '/verify', JSON.stringify({ code: 'x' }), 'sid=stranger'))
      ?.answer({ status: 400, headers: [], body: '{}' });
    conversation.record(ask('GET', '/session', '', 'sid=stranger'));
    expect(conversation.logins[0]?.calls.map(({ isOtherSession }) => isOtherSession)).toEqual([
      false,
      false,
      true,
    ]);
  });

  test('keeps the first 150 calls of a login', () => {
    const { conversation, begin } = open();
    begin(1);
    for (let times = 0; times < 200; times += 1) {
      conversation.record(ask('DELETE', '/login', '', 'sid=session-1'));
    }
    expect(conversation.logins[0]?.calls.map(({ id }) => id)).toEqual(
      Array.from({ length: 150 }, (_each, index) => index + 1),
    );
  });

  test('nests calls in the request that needs them, not in a poll at the same time', () => {
    const { conversation, begin } = open();
    begin(1);
    const session = 'sid=session-1';
    const next = conversation.record(ask('POST', '/login/next', '{"channel":"sms"}', session));
    const poll = conversation.record(ask('GET', '/login', '', session));
    const sent = conversation.record(ask('POST', '/v2/verify', '{"workflow":[]}'), session.slice(4));
    poll?.answer({ status: 200, headers: [], body: '{}' });
    next?.answer({ status: 504, headers: [], body: '{}' });
    sent?.breakOff();
    const drawn = conversation.logins.map(diagramOf).flatMap(({ steps }) => steps);
    expect(drawn.at(-1)?.arrows.map(({ call, ...arrow }) => [call, ...Object.values(arrow)])).toEqual([
      [2, false, 0, [], ['server']],
      [3, false, 0, ['server'], ['server']],
      [4, false, 1, ['server'], ['server', 'vonage']],
      [3, true, 0, ['server', 'vonage'], ['server', 'vonage']],
      [2, true, 0, ['server', 'vonage'], ['vonage']],
      [4, true, 1, ['vonage'], []],
    ]);
  });

  test('truncates long bodies', () => {
    const { conversation, begin } = open();
    begin(1);
    conversation
      .record(ask('POST', '/verify', 'x'.repeat(30_000), 'sid=session-1'))
      ?.answer({ status: 400, headers: [], body: 'y'.repeat(30_000) });
    const call = conversation.logins[0]?.calls[1];
    expect([call?.asked.body.length, call?.answered?.body.length]).toEqual([20_000, 20_000]);
  });

  test.each([
    [199, 2],
    [200, 1],
  ])('with %s newer unassigned calls, the login of a waiting call has %s calls', (others, calls) => {
    const { conversation, begin } = open();
    const waits = (index: number) =>
      conversation
        .record(ask('POST', '/verify', JSON.stringify({ code: `x${index}` }), `sid=session-${index}`))
        ?.answer({ status: 400, headers: [], body: '{}' });
    waits(1);
    for (let index = 0; index < others; index += 1) waits(index + 1000);
    begin(1);
    expect(conversation.logins[0]?.calls).toHaveLength(calls);
  });
});
