import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { startRedis } from '../test/support/redis-server.js';
import { startAnswering } from './child.js';
import { measure } from './clock.js';
import { plainParts } from './parts-plain.js';
import { webParts } from './parts-web.js';
import { wireParts } from './parts-wire.js';
import { machine } from './report.js';
import { table } from './statistics.js';

/** `npm run bench -- micro [--ms 400]`: what each part of a login costs by itself, and how often a login needs it. */
const { values: options } = parseArgs({ options: { ms: { type: 'string', default: '400' } } });

const redisServer = await startRedis();
const redis = new Redis(redisServer.url, { enableAutoPipelining: true });
const upstream = await startAnswering('upstream');
const at = `http://127.0.0.1:${await upstream.ask<number>('port')}`;

const rows: string[][] = [];
let sum = 0;
for (const part of [
  ...wireParts(at, redisServer.url, redis, pino({ level: 'silent' })),
  ...webParts(),
  ...plainParts(),
]) {
  const cost = await measure(part, Number(options.ms));
  sum += cost * part.timesALogin;
  rows.push([part.name, `${part.timesALogin}`, cost.toFixed(1), (cost * part.timesALogin).toFixed(0)]);
}
rows.push(['all of these', '', '', sum.toFixed(0)]);
console.log([machine(), '', table(['part', 'a login', 'µs each', 'µs a login'], rows)].join('\n'));

await upstream.stop();
await redisServer.stop();
process.exit();
