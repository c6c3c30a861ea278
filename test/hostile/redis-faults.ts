import type { System } from '../support/system.js';
import type { Proxy, Trouble } from '../support/proxy.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import type { Point } from './login-points.js';

/** A server that reaches Redis through a proxy. */
export interface FaultySetup {
  redis: RedisServer;
  redisProxy: Proxy;
  system: System;
}

export interface Fault {
  inject: (setup: FaultySetup) => unknown;
  repair: (setup: FaultySetup) => unknown;
  /** Redis still answers reads (unless the server connects again), so sessions stay logged in. */
  readable?: 'always' | 'between connections';
  /** Answers to a repeated step after the fault that differ from the usual ones. */
  afterwards?: Partial<Record<Point, readonly [number, string]>>;
  /** The command may not have been sent before the fault; then the repeated step succeeds. */
  maybeUnsent?: true;
}

export const portOf = ({ url }: RedisServer): number => Number(new URL(url).port);

/** All records are lost: each login has to begin again. */
export const ALL_LOST: Fault['afterwards'] = {
  'between login and callback': [410, 'login_expired'],
  'between login and the callback of a browser': [303, 'wrong_client'],
  'between callback and verify': [400, 'invalid_code'],
  'before a message is asked for': [404, 'no_login'],
  'before the code of a message is typed': [400, 'invalid_code'],
  'once logged in': [200, 'logged out'],
};
/** The ticket was consumed, and the result of the step could not be stored. */
export const TICKETS_USED: Fault['afterwards'] = {
  'between login and callback': [410, 'login_expired'],
  'between login and the callback of a browser': [303, 'login_expired'],
  'between callback and verify': [400, 'invalid_code'],
};

const configure = (name: string, value: string, back: string): Fault => ({
  inject: ({ redis }) => redis.administer((admin) => admin.config('SET', name, value)),
  repair: ({ redis }) => redis.administer((admin) => admin.config('SET', name, back)),
});
const throughProxy = (trouble: Trouble, afterwards: Fault['afterwards'] = {}): Fault => ({
  inject: ({ redisProxy }) => redisProxy.breakWith(trouble),
  repair: ({ redisProxy }) => redisProxy.mend(),
  afterwards,
});
/** One reply for each command of a chunk. Commands are arrays, and their values contain none. */
const toEach = (reply: string) => (chunk: Buffer) =>
  reply.repeat(chunk.toString('latin1').match(/^\*\d+\r$/gm)?.length ?? 0);
const answering = (reply: string): Fault => ({
  inject: ({ redisProxy }) => redisProxy.answerWith(toEach(`${reply}\r\n`)),
  repair: ({ redisProxy }) => redisProxy.mend(),
});
const denying = (rule: string): Fault => ({
  inject: ({ redis }) => redis.administer((admin) => admin.acl('SETUSER', 'default', rule)),
  repair: ({ redis }) => redis.administer((admin) => admin.acl('SETUSER', 'default', '+@all')),
});

export const REDIS_FAULTS: Record<string, Fault> = {
  'killed, and started again empty': {
    inject: ({ redis }) => redis.stop(),
    repair: async (setup) => (setup.redis = await startRedis(portOf(setup.redis))),
    afterwards: ALL_LOST,
  },
  frozen: {
    inject: ({ redis }) => redis.freeze(),
    repair: ({ redis }) => redis.thaw(),
    // The command that takes the state was sent, and Redis runs it once it is thawed.
    afterwards: { 'between login and callback': [410, 'login_expired'] },
  },
  'out of memory': { ...configure('maxmemory', '1', '0'), readable: 'always', afterwards: TICKETS_USED },
  'a replica': {
    inject: ({ redis }) => redis.administer((admin) => admin.replicaof('127.0.0.1', 1)),
    repair: ({ redis }) => redis.administer((admin) => admin.replicaof('NO', 'ONE')),
    readable: 'between connections',
  },
  'a replica that refuses stale data': {
    async inject({ redis }) {
      await redis.administer(async (admin) => {
        await admin.config('SET', 'replica-serve-stale-data', 'no');
        await admin.replicaof('127.0.0.1', 1);
      });
    },
    repair: ({ redis }) => redis.administer((admin) => admin.replicaof('NO', 'ONE')),
  },
  'without the replicas it wants': { ...configure('min-replicas-to-write', '1', '0'), readable: 'always' },
  'given a new password': {
    inject: ({ redis }) =>
      redis.administer(async (admin) => {
        await admin.config('SET', 'requirepass', 'another');
        await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
      }),
    repair: ({ redis }) => redis.administer((admin) => admin.config('SET', 'requirepass', '')),
  },
  'forbidding all commands': denying('-@all'),
  'forbidding writes': { ...denying('-@write'), readable: 'always' },
  'answering -LOADING': answering('-LOADING Redis is loading the dataset in memory'),
  'answering -WRONGPASS': answering('-WRONGPASS invalid username-password pair or user is disabled.'),
  'answering -MISCONF': answering('-MISCONF Redis is configured to save RDB snapshots'),
  'answering -CLUSTERDOWN': answering('-CLUSTERDOWN The cluster is down'),
  'answering -ERR': answering('-ERR max number of clients reached'),
  'answering in another protocol': answering('HTTP/1.1 400 Bad Request'),
  'refusing connections': {
    inject: ({ redisProxy }) => redisProxy.close(),
    repair: ({ redisProxy }) => redisProxy.mend(),
  },
  'behind a proxy that never answers': throughProxy('hanging'),
  'behind a proxy that resets connections': throughProxy('resetting before the request was read'),
  'behind a proxy that drops answers': {
    ...throughProxy('resetting after the request was sent', {
      'between login and callback': [410, 'login_expired'],
    }),
    maybeUnsent: true,
  },
  'behind a proxy that cuts answers off': {
    // Half of all answers may hold whole ones. A step with one sends the command for its ticket.
    ...throughProxy('ending in the middle of the answer', { ...TICKETS_USED }),
    maybeUnsent: true,
  },
};
