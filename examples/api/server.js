// An API that authenticates its callers by the server's assertions (docs/assertions.md).
import express from 'express';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

const {
  PORT = '5000',
  ISSUER = 'http://localhost:3000',
  JWKS_URL = `${ISSUER}/.well-known/jwks.json`,
  AUDIENCE = 'https://api.example.com',
} = process.env;

// Caches the keys, and fetches them again for an unknown `kid`.
const keys = createRemoteJWKSet(new URL(JWKS_URL));

/** The keys could not be fetched: an error of the server, not of the caller. */
const KEY_ERRORS = ['ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID', 'ERR_JWKS_TIMEOUT'];

/** Requires an assertion for this API, and sets `req.user` to its claims. */
async function authenticate(req, res, next) {
  const [, assertion = ''] = /^Bearer (\S+)$/i.exec(req.get('Authorization') ?? '') ?? [];
  try {
    const { payload } = await jwtVerify(assertion, keys, {
      issuer: ISSUER,
      audience: AUDIENCE,
      algorithms: ['ES256'],
      requiredClaims: ['sub', 'exp', 'auth_time', 'amr'],
    });
    req.user = payload;
    next();
  } catch (error) {
    if (!(error instanceof errors.JOSEError) || KEY_ERRORS.includes(error.code)) throw error;
    res.status(401).set('WWW-Authenticate', 'Bearer error="invalid_token"').json({ error: error.code });
  }
}

/** Requires a login by SIM in the last 15 minutes, for sensitive requests. */
function freshFromSim(req, res, next) {
  const { amr, auth_time: authTime } = req.user;
  if (amr.includes('sim') && Date.now() / 1000 - authTime < 15 * 60) return next();
  res.status(403).json({ error: 'log_in_again' });
}

const app = express();
app.get('/me', authenticate, (req, res) => res.json({ user: req.user.sub, by: req.user.amr }));
app.post('/transfers', authenticate, freshFromSim, (_req, res) => res.status(201).json({ done: true }));

const server = app.listen(Number(PORT), (error) => {
  if (error) throw error;
  console.log(`The API is at http://localhost:${server.address().port}`);
});
