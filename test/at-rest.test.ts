import { walk } from './support/device.js';
import { ALICE, buildHouse, postCode, type House } from './support/house.js';
import { keptFor, recordsOf } from './support/records.js';

describe.each(['network-enablement', 'oidc'])(
  'with %s, nothing that identifies or admits anyone lies in the clear',
  (engine) => {
    let house: House;
    beforeAll(async () => (house = await buildHouse({ env: { SILENT_AUTH: engine } })));
    afterAll(() => house.stop());

    /** Everything Redis holds, keys and values, as text; also when what is there is base64. */
    const dump = async () => {
      const records = await recordsOf(house.redis);
      for (const { key } of records) expect(await house.redis.ttl(key)).toBeGreaterThan(0);
      const text = records.map(({ key, text }) => `${key}\n${text}`).join('\n');
      return {
        size: (await keptFor(house.redis)).length,
        text: text + Buffer.from(text, 'base64').toString('latin1'),
      };
    };

    test('in Redis in every state of a login, in the log at its most verbose, or in the headers of an answer', async () => {
      const secrets = new Set<string>([ALICE, ALICE.slice(1), ALICE.slice(3)]);
      const dumps: { size: number; text: string }[] = [];
      const app = house.app();
      const begun = await app.post('/login').send({ phone_number: ALICE }).expect(201);
      dumps.push(await dump());
      const { hops } = await walk(begun.body.auth_url, { stopBefore: house.base });
      const callback = new URL(hops.at(-1) ?? '');
      const home = await walk(callback.href);
      dumps.push(await dump());
      const code = String(home.json?.['code']);
      const verified = await postCode(app, code).expect(200);
      dumps.push(await dump());
      expect(dumps.map(({ size }) => size)).toEqual([2, 2, 1]);

      // A login that fails, one that the operator refuses, and one where Vonage is not to be understood.
      const { app: other, code: second } = await house.walkedLogin('+447700900104');
      await postCode(other, second).expect(400);
      await house.walkedLogin('+447700900106');
      const { app: third, code: garbled } = await house.walkedLogin('+447700900108');
      await postCode(third, garbled).expect(502);
      await house.control('faults', { token: { drop: 'after' } });
      await house.walkedLogin(ALICE);
      dumps.push(await dump());

      const calls = await house.upstream();
      for (const { body, headers } of calls) {
        secrets.add(headers['authorization']?.replace('Bearer ', '') ?? '');
        const { state, code: authorizationCode } = body as { state?: string; code?: string };
        if (state) secrets.add(state);
        if (authorizationCode) secrets.add(authorizationCode);
      }
      for (const name of ['state', 'code']) secrets.add(callback.searchParams.get(name) ?? '');
      for (const each of [code, second, garbled]) secrets.add(each);
      for (const { headers } of [begun, verified]) {
        secrets.add(decodeURIComponent(String(headers['set-cookie']?.[0]).split(/[=;]/)[1] ?? ''));
      }
      secrets.delete('');
      expect(secrets.size).toBeGreaterThan(15);

      const log = house.world.logged();
      expect(log).toContain('"step":"verify"');
      for (const secret of secrets) {
        for (const { text } of dumps) expect(text).not.toContain(secret);
        expect(log).not.toContain(secret);
      }
      expect(log).not.toMatch(/Bearer|PRIVATE KEY|code=|state=|s:|__Host-sid/);
      const [cookie = '', ...rest] = begun.headers['set-cookie'] as unknown as string[];
      expect([cookie.includes(ALICE.slice(1)), rest.length]).toEqual([false, 0]);
    });

    test('the log tells each step with its outcome, under a name for the number that only the secret explains', async () => {
      await house.reset();
      const { app, code } = await house.walkedLogin('+447700900101');
      await postCode(app, code).expect(200);
      const lines = house.world
        .logged()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ step }) => step !== undefined)
        .slice(-3);
      expect(lines.map(({ step, outcome }) => [step, outcome])).toEqual([
        ['begin', 'ok'],
        ['callback', 'ok'],
        ['verify', 'number_mismatch'],
      ]);
      expect(new Set(lines.map(({ login_id }) => login_id)).size).toBe(1);
      expect(lines[0]?.['number']).toBe(lines[2]?.['number']);
      expect(lines[0]?.['number']).toMatch(/^[\w-]{16}$/);
    });
  },
);
