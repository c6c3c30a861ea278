import { ALICE, withSystem, WEBHOOKS } from '../support/system.js';
import { openProxy } from '../support/proxy.js';
import { startRedis } from '../support/redis-server.js';
import { portOf, REDIS_FAULTS } from './redis-faults.js';

// Verify v2 moves on to messages by itself, so a request may begin only after its login was stored.
test.each(Object.entries(REDIS_FAULTS))(
  'with SILENT_AUTH=verify, no paid request begins while Redis is %s',
  async (_what, fault) => {
    const redis = await startRedis();
    const redisProxy = await openProxy(portOf(redis));
    const env = { SILENT_AUTH: 'verify', FALLBACK_CHANNELS: 'sms', ...WEBHOOKS };
    try {
      await withSystem({ redisUrl: `redis://127.0.0.1:${redisProxy.port}`, env }, async (system) => {
        const begin = () => system.app().post('/login').send({ phone_number: ALICE });
        system.useProductionTimeouts(true);
        await fault.inject({ redis, redisProxy, system });
        const refused = await begin();
        expect([refused.status, refused.body.error]).toEqual([503, 'unavailable']);
        expect(await system.upstream()).toEqual([]);
      });
    } finally {
      await redisProxy.close();
      await redis.stop();
    }
  },
);
