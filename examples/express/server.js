// A shop with its own sessions, whose customers log in by phone number (docs/mounting.md).
import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { Redis } from 'ioredis';
import { createSilentAuth } from 'silent-auth-bff';

const { PORT = '3000', REDIS_URL = 'redis://localhost:6379', SHOP_SECRET = 'change me' } = process.env;
const redis = new Redis(REDIS_URL);

const app = express();
app.use(
  session({
    store: new RedisStore({ client: redis, prefix: 'shop:' }),
    secret: SHOP_SECRET,
    resave: false,
    // Avoids a session for each visit, and for the device that returns from the operator.
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', secure: process.env.NODE_ENV === 'production' },
  }),
);

// Reads the server's settings from the environment.
const silentAuth = createSilentAuth({ session: 'host', redis, homeUrl: '/welcome' });
app.use('/auth', silentAuth);

app.post('/cart/:item', (req, res) => {
  req.session.cart = [...(req.session.cart ?? []), req.params.item];
  res.json({ cart: req.session.cart });
});

app.get('/orders', silentAuth.load, (req, res) => {
  const { user } = req.silentAuth;
  if (user === undefined) return res.status(401).json({ error: 'log_in_first' });
  res.json({ customer: user.phoneNumber, by: user.channel, cart: req.session.cart ?? [] });
});

app.post('/sign-out', silentAuth.load, async (req, res) => {
  await silentAuth.signOut(req, res);
  res.status(204).end();
});

const server = app.listen(Number(PORT), (error) => {
  if (error) throw error;
  console.log(`The shop is at http://localhost:${server.address().port}`);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    server.close(async () => {
      await silentAuth.close();
      await redis.quit();
    });
    server.closeIdleConnections();
  });
}
