import type { Cluster, Redis, Result } from 'ioredis';
import { CLOSED } from './store.js';

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

/**
 * `Store.register`: adds the entry ARGV[1] with the value ARGV[2] to KEYS[1], unless that was
 * closed at ARGV[3] or later; removes entries older than ARGV[4]; KEYS[1] expires in ARGV[5]
 * seconds.
 */
const REGISTER_SCRIPT = `
local entries, old = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #entries, 2 do
  local at = tonumber(string.match(entries[i + 1], '^%d+') or 0)
  if entries[i] == '${CLOSED}' then
    if at >= tonumber(ARGV[3]) then return false end
  elseif at < tonumber(ARGV[4]) then old[#old + 1] = entries[i] end
end
if #old > 0 then redis.call('HDEL', KEYS[1], unpack(old)) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return entries
`;

/** `Store.closeIndex`: closes KEYS[1] at ARGV[1], or at a later time at which it was closed. */
const CLOSE_INDEX_SCRIPT = `
local entries, at = redis.call('HGETALL', KEYS[1]), tonumber(ARGV[1])
for i = 1, #entries, 2 do
  if entries[i] == '${CLOSED}' then at = math.max(at, tonumber(entries[i + 1])) end
end
redis.call('HSET', KEYS[1], '${CLOSED}', string.format('%.0f', at))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return entries
`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    closeIndex(key: string, at: number, ttlSeconds: number): Result<string[], Context>;
    deleteIf(key: string, value: string): Result<number, Context>;
    increment(key: string, ttlSeconds: number): Result<number, Context>;
    note(key: string, ...args: [entry: string, value: number, ttlSeconds: number]): Result<number, Context>;
    register(key: string, ...args: (string | number)[]): Result<string[] | null, Context>;
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
    closeIndex: CLOSE_INDEX_SCRIPT,
    deleteIf: DELETE_IF_SCRIPT,
    increment: INCREMENT_SCRIPT,
    note: NOTE_SCRIPT,
    register: REGISTER_SCRIPT,
    replace: REPLACE_SCRIPT,
    spend: SPEND_SCRIPT,
  };
  for (const [name, lua] of Object.entries(scripts)) client.defineCommand(name, { numberOfKeys: 1, lua });
}
