import { field } from './open-sandbox.js';
import { ALICE, openVerify, SHOP } from './open-verify.js';
import type { OpenVerify } from './open-verify.js';

let sandbox: OpenVerify;
beforeAll(async () => {
  sandbox = await openVerify();
});
beforeEach(() => sandbox.control('POST', '/reset'));
afterAll(() => sandbox.close());

/** A login as the page shows it. */
interface Login {
  ending: { says: string };
  steps: { calls: { says: string }[] }[];
}
const shownLogin = async () => {
  const { body } = await sandbox.control('GET', '/conversation');
  return (body as { logins: Login[] }).logins[0];
};

/** The messages of a request with these channels, each of which is started in turn. */
const messagesOf = async (...args: Parameters<OpenVerify['start']>) => {
  const id = await sandbox.started(...args);
  for (let left = args[0]?.length ?? 1; left > 1; left -= 1) await sandbox.next(id);
  return sandbox.messages();
};
const textOf = async (...args: Parameters<OpenVerify['start']>) => (await messagesOf(...args)).at(-1)?.text;

describe('a message', () => {
  const senders: [string, object, string | null][] = [
    ['sms', {}, 'ACME'],
    ['sms', { from: 'MyShop' }, 'MyShop'],
    ['sms', { from: SHOP }, `+${SHOP}`],
    ['rcs', {}, 'ACME'],
    ['rcs', { from: 'My Shop' }, 'My Shop'],
    ['whatsapp', {}, `+${SHOP}`],
    ['voice', {}, null],
  ];
  it.each(senders)('by %s with %j names its sender', async (channel, ofStep, from) => {
    const [message] = await messagesOf([channel], {}, ofStep as Record<string, unknown>);
    expect(message).toEqual({
      to: `+${ALICE}`,
      channel,
      from,
      text: expect.any(String) as string,
      code: expect.stringMatching(/^\d{4}$/) as string,
      at: new Date(sandbox.clock.ms).toISOString(),
      locale: 'en-gb',
    });
  });

  const limits: [number, string][] = [
    [60, 'Valid for 1 minute.'],
    [90, 'Valid for 90 seconds.'],
    [900, 'Valid for 15 minutes.'],
  ];
  it.each(limits)('whose code is valid for %i seconds says "%s"', async (channel_timeout, words) => {
    const [message] = await messagesOf(['sms'], { channel_timeout, code_length: 8 });
    expect(message?.code).toMatch(/^\d{8}$/);
    expect(message?.text).toContain(words);
  });

  const ways: [string, string, string][] = [
    ['sms', 'SMS', 'An SMS with a code goes to'],
    ['rcs', 'RCS', 'An RCS message with a code goes to'],
    ['whatsapp', 'WhatsApp', 'A WhatsApp message with a code goes to'],
    ['voice', 'a call', 'A call reads a code out to'],
  ];
  it.each(ways)(
    'by %s has a code that completes the request, as the page says',
    async (channel, by, goes) => {
      const id = await sandbox.started([channel]);
      expect((await sandbox.check(id, await sandbox.lastCode())).body).toMatchObject({ status: 'completed' });
      const login = await shownLogin();
      expect(login?.ending.says).toContain(`It worked, by ${by}:`);
      const says = login?.steps.flatMap(({ calls }) => calls.map((call) => call.says));
      expect(says).toContain(`${goes} +${ALICE}.`);
    },
  );

  it('that replaces a silent step is shown as a login without a link', async () => {
    const workflow = ['silent_auth', 'sms'].map((channel) => ({ channel, to: '447700900114' }));
    await sandbox.started([], { workflow });
    expect((await shownLogin())?.ending.says).toContain('there is no link for this number');
  });

  it("for an Android app ends with the app's hash", async () => {
    const [message] = await messagesOf(['sms'], {}, { app_hash: 'FA+9qCX9VSu' });
    expect(message?.text).toBe(`ACME code: ${message?.code}. Valid for 3 minutes.\nFA+9qCX9VSu`);
  });
});

