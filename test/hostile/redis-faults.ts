import type { House } from '../support/house.js';
import type { Proxy, Trouble } from '../support/proxy.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import type { Point } from './login-points.js';

/** The server reaches its Redis through a proxy. */
export interface Scene {
  redis: RedisServer;
  way: Proxy;
  house: House;
}

export interface Fault {
  breakIt: (scene: Scene) => unknown;
  mendIt: (scene: Scene) => unknown;
  /** Redis still lets itself be read: whoever is logged in stays so, and is told so (while we do not connect anew). */
  readable?: 'always' | 'between connections';
  /** What a step that failed is answered when it is tried again afterwards, where that is not as usual. */
  afterwards?: Partial<Record<Point, readonly [number, string]>>;
  /** Some commands may not have been sent when it began, and have done nothing: then the step is as usual after all. */
  maybeUnsent?: true;
}

export const portOf = ({ url }: RedisServer): number => Number(new URL(url).port);

/** Everybody begins again. */
export const LOST: Fault['afterwards'] = {
  'between login and callback': [410, 'login_expired'],
  'between login and the callback of a browser': [303, 'wrong_client'],
  'between callback and verify': [400, 'invalid_code'],
  'before a message is asked for': [404, 'no_login'],
  'before the code of a message is typed': [400, 'invalid_code'],
  'once logged in': [200, 'logged out'],
};
/** The ticket was taken, and what came of it could not be kept. */
export const TICKETS_SPENT: Fault['afterwards'] = {
  'between login and callback': [410, 'login_expired'],
  'between login and the callback of a browser': [303, 'login_expired'],
  'between callback and verify': [400, 'invalid_code'],
};

const configure = (name: string, value: string, back: string): Fault => ({
  breakIt: ({ redis }) => redis.administer((admin) => admin.config('SET', name, value)),
  mendIt: ({ redis }) => redis.administer((admin) => admin.config('SET', name, back)),
});
const throughProxy = (trouble: Trouble, afterwards: Fault['afterwards'] = {}): Fault => ({
  breakIt: ({ way }) => way.breakWith(trouble),
  mendIt: ({ way }) => way.mend(),
  afterwards,
});
/** As many replies as there are commands in a chunk; each is an array, and nothing in them looks like one. */
const toEach = (reply: string) => (chunk: Buffer) =>
  reply.repeat(chunk.toString('latin1').match(/^\*\d+\r$/gm)?.length ?? 0);
const answering = (reply: string): Fault => ({
  breakIt: ({ way }) => way.answerWith(toEach(`${reply}\r\n`)),
  mendIt: ({ way }) => way.mend(),
});
const allows = (rule: string): Fault => ({
  breakIt: ({ redis }) => redis.administer((admin) => admin.acl('SETUSER', 'default', rule)),
  mendIt: ({ redis }) => redis.administer((admin) => admin.acl('SETUSER', 'default', '+@all')),
});

export const REDIS_FAULTS: Record<string, Fault> = {
  'killed, and started again empty': {
    breakIt: ({ redis }) => redis.stop(),
    mendIt: async (scene) => (scene.redis = await startRedis(portOf(scene.redis))),
    afterwards: LOST,
  },
  frozen: {
    breakIt: ({ redis }) => redis.freeze(),
    mendIt: ({ redis }) => redis.thaw(),
    // The command that takes the state was sent, and is carried out as soon as Redis runs again.
    afterwards: { 'between login and callback': [410, 'login_expired'] },
  },
  'out of memory': { ...configure('maxmemory', '1', '0'), readable: 'always', afterwards: TICKETS_SPENT },
  'a replica': {
    breakIt: ({ redis }) => redis.administer((admin) => admin.replicaof('127.0.0.1', 1)),
    mendIt: ({ redis }) => redis.administer((admin) => admin.replicaof('NO', 'ONE')),
    readable: 'between connections',
  },
  'a replica that refuses stale data': {
    async breakIt({ redis }) {
      await redis.administer(async (admin) => {
        await admin.config('SET', 'replica-serve-stale-data', 'no');
        await admin.replicaof('127.0.0.1', 1);
      });
    },
    mendIt: ({ redis }) => redis.administer((admin) => admin.replicaof('NO', 'ONE')),
  },
  'without the replicas it wants': { ...configure('min-replicas-to-write', '1', '0'), readable: 'always' },
  'given a new password': {
    breakIt: ({ redis }) =>
      redis.administer(async (admin) => {
        await admin.config('SET', 'requirepass', 'another');
        await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
      }),
    mendIt: ({ redis }) => redis.administer((admin) => admin.config('SET', 'requirepass', '')),
  },
  'forbidding everything': allows('-@all'),
  'forbidding writes': { ...allows('-@write'), readable: 'always' },
  'answering -LOADING': answering('-LOADING Redis is loading the dataset in memory'),
  'answering -WRONGPASS': answering('-WRONGPASS invalid username-password pair or user is disabled.'),
  'answering -MISCONF': answering('-MISCONF Redis is configured to save RDB snapshots'),
  'answering -CLUSTERDOWN': answering('-CLUSTERDOWN The cluster is down'),
  'answering -ERR': answering('-ERR max number of clients reached'),
  'answering what is not its protocol': answering('HTTP/1.1 400 Bad Request'),
  'not there (the connection is refused)': {
    breakIt: ({ way }) => way.close(),
    mendIt: ({ way }) => way.mend(),
  },
  'behind a way that leads nowhere': throughProxy('hanging'),
  'behind a way that resets connections': throughProxy('resetting before the request was read'),
  'behind a way that loses answers': {
    ...throughProxy('resetting after the request was sent', {
      'between login and callback': [410, 'login_expired'],
    }),
    maybeUnsent: true,
  },
  'behind a way that cuts answers': {
    ...throughProxy('ending in the middle of the answer', {
      'between login and callback': [410, 'login_expired'],
    }),
    maybeUnsent: true,
  },
};
