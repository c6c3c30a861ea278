import { createPublicKey } from 'node:crypto';
import { jwtVerify } from 'jose';
import { API, ASSERTIONS } from '../../support/assertions.js';
import { NUMBERS, type Environment } from './environment.js';
import type { Jar, Who } from './moves.js';
import type { Players } from './players.js';
import type { ListedSession } from './session-rules.js';

interface SessionMovesOptions {
  environment: Environment;
  players: Players;
  /** Notes for the oracle that have to wait until all concurrent requests have ended. */
  settleEnds: (() => void)[];
  /** Whether other requests are under way. */
  isRacing: () => boolean;
}

const publicKey = createPublicKey(ASSERTIONS.ASSERTION_KEYS);

/** Moves that list and end sessions, and that use them at other services. */
export function createSessionMoves({ environment, players, settleEnds, isRacing }: SessionMovesOptions) {
  const { client, reached, operators, system } = environment;
  const { oracle, jars, ids, send } = players;
  const rules = oracle.sessions;

  return {
    async list(jar: Jar): Promise<void> {
      const session = jars[jar]?.session;
      const [{ status, json }] = await send(jar, { method: 'GET', path: '/sessions' });
      if (status !== 200) return;
      reached('lists of sessions');
      const list = json?.['sessions'] as ListedSession[];
      ids.push(...list.map(({ id }) => id).filter((id) => !ids.includes(id)));
      if (!isRacing()) rules.checkList(session, list);
    },
    async end(jar: Jar, id: string | undefined): Promise<void> {
      if (id === undefined) return;
      const number = jars[jar]?.session.proof?.number;
      if (number !== undefined && rules.isForeign(id, number))
        reached('ids of sessions of another user that were to be ended');
      const [{ status }] = await send(jar, { method: 'DELETE', path: `/sessions/${id}` });
      if (status !== 204) return;
      reached('sessions ended by their id');
      settleEnds.push(() => rules.endedById(id, number));
    },
    async endOthers(jar: Jar, all: boolean): Promise<void> {
      const session = jars[jar]?.session;
      const number = session?.proof?.number;
      const end = number === undefined ? undefined : rules.revoking(number, session);
      const path = `/sessions${all ? '?all=true' : ''}`;
      const [{ status }] = await send(jar, { method: 'DELETE', path });
      if (status !== 204) return;
      reached('revocations by users');
      if (end === undefined && !isRacing()) rules.answeredWithoutUser('sessions were ended');
      settleEnds.push(() => {
        // Meanwhile, the session may have become one of another number.
        if (session?.proof?.number !== number) return;
        end?.();
        if (session && all) session.ended = true;
      });
    },
    async revoke(who: Who): Promise<void> {
      const end = rules.revoking(NUMBERS[who]);
      const { base, headers } = operators;
      const body = { phone_number: NUMBERS[who] };
      const { status } = await client.ask('POST', `${base}/sessions/revoke`, { headers, body });
      if (status !== 200) throw new Error(`an operator could not revoke: ${status}`);
      reached('revocations by operators');
      settleEnds.push(end);
    },
    async assert(jar: Jar, maxAge: number | null): Promise<void> {
      const session = jars[jar]?.session;
      const before = session?.proof;
      const body = maxAge === null ? {} : { max_age: maxAge };
      const [{ status, json }] = await send(jar, { method: 'POST', path: '/session/assertion', body });
      if (json?.['error'] === 'reauthentication_required') {
        reached('assertions refused as too old');
        if (!isRacing()) rules.checkRefusedAssertion(before, maxAge);
      }
      if (status !== 200) return;
      reached('assertions');
      const { payload } = await jwtVerify(String(json?.['assertion']), publicKey, {
        ...{ issuer: system.base, audience: API, algorithms: ['ES256'] },
        currentDate: new Date(system.world.now()),
      });
      settleEnds.push(() => rules.checkAssertion([before, session?.proof], payload, maxAge));
    },
  };
}
