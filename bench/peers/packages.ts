import { Agent } from 'node:http';
import { Auth } from '@vonage/auth';
import axios from 'axios';
import { RedisStore } from 'connect-redis';
import { Router } from 'express';
import session from 'express-session';
import helmet from 'helmet';
import { Redis } from 'ioredis';
import { VERIFY_SCOPE } from '../../src/vonage/wire.js';
import { createPeer } from './app.js';

/**
 * A login with the packages of the server, as their documentation shows them, and with one JWT for
 * all calls. Everything is in Redis, and nothing is sealed, counted, checked or logged.
 */
const {
  PORT = '',
  REDIS_URL = '',
  SESSION_SECRET: secret = '',
  VONAGE_BASE_URL: baseURL = '',
  VONAGE_APPLICATION_ID: applicationId = '',
  VONAGE_PRIVATE_KEY: privateKey = '',
  PUBLIC_URL = '',
} = process.env;
const TTL_SECONDS = 600;
const redis = new Redis(REDIS_URL);
const vonage = axios.create({ baseURL, httpAgent: new Agent({ keepAlive: true }) });
const bearer = await new Auth({ applicationId, privateKey }).createBearerHeader();

async function post<T>(path: string, data: object, authorization = bearer): Promise<T> {
  return (await vonage.post<T>(path, data, { headers: { authorization } })).data;
}

const store = new RedisStore({ client: redis });
createPeer(
  {
    enable: (phoneNumber, state) =>
      post('/v0.1/network-enablement', { phone_number: phoneNumber, scopes: [VERIFY_SCOPE], state }),
    exchange: (code) =>
      post(
        '/oauth2/token',
        new URLSearchParams({
          code,
          redirect_uri: `${PUBLIC_URL}/callback`,
          grant_type: 'authorization_code',
        }),
      ),
    verify: (accessToken, phoneNumber) =>
      post('/camara/number-verification/v031/verify', { phoneNumber }, `Bearer ${accessToken}`),
  },
  {
    sessions: Router().use(helmet(), session({ store, secret, resave: false, saveUninitialized: false })),
    values: {
      put: (key, value) => redis.set(key, value, 'EX', TTL_SECONDS),
      take: (key) => redis.getdel(key),
    },
  },
).listen(Number(PORT));
