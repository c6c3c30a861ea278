import { createPrivateKey } from 'node:crypto';
import { openSync } from 'node:fs';
import { destination, pino } from 'pino';
import { numberingOf, parsePhoneNumber, type PhoneNumber } from '../src/core/phone-number.js';
import { newCredentials } from '../src/sandbox/credentials.js';
import { createMemoryStore } from '../src/store/memory.js';
import { deriveKey, seal, unseal } from '../src/store/seal.js';
import { createTickets } from '../src/login/tickets.js';
import { createAppToken } from '../src/vonage/tokens.js';
import { randomToken, systemWorld } from '../src/core/world.js';
import type { Part } from './measure.js';

const NUMBER = '+447400123456' as PhoneNumber;
/** About as long as a session with a login. */
const SESSION = JSON.stringify({ text: 's'.repeat(400) });

/** Work within the process, without HTTP, Redis or Express. */
export function inProcessParts(): Part[] {
  const world = systemWorld(pino({ base: null }, destination(openSync('/dev/null', 'w'))));
  const { applicationId, privateKeyPem, sessionSecret } = newCredentials();
  const key = createPrivateKey(privateKeyPem);
  const sessionKey = deriveKey(sessionSecret, 'session');
  const sealedSession = seal(sessionKey, 'session', SESSION);
  const tickets = createTickets(createMemoryStore(world), world);
  const ticket = { loginId: 'l', phoneNumber: NUMBER, expiresAt: world.now() + 300_000 } as const;
  const cachedToken = createAppToken(applicationId, key, world);
  const line = { request_id: 'r'.repeat(36), login_id: 'l'.repeat(32), step: 'begin', outcome: 'ok', ms: 1 };
  return [
    { name: 'application JWT, cached', timesALogin: 2, work: cachedToken },
    {
      name: 'application JWT, signed (not in a login)',
      timesALogin: 0,
      work: () => createAppToken(applicationId, key, world)(),
    },
    {
      name: 'ticket: seal, put and take (embedded store)',
      timesALogin: 2,
      work: async () => {
        const secret = randomToken(world);
        await tickets.put('state', secret, ticket);
        return tickets.take('state', secret);
      },
    },
    { name: 'session: seal', timesALogin: 2, work: () => seal(sessionKey, 'session', SESSION) },
    {
      name: 'session: unseal',
      timesALogin: 1,
      work: () => unseal(sessionKey, 'session', sealedSession),
    },
    {
      name: 'phone number: parse, and look up the numbering plan',
      timesALogin: 1,
      work: () => numberingOf(parsePhoneNumber(NUMBER) as PhoneNumber),
    },
    { name: 'log line', timesALogin: 3, work: () => world.log.info(line, 'login step') },
  ];
}
