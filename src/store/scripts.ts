import type { Cluster, Redis, Result } from 'ioredis';
import { SPEND_SCRIPT } from './spend.js';

/** `Store.increment`: KEYS[1] is counted up, and ends in ARGV[1] seconds. */
const INCREMENT_SCRIPT = `
local count = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return count
`;

/** `Store.note`: of the account KEYS[1] the entry ARGV[1] becomes ARGV[2], and the account ends in ARGV[3] seconds. */
const NOTE_SCRIPT = `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return redis.call('EXPIRE', KEYS[1], ARGV[3])
`;

/** `Store.replace`: KEYS[1] holds ARGV[2] for ARGV[3] seconds, if it holds ARGV[1] now. */
const REPLACE_SCRIPT = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
`;

/** `Store.deleteIf`: KEYS[1] is removed if it holds the value ARGV[1]. */
const DELETE_IF_SCRIPT = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    deleteIf(key: string, value: string): Result<number, Context>;
    increment(key: string, ttlSeconds: number): Result<number, Context>;
    note(key: string, entry: string, value: number, ttlSeconds: number): Result<number, Context>;
    replace(key: string, expected: string, value: string, ttlSeconds: number): Result<number, Context>;
    spend(key: string, ...args: (string | number)[]): Result<number[], Context>;
  }
}

/**
 * What Redis does in one step, each a single command. A transaction would be several, and ioredis sends those of a
 * cluster one by one: where one of them finds its node away and the next one another node, the replies of a
 * connection are given to the wrong commands from then on.
 *
 * A script is sent whole on each new connection, by its hash after that, and whole again where Redis has forgotten it, which it
 * says (`NOSCRIPT`) instead of doing anything.
 */
export function defineScripts(client: Redis | Cluster): void {
  const scripts = {
    deleteIf: DELETE_IF_SCRIPT,
    increment: INCREMENT_SCRIPT,
    note: NOTE_SCRIPT,
    replace: REPLACE_SCRIPT,
    spend: SPEND_SCRIPT,
  };
  for (const [name, lua] of Object.entries(scripts)) client.defineCommand(name, { numberOfKeys: 1, lua });
}
