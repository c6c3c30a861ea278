// Runs with Jest, whose modules need a flag: NODE_OPTIONS=--experimental-vm-modules npx jest
import { createServer } from 'node:http';
import { startSandbox } from 'silent-auth-bff/sandbox';
import supertest from 'supertest';
import { createBookings } from './app.js';

const ALICE = '+447700900000';
const BOB = '+447700900001';

const { now } = Date;

let server, base, sandbox, bookings;

beforeAll(async () => {
  // Listens first: the settings contain the port.
  server = createServer().listen(0);
  base = `http://localhost:${server.address().port}`;
  sandbox = await startSandbox({ baseUrl: `${base}/auth` });
  bookings = createBookings({ env: { ...sandbox.env, LOG_LEVEL: 'silent' } });
  server.on('request', bookings.app);
});
afterAll(async () => {
  server.close();
  await bookings.close();
  await sandbox.close();
});
afterEach(() => (Date.now = now));

/** An app on a phone: it keeps cookies. */
const newApp = () => supertest.agent(base);

/** Opens a link like the phone of `sim`, by default of the number that logs in. */
const open = async (link, sim) =>
  (await fetch(link, { headers: sim === undefined ? {} : { 'x-sandbox-sim': sim } })).json();

const begin = async (app, phoneNumber) => {
  const { body } = await app.post('/auth/login').send({ phone_number: phoneNumber }).expect(201);
  return body.auth_url;
};

test('a customer books after a login with nothing to type', async () => {
  const app = newApp();
  await app.post('/bookings/monday').expect(401);
  const { code } = await open(await begin(app, ALICE));
  await app.post('/auth/verify').send({ code }).expect(200);
  await app.post('/bookings/monday').expect(201, ['monday']);
  expect(sandbox.requests().map(({ path }) => path)).toContain('/oauth2/token');
});

test('the phone of another customer does not log in', async () => {
  const app = newApp();
  const { code } = await open(await begin(app, ALICE), BOB);
  const { body } = await app.post('/auth/verify').send({ code }).expect(200);
  expect(body).toMatchObject({ verified: false, reason: 'number_mismatch' });
  await app.get('/bookings').expect(401);
});

test('a customer whose operator refuses, as on Wi-Fi, logs in by the code of an SMS', async () => {
  sandbox.subscribers.set(BOB, { behaviour: 'wifi' });
  const app = newApp();
  const answer = await open(await begin(app, BOB));
  expect(answer).toMatchObject({ error: 'silent_auth_failed', reason: 'denied' });
  await app.post('/auth/login/next').send({ channel: 'sms' }).expect(200);
  const { to, code } = sandbox.messages().at(-1);
  expect(to).toBe(BOB);
  await app.post('/auth/verify').send({ code }).expect(200);
  await app.get('/bookings').expect(200, []);
});

test('the app learns from a webhook that an SMS does not arrive', async () => {
  const number = '+447700900002';
  sandbox.subscribers.set(number, { behaviour: 'unreachable' });
  const app = newApp();
  expect(await begin(app, number)).toBeNull();
  await app.post('/auth/login/next').send({ channel: 'sms' }).expect(200);
  await sandbox.tick();
  const { body } = await app.get('/auth/login').expect(200);
  expect(body).toMatchObject({ reason: 'unreachable', next_channels: ['voice'] });
});

test('a code of an SMS is valid for five minutes', async () => {
  const number = '+447700900003';
  const app = newApp();
  await begin(app, number);
  await app.post('/auth/login/next').send({ channel: 'sms' }).expect(200);
  const { code } = sandbox.messages().at(-1);
  // App and sandbox read this clock.
  const later = Date.now() + 301_000;
  Date.now = () => later;
  await sandbox.tick();
  await app.post('/auth/verify').send({ code }).expect(410);
  await app.get('/bookings').expect(401);
});
