import type { Cluster, Redis, Result } from 'ioredis';

/** `Store.increment`: KEYS[1] expires in ARGV[1] seconds. */
const INCREMENT_SCRIPT = `
local count = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return count
`;

/** `Store.note`: sets the entry ARGV[1] of KEYS[1] to ARGV[2] for ARGV[3] seconds. */
const NOTE_SCRIPT = `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return redis.call('EXPIRE', KEYS[1], ARGV[3])
`;

/** `Store.replace`: sets KEYS[1] from ARGV[1] to ARGV[2] for ARGV[3] seconds. */
const REPLACE_SCRIPT = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
`;

/** `Store.deleteIf`: removes KEYS[1] if its value is ARGV[1]. */
const DELETE_IF_SCRIPT = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`;

/**
 * `Store.spend`: KEYS[1] is the account, ARGV[1] its life in seconds; then an entry, an amount and
 * a limit for each cost. No entry falls below zero.
 */
const SPEND_SCRIPT = `
local names, spent = {}, 1
for i = 2, #ARGV, 3 do names[#names + 1] = ARGV[i] end
local totals = redis.call('HMGET', KEYS[1], unpack(names))
for i = 1, #names do
  totals[i] = tonumber(totals[i] or 0)
  if totals[i] + tonumber(ARGV[3 * i]) > tonumber(ARGV[3 * i + 1]) then spent = 0 end
end
if spent == 1 then
  for i = 1, #names do
    local by = math.max(tonumber(ARGV[3 * i]), -totals[i])
    if by ~= 0 then totals[i] = redis.call('HINCRBY', KEYS[1], names[i], by) end
  end
  if redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
end
return {spent, unpack(totals)}
`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    deleteIf(key: string, value: string): Result<number, Context>;
    increment(key: string, ttlSeconds: number): Result<number, Context>;
    note(key: string, ...args: [entry: string, value: number, ttlSeconds: number]): Result<number, Context>;
    replace(key: string, ...args: [from: string, to: string, ttlSeconds: number]): Result<number, Context>;
    spend(key: string, ...args: (string | number)[]): Result<number[], Context>;
  }
}

/**
 * Defines each operation of several steps as one command. In a cluster, ioredis sends the commands
 * of a transaction one by one: if a node fails in between, replies on a connection go to the wrong
 * commands from then on.
 *
 * ioredis sends a script once per connection, then its hash; and the script again if Redis has
 * forgotten it, in which case Redis has done nothing (`NOSCRIPT`).
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
