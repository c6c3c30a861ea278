import { startCountedSystem } from '../support/scrape.js';
import { walk } from '../support/device.js';
import { postCode, WITH_CODES, type System } from '../support/system.js';
import { recordsOf } from '../support/records.js';
import { until } from '../support/until.js';
import { seeded } from './fuzz.js';

const CHANNELS = ['sms', 'rcs', 'whatsapp', 'voice'];
const ENV = { ...WITH_CODES, FALLBACK_CHANNELS: CHANNELS.join(), WHATSAPP_FROM: '+447700900999' };
/** A message as it was asked for, or as it arrived. */
interface Sent {
  to: string;
  channel: string;
}

const sorted = (messages: readonly Sent[]): string[] =>
  messages.map(({ to, channel }) => `${to} ${channel}`).sort();

/** The messages that the accounts of all hours hold. */
async function counted({ redis }: System): Promise<number> {
  const accounts = (await recordsOf(redis)).filter(({ key }) => key.startsWith('limit:sends:'));
  return accounts.reduce((sum, { text }) => sum + Number((JSON.parse(text) as { all?: string }).all ?? 0), 0);
}

/** @param logins how many logins each engine plays @param seed of the random choices */
export const describeMoney = (logins: number, seed: number) =>
  test.each(['network-enablement', 'oidc', 'camara', 'verify', 'off'])(
    `with SILENT_AUTH=%s, ${logins} random logins send exactly the messages that were asked for and counted (seed ${seed})`,
    async (engine) => {
      const system = await startCountedSystem({ env: { ...ENV, SILENT_AUTH: engine } });
      try {
        const random = seeded(seed);
        const oneOf = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
        const numbers = ['+447700900000', '+447700900001', '+447700900103', '+447700900113'];
        const asked: Sent[] = [];
        const browsers = Array.from({ length: 4 }, () => ({
          app: system.app(),
          to: '',
          link: null as string | null,
        }));

        const begin = async (browser: (typeof browsers)[number]) => {
          const to = oneOf(numbers);
          const { status, body } = await browser.app.post('/login').send({ phone_number: to });
          if (status === 201) Object.assign(browser, { to, link: body.auth_url });
        };
        const moves: ((browser: (typeof browsers)[number]) => Promise<unknown>)[] = [
          async ({ app, to }) => {
            if (random() < 0.5) system.world.turn(30);
            const body = { ...(random() < 0.7 && { channel: oneOf(CHANNELS) }), resend: random() < 0.3 };
            const answer = await app.post('/login/next').send(body);
            if (answer.status === 200 && answer.body.sent) asked.push({ to, channel: answer.body.channel });
          },
          async ({ app, link }) => {
            if (link === null) return;
            const code = (await walk(link)).json?.['code'];
            if (typeof code === 'string') await postCode(app, code);
          },
          async ({ app }) =>
            postCode(app, random() < 0.5 ? '000000' : ((await system.messages()).at(-1)?.code ?? '1')),
          ({ app }) => app.delete('/login'),
          // Cookies are lost.
          (browser) => Promise.resolve(Object.assign(browser, { app: system.app(), link: null })),
          () => {
            system.world.turn(oneOf([1, 10, 30, 61, 301]));
            return Promise.resolve();
          },
        ];
        for (let login = 0; login < logins; login++) {
          const browser = oneOf(browsers);
          await begin(browser);
          for (let left = Math.floor(random() * 5); left > 0; left--)
            await oneOf(moves)(oneOf([browser, oneOf(browsers)]));
        }
        // Whatever is still under way at Vonage ends.
        system.world.turn(3600);
        await fetch(`${system.sandbox}/__sandbox/tick`, { method: 'POST' });

        expect(asked.length).toBeGreaterThan(0);
        const arrived = await system.messages();
        // Those to an unreachable number are sent, and do not arrive.
        expect(sorted(arrived)).toEqual(sorted(asked.filter(({ to }) => to !== '+447700900113')));
        expect(await counted(system)).toBe(asked.length);
        await until(async () => (await system.count('silent_auth_paid_sends_total')) === asked.length);
      } finally {
        await system.stop();
      }
    },
  );
