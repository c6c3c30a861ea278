import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ALICE, WITH_CODES, postCode, startSystem, withSystem, type System } from './support/system.js';
import { startCountedSystem, type CountedSystem } from './support/scrape.js';
import { until } from './support/until.js';

type App = ReturnType<System['app']>;

const CHANNELS = ['sms', 'rcs', 'whatsapp', 'voice'] as const;
const ALL_CHANNELS = {
  ...WITH_CODES,
  SILENT_AUTH: 'off',
  FALLBACK_CHANNELS: CHANNELS.join(),
  WHATSAPP_FROM: '+447700900999',
};

const begin = async (
  system: System,
  body: object = {},
  headers: Record<string, string> = {},
): Promise<App> => {
  const app = system.app();
  await app
    .post('/login')
    .set(headers)
    .send({ phone_number: ALICE, ...body })
    .expect(201);
  return app;
};
const next = (app: App, body: object) => app.post('/login/next').send(body);
const lastStart = async (system: System) => {
  const starts = (await system.upstream()).filter(
    ({ method, path }) => method === 'POST' && path === '/v2/verify',
  );
  return starts.at(-1)?.body as { workflow: object[]; locale?: string; [name: string]: unknown };
};
const lastMessage = async (system: System) => (await system.messages()).at(-1);

describe('a message', () => {
  let system: System;
  beforeAll(async () => (system = await startSystem({ env: ALL_CHANNELS })));
  beforeEach(() => system.reset());
  afterAll(() => system.stop());

  test.each(CHANNELS)(
    'by %s is the only step of its request, and logs in with its own name',
    async (channel) => {
      const app = await begin(system);
      const moved = await next(app, { channel }).expect(200);
      const left = CHANNELS.slice(CHANNELS.indexOf(channel) + 1);
      expect(moved.body).toMatchObject({ channel, sent: true, code_length: 6, next_channels: left });
      expect((await lastStart(system)).workflow).toEqual([expect.objectContaining({ channel })]);
      expect((await system.messages()).map((message) => message.channel)).toEqual([channel]);
      const verified = await postCode(app, (await lastMessage(system))?.code ?? '').expect(200);
      expect(verified.body).toMatchObject({ verified: true, channel });
      expect((await app.get('/session')).body).toMatchObject({ authenticated: true, channel });
    },
  );

  test.each<[string, object, Record<string, string>, Record<string, string | undefined>]>([
    ['of the app', { locale: 'de-AT' }, {}, { sms: 'de-de', voice: 'de-de' }],
    [
      'of the app, before that of its system',
      { locale: 'fr' },
      { 'Accept-Language': 'de' },
      { sms: 'fr-fr' },
    ],
    ['of the app, nearest for the channel', { locale: 'zh-Hant-HK' }, {}, { sms: 'zh-hk', voice: 'yue-cn' }],
    [
      'of a phone, with its extensions',
      { locale: 'en-US-u-fw-mon-hc-h23-mu-celsius-nu-latn' },
      {},
      { sms: 'en-us' },
    ],
    ['of the app, as an extended language', { locale: 'zh-yue-HK' }, {}, { voice: 'yue-cn' }],
    ['that Vonage chooses, where the tag names none', { locale: 'x-foo' }, {}, { sms: undefined }],
    ['of its system', {}, { 'Accept-Language': 'de-CH;q=0.9, es;q=0.8' }, { sms: 'de-de' }],
    ['of its system that Vonage has', {}, { 'Accept-Language': 'tlh, *, es-MX;q=0.5' }, { sms: 'es-mx' }],
    [
      'that Vonage chooses, where it has none near',
      { locale: 'tlh' },
      { 'Accept-Language': 'de' },
      { sms: undefined },
    ],
    ['that Vonage chooses, where none is named', {}, {}, { sms: undefined, voice: undefined }],
  ])('is in the language %s', async (_what, body, headers, expected) => {
    for (const [channel, locale] of Object.entries(expected)) {
      await next(await begin(system, body, headers), { channel }).expect(200);
      expect((await lastStart(system)).locale).toBe(locale);
      await system.reset();
    }
  });

  test.each([
    '',
    'de_AT!',
    '*',
    'de, en',
    'x'.repeat(36),
    'german language',
    'en-US@posix',
    `de${'-x'.repeat(60)}`,
  ])('with the locale %j is refused', async (locale) => {
    const refused = await system.app().post('/login').send({ phone_number: ALICE, locale }).expect(400);
    expect(refused.body).toMatchObject({ error: 'invalid_request', errors: [{ field: 'locale' }] });
  });

  test('carries the hash of an Android app in its SMS alone', async () => {
    const app = await begin(system);
    await next(app, { channel: 'sms', app_hash: 'FA+9qCX9/VS' }).expect(200);
    expect((await lastStart(system)).workflow[0]).toMatchObject({ app_hash: 'FA+9qCX9/VS' });
    expect((await lastMessage(system))?.text.split('\n').at(-1)).toBe('FA+9qCX9/VS');
    system.world.turn(30);
    await next(app, { channel: 'voice', app_hash: 'FA+9qCX9/VS' }).expect(200);
    expect((await lastStart(system)).workflow[0]).not.toHaveProperty('app_hash');
  });

  test.each(['', 'FA+9qCX9VS', 'FA+9qCX9/VSx', 'FA+9qCX9/V=', 'FA+9qCX9 VS', 7])(
    'is not sent with the app_hash %j',
    async (app_hash) => {
      const refused = await next(await begin(system), { channel: 'sms', app_hash }).expect(400);
      expect(refused.body).toMatchObject({ error: 'invalid_request', errors: [{ field: 'app_hash' }] });
      expect(await system.messages()).toEqual([]);
    },
  );

  test('by a channel that is not configured is refused with the channels that are left', () =>
    withSystem({ env: { ...WITH_CODES, SILENT_AUTH: 'off' } }, async (other) => {
      const refused = await next(await begin(other), { channel: 'whatsapp' }).expect(409);
      expect(refused.body).toMatchObject({ error: 'no_more_channels', next_channels: ['sms', 'voice'] });
      await next(await begin(other), { channel: 'email' }).expect(400);
    }));

  test('is offered in the order of the setting', () =>
    withSystem({ env: { ...ALL_CHANNELS, FALLBACK_CHANNELS: 'voice,whatsapp,sms' } }, async (other) => {
      const app = await begin(other);
      expect((await app.get('/login')).body.next_channels).toEqual(['voice', 'whatsapp', 'sms']);
      const moved = await next(app, { channel: 'whatsapp' }).expect(200);
      expect(moved.body.next_channels).toEqual(['sms']);
    }));
});

