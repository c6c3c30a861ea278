import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Config } from '../src/config/config.js';
import { checkOperator } from '../src/tools/doctor/operator.js';
import { newCa } from './support/certificates.js';
import { callDoctor } from './support/doctors.js';
import { ca } from './support/front.js';
import { endPrograms } from './support/programs.js';
import { credentials } from './support/credentials.js';
import { camaraAt, startSystem, type System } from './support/system.js';
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
  [
    'a host that is away',
    () => mistakes({ issuer: 'http://localhost:9' }),
    /did not answer/,
    /from this machine to the operator/,
  ],
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

describe('over https', () => {
  let doctor: ReturnType<typeof callDoctor>;
  beforeAll(() => (doctor = callDoctor()));
  afterAll(async () => {
    await endPrograms();
    doctor.leave();
  });

  /** What the doctor finds of an operator with this certificate. It trusts `ca` alone. */
  const visit = async (certificate: { cert: string; key: string }) => {
    let issuer = '';
    const server = createServer(certificate, (req, res) => {
      if (req.url?.startsWith('/authorize') === true)
        return void res.writeHead(302, { location: 'https://login.example.com/callback?error=x' }).end();
      const metadata = { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: issuer };
      res.setHeader('content-type', 'application/json').end(JSON.stringify(metadata));
    });
    await once(server.listen(0), 'listening');
    issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
    const { findings: all } = await doctor.visit(['http://localhost:1'], {
      SILENT_AUTH: 'camara',
      ...{ ...camaraAt(issuer), CAMARA_ISSUER: issuer },
      PUBLIC_URL: 'https://login.example.com',
      SESSION_SECRET: credentials.sessionSecret,
      VONAGE_APPLICATION_ID: credentials.applicationId,
      VONAGE_PRIVATE_KEY: credentials.privateKeyPem,
      BRAND: 'ACME',
    });
    server.close();
    server.closeAllConnections();
    return all.filter(({ check }) => /operator|clock of this machine/.test(check));
  };

  test('an operator whose certificate is trusted has no mistakes', async () => {
    expect((await visit(ca.issue())).map(({ check, verdict }) => [check, verdict])).toEqual([
      ['operator', 'ok'],
      ['clock of this machine', 'ok'],
      ['redirect URI at the operator', 'ok'],
    ]);
  });

  test.each<[string, { cert: string; key: string }, RegExp, RegExp]>([
    ['has expired', ca.issue({ days: -1 }), /certificate has expired/, /renew/],
    ['is for another host', ca.issue({ host: 'a.invalid' }), /does not match/, /host that the certificate/],
    ['is of an unknown CA', newCa('unknown CA').issue(), /verify|issuer/, /NODE_EXTRA_CA_CERTS/],
  ])('a certificate that %s is a mistake, with its fix', async (_what, certificate, says, mend) => {
    expect(await visit(certificate)).toMatchObject([
      { verdict: 'mistake', says: expect.stringMatching(says), mend: expect.stringMatching(mend) },
    ]);
  });
});
