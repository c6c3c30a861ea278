import { randomBytes } from 'node:crypto';
import express, { type Express, type RequestHandler } from 'express';
import session from 'express-session';
import { VERIFY_SCOPE } from '../../src/vonage/wire.js';

/** How a peer calls the three APIs of a login. */
export interface VonageCalls {
  /** `POST /v0.1/network-enablement` */
  enable: (phoneNumber: string, state: string) => Promise<{ scopes: Record<string, { auth_url: string }> }>;
  /** `POST /oauth2/token` */
  exchange: (code: string) => Promise<{ access_token: string }>;
  /** `POST /camara/number-verification/v031/verify` */
  verify: (accessToken: string, phoneNumber: string) => Promise<{ devicePhoneNumberVerified: boolean }>;
}

declare module 'express-session' {
  interface SessionData {
    phoneNumber?: string;
    verified?: boolean;
  }
}

/** Where a peer keeps the values of a login under way. */
export interface Values {
  put(key: string, value: string): Promise<unknown>;
  take(key: string): Promise<string | null>;
}

/** The packages of a peer. Default: sessions as a tutorial has them, and all values in memory. */
interface PeerParts {
  sessions?: RequestHandler;
  values?: Values;
}

/** Saves each session at each request. */
const tutorialSessions = (): RequestHandler =>
  session({ secret: 'a secret of this peer', resave: true, saveUninitialized: true });

function memoryValues(): Values {
  const values = new Map<string, string>();
  return {
    put: (key, value) => Promise.resolve(values.set(key, value)),
    take: (key) => {
      const value = values.get(key) ?? null;
      values.delete(key);
      return Promise.resolve(value);
    },
  };
}

/**
 * The five steps as a tutorial writes them. It checks nothing but the state and the code, counts no
 * limit, seals nothing and logs nothing.
 */
export function createPeer(
  { enable, exchange, verify }: VonageCalls,
  { sessions = tutorialSessions(), values = memoryValues() }: PeerParts = {},
): Express {
  const take = async (key = ''): Promise<string> => {
    const value = await values.take(key);
    if (value === null) throw new Error('unknown');
    return value;
  };
  const app = express();
  app.use(sessions);
  app.use(express.json());

  app.post('/login', async (req, res) => {
    const { phone_number: phoneNumber } = req.body as { phone_number: string };
    const state = randomBytes(16).toString('hex');
    const { scopes } = await enable(phoneNumber, state);
    await values.put(`state:${state}`, phoneNumber);
    req.session.phoneNumber = phoneNumber;
    res.status(201).json({ auth_url: scopes[VERIFY_SCOPE]?.auth_url });
  });
  app.get('/callback', async (req, res) => {
    const { state, code: authorizationCode = '' } = req.query as Record<string, string>;
    await take(`state:${state}`);
    const { access_token: token } = await exchange(authorizationCode);
    const code = randomBytes(16).toString('hex');
    await values.put(`code:${code}`, token);
    res.json({ code });
  });
  app.post('/verify', async (req, res) => {
    const { phoneNumber = '' } = req.session;
    const token = await take(`code:${(req.body as { code: string }).code}`);
    const { devicePhoneNumberVerified: verified } = await verify(token, phoneNumber);
    await new Promise((done) => req.session.regenerate(done));
    req.session.verified = verified;
    res.json({ verified });
  });
  return app;
}
