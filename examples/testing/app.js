// A booking service whose customers log in by phone number. Its tests need no phone
// (docs/mounting.md).
import express from 'express';
import { createSilentAuth } from 'silent-auth-bff';

/** @param options those of createSilentAuth; tests give the settings of a sandbox as `env` */
export function createBookings(options) {
  const silentAuth = createSilentAuth(options);
  const bookings = new Map();
  const app = express();
  app.use('/auth', silentAuth);

  const authenticate = (req, res, next) => {
    if (req.silentAuth.user === undefined) return res.status(401).json({ error: 'log_in_first' });
    next();
  };
  app.get('/bookings', silentAuth.load, authenticate, (req, res) =>
    res.json(bookings.get(req.silentAuth.user.phoneNumber) ?? []),
  );
  app.post('/bookings/:day', silentAuth.load, authenticate, (req, res) => {
    const { phoneNumber } = req.silentAuth.user;
    bookings.set(phoneNumber, [...(bookings.get(phoneNumber) ?? []), req.params.day]);
    res.status(201).json(bookings.get(phoneNumber));
  });
  return { app, close: () => silentAuth.close() };
}
