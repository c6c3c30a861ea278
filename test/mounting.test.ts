import { RedisStore } from 'connect-redis';
import express, { Router, type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import session from 'express-session';
import helmet from 'helmet';
import type { Redis } from 'ioredis';
import { ConfigError, createSilentAuth, type SilentAuth } from '../src/index.js';
import { ASSERTIONS, check } from './support/assertions.js';
import { walk } from './support/device.js';
import { ALICE, BOB, redisUrlOfWorker } from './support/system.js';
import { sessionOn, withMounted, type Mounted } from './support/mounted.js';
import { credentials } from './support/programs.js';
import { until } from './support/until.js';

declare module 'express-session' {
  interface SessionData {
    cart?: string[];
  }
}

/** A shop: a session with a cart, and pages that show the user. */
function shop(app: Express, silentAuth: SilentAuth, redis: Redis): void {
  app.use(sessionOn(redis), (req, _res, next) => {
    Object.assign(req, { sid: req.sessionID });
    next();
  });
  app.use('/auth', silentAuth);
  app.post('/cart/:item', (req, res) => {
    req.session.cart = [...(req.session.cart ?? []), req.params.item];
    res.json(req.session.cart);
  });
  app.get('/me', silentAuth.load, (req, res) =>
    res.json({ user: req.silentAuth.user?.phoneNumber, cart: req.session.cart }),
  );
  app.post('/slow', (req, res) => {
    req.session.cart = ['late'];
    setTimeout(() => res.json({}), 400);
  });
  app.post('/out', silentAuth.load, async (req, res) => {
    await silentAuth.signOut(req, res);
    res.json({});
  });
}

const sidOf = (headers: Record<string, unknown>): string =>
  String((headers['set-cookie'] as string[] | undefined)?.[0]).split(';')[0] ?? '';
const me = async ({ base }: Mounted, cookie: string) =>
  (await (await fetch(`${base}/me`, { headers: { cookie } })).json()) as object;

/** An error handler of the app that records messages. */
const noting =
  (errors: string[]): ErrorRequestHandler =>
  (error: Error, _req, _res, next) => {
    errors.push(error.message);
    next(error);
  };

describe('mounted in an app, with session: host', () => {
  test('a login completes under the mount path, and the app gets the user', () =>
    withMounted({ compose: shop }, async (mounted) => {
      const app = mounted.agent();
      const { home, code } = await mounted.walked(app);
      expect(home.hops.at(-1)).toMatch(`${mounted.base}/auth/callback?`);
      expect(home.headers).not.toHaveProperty('set-cookie');
      const verified = await app.post('/auth/verify').send({ code }).expect(200);
      expect(verified.body).toEqual({ verified: true, phone_number: ALICE, channel: 'silent_auth' });
      expect((await app.get('/me')).body).toEqual({ user: ALICE });
      expect((await app.get('/auth/session')).body).toMatchObject({
        authenticated: true,
        phone_number: ALICE,
      });
      expect((await mounted.agent().get('/me')).body).toEqual({});
    }));

  test('the session of the app gets a new id when a login begins and when it completes, and keeps its data', () =>
    withMounted({ compose: shop }, async (mounted) => {
      const app = mounted.agent();
      const ids = [sidOf((await app.post('/cart/apple')).headers)];
      const begun = await app.post('/auth/login').send({ phone_number: ALICE });
      ids.push(sidOf(begun.headers));
      const { code } = await mounted.walked(app);
      ids.push(sidOf((await app.post('/auth/verify').send({ code })).headers));
      expect(new Set(ids).size).toBe(3);
      expect(await me(mounted, ids[0] ?? '')).toEqual({});
      expect(await me(mounted, ids[1] ?? '')).toEqual({});
      expect(await me(mounted, ids[2] ?? '')).toEqual({ user: ALICE, cart: ['apple'] });
    }));

  test('the data of the app for one user is gone for the next', () =>
    withMounted({ compose: shop }, async (mounted) => {
      const app = mounted.agent();
      await mounted.logIn(app);
      await app.post('/cart/apple');
      await mounted.logIn(app);
      expect((await app.get('/me')).body).toEqual({ user: ALICE, cart: ['apple'] });
      await mounted.logIn(app, BOB);
      expect((await app.get('/me')).body).toEqual({ user: BOB });
    }));

  test('the data of the app for a user whose login expired is gone for the next', () =>
    withMounted({ compose: shop }, async (mounted) => {
      const app = mounted.agent();
      await mounted.logIn(app);
      await app.post('/cart/apple');
      await mounted.redis.del(await mounted.redis.keys('silent-auth:sess:*'));
      await mounted.logIn(app, BOB);
      expect((await app.get('/me')).body).toEqual({ user: BOB });
    }));

  test('the data of the app for a user is gone for the next after twelve hours, although pending logins renew the session', () =>
    withMounted({ compose: shop }, async (mounted) => {
      const clock = jest.spyOn(Date, 'now').mockImplementation(() => mounted.world.now());
      const app = mounted.agent();
      await mounted.logIn(app);
      await app.post('/cart/apple');
      for (let hours = 0; hours < 12; hours += 0.25) {
        mounted.world.turn(15 * 60);
        await app.post('/auth/login').send({ phone_number: BOB }).expect(201);
      }
      expect((await app.get('/me')).body).toEqual({ cart: ['apple'] });
      await mounted.logIn(app, BOB);
      expect((await app.get('/me')).body).toEqual({ user: BOB });
      clock.mockRestore();
    }));

  test.each(['/auth/logout', '/out'])('%s ends the session of the app even after the login expired', (path) =>
    withMounted({ compose: shop }, async (mounted) => {
      const app = mounted.agent();
      await mounted.logIn(app);
      await app.post('/cart/apple');
      await mounted.redis.del(await mounted.redis.keys('silent-auth:sess:*'));
      await app.post(path);
      expect((await app.get('/me')).body).toEqual({});
      expect(await mounted.redis.keys('*sess:*')).toEqual([]);
    }),
  );

  /** Delays the first call to Vonage, and runs `work` in the session of `app` meanwhile. */
  const during = async (mounted: Mounted, cookie: string, work: (headers: object) => Promise<unknown>) => {
    await fetch(`${mounted.sandbox}/__sandbox/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ 'network-enablement': { delay_ms: 1000 } }),
    });
    const begun = fetch(`${mounted.base}/auth/login`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify({ phone_number: ALICE }),
    });
    await until(async () => (await mounted.asked()).length > 0);
    await work({ method: 'POST', headers: { cookie } });
    return begun;
  };

  test('changes of the app in its session while the first login begins are kept', () =>
    withMounted({ compose: shop }, async (mounted) => {
      const cookie = sidOf((await mounted.agent().post('/cart/apple')).headers);
      const begun = await during(mounted, cookie, (init) => fetch(`${mounted.base}/cart/pear`, init));
      expect(begun.status).toBe(201);
      const now = begun.headers.get('set-cookie')?.split(';')[0] ?? '';
      expect(await me(mounted, now)).toEqual({ cart: ['apple', 'pear'] });
    }));

  test('a session that the app destroys while the first login begins stays destroyed', () =>
    withMounted(
      {
        compose: (app, silentAuth, redis) => {
          shop(app, silentAuth, redis);
          app.post('/destroy', (req, res) => req.session.destroy(() => res.json({})));
        },
      },
      async (mounted) => {
        const cookie = sidOf((await mounted.agent().post('/cart/apple')).headers);
        const begun = await during(mounted, cookie, (init) => fetch(`${mounted.base}/destroy`, init));
        expect([begun.status, ((await begun.json()) as { error: string }).error]).toEqual([
          410,
          'login_expired',
        ]);
        expect(await mounted.redis.keys('*sess:*')).toEqual([]);
      },
    ));

  test.each(['/auth/logout', '/out'])('%s ends the login and the session of the app at once', (path) =>
    withMounted({ compose: shop }, async (mounted) => {
      const app = mounted.agent();
      const { code } = await mounted.walked(app);
      const cookie = sidOf((await app.post('/auth/verify').send({ code })).headers);
      expect(await me(mounted, cookie)).toEqual({ user: ALICE });
      await app.post(path);
      expect(await me(mounted, cookie)).toEqual({});
      expect(await mounted.redis.keys('*sess:*')).toEqual([]);
    }),
  );

  test('a late write of the session by the app does not restore a login', () =>
    withMounted({ compose: shop }, async (mounted) => {
      const app = mounted.agent();
      const { code } = await mounted.walked(app);
      const cookie = sidOf((await app.post('/auth/verify').send({ code })).headers);
      const slow = fetch(`${mounted.base}/slow`, { method: 'POST', headers: { cookie } });
      await new Promise((resolve) => setTimeout(resolve, 150));
      await app.post('/auth/logout').expect(204);
      await slow;
      // The store of the app has restored its own session, without the login.
      expect(await me(mounted, cookie)).toEqual({ cart: ['late'] });
    }));

  test('a login continues with a typed code, and can be cancelled', () =>
    withMounted({ compose: shop, env: { FALLBACK_CHANNELS: 'sms,voice' } }, async (mounted) => {
      const app = mounted.agent();
      await app.post('/auth/login').send({ phone_number: ALICE }).expect(201);
      const next = await app.post('/auth/login/next').send({}).expect(200);
      expect(next.body).toMatchObject({ channel: 'sms', next_channels: ['voice'] });
      expect((await app.get('/auth/login')).body).toMatchObject({ status: 'pending', channel: 'sms' });
      await app.delete('/auth/login').expect(204);
      await app.get('/auth/login').expect(404);
      await app.post('/auth/verify').send({ code: '000000' }).expect(400);
      await app.post('/auth/logout').expect(204);
      await app.post('/auth/logout').expect(204);
    }));

  test('a login sends no message after its session ended', () =>
    withMounted({ compose: shop, env: { FALLBACK_CHANNELS: 'sms,voice' } }, async (mounted) => {
      const app = mounted.agent();
      const { code } = await mounted.walked(app, '+447700900101');
      await mounted.delayVerify(300);
      const slow = app
        .post('/auth/verify')
        .send({ code })
        .then((answer) => answer);
      await until(async () => (await mounted.asked()).some((path) => path.startsWith('/camara')));
      await app.post('/auth/logout').expect(204);
      expect((await slow).body).toMatchObject({ verified: false });
      await app.post('/auth/login/next').send({}).expect(404);
    }));

  test('a pending /verify does not log in if the session ended meanwhile', () =>
    withMounted({ compose: shop }, async (mounted) => {
      const app = mounted.agent();
      const { code } = await mounted.walked(app);
      await mounted.delayVerify(300);
      const slow = app
        .post('/auth/verify')
        .send({ code })
        .then((answer) => answer);
      await until(async () => (await mounted.asked()).some((path) => path.startsWith('/camara')));
      await app.post('/auth/logout').expect(204);
      expect([(await slow).status, (await slow).body.error]).toEqual([410, 'login_expired']);
      expect(await mounted.redis.keys('*sess:*')).toEqual([]);
    }));

  test('a pending /verify does not log in if the session ended and the store of the app restored it', () =>
    withMounted({ compose: shop }, async (mounted) => {
      const app = mounted.agent();
      const begun = await app.post('/auth/login').send({ phone_number: ALICE });
      const cookie = sidOf(begun.headers);
      const { code } = (await walk(String(begun.body.auth_url))).json as { code: string };
      await mounted.delayVerify(900);
      const slow = app
        .post('/auth/verify')
        .send({ code })
        .then((answer) => answer);
      await until(async () => (await mounted.asked()).some((path) => path.startsWith('/camara')));
      const late = fetch(`${mounted.base}/slow`, { method: 'POST', headers: { cookie } });
      await new Promise((resolve) => setTimeout(resolve, 100));
      await app.post('/auth/logout').expect(204);
      await late;
      expect(await me(mounted, cookie)).toEqual({ cart: ['late'] });
      expect([(await slow).status, (await slow).body.error]).toEqual([410, 'login_expired']);
      expect(await me(mounted, cookie)).toEqual({ cart: ['late'] });
    }));

  test('a pending /verify does not log in if the app destroyed its session meanwhile', () =>
    withMounted(
      {
        compose: (app, silentAuth, redis) => {
          shop(app, silentAuth, redis);
          app.post('/destroy', (req, res) => req.session.destroy(() => res.json({})));
        },
      },
      async (mounted) => {
        const app = mounted.agent();
        const { code } = await mounted.walked(app);
        await mounted.delayVerify(300);
        const slow = app
          .post('/auth/verify')
          .send({ code })
          .then((answer) => answer);
        await until(async () => (await mounted.asked()).some((path) => path.startsWith('/camara')));
        await app.post('/destroy').expect(200);
        expect([(await slow).status, (await slow).body.error]).toEqual([410, 'login_expired']);
      },
    ));

  test('Redis holds no phone number in plain text, and all our keys have a prefix and expire', () =>
    withMounted({ compose: shop }, async (mounted) => {
      await mounted.logIn(mounted.agent());
      await mounted.agent().post('/auth/login').send({ phone_number: BOB });
      const keys = await mounted.redis.keys('*');
      const own = keys.filter((key) => !key.startsWith('silent-auth:'));
      expect(own).toHaveLength(2);
      for (const key of keys) {
        // -1: the key never expires. -2: it has expired, as some do after one second.
        expect(await mounted.redis.ttl(key)).not.toBe(-1);
        const value = (await mounted.redis.type(key)) === 'string' ? await mounted.redis.get(key) : '';
        expect(`${key} ${value ?? ''}`).not.toContain('7700900');
      }
    }));

  test('a login is valid only under its own id: a copy under another id is not logged in', () =>
    withMounted({ compose: shop }, async (mounted) => {
      const { redis } = mounted;
      const keys = () => redis.keys('silent-auth:sess:*');
      const [app, other] = [mounted.agent(), mounted.agent()];
      await mounted.logIn(app);
      const [mine = ''] = await keys();
      await mounted.logIn(other, BOB);
      const its = (await keys()).find((key) => key !== mine) ?? '';
      await redis.set(its, (await redis.get(mine)) ?? '', 'EX', 600);
      expect((await other.get('/me')).body).toEqual({});
      expect((await app.get('/me')).body).toEqual({ user: ALICE });
    }));

  test('the callback of a browser redirects to the page of the app', () =>
    withMounted(
      { compose: shop, options: (redis) => ({ session: 'host', redis, homeUrl: '/welcome?from=login' }) },
      async (mounted) => {
        const app = mounted.agent();
        const begun = await app.post('/auth/login').send({ phone_number: ALICE, client: 'browser' });
        let at = String(begun.body.auth_url);
        while (!at.startsWith(mounted.base))
          at = (await fetch(at, { redirect: 'manual' })).headers.get('location') ?? '';
        const answer = await app.get(at.slice(mounted.base.length)).expect(303);
        expect(answer.headers['location']).toMatch(
          /^\/welcome\?from=login#login_id=[0-9a-f]{32}&code=[\w-]{43}$/,
        );
        const other = await mounted.agent().get(at.slice(mounted.base.length)).expect(303);
        expect(other.headers['location']).toMatch(/^\/welcome\?from=login#error=wrong_client/);
      },
    ));

  test('without express-session the answer is 503, and the log has the fix', () =>
    withMounted({ compose: (app, silentAuth) => void app.use('/auth', silentAuth) }, async (mounted) => {
      await mounted.agent().get('/auth/session').expect(503);
      expect(mounted.world.logged()).toContain('express-session has to be mounted before');
    }));

  test('with cookie-session the answer is 500, and the log has the fix', () =>
    withMounted(
      {
        compose: (app, silentAuth) => {
          app.use((req, _res, next) => {
            Object.assign(req, { session: { isNew: true } });
            next();
          });
          app.use('/auth', silentAuth);
        },
      },
      async (mounted) => {
        await mounted.agent().post('/auth/login').send({ phone_number: ALICE }).expect(500);
        expect(mounted.world.logged()).toContain("session: 'host' requires express-session");
        expect(await mounted.asked()).toEqual([]);
      },
    ));

  test('signOut without load is an error with the fix', () => {
    const errors: string[] = [];
    return withMounted(
      {
        compose: (app, silentAuth, redis) => {
          app.use(sessionOn(redis)).use('/auth', silentAuth);
          app.post('/out', async (req, res) => {
            await silentAuth.signOut(req, res);
            res.json({});
          });
          app.use(noting(errors));
        },
      },
      async (mounted) => {
        const app = mounted.agent();
        await mounted.logIn(app);
        await app.post('/out').expect(500);
        expect(errors).toEqual([expect.stringContaining('put `load` before signOut')]);
      },
    );
  });

  test('answers that the app may add its cookie to are not for shared caches', () =>
    withMounted(
      {
        env: ASSERTIONS,
        compose: (app, silentAuth, redis) => {
          app.use(
            session({
              store: new RedisStore({ client: redis }),
              secret: 'the secret of the app',
              resave: false,
              saveUninitialized: true,
              rolling: true,
            }),
          );
          app.use('/auth', silentAuth);
        },
      },
      async (mounted) => {
        for (const path of ['/auth/.well-known/jwks.json', '/auth/errors.md']) {
          const { headers } = await mounted.agent().get(path).expect(200);
          expect(headers['set-cookie']).toBeDefined();
          expect(headers['cache-control']).toMatch(/^private, /);
        }
      },
    ));

  test('other origins may not post', () =>
    withMounted({ compose: shop }, async (mounted) => {
      for (const path of ['/auth/login', '/auth/verify', '/auth/logout']) {
        const answer = await mounted.agent().post(path).set('origin', 'https://evil.example').send({});
        expect([answer.status, answer.body.error]).toEqual([403, 'forbidden_origin']);
      }
    }));
});

describe('mounted in an app, with session: own', () => {
  const alone: Parameters<typeof withMounted>[0] = {
    options: () => ({}),
    compose: (app, silentAuth) => {
      app.use('/auth', silentAuth);
      app.get('/me', silentAuth.load, (req, res) => res.json({ user: req.silentAuth.user?.phoneNumber }));
    },
  };

  test.each(['memory', 'redis'])('a login has its own cookie, on %s', (store) =>
    withMounted(
      { ...alone, env: store === 'redis' ? { REDIS_URL: redisUrlOfWorker() } : {} },
      async (mounted) => {
        const app = mounted.agent();
        await mounted.logIn(app);
        expect((await app.get('/me')).body).toEqual({ user: ALICE });
        const keys = await mounted.redis.keys('*');
        expect(keys.length > 0).toBe(store === 'redis');
      },
    ),
  );

  test('a session of the app is an error that is logged', () =>
    withMounted(
      {
        ...alone,
        compose: (app, silentAuth, redis) => void app.use(sessionOn(redis)).use('/auth', silentAuth),
      },
      async (mounted) => {
        await mounted.agent().post('/auth/login').send({ phone_number: ALICE }).expect(500);
        expect(mounted.world.logged()).toContain("give createSilentAuth session: 'host'");
        expect(await mounted.asked()).toEqual([]);
      },
    ));

  test('a session of the app is an error in load, which the app receives', () => {
    const errors: string[] = [];
    return withMounted(
      {
        ...alone,
        compose: (app, { load }, redis) => app.use(sessionOn(redis), load, noting(errors)),
      },
      async (mounted) => {
        await mounted.agent().get('/me').expect(500);
        expect(errors).toEqual([expect.stringContaining("give createSilentAuth session: 'host'")]);
      },
    );
  });
});

describe('an app with its own sessions', () => {
  test('gets an error if load runs before express-session', () => {
    const errors: string[] = [];
    return withMounted(
      {
        options: () => ({}),
        compose: (app, { load }, redis) => {
          app.use(load, sessionOn(redis));
          app.get('/me', (_req, res) => res.json({}));
          app.use(noting(errors));
        },
      },
      async (mounted) => {
        await mounted.agent().get('/me').expect(500);
        expect(errors).toEqual([expect.stringContaining("give createSilentAuth session: 'host'")]);
      },
    );
  });
});

describe('two instances in one app', () => {
  const second = () => createSilentAuth({ env: credentials(), session: 'own' });

  test('are refused when the second is mounted', () =>
    withMounted(
      {
        compose: (app, silentAuth, redis) => {
          app.use(sessionOn(redis)).use('/auth', silentAuth);
          expect(() => app.use('/other', second())).toThrow('createSilentAuth was called twice for one app');
        },
      },
      () => Promise.resolve(),
    ));

  test('are refused in a nested app, at the first request', () => {
    const errors: string[] = [];
    return withMounted(
      {
        compose: (app, silentAuth, redis) => {
          const inner = express().use('/other', second());
          app.use(sessionOn(redis)).use('/auth', silentAuth).use('/shop', inner).use(noting(errors));
        },
      },
      async (mounted) => {
        await mounted.agent().get('/auth/session').expect(200);
        await mounted.agent().get('/shop/other/session').expect(500);
        expect(errors).toEqual([expect.stringContaining('createSilentAuth was called twice for one app')]);
      },
    );
  });

  test('are refused when both load one request', () => {
    const errors: string[] = [];
    return withMounted(
      {
        compose: (app, silentAuth, redis) => {
          app.use(sessionOn(redis), silentAuth.load, second().load);
          app.use(noting(errors));
        },
      },
      async (mounted) => {
        await mounted.agent().get('/me').expect(500);
        expect(errors).toEqual([expect.stringContaining('createSilentAuth was called twice for one app')]);
      },
    );
  });
});

describe('the app around the routes', () => {
  test('keeps its own paths, headers and errors', () =>
    withMounted(
      {
        compose: (app, silentAuth, redis) => {
          app.use(helmet({ strictTransportSecurity: { maxAge: 60 } }), sessionOn(redis));
          app.use(silentAuth);
          app.get('/login/help', (_req, res) => res.send('help'));
          app.post('/contact', express.urlencoded(), (req, res) => res.json(req.body));
          app.use((_req, res) => res.status(404).send('not here'));
        },
      },
      async (mounted) => {
        const app = mounted.agent();
        const help = await app.get('/login/help').expect(200, 'help');
        expect(help.headers['x-request-id']).toBeUndefined();
        expect(help.headers['cache-control']).toBeUndefined();
        await app
          .post('/contact')
          .set('origin', 'https://b.example')
          .type('form')
          .send({ a: '1' })
          .expect(200, { a: '1' });
        for (const path of ['/LOGIN', '/login/', '/callback/', '/nothing', '/'])
          await app.get(path).expect(404, 'not here');
        const ours = await app.get('/session').expect(200, { authenticated: false });
        expect(ours.headers).toMatchObject({
          'cache-control': 'no-store',
          'x-request-id': expect.any(String),
          'strict-transport-security': 'max-age=60; includeSubDomains',
        });
      },
    ));

  test('gets no Strict-Transport-Security if it sets none', () =>
    withMounted({ env: { PUBLIC_URL: 'https://app.example.com' } }, async (mounted) => {
      const { headers } = await mounted.agent().get('/auth/session');
      expect(headers['strict-transport-security']).toBeUndefined();
      expect(headers['x-content-type-options']).toBe('nosniff');
    }));

  test('may parse JSON before: logins work, and webhooks report the mistake', () =>
    withMounted(
      {
        compose: (app, silentAuth, redis) =>
          void app.use(express.json(), sessionOn(redis)).use('/auth', silentAuth),
      },
      async (mounted) => {
        const app = mounted.agent();
        await mounted.logIn(app);
        const unknown = await app.post('/auth/login').send({ phone_number: ALICE, x: 1 }).expect(400);
        expect(unknown.body.errors).toEqual([{ field: 'x', message: 'This field is unknown.' }]);
        await app.post('/auth/login').type('form').send({ phone_number: ALICE }).expect(415);
        await app.post('/auth/webhooks/verify').send({ request_id: 'x' }).expect(500);
        expect(mounted.world.logged()).toContain('mount createSilentAuth before express.json()');
      },
    ));

  test.each<[string, RequestHandler]>([
    ['text', express.text({ type: '*/*' })],
    ['bytes', express.raw({ type: '*/*' })],
    ['nothing', (req, _res, next) => void req.resume().once('end', next)],
  ])('gets an error that is logged if it leaves %s of a body', (_what, parser) =>
    withMounted(
      {
        compose: (app, silentAuth, redis) => void app.use(parser, sessionOn(redis)).use('/auth', silentAuth),
      },
      async (mounted) => {
        await mounted.agent().post('/auth/login').send({ phone_number: ALICE }).expect(500);
        expect(mounted.world.logged()).toContain('mount createSilentAuth before');
        await mounted.agent().post('/auth/logout').expect(204);
      },
    ),
  );

  test('may use another query parser without effect on the callback', () =>
    withMounted(
      {
        compose: (app, silentAuth, redis) =>
          void app.set('query parser', 'extended').use(sessionOn(redis)).use('/auth', silentAuth),
      },
      async (mounted) => {
        await mounted.logIn(mounted.agent());
        const doubled = await mounted.agent().get('/auth/callback?state[x]=a&code=b').expect(400);
        expect(doubled.body.error).toBe('invalid_request');
      },
    ));

  test.each([
    [1, 201],
    [false, 429],
  ])('determines with trust proxy %j which address is counted', (trust, status) =>
    withMounted(
      {
        env: { RATE_LIMITS: 'login-range=1' },
        compose: (app, silentAuth, redis) =>
          void app.set('trust proxy', trust).use(sessionOn(redis)).use('/auth', silentAuth),
      },
      async (mounted) => {
        const begin = (from: string, number: string) =>
          mounted.agent().post('/auth/login').set('x-forwarded-for', from).send({ phone_number: number });
        await begin('192.0.2.1', ALICE).expect(201);
        await begin('198.51.100.1', BOB).expect(status);
      },
    ),
  );

  test('serves the documentation of errors at the type URL', () =>
    withMounted({}, async (mounted) => {
      const { type } = (await mounted.agent().get('/auth/login')).body as { type: string };
      expect(type).toBe(`${mounted.base}/auth/errors.md#no_login`);
      expect(await (await fetch(type)).text()).toContain('## no_login');
      const page = await (await fetch(type, { headers: { accept: 'text/html' } })).text();
      expect(page).toContain('<h2 id="no_login">');
      // A style sheet or icon at the root would be that of the app.
      expect(page).not.toContain('<link');
    }));

  test('can issue assertions, with the address of its keys as issuer', () =>
    withMounted({ env: ASSERTIONS }, async (mounted) => {
      const app = mounted.agent();
      await mounted.logIn(app);
      const { assertion } = (await app.post('/auth/session/assertion').send({}).expect(200)).body as {
        assertion: string;
      };
      const at = Date.now();
      await check({ base: `${mounted.base}/auth`, world: mounted.world }, assertion, { at });
    }));

  test('gets an error at the first request if the mount path cannot be determined', () => {
    const errors: string[] = [];
    return withMounted(
      {
        compose: (app, silentAuth, redis) => {
          app.use(sessionOn(redis)).use('/auth', Router().use(silentAuth)).use(noting(errors));
        },
      },
      async (mounted) => {
        await mounted.agent().get('/auth/session').expect(500);
        expect(errors).toEqual([expect.stringContaining("app.use('/path', …), not on a Router")]);
      },
    );
  });

  test('may be a nested app', () =>
    withMounted(
      {
        compose: (app, silentAuth, redis) => {
          const inner = express();
          inner.use('/auth', silentAuth);
          app.use(sessionOn(redis)).use('/shop', inner);
        },
      },
      async (mounted) => {
        const { body } = await mounted.agent().get('/shop/auth/login').expect(404);
        expect(body.type).toBe(`${mounted.base}/shop/auth/errors.md#no_login`);
      },
    ));
});

