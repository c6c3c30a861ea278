import { WITH_CODES, type System } from './system.js';

/** Settings of a server with fallback channels behind one proxy. */
export const BEHIND_PROXY = {
  TRUST_PROXY: '1',
  ...WITH_CODES,
};

/** A client at an address, which the proxy in front of the server forwards. */
export function clientAt(system: System, address: string) {
  const app = system.app();
  const post = (path: string, body: object) => app.post(path).set('X-Forwarded-For', address).send(body);
  return {
    app,
    post,
    login: (phoneNumber: string) => post('/login', { phone_number: phoneNumber }),
    next: (channel?: 'sms' | 'voice') => post('/login/next', { channel }),
    /** Begins a login and requests a message. */
    async askForMessage(phoneNumber: string, channel: 'sms' | 'voice' = 'sms') {
      await post('/login', { phone_number: phoneNumber }).expect(201);
      return post('/login/next', { channel });
    },
  };
}

/** Sets both clocks to the same moment. */
export const agree = (one: System, other: System): void =>
  other.world.turn((one.world.now() - other.world.now()) / 1000);

/** Advances the clock to the next full hour, so that all counts are in one window. */
export const atFullHour = (system: System): void =>
  system.world.turn(3600 - ((system.world.now() / 1000) % 3600));
