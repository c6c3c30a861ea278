import { randomBytes } from 'node:crypto';
import express, { type Express } from 'express';
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

/**
 * The five steps as a tutorial writes them: Express, express-session with its defaults (in memory,
 * each session saved at each request), and a table of logins in the process. It checks nothing but
 * the state and the code, counts no limit, seals nothing and logs nothing.
 */
export function createPeer({ enable, exchange, verify }: VonageCalls): Express {
  const logins = new Map<string, string>();
  const tokens = new Map<string, string>();
  const take = (table: Map<string, string>, key = ''): string => {
    const value = table.get(key);
    if (value === undefined) throw new Error('unknown');
    table.delete(key);
    return value;
  };
  const app = express();
  app.use(session({ secret: 'a secret of this peer', resave: true, saveUninitialized: true }));
  app.use(express.json());

  app.post('/login', async (req, res) => {
    const { phone_number: phoneNumber } = req.body as { phone_number: string };
    const state = randomBytes(16).toString('hex');
    const { scopes } = await enable(phoneNumber, state);
    logins.set(state, phoneNumber);
    req.session.phoneNumber = phoneNumber;
    res.status(201).json({ auth_url: scopes[VERIFY_SCOPE]?.auth_url });
  });
  app.get('/callback', async (req, res) => {
    const { state, code: authorizationCode = '' } = req.query as Record<string, string>;
    take(logins, state);
    const { access_token: token } = await exchange(authorizationCode);
    const code = randomBytes(16).toString('hex');
    tokens.set(code, token);
    res.json({ code });
  });
  app.post('/verify', async (req, res) => {
    const { phoneNumber = '' } = req.session;
    const token = take(tokens, (req.body as { code: string }).code);
    const { devicePhoneNumberVerified: verified } = await verify(token, phoneNumber);
    await new Promise((done) => req.session.regenerate(done));
    req.session.verified = verified;
    res.json({ verified });
  });
  return app;
}
