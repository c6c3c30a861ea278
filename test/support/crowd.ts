import { WITH_CODES, type House } from './house.js';

/** Settings of a server behind one proxy that offers codes to type. */
export const BEHIND_PROXY = {
  TRUST_PROXY: '1',
  ...WITH_CODES,
};

/** Somebody at an address, as the proxy in front of the server tells it. */
export function someoneAt(house: House, address: string) {
  const app = house.app();
  const post = (path: string, body: object) => app.post(path).set('X-Forwarded-For', address).send(body);
  return {
    app,
    post,
    login: (phoneNumber: string) => post('/login', { phone_number: phoneNumber }),
    next: (channel?: 'sms' | 'voice') => post('/login/next', { channel }),
    /** Begins a login and asks for a message. */
    async askForMessage(phoneNumber: string, channel: 'sms' | 'voice' = 'sms') {
      await post('/login', { phone_number: phoneNumber }).expect(201);
      return post('/login/next', { channel });
    },
  };
}

/** Sets both clocks to the same moment. */
export const agree = (one: House, other: House): void =>
  other.world.turn((one.world.now() - other.world.now()) / 1000);

/** Turns the clock to the beginning of the next hour, so that what is counted lies in one window. */
export const atFullHour = (house: House): void =>
  house.world.turn(3600 - ((house.world.now() / 1000) % 3600));
