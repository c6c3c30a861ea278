import { isIPv6 } from 'node:net';

export interface Address {
  host: string;
  port: number;
}

export interface Access {
  username?: string;
  password?: string;
}

/** The IP version that host names are resolved to; 0 is either. */
const FAMILIES = [0, 4, 6] as const;
type Family = (typeof FAMILIES)[number];

export type Place = Access & { tls: boolean; family: Family } & (
    | { kind: 'single'; nodes: readonly [Address]; db: number }
    /** The sentinels, and their name for the primary. */
    | { kind: 'sentinel'; nodes: readonly Address[]; name: string; db: number }
    /** Some nodes of the cluster, which know the others. */
    | { kind: 'cluster'; nodes: readonly Address[] }
  );

/** Scheme, kind, user and password, hosts, path, query. An @ or / in a password must be encoded. */
const SHAPE =
  /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^@?#]*))?(?:\?([^@#]*))?$/i;

const ENCODE = 'In user, password and name, characters such as @ / : ? # % have to be percent-encoded.';
const FORMS =
  'redis://host:6379, redis+sentinel://host1:26379,host2:26379/name or redis+cluster://host1:6379,host2:6379, with rediss… for TLS';

/** What is wrong with the text, without repeating any of it: a part of it may be a password. */
class Unreadable extends Error {}

const unreadable = (problem: string): never => {
  throw new Unreadable(problem);
};

/**
 * Reads `redis[s]://[[user]:password@]host[:port][/db]` (provisional registration with IANA),
 * `redis[s]+sentinel://…@host[:port],host[:port]/name[/db]` (as in RedisVL, LangChain and Prefect)
 * and, in the same form, `redis[s]+cluster://…@host[:port],host[:port]`. The query may have
 * `family` (0, 4 or 6), `db` and `tls=true`, as in the URLs of some providers.
 * @returns the place, or what is wrong with the text, without repeating any of it
 */
export function parseRedisUrl(text: string): Place | string {
  try {
    return placeOf(text);
  } catch (error) {
    if (error instanceof Unreadable) return error.message;
    throw error;
  }
}

function placeOf(text: string): Place {
  if (!/^rediss?(?:\+sentinel|\+cluster)?:\/\//i.test(text)) unreadable(`must be like ${FORMS}.`);
  const [, scheme = '', kind = 'single', user, hosts = '', path = '', query = ''] =
    SHAPE.exec(text) ?? unreadable(`cannot be read. It is like ${FORMS}. ${ENCODE}`);
  const { db, ...said } = parametersOf(query, scheme.toLowerCase() === 'rediss');
  const access = { ...said, ...accessOf(user) };
  const addresses = (port: number) => hosts.split(',').map((host) => addressOf(host.trim(), port));
  const [first = '', second = '', ...rest] = path.split('/');
  switch (kind.toLowerCase()) {
    case 'sentinel':
      if (first === '' || rest.length > 0)
        unreadable('must end in the name of the primary, as its sentinels know it: …/mymaster');
      return {
        ...access,
        kind: 'sentinel',
        nodes: addresses(26379),
        name: decode(first),
        db: dbOf(second, db),
      };
    case 'cluster':
      if (dbOf(path, db) !== 0) unreadable('names a database, but a cluster has only 0: leave it out.');
      return { ...access, kind: 'cluster', nodes: addresses(6379) };
    default: {
      const [node, ...others] = addresses(6379) as [Address, ...Address[]];
      if (others.length > 0)
        unreadable('names several hosts: begin it with redis+sentinel:// or redis+cluster://.');
      return { ...access, kind: 'single', nodes: [node], db: dbOf(path, db) };
    }
  }
}

function accessOf(user: string | undefined): Access {
  if (user === undefined) return {};
  const [, username = '', password = ''] =
    /^([^:]*):(.+)$/.exec(user) ??
    unreadable(`must have its credentials in the form user:password@ or :password@. ${ENCODE}`);
  return { ...(username && { username: decode(username) }), password: decode(password) };
}

function addressOf(text: string, usualPort: number): Address {
  const [, v6, name, port = `${usualPort}`] =
    /^(?:\[([^\]]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text) ??
    unreadable(`must name hosts like redis.example.com:6379 or [fd00::1]:6379. ${ENCODE}`);
  if (v6 !== undefined && !isIPv6(v6)) unreadable('names an address in brackets that is not IPv6.');
  const number = Number(port);
  if (number < 1 || number > 65535) unreadable('names a port that is none of 1 to 65535.');
  return { host: v6 ?? name ?? '', port: number };
}

function dbOf(path: string, inQuery: string): number {
  if (path !== '' && inQuery !== '' && path !== inQuery) unreadable('names two databases: leave one out.');
  const text = path || inQuery;
  return /^\d{0,5}$/.test(text) ? Number(text) : unreadable('must name a database by its number, as in …/1.');
}

/** Parameters of other clients, and what to use here instead. */
const ALTERNATIVES = [
  {
    names: /cert|verify|reject|insecure/i,
    advice: 'Certificates are always checked: set REDIS_CA to their CA, if need be.',
  },
  { names: /^ssl|^tls/i, advice: 'A URL that begins with rediss asks for TLS.' },
  { names: /user|pass|auth/i, advice: 'Put user and password before the host, as user:password@.' },
  { names: /sentinel|master|cluster/i, advice: `Write it like ${FORMS}.` },
];

/** @param tls whether the scheme asks for TLS */
function parametersOf(query: string, tls: boolean): { family: Family; db: string; tls: boolean } {
  const parameters = new URLSearchParams(query);
  for (const [name, value] of parameters) {
    if (!['family', 'db', 'tls'].includes(name)) unreadable(refusalOf(name, value));
    if (parameters.getAll(name).length > 1) unreadable(`has the parameter "${name}" twice.`);
  }
  const family = FAMILIES.find((each) => `${each}` === (parameters.get('family') ?? '0'));
  if (family === undefined) return unreadable('has a "family" other than 0 (either), 4 or 6.');
  const asked = parameters.get('tls') ?? `${tls}`;
  if (asked !== 'true' && (asked !== 'false' || tls))
    unreadable('has a "tls" other than true: begin it with rediss for TLS, with redis for none.');
  return { family, db: parameters.get('db') ?? '', tls: asked === 'true' };
}

/** A name without a value may be the rest of a password, and is not repeated. */
function refusalOf(name: string, value: string): string {
  const what = /^\w{1,40}$/.test(name) && value !== '' ? `the parameter "${name}"` : 'a parameter';
  const advice = ALTERNATIVES.find(({ names }) => names.test(name))?.advice ?? 'Leave it out.';
  return `cannot be read: it has ${what}, and only family, db and tls are supported. ${advice}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return unreadable(`has a % that encodes nothing. ${ENCODE}`);
  }
}