test('the settings of Verify reach Vonage', () =>
  withSystem(
    {
      env: {
        ...ALL_CHANNELS,
        ...{ SMS_FROM: 'ACME', SMS_ENTITY_ID: '1101456324675322134', SMS_CONTENT_ID: '1107457532145798767' },
        ...{
          RCS_FROM: 'acme_agent',
          LOCALE: 'fr-CA',
          CODE_LENGTH: '8',
          CHANNEL_TIMEOUT: '120',
          FRAUD_CHECK: 'false',
        },
      },
    },
    async (system) => {
      const steps: object[] = [];
      for (const channel of CHANNELS) {
        const app = await begin(system);
        expect((await next(app, { channel }).expect(200)).body.code_length).toBe(8);
        const { workflow, ...rest } = await lastStart(system);
        expect(rest).toMatchObject({
          locale: 'fr-ca',
          code_length: 8,
          channel_timeout: 120,
          fraud_check: false,
        });
        steps.push(...workflow);
        const code = (await lastMessage(system))?.code ?? '';
        expect(code).toMatch(/^[0-9]{8}$/);
        // A code of another length is none that was typed, and uses up no try.
        for (let each = 0; each < 4; each++) await postCode(app, '123456').expect(400);
        expect((await app.get('/login')).body.tries_left).toBe(3);
        await postCode(app, code).expect(200);
      }
      const to = ALICE.slice(1);
      expect(steps).toEqual([
        {
          channel: 'sms',
          to,
          from: 'ACME',
          entity_id: '1101456324675322134',
          content_id: '1107457532145798767',
        },
        { channel: 'rcs', to, from: 'acme_agent' },
        { channel: 'whatsapp', to, from: '447700900999' },
        { channel: 'voice', to },
      ]);
      // The code is valid for CHANNEL_TIMEOUT.
      const app = await begin(system);
      await next(app, { channel: 'sms' }).expect(200);
      system.world.turn(121);
      expect((await app.get('/login')).body.status).toBe('expired');
    },
  ));

/** How many webhooks were received. */
const webhooksOf = (system: CountedSystem) => system.count('silent_auth_steps_total', { step: 'webhook' });

describe('a message that brought no code', () => {
  const NUMBERS: [string, string][] = [
    ['+447700900110', 'blocked'],
    ['+447700900111', 'rejected'],
    ['+447700900112', 'user_rejected'],
    ['+447700900113', 'unreachable'],
  ];

  test.each(NUMBERS)(
    'to %s is %s in answers, log and metrics, and another channel can follow',
    async (phone_number, reason) => {
      const system = await startCountedSystem({ env: { ...ALL_CHANNELS } });
      try {
        const app = await begin(system, { phone_number });
        await next(app, { channel: 'sms' }).expect(200);
        await until(async () => (await app.get('/login')).body.status === 'failed');
        const shown = (await app.get('/login')).body;
        expect(shown).toMatchObject({
          status: 'failed',
          reason,
          next_channels: ['rcs', 'whatsapp', 'voice'],
        });
        const late = await postCode(app, '123456').expect(410);
        expect(late.body).toMatchObject({ error: 'login_expired', reason });
        const line = system.world
          .logged()
          .split('\n')
          .find((each) => each.includes('"webhook"') && each.includes(reason));
        expect(line).toContain('"channel":"sms"');
        expect(line).not.toContain(phone_number.slice(1));
        await until(async () => (await webhooksOf(system)) > 1 || reason === 'blocked');
        expect(await system.count('silent_auth_steps_total', { step: 'webhook', reason })).toBe(1);
        expect((await next(app, { channel: 'whatsapp' }).expect(200)).body.channel).toBe('whatsapp');
      } finally {
        await system.stop();
      }
    },
  );

  test('has an alert in docs/operating.md for each reason', () => {
    const docs = readFileSync(resolve(__dirname, '../docs/operating.md'), 'utf8');
    for (const [, reason] of NUMBERS)
      expect(docs).toMatch(new RegExp(`\\n\\| .*${reason}.* \\| .* \\| .* \\|`));
  });
});
