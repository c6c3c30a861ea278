import './no-debug.js';
import { Auth } from '@vonage/auth';
import { Channels, SilentAuthChannel, Verify2, VerifyLocale } from '@vonage/verify2';
import { APPLICATION_ID, PRIVATE_KEY_PEM } from './open-sandbox.js';
import { ALICE, openVerify, SHOP } from './open-verify.js';
import type { OpenVerify } from './open-verify.js';

let sandbox: OpenVerify;
let client: Verify2;
beforeEach(async () => {
  // The client signs with the system clock.
  sandbox = await openVerify({ startAt: Date.now() });
  const auth = new Auth({ applicationId: APPLICATION_ID, privateKey: PRIVATE_KEY_PEM });
  client = new Verify2(auth, { apiHost: sandbox.url });
});
afterEach(() => sandbox.close());

/** The client's type requires a redirect URL; the API does not. */
const HOME = 'https://acme-app.com/sa/redirect';
const silently = { channel: SilentAuthChannel.SILENT_AUTH, to: ALICE, redirectUrl: HOME } as const;
const bySms = { channel: Channels.SMS, to: ALICE } as const;
const byVoice = { channel: Channels.VOICE, to: ALICE } as const;
const byRcs = { channel: Channels.RCS, to: ALICE, from: 'ACME' } as const;
const byWhatsapp = { channel: Channels.WHATSAPP, to: ALICE, from: SHOP } as const;
const indianSms = {
  ...bySms,
  from: 'ACME',
  entityId: '1101456324675322134',
  contentId: '1107457532145798767',
};

describe("Vonage's own client", () => {
  it('logs in silently', async () => {
    const { requestId, checkUrl } = await client.newRequest({ brand: 'ACME', workflow: [silently, bySms] });
    expect(checkUrl).toBe(sandbox.checkUrl(requestId));
    const { end } = await sandbox.walkSilently(requestId);
    const said = new URLSearchParams(new URL(end).hash.slice(1));
    expect(said.get('request_id')).toBe(requestId);
    expect(await client.checkCode(requestId, said.get('code') ?? '')).toBe('completed');
    expect(await sandbox.messages()).toEqual([]);
  });

  it('logs in by SMS', async () => {
    const { requestId, checkUrl } = await client.newRequest({
      brand: 'ACME',
      codeLength: 6,
      channelTimeout: 60,
      clientRef: 'mine',
      workflow: [bySms],
    });
    expect(checkUrl).toBeUndefined();
    await expect(client.checkCode(requestId, 'wrong1')).rejects.toThrow();
    expect(await client.checkCode(requestId, await sandbox.lastCode())).toBe('completed');
  });

  const channels = [bySms, { ...indianSms, appHash: 'FA+9qCX9VSu' }, byRcs, byWhatsapp, byVoice];
  it.each(channels)('completes $channel in German, at the first request and at the next', async (step) => {
    for (let request = 0; request < 2; request += 1) {
      const { requestId } = await client.newRequest({
        brand: 'ACME',
        locale: VerifyLocale.DE_DE,
        codeLength: 6,
        fraudCheck: false,
        workflow: [step],
      });
      const [message] = (await sandbox.messages()).slice(-1);
      expect(message).toMatchObject({ channel: step.channel, to: `+${ALICE}`, locale: 'de-de' });
      expect(await client.checkCode(requestId, message?.code ?? '')).toBe('completed');
    }
  });

  it('gets to WhatsApp where SMS and calls are blocked', async () => {
    const to = '447700900110';
    const workflow = [bySms, byVoice, byWhatsapp].map((step) => ({ ...step, to }));
    const { requestId } = await client.newRequest({ brand: 'ACME', workflow });
    expect(await sandbox.messages()).toMatchObject([{ channel: 'whatsapp', from: `+${SHOP}` }]);
    expect(await client.checkCode(requestId, await sandbox.lastCode())).toBe('completed');
  });

  it('is refused a sender of WhatsApp that is no number', async () => {
    const workflow = [{ ...byWhatsapp, from: 'ACME' }];
    await expect(client.newRequest({ brand: 'ACME', workflow })).rejects.toMatchObject({
      response: { status: 422 },
    });
  });

  it('starts the next step while there is one', async () => {
    const { requestId } = await client.newRequest({ brand: 'ACME', workflow: [silently, bySms, byVoice] });
    expect(await client.nextWorkflow(requestId)).toBe(true);
    expect(await client.nextWorkflow(requestId)).toBe(true);
    expect(await client.nextWorkflow(requestId)).toBe(false);
    expect((await sandbox.messages()).map(({ channel }) => channel)).toEqual(['sms', 'voice']);
    expect(await client.checkCode(requestId, await sandbox.lastCode())).toBe('completed');
  });

  it('cancels 30 seconds after the start', async () => {
    const { requestId } = await client.newRequest({ brand: 'ACME', workflow: [bySms] });
    expect(await client.cancel(requestId)).toBe(false);
    sandbox.turn(31);
    expect(await client.cancel(requestId)).toBe(true);
    await expect(client.checkCode(requestId, '1234')).rejects.toThrow();
  });

  it('receives the reason why a request is not started', async () => {
    await client.newRequest({ brand: 'ACME', workflow: [bySms] });
    await expect(client.newRequest({ brand: 'ACME', workflow: [bySms] })).rejects.toMatchObject({
      response: { status: 409 },
    });
    await expect(client.newRequest({ brand: '{}', workflow: [bySms] })).rejects.toMatchObject({
      response: { status: 422 },
    });
  });
});
