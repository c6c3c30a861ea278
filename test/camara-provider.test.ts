import { exportJWK } from 'jose';
import { publicJwk } from '../src/core/keys.js';
import { walk } from './support/device.js';
import { newKeyPair } from './support/keys.js';
import { endPrograms, node, source } from './support/programs.js';
import { freePort } from './support/redis-server.js';
import { ALICE, BOB, postCode, withSystem, type System } from './support/system.js';

// The issuer is another library's: what it accepts is the protocol, and not our idea of it.

afterAll(endPrograms);

const OPERATOR_KEY = newKeyPair('rsa').privateKey;
const CLIENT_KEY = newKeyPair('ec').privateKey;
const SECRET = 's'.repeat(40);
const PEM = CLIENT_KEY.export({ type: 'pkcs8', format: 'pem' }) as string;

/** Starts an issuer for a client, and a server that uses it. */
async function withProvider(
  client: object,
  env: Record<string, string>,
  work: (system: System) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const settings = {
    SILENT_AUTH: 'camara',
    CAMARA_ISSUER: issuer,
    CAMARA_CLIENT_ID: 'a-client',
    CAMARA_API_ROOT: issuer,
    CAMARA_PRIVATE_KEY: PEM,
    ...env,
  };
  await withSystem({ store: 'memory', env: settings }, async (system) => {
    const provider = node(source('test/support/oidc-provider.ts'), {
      PORT: `${port}`,
      REDIRECT_URI: `${system.base}/callback`,
      CLIENT: JSON.stringify(client),
      JWKS: JSON.stringify({ keys: [{ ...(await exportJWK(OPERATOR_KEY)), alg: 'RS256', use: 'sig' }] }),
    });
    await provider.said(/^listening$/m);
    await work(system);
  });
}

const byKey = async (more: object = {}) => ({
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'ES256',
  jwks: { keys: [await publicJwk(CLIENT_KEY)] },
  ...more,
});

const login = async (system: System, sim?: string) => {
  const app = system.app();
  const begun = await app.post('/login').send({ phone_number: ALICE }).expect(201);
  const home = await walk(String(begun.body.auth_url), sim === undefined ? {} : { sim });
  return { app, home };
};

const expectLogin = async (system: System) => {
  const { app, home } = await login(system, ALICE);
  expect(home).toMatchObject({ status: 200 });
  const answer = await postCode(app, String(home.json?.['code'])).expect(200);
  expect(answer.body).toMatchObject({ verified: true, phone_number: ALICE });
};

test('oidc-provider accepts the whole login with private_key_jwt, and its answers are accepted', async () => {
  await withProvider(await byKey(), {}, async (system) => {
    await expectLogin(system);
    const { app, home } = await login(system, BOB);
    const mismatch = await postCode(app, String(home.json?.['code'])).expect(200);
    expect(mismatch.body).toMatchObject({ verified: false, reason: 'number_mismatch' });
    const { home: refused } = await login(system);
    expect(refused).toMatchObject({ status: 400, json: { reason: 'not_on_cellular' } });
  });
});

test('oidc-provider accepts the request object', async () => {
  const client = await byKey({ request_object_signing_alg: 'ES256', require_signed_request_object: true });
  await withProvider(client, { CAMARA_REQUEST_OBJECT: 'true' }, expectLogin);
});

test.each(['client_secret_basic', 'client_secret_post'])('oidc-provider accepts %s', async (method) => {
  const client = { token_endpoint_auth_method: method, client_secret: SECRET };
  const env = { CAMARA_CLIENT_AUTH: method, CAMARA_CLIENT_SECRET: SECRET, CAMARA_PRIVATE_KEY: '' };
  await withProvider(client, env, expectLogin);
});