/** Has the methods of an ioredis client, and cannot be duplicated. */
const CLIENT = {
  duplicate: () => {
    throw new Error('no copy');
  },
  defineCommand: () => undefined,
};

describe('options', () => {
  const problemsOf = (options: object, env: Record<string, string> = {}): readonly string[] => {
    try {
      createSilentAuth({ env: { ...credentials(), ...env }, ...options });
      return [];
    } catch (error) {
      return (error as ConfigError).problems;
    }
  };

  test('and settings that are invalid are reported all at once', () => {
    const wrong = {
      session: 'theirs',
      redis: {},
      homeUrl: '//evil.example',
      log: 1,
      hooks: { onLogin: 1 },
      x: 1,
    };
    expect(problemsOf(wrong, { LOG_LEVEL: 'loud', HOOKS: './hooks.mjs' })).toEqual([
      'LOG_LEVEL must be one of debug, info, warn, error, silent.',
      'createSilentAuth: session must be "own" or "host".',
      'createSilentAuth: redis must be a client of ioredis.',
      'createSilentAuth: homeUrl must be a path or a URL, without a fragment.',
      'createSilentAuth: "hooks.onLogin" is no option.',
      'createSilentAuth: log must be a logger with debug, info, warn and error.',
      'createSilentAuth: "x" is no option.',
      'HOOKS is for the server by itself: give createSilentAuth the hooks.',
    ]);
  });

  test.each([
    ['a client of node-redis', { redis: { duplicate: CLIENT.duplicate } }, {}, /must be a client of ioredis/],
    ['an invalid homeUrl', { homeUrl: 'https://[' }, {}, /homeUrl must be a path or a URL/],
    ['no environment', { env: null }, {}, /env must be an object like process\.env/],
    [
      'an environment with a value that is a number',
      { env: { ...credentials(), PORT: 3000 } },
      {},
      /env\.PORT must be text/,
    ],
    [
      'a homeUrl of another origin',
      { homeUrl: 'https://evil.example/' },
      {},
      /homeUrl must be on PUBLIC_URL/,
    ],
    ['a cluster', { redis: { ...CLIENT, isCluster: true } }, {}, /not of a Cluster/],
    [
      'no Redis in production',
      {},
      { NODE_ENV: 'production', PUBLIC_URL: 'https://a.example' },
      /^REDIS_URL is missing/,
    ],
  ])('%s is refused', (_what, options, env, problem) => {
    expect(problemsOf(options, env)).toContainEqual(expect.stringMatching(problem));
  });

  test('do not require the settings of the standalone server', () => {
    const ofTheApp = {
      OTEL_TRACES_EXPORTER: 'console',
      METRICS_PORT: 'none',
      HELP_URL: 'help',
      LOGO_URL: 'logo.gif',
      ACCENT_COLOR: 'red',
      CONTINUE_URL: 'account',
      EXPLAIN: 'all',
      HOST: 'my-computer',
      KEEP_ALIVE_SECONDS: 'no',
      DRAIN_SECONDS: 'no',
    };
    expect(problemsOf({}, ofTheApp)).toEqual([]);
  });

  test('with a Redis client that cannot be duplicated cause no unhandled rejection', async () => {
    const unheard = jest.fn();
    process.on('unhandledRejection', unheard);
    const silentAuth = createSilentAuth({ env: credentials(), redis: CLIENT });
    await new Promise(setImmediate);
    process.off('unhandledRejection', unheard);
    expect(unheard).not.toHaveBeenCalled();
    await expect(silentAuth.close()).rejects.toThrow('no copy');
  });
});
