import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReader } from '../src/config/reader.js';
import { parseRedisUrl } from '../src/config/redis-url.js';
import { readRedis, type RedisSettings } from '../src/config/redis.js';
import { newCa } from './support/certificates.js';

const host = (name: string, port: number) => ({ host: name, port });

test.each([
  [
    'redis://redis.example.com',
    { kind: 'single', tls: false, nodes: [host('redis.example.com', 6379)], db: 0 },
  ],
  ['redis://:secret@10.0.0.1:6380/3', { password: 'secret', nodes: [host('10.0.0.1', 6380)], db: 3 }],
  ['rediss://bff:p%40ss%2F%3A%25@r:1/', { tls: true, username: 'bff', password: 'p@ss/:%', db: 0 }],
  ['redis://bff:a:b@r', { username: 'bff', password: 'a:b' }],
  ['redis://[fd00::1]:6380', { nodes: [host('fd00::1', 6380)] }],
  ['REDIS://[::1]', { kind: 'single', nodes: [host('::1', 6379)] }],
  [
    'redis+sentinel://:secret@s1,s2:26380,[fd00::3]/my%20primary/2',
    {
      ...{ kind: 'sentinel', tls: false, name: 'my primary', db: 2, password: 'secret' },
      nodes: [host('s1', 26379), host('s2', 26380), host('fd00::3', 26379)],
    },
  ],
  ['rediss+sentinel://s1/mymaster', { kind: 'sentinel', tls: true, name: 'mymaster', db: 0 }],
  [
    'redis+cluster://bff:secret@c1, c2:7000',
    { kind: 'cluster', username: 'bff', nodes: [host('c1', 6379), host('c2', 7000)] },
  ],
  ['rediss+cluster://c1:7000/0', { kind: 'cluster', tls: true, nodes: [host('c1', 7000)] }],
  // As Upstash, Heroku, Railway and Render give them, with what their guides for ioredis add.
  ['rediss://default:secret@eu1.upstash.io:6379', { tls: true, username: 'default', family: 0, db: 0 }],
  [
    'rediss://:secret@ec2-1-2-3-4.compute-1.amazonaws.com:30170',
    { tls: true, nodes: [host('ec2-1-2-3-4.compute-1.amazonaws.com', 30170)] },
  ],
  [
    'redis://default:secret@redis.railway.internal:6379?family=0',
    { family: 0, nodes: [host('redis.railway.internal', 6379)] },
  ],
  ['redis://red-abc123:6379', { tls: false, family: 0, nodes: [host('red-abc123', 6379)] }],
  ['redis://r?family=4', { family: 4 }],
  ['redis://[::1]:6380/?family=6', { family: 6, db: 0 }],
  ['redis+sentinel://s1,s2/mymaster/2?family=6', { kind: 'sentinel', family: 6, db: 2 }],
  ['redis+cluster://c1?family=6', { kind: 'cluster', family: 6 }],
  ['redis://r?db=1', { db: 1 }],
  ['redis://r/1?db=1&family=0', { db: 1, family: 0 }],
  ['redis+sentinel://s1/mymaster?db=3', { db: 3, name: 'mymaster' }],
  ['rediss://r?tls=true', { tls: true }],
  ['redis://r?tls=true', { tls: true }],
  ['redis://r?tls=false', { tls: false }],
  ['redis://r?', { kind: 'single', db: 0, family: 0 }],
])('%s is a place', (url, place) => {
  expect(parseRedisUrl(url)).toMatchObject(place);
});