describe("Vonage's own text", () => {
  const CODE = { code: '4711' };
  const texts: [string, string, string][] = [
    ['sms', 'en-us', 'ACME code: 4711. Valid for 3 minutes.'],
    ['rcs', 'en-au', 'ACME code: 4711. Valid for 3 minutes.'],
    ['whatsapp', 'en', '4711 is your verification code. For your security, do not share this code.'],
    ['voice', 'en-gb', 'Your ACME code is: 4, 7, 1, 1. Again, your code is: 4, 7, 1, 1.'],
    ['sms', 'de-de', 'ACME-Code: 4711. Gültig für 3 Minuten.'],
    ['rcs', 'de-de', 'ACME-Code: 4711. Gültig für 3 Minuten.'],
    ['whatsapp', 'de-de', '4711 ist dein Bestätigungscode. Teile ihn zu deiner Sicherheit mit niemandem.'],
    ['voice', 'de-de', 'Ihr ACME-Code lautet: 4, 7, 1, 1. Noch einmal, Ihr Code lautet: 4, 7, 1, 1.'],
    ['sms', 'es-mx', 'Código de ACME: 4711. Válido durante 3 minutos.'],
    ['voice', 'es-es', 'Su código de ACME es: 4, 7, 1, 1. Repetimos, su código es: 4, 7, 1, 1.'],
    ['sms', 'fr-ca', 'Code ACME : 4711. Valable 3 minutes.'],
    ['voice', 'fr-fr', 'Votre code ACME est : 4, 7, 1, 1. Je répète, votre code est : 4, 7, 1, 1.'],
  ];
  it.each(texts)('by %s is in the language of %s', async (channel, locale, text) => {
    expect(await messagesOf([channel], { ...CODE, locale })).toMatchObject([{ locale, text }]);
  });

  it.each(['ja-jp', 'cmn-cn', 'fil-ph', 'pt'])('is in English for %s', async (locale) => {
    expect(await messagesOf(['sms'], { ...CODE, locale })).toMatchObject([
      { locale: 'en-us', text: 'ACME code: 4711. Valid for 3 minutes.' },
    ]);
  });

  const byNumber: [string, string, string][] = [
    ['4915112345678', 'de-de', 'ACME-Code'],
    ['4366412345678', 'de-de', 'ACME-Code'],
    ['34600111222', 'es-es', 'Código'],
    ['33612345678', 'fr-fr', 'Code ACME :'],
    ['12015550123', 'en-us', 'ACME code'],
    ['819012345678', 'en-gb', 'ACME code'],
  ];
  it.each(byNumber)('for %s is in %s if the request has no locale', async (to, locale, words) => {
    const [message] = await messagesOf(['sms'], {}, { to });
    expect(message).toMatchObject({ to: `+${to}`, locale });
    expect(message?.text).toContain(words);
  });
});

describe('a template', () => {
  const CHANNELS = ['sms', 'rcs', 'voice'];
  /** Creates a template with a text for each channel. The first one is the default. */
  const template = async (name: string, locale = 'en-us', channels = CHANNELS): Promise<string> => {
    const made = await sandbox.postJson('/v2/verify/templates', { name });
    const id = field(made.body, 'template_id');
    for (const channel of channels) {
      const fragment = { channel, locale, text: `${name} ${channel} \${code}` };
      const added = await sandbox.postJson(`/v2/verify/templates/${id}/template_fragments`, fragment);
      expect(added.status).toBe(201);
    }
    return id;
  };
  const textsOf = async (changes: object) =>
    (await messagesOf(CHANNELS, { code: '1234', ...changes })).map(({ text }) => text);

  const OWN_CALL = 'Your ACME code is: 1, 2, 3, 4. Again, your code is: 1, 2, 3, 4.';

  it.each(['first', 'second'])(
    'that the request names is used by SMS and RCS, not in a call: %s',
    async (name) => {
      const ids: Record<string, string> = {
        first: await template('first'),
        second: await template('second'),
      };
      expect(await textsOf({ template_id: ids[name] })).toEqual([
        `${name} sms 1234`,
        `${name} rcs 1234`,
        OWN_CALL,
      ]);
    },
  );

  it('that is the default is used in every message but those of WhatsApp', async () => {
    await template('first');
    expect(await textsOf({})).toEqual(['first sms 1234', 'first rcs 1234', 'first voice 1, 2, 3, 4']);
    await sandbox.control('POST', '/reset');
    await template('first');
    expect(await textOf(['whatsapp'], { code: '1234' })).toMatch(/^1234 is your verification code/);
  });

  it.each(['cmn-cn', 'fil-ph', 'yue-cn', 'de-de', 'es'])('is used in %s', async (locale) => {
    await template('first', locale);
    expect(await textsOf({ locale })).toEqual(['first sms 1234', 'first rcs 1234', 'first voice 1, 2, 3, 4']);
  });

  it('has the variables of a text in its language', async () => {
    const id = await template('first', 'es-es', []);
    const text = '${brand}: ${code}, ${time-limit} ${time-limit-unit}';
    const fragment = { channel: 'sms', locale: 'es-es', text };
    await sandbox.postJson(`/v2/verify/templates/${id}/template_fragments`, fragment);
    const changes = { template_id: id, locale: 'es-es', code: '1234' };
    expect(await textOf(['sms'], changes, { app_hash: 'ABC123def45' })).toBe(
      'ACME: 1234, 3 minutos\nABC123def45',
    );
  });

  const without: [string, string, string][] = [
    ['de-de', 'de-de', 'ACME-Code: 1234. Gültig für 3 Minuten.'],
    ['en-gb', 'en-us', 'first sms 1234'],
    ['ja-jp', 'en-us', 'first sms 1234'],
  ];
  it.each(without)('without a text in %s leaves the one in %s: "%s"', async (locale, used, text) => {
    await template('first');
    expect(await messagesOf(['sms'], { locale, code: '1234' })).toMatchObject([{ locale: used, text }]);
  });
});
