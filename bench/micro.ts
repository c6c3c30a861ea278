import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { startRedis } from '../test/support/redis-server.js';
import { startAnswering } from './child.js';
import { measure } from './measure.js';
import { inProcessParts } from './parts-in-process.js';
import { expressParts } from './parts-express.js';
import { networkParts } from './parts-network.js';
import { machine } from './report.js';
import { table } from './statistics.js';

/** `npm run bench -- micro [--ms 400]`: the cost of each part of a login in isolation. */
const { values: options } = parseArgs({ options: { ms: { type: 'string', default: '400' } } });

const redisServer = await startRedis();
const redis = new Redis(redisServer.url, { enableAutoPipelining: true });
const upstream = await startAnswering('upstream');
const upstreamUrl = `http://127.0.0.1:${await upstream.ask<number>('port')}`;

const rows: string[][] = [];
let sum = 0;
for (const part of [
  ...networkParts({ upstreamUrl, redisUrl: redisServer.url, redis, log: pino({ level: 'silent' }) }),
  ...expressParts(),
  ...inProcessParts(),
]) {
  const cost = await measure(part, Number(options.ms));
  sum += cost * part.timesALogin;
  rows.push([part.name, `${part.timesALogin}`, cost.toFixed(1), (cost * part.timesALogin).toFixed(0)]);
}
rows.push(['sum', '', '', sum.toFixed(0)]);
console.log([machine(), '', table(['part', 'per login', 'µs each', 'µs per login'], rows)].join('\n'));

await upstream.stop();
await redisServer.stop();
process.exit();