test.each([
  ['a host alone', 'hunter2:6379', /^must be like redis:/],
  ['another scheme', 'redis-sentinel://:hunter2@s/name', /redis\+sentinel:\/\//],
  ['no host', 'redis://:hunter2@', /^must name hosts/],
  ['an empty host in a list', 'redis+cluster://:hunter2@a,,b', /^must name hosts/],
  ['an @ in a password', 'redis://bff:hunter2@x@redis', /percent-encoded/],
  ['a / in a password', 'redis://bff:hunter2/x@redis', /percent-encoded/],
  ['a # in a password', 'redis://bff:hunter2#x@redis', /percent-encoded/],
  ['a % in a password', 'redis://bff:hunter2%@redis', /% that encodes nothing/],
  ['a user without a password', 'redis://hunter2@redis', /user:password@ or :password@/],
  [
    'a password in the query',
    'redis://redis?password=hunter2',
    /cannot be read: .*"password".* before the host/,
  ],
  ['a password with ? in it', 'redis://:pass?hunter2@redis', /percent-encoded/],
  ['a query that is a word', 'redis://redis?hunter2', /cannot be read: it has a parameter, /],
  ['another family', 'redis://redis?family=5', /"family" other than 0 \(either\), 4 or 6/],
  ['no family', 'redis://redis?family=', /"family" other than/],
  ['a family in another notation', 'redis://redis?family=0x4', /"family" other than/],
  ['a family twice', 'redis://redis?family=0&family=6', /"family" twice/],
  [
    'unchecked certificates',
    'rediss://r?ssl_cert_reqs=none',
    /"ssl_cert_reqs".* always checked: set REDIS_CA/,
  ],
  ['unchecked certificates', 'rediss://r?rejectUnauthorized=false', /"rejectUnauthorized".* always checked/],
  ['TLS by another name', 'redis://r?ssl=true', /"ssl".* begins with rediss asks for TLS/],
  ['TLS and none', 'rediss://r?tls=false', /"tls" other than true: begin it with rediss/],
  ['half of TLS', 'redis://r?tls=yes', /"tls" other than true/],
  ['sentinels in the query', 'redis://r?sentinelMasterId=mymaster', /"sentinelMasterId".* redis\+sentinel/],
  [
    'a prefix of keys',
    'redis://r?keyPrefix=hunter2',
    /cannot be read: it has the parameter "keyPrefix", .* Leave it out/,
  ],
  ['a time', 'redis://r?family=0&connectTimeout=10000', /"connectTimeout"/],
  ['what Bull takes', 'redis://r?maxRetriesPerRequest=null', /"maxRetriesPerRequest"/],
  ['two databases', 'redis://redis/1?db=2', /names two databases/],
  ['a database with a name in the query', 'redis://redis?db=hunter2', /by its number/],
  ['a database of a cluster in the query', 'redis+cluster://a?db=1', /has only 0/],
  ['a port out of range', 'redis://:hunter2@redis:70000', /port that is none/],
  ['a word for a port', 'redis://:hunter2@redis:port', /^must name hosts/],
  ['an address that is not IPv6', 'redis://:hunter2@[10.0.0.1]', /not IPv6/],
  ['an IPv6 address without brackets', 'redis://:hunter2@fd00::1', /^must name hosts/],
  ['a database with a name', 'redis://:hunter2@redis/sessions', /by its number/],
  ['two hosts of one Redis', 'redis://:hunter2@a,b', /begin it with redis\+sentinel/],
  ['sentinels without the name of a primary', 'redis+sentinel://:hunter2@a,b', /name of the primary/],
  ['a path behind the database', 'redis+sentinel://:hunter2@a/name/0/1', /name of the primary/],
  ['a database of a cluster', 'redis+cluster://:hunter2@a/1', /has only 0/],
])('%s is refused without repeating a secret', (_what, url, problem) => {
  expect(parseRedisUrl(url)).toMatch(problem);
  expect(parseRedisUrl(url)).not.toContain('hunter2');
});

describe('what belongs to REDIS_URL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'config-redis-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const ca = newCa();
  const own = ca.issue();
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const otherKey = other.export({ type: 'pkcs8', format: 'pem' }) as string;

  const read = (env: Record<string, string>): { settings?: RedisSettings; problems: string[] } => {
    const reader = createReader(env);
    const settings = readRedis(reader);
    return { ...(settings && { settings }), problems: reader.problems };
  };
  const TLS = { REDIS_URL: 'rediss://redis' };
  const SENTINELS = { REDIS_URL: 'redis+sentinel://a/name' };

  test('is a CA, a certificate and a key in every form, and credentials for the sentinels', () => {
    writeFileSync(join(folder, 'ca.pem'), ca.certificate);
    const { settings, problems } = read({
      REDIS_URL: 'rediss+sentinel://:secret@a/name',
      REDIS_CA: join(folder, 'ca.pem'),
      REDIS_CERT: own.cert.replaceAll('\n', '\\n'),
      REDIS_KEY: Buffer.from(own.key).toString('base64'),
      REDIS_SENTINEL_USERNAME: 'watcher',
      REDIS_SENTINEL_PASSWORD: 'word',
    });
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      certificates: { ca: ca.certificate, cert: own.cert, key: own.key },
      sentinelAccess: { username: 'watcher', password: 'word' },
    });
    expect(settings?.place).toMatchObject({ password: 'secret' });
  });

  test.each([
    ['a CA that does not exist', { ...TLS, REDIS_CA: '/nowhere/hunter2' }, /^REDIS_CA is neither/],
    [
      'a CA that holds nothing',
      { ...TLS, REDIS_CA: '-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----' },
      /^REDIS_CA looks like/,
    ],
    ['a CA that is a key', { ...TLS, REDIS_CA: own.key }, /^REDIS_CA looks like/],
    ['a CA without TLS', { REDIS_URL: 'redis://redis', REDIS_CA: ca.certificate }, /asks for no TLS/],
    ['a CA without a Redis', { REDIS_CA: ca.certificate }, /asks for no TLS/],
    ['a certificate alone', { ...TLS, REDIS_CERT: own.cert }, /belong together/],
    ['a key of another', { ...TLS, REDIS_CERT: own.cert, REDIS_KEY: otherKey }, /its own key/],
    ['a user without a password', { ...SENTINELS, REDIS_SENTINEL_USERNAME: 'u' }, /PASSWORD is missing/],
    ['a password of no sentinel', { ...TLS, REDIS_SENTINEL_PASSWORD: 'hunter2' }, /names no sentinels/],
    ['a Redis that is no URL', { REDIS_URL: 'hunter2' }, /^REDIS_URL must be like/],
  ])('is not %s', (_what, env, problem) => {
    const { problems } = read(env);
    expect(problems).toEqual([expect.stringMatching(problem)]);
    expect(problems.join()).not.toContain('hunter2');
  });
});
