/**
 * What Redis has to do in one step. Every script touches keys of one slot, and not many at once: Redis answers nobody
 * else meanwhile. A server that has forgotten a script is sent it again by the client.
 */
import type { Result } from 'ioredis';

/**
 * KEYS: who is online by end, instants of the latest signs. ARGV: visitor, at, until, visitor, ...
 * Answers the places, from 0, of the signs of who was not there before.
 */
const ARRIVE = `
local joined = {}
for i = 1, #ARGV, 3 do
  local known = redis.call('HGET', KEYS[2], ARGV[i])
  if not known then joined[#joined + 1] = (i - 1) / 3 end
  if not known or tonumber(ARGV[i + 1]) >= tonumber(known) then
    redis.call('ZADD', KEYS[1], ARGV[i + 2], ARGV[i])
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
return joined`;

/** KEYS: as above. ARGV: grace, visitor, at, visitor, ... Answers the earliest new end, or nothing where none is new. */
const LEAVE = `
local earliest
for i = 2, #ARGV, 2 do
  local visitor, at = ARGV[i], tonumber(ARGV[i + 1])
  local known = redis.call('HGET', KEYS[2], visitor)
  if known and at >= tonumber(known) then
    local ends = at + tonumber(ARGV[1])
    redis.call('HSET', KEYS[2], visitor, ARGV[i + 1])
    redis.call('ZADD', KEYS[1], 'XX', 'LT', ends, visitor)
    if not earliest or ends < earliest then earliest = ends end
  end
end
return earliest and string.format('%.0f', earliest) or false`;

/** KEYS: as above. ARGV: now, limit. Answers who is gone (visitor, end, ...), and the earliest end of the others. */
const EXPIRE = `
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
if #gone > 0 then
  local visitors = {}
  for i = 1, #gone, 2 do visitors[#visitors + 1] = gone[i] end
  redis.call('ZREM', KEYS[1], unpack(visitors))
  redis.call('HDEL', KEYS[2], unpack(visitors))
end
return {gone, redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or false}`;

/** KEYS: scopes by when they are to be swept. ARGV: now, when to sweep again, limit. Answers the scopes to sweep now. */
const CLAIM = `
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, scope in ipairs(due) do redis.call('ZADD', KEYS[1], ARGV[2], scope) end
return due`;

/** KEYS: the scopes of one visitor each. ARGV: for each key a scope and for how long it is to be kept, in ms. */
const REMEMBER_SCOPES = `
for i, key in ipairs(KEYS) do
  redis.call('SADD', key, ARGV[2 * i - 1])
  if redis.call('PEXPIRE', key, ARGV[2 * i], 'NX') == 0 then redis.call('PEXPIRE', key, ARGV[2 * i], 'GT') end
end`;

/** KEYS: as above. Answers the scopes of each. */
const RECALL_SCOPES = `
local scopes = {}
for i, key in ipairs(KEYS) do scopes[i] = redis.call('SMEMBERS', key) end
return scopes`;

/** KEYS: a HyperLogLog. ARGV: how long to keep it in ms, visitors. */
const COUNT_VISITORS = `
redis.call('PFADD', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])`;

/** KEYS: a window of an allowance. ARGV: points, length of a window in ms. Answers what is used, and ms until it ends. */
const TAKE = `
local used = redis.call('INCRBY', KEYS[1], ARGV[1])
local ends = redis.call('PTTL', KEYS[1])
if ends < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  ends = tonumber(ARGV[2])
end
return {used, ends}`;

/** Which run of which server this is; empty where it may not be asked. */
const RUN = `
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''`;

/** KEYS: a marker. */
const IS_INTACT = `${RUN}
return redis.call('GET', KEYS[1]) == 'run ' .. run and 1 or 0`;

/** KEYS: a marker. ARGV: name of the restore. */
const BEGIN_RESTORE = `${RUN}
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. run)`;

/** As above. */
const END_RESTORE = `${RUN}
if redis.call('GET', KEYS[1]) == ARGV[1] .. ' ' .. run then redis.call('SET', KEYS[1], 'run ' .. run) end`;

/** KEYS: a lock. ARGV: name of its holder. */
const UNLOCK = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

export const SCRIPTS = {
  footfallArrive: { lua: ARRIVE, numberOfKeys: 2 },
  footfallLeave: { lua: LEAVE, numberOfKeys: 2 },
  footfallExpire: { lua: EXPIRE, numberOfKeys: 2 },
  footfallClaim: { lua: CLAIM, numberOfKeys: 1 },
  footfallRememberScopes: { lua: REMEMBER_SCOPES },
  footfallRecallScopes: { lua: RECALL_SCOPES },
  footfallCountVisitors: { lua: COUNT_VISITORS, numberOfKeys: 1 },
  footfallTake: { lua: TAKE, numberOfKeys: 1 },
  footfallIsIntact: { lua: IS_INTACT, numberOfKeys: 1 },
  footfallBeginRestore: { lua: BEGIN_RESTORE, numberOfKeys: 1 },
  footfallEndRestore: { lua: END_RESTORE, numberOfKeys: 1 },
  footfallUnlock: { lua: UNLOCK, numberOfKeys: 1 },
};

type Arguments = (string | number)[];

declare module 'ioredis' {
  interface RedisCommander<Context> {
    footfallArrive(until: string, at: string, args: Arguments): Result<number[], Context>;
    footfallLeave(until: string, at: string, args: Arguments): Result<string | null, Context>;
    footfallExpire(
      until: string,
      at: string,
      now: number,
      limit: number,
    ): Result<[gone: string[], next: string | null], Context>;
    footfallClaim(scopes: string, now: number, again: number, limit: number): Result<string[], Context>;
    footfallRememberScopes(keys: number, args: Arguments): Result<null, Context>;
    footfallRecallScopes(keys: number, args: Arguments): Result<string[][], Context>;
    footfallCountVisitors(key: string, keptMs: number, visitors: string[]): Result<null, Context>;
    footfallTake(key: string, points: number, windowMs: number): Result<[number, number], Context>;
    footfallIsIntact(marker: string): Result<0 | 1, Context>;
    footfallBeginRestore(marker: string, name: string): Result<null, Context>;
    footfallEndRestore(marker: string, name: string): Result<null, Context>;
    footfallUnlock(lock: string, name: string): Result<null, Context>;
  }
}
