import type { Redis } from 'ioredis';
import { Pool } from 'undici';
import { VERIFY_SCOPE } from '../src/vonage/wire.js';
import { createTransport } from '../src/http/transport.js';
import { connectRedis } from '../src/store/connection.js';
import { createRedisStore } from '../src/store/redis.js';
import type { World } from '../src/core/world.js';
import { redisAt } from '../test/support/redis-server.js';
import type { Part } from './measure.js';

interface Peers {
  upstreamUrl: string;
  redisUrl: string;
  /** The client for the comparison. */
  redis: Redis;
  log: World['log'];
}

/**
 * Calls and commands, each beside the same one by the client library alone, without the peer's
 * work.
 */
export function networkParts({ upstreamUrl, redisUrl, redis, log }: Peers): Part[] {
  const transport = createTransport();
  const pool = new Pool(upstreamUrl);
  const store = createRedisStore(connectRedis(redisAt(redisUrl), log));
  const body = { phone_number: '+447400123456', scopes: [VERIFY_SCOPE], state: 's'.repeat(44) };
  const path = '/v0.1/network-enablement';
  const call = {
    ...({
      api: 'bench',
      method: 'POST',
      url: `${upstreamUrl}${path}`,
      bearer: 'j'.repeat(600),
      body,
    } as const),
    ...{ timeoutMs: 3000, requestId: 'c' },
  };
  const headers = { authorization: `Bearer ${'j'.repeat(600)}`, 'content-type': 'application/json' };
  const value = 'v'.repeat(500);
  const costs = ['a', 'b', 'c', 'd', 'e'].map((entry) => ({ entry, by: 1, limit: 1e9 }));
  return [
    { name: 'call to the upstream', timesALogin: 3, work: () => transport(call) },
    {
      name: '— by undici alone (the floor)',
      timesALogin: 0,
      work: async () => {
        const sent = { method: 'POST', path, headers, body: JSON.stringify(body) } as const;
        return (await pool.request(sent)).body.json();
      },
    },
    { name: 'Redis command', timesALogin: 8, work: () => store.set('bench', value, 60) },
    {
      name: '— by ioredis alone (the floor)',
      timesALogin: 0,
      work: () => redis.set('bench', value, 'EX', 60),
    },
    { name: 'limits of a login', timesALogin: 1, work: () => store.spend('limit:bench', costs, 600) },
  ];
}
