import { LoginError } from '../src/core/errors.js';
import type { Store } from '../src/store/store.js';
import {
  ALICE,
  postCode,
  withSystem,
  CHAINED,
  WITH_CODES,
  type System,
  type SystemOptions,
} from './support/system.js';

/** The next commands that fail, by kind and prefix of the key, `after` some that succeed. */
interface Failure {
  operation: keyof Store;
  key: string;
  after?: number;
}

/**
 * A store that fails at these commands, as Redis does when it goes away in the middle of a request.
 */
const failingAt =
  (control: { failure?: Failure | undefined }) =>
  (store: Store): Store =>
    new Proxy(store, {
      get: (target, operation) => {
        const carryOut = Reflect.get(target, operation) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          const { failure } = control;
          const isMeant = failure?.operation === operation && String(args[0]).startsWith(failure.key);
          if (!isMeant) return carryOut(...args);
          if (failure.after !== undefined && failure.after-- > 0) return carryOut(...args);
          return Promise.reject(new LoginError('unavailable', 'The store is away.', { retry_after: 1 }));
        };
      },
    });

const withFailingStore = (
  env: SystemOptions['env'],
  work: (system: System, control: { failure?: Failure | undefined }) => Promise<void>,
) => {
  const control = {};
  return withSystem({ env: env ?? {}, through: failingAt(control) }, (system) => work(system, control));
};

const OTHER_SIM = '+447700900101';
const isLoggedIn = async (app: ReturnType<System['app']>) =>
  Boolean((await app.get('/session').expect(200)).body.authenticated);
const statusOf = async (app: ReturnType<System['app']>) =>
  String((await app.get('/login').expect(200)).body.status);

test('a workflow whose first message cannot be counted is not started', () =>
  withFailingStore(CHAINED, async (system, control) => {
    control.failure = { operation: 'spend', key: 'limit:send' };
    const app = system.app();
    const begun = await app.post('/login').send({ phone_number: ALICE }).expect(201);
    expect(begun.body).toMatchObject({ channel: null, next_channels: ['sms', 'voice'] });
    expect(await system.upstream()).toEqual([]);
    await app.post('/login/next').send({}).expect(503);
    expect(await system.upstream()).toEqual([]);
  }));

test('a cancellation that failed is reported, and can be repeated', () =>
  withFailingStore({}, async (system, control) => {
    const { app, code } = await system.walkedLogin();
    control.failure = { operation: 'replace', key: 'sess:' };
    await app.delete('/login').expect(503);
    control.failure = undefined;
    expect(await statusOf(app)).toBe('pending');
    await app.delete('/login').expect(204);
    await postCode(app, code).expect(400);
  }));

test('a logout that failed is reported, and can be repeated', () =>
  withFailingStore({}, async (system, control) => {
    const { app, code } = await system.walkedLogin();
    await postCode(app, code).expect(200);
    control.failure = { operation: 'delete', key: 'sess:' };
    const answer = await app.post('/logout').expect(503);
    expect(answer.headers['set-cookie']).toBeUndefined();
    control.failure = undefined;
    expect(await isLoggedIn(app)).toBe(true);
    await app.post('/logout').expect(204);
    expect(await isLoggedIn(app)).toBe(false);
  }));

test('another SIM is not logged in, even if the failed login cannot be stored', () =>
  withFailingStore({}, async (system, control) => {
    const { app, code } = await system.walkedLogin(OTHER_SIM);
    control.failure = { operation: 'add', key: 'lock:' };
    await postCode(app, code).expect(503);
    control.failure = undefined;
    await postCode(app, code).expect(400);
    expect(await isLoggedIn(app)).toBe(false);
  }));

test('another SIM is not logged in, even while another request changes the login', () =>
  withFailingStore(WITH_CODES, async (system) => {
    const { app, code } = await system.walkedLogin(OTHER_SIM);
    const { login_id } = (await app.get('/login')).body as { login_id: string };
    await system.redis.set(`lock:${login_id}`, '1', 'EX', 10);
    const answer = await postCode(app, code).expect(200);
    expect(answer.body).toEqual({
      verified: false,
      reason: 'number_mismatch',
      next_channels: ['sms', 'voice'],
    });
    // The other request decides about the login.
    expect(await statusOf(app)).toBe('pending');
  }));

test('a login sends no message while its session cannot be reloaded', () =>
  withFailingStore(WITH_CODES, async (system, control) => {
    const app = system.app();
    await app.post('/login').send({ phone_number: ALICE }).expect(201);
    control.failure = { operation: 'get', key: 'sess:', after: 1 };
    await app.post('/login/next').send({ channel: 'sms' }).expect(503);
    expect(await system.messages()).toEqual([]);
    control.failure = undefined;
    await app.post('/login/next').send({ channel: 'sms' }).expect(200);
  }));
