import { ALICE, withHouse, WEBHOOKS } from '../support/house.js';
import { openProxy } from '../support/proxy.js';
import { startRedis } from '../support/redis-server.js';
import { portOf, REDIS_FAULTS } from './redis-faults.js';

// Verify v2 goes on to messages by itself: what could not be kept must not be begun.
test.each(Object.entries(REDIS_FAULTS))(
  'with SILENT_AUTH=verify, nothing that may cost money is begun while Redis is %s',
  async (_what, fault) => {
    const redis = await startRedis();
    const way = await openProxy(portOf(redis));
    const scene = { redis, way };
    const env = { SILENT_AUTH: 'verify', FALLBACK_CHANNELS: 'sms', ...WEBHOOKS };
    try {
      await withHouse({ redisUrl: `redis://127.0.0.1:${way.port}`, env }, async (house) => {
        const begin = () => house.app().post('/login').send({ phone_number: ALICE });
        await fault.breakIt({ ...scene, house });
        const refused = await begin();
        expect([refused.status, refused.body.error]).toEqual([503, 'unavailable']);
        expect(await house.upstream()).toEqual([]);
      });
    } finally {
      await way.close();
      await redis.stop();
    }
  },
);
