import type { Config } from '../src/config/config.js';
import { checkOperator } from '../src/tools/doctor/operator.js';
import { startSystem, type System } from './support/system.js';
import { testWorld } from './support/world.js';

let system: System;
beforeAll(async () => (system = await startSystem({ env: { SILENT_AUTH: 'camara' } })));
beforeEach(() => system.reset());
afterAll(() => system.stop());

type CamaraConfig = NonNullable<Config['camara']>;

/** What the doctor finds with these settings. */
const findings = (
  changes: Partial<CamaraConfig> = {},
  { publicUrl = system.base, world = testWorld() } = {},
) => {
  const config = { ...system.config, publicUrl, camara: { ...system.config.camara, ...changes } } as Config;
  return checkOperator({
    settings: { config, get: () => undefined, problems: [] },
    ...{ world, base: new URL(system.base), number: undefined },
    request: () => Promise.reject(new Error('the deployment is not asked')),
  });
};
const mistakes = async (...how: Parameters<typeof findings>) =>
  (await findings(...how)).filter(({ verdict }) => verdict === 'mistake');

test('a correct operator has no mistakes, and no code and no token is asked of it', async () => {
  const found = await findings();
  expect(found.map(({ check, verdict }) => [check, verdict])).toEqual([
    ['operator', 'ok'],
    ['clock of this machine', 'ok'],
    ['redirect URI at the operator', 'ok'],
  ]);
  const calls = (await system.upstream()).map(({ method, path }) => `${method} ${path}`);
  expect(calls.some((call) => call.startsWith('POST'))).toBe(false);
});

test('other engines have nothing to check here', async () => {
  const settings = { config: { ...system.config, camara: undefined }, get: () => undefined, problems: [] };
  expect(await checkOperator({ settings } as unknown as Parameters<typeof checkOperator>[0])).toEqual([]);
});

test('metadata of RFC 8414 are found as well', async () => {
  await system.control('faults', { 'camara-metadata': { status: 404, body: '{}', times: 1 } });
  expect(await mistakes()).toEqual([]);
});

test.each<[string, () => Promise<unknown>, RegExp, RegExp]>([
  [
    'an issuer with a slash more',
    () => mistakes({ issuer: `${system.sandbox}/camara-operator/` }),
    /another issuer/,
    /to the letter/,
  ],
  [
    'an issuer without metadata',
    () => mistakes({ issuer: `${system.sandbox}/nothing` }),
    /answered with 404/,
    /CAMARA_ISSUER/,
  ],
  [
    'a redirect URI that is not registered',
    () => mistakes({}, { publicUrl: 'https://other.example.com' }),
    /does not redirect to https:\/\/other/,
    /registered, to the letter/,
  ],
  [
    'a client that is unknown',
    () => mistakes({ clientId: 'other' }),
    /does not redirect/,
    /CAMARA_CLIENT_ID/,
  ],
  ['a host that is away', () => mistakes({ issuer: 'http://localhost:9' }), /did not answer/, /machine out/],
])('%s is a mistake, with its fix', async (_what, find, says, mend) => {
  expect(await find()).toMatchObject([
    { says: expect.stringMatching(says), mend: expect.stringMatching(mend) },
  ]);
});

test('a clock that is ten minutes slow is a mistake', async () => {
  const world = testWorld();
  world.turn(-600);
  expect(await mistakes({}, { world })).toMatchObject([{ check: 'clock of this machine' }]);
});

test('an authentication that the operator does not offer is a warning', async () => {
  const body = JSON.stringify({
    issuer: system.config.camara?.issuer,
    authorization_endpoint: `${system.sandbox}/camara-operator/authorize`,
    token_endpoint: `${system.sandbox}/camara-operator/token`,
    token_endpoint_auth_methods_supported: ['client_secret_basic'],
  });
  await system.control('faults', { 'camara-metadata': { body } });
  const warnings = (await findings()).filter(({ verdict }) => verdict === 'warning');
  expect(warnings).toMatchObject([{ mend: expect.stringContaining('CAMARA_CLIENT_AUTH') }]);
});
