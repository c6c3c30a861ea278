import type { Cost } from './store.js';

/**
 * `Store.spend` as Redis runs it: one key, one step. KEYS[1] is the account, ARGV[1] its life in
 * seconds, and behind that stand an entry, what is added to it, and its limit, for each cost. What
 * is given back takes nothing below zero.
 */
export const SPEND_SCRIPT = `
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

/** The same on a map, for the embedded store. */
export function spendFrom(
  account: Map<string, number>,
  costs: readonly Cost[],
): { spent: boolean; totals: number[] } {
  const before = costs.map(({ entry }) => account.get(entry) ?? 0);
  const spent = costs.every(({ by, limit }, at) => (before[at] ?? 0) + by <= limit);
  if (!spent) return { spent, totals: before };
  for (const { entry, by } of costs) {
    const total = account.get(entry) ?? 0;
    const added = Math.max(by, -total);
    if (added !== 0) account.set(entry, total + added);
  }
  return { spent, totals: costs.map(({ entry }) => account.get(entry) ?? 0) };
}
