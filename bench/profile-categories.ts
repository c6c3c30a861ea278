import type { Profiler } from 'node:inspector';

/**
 * The categories of a CPU profile, by package or folder. The first pattern that matches the URL
 * of a script counts, or the name that V8 gives to a function without a URL.
 */
const RULES = [
  ['garbage collection', /^\(garbage collector\)$/],
  ['axios', /node_modules\/axios\//],
  ['undici', /node_modules\/undici\/|^wasm:|^wasm-/],
  ['ioredis', /node_modules\/(?:@?ioredis|redis-errors|denque|cluster-key-slot|standard-as-callback)\b/],
  [
    'express-session, connect-redis, cookies',
    /node_modules\/(?:express-session|connect-redis|cookie|cookie-signature|on-headers|parseurl|uid-safe)\//,
  ],
  [
    'Express, its router',
    /node_modules\/(?:express|router|path-to-regexp|finalhandler|proxy-addr|forwarded|ipaddr\.js|qs|etag|fresh)\//,
  ],
  [
    'body-parser',
    /node_modules\/(?:body-parser|raw-body|type-is|content-type|media-typer|bytes|iconv-lite|on-finished|unpipe|http-errors)\//,
  ],
  ['libphonenumber-js', /node_modules\/libphonenumber-js\//],
  ['zod', /node_modules\/zod\//],
  ['pino', /node_modules\/(?:pino|sonic-boom|fast-redact|quick-format-unescaped|safe-stable-stringify)\b/],
  ['other packages', /node_modules\//],
  ['ours: login, vonage', /\/dist\/(?:login|vonage|core|observability)\b/],
  ['ours: http', /\/dist\/(?:http|app|routes|server)\b/],
  ['ours: store, session, limits', /\/dist\/(?:store|session|limits)\b/],
  ['ours: floor.ts', /\/bench\/floor/],
  ['Node: crypto', /^node:internal\/crypto/],
  ['Node: HTTP', /^node:(?:_http|internal\/http)/],
  [
    'Node: sockets, streams, system calls',
    /^node:(?:net|tls|internal\/(?:streams?|stream_base_commons|js_stream))|^node:fs/,
  ],
  ['Node: URL, buffers, timers, events', /^node:/],
  ['promises', /^runMicrotasks$/],
] as const;
const REST = "Node's own C++, the event loop";

export type Category = (typeof RULES)[number][0] | typeof REST;
export const CATEGORIES: readonly Category[] = [...RULES.map(([category]) => category), REST];

type Node = Profiler.ProfileNode;

/** The share of each category in the time of the main thread, idle time excluded. */
export function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Map<Category, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const callerOf = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const categoryOf = new Map<number, Category>();
  const timeOf = new Map<Category, number>();
  let all = 0;
  samples.forEach((id, at) => {
    const node = byId.get(id) as Node;
    if (node.callFrame.functionName === '(idle)') return;
    const category = categoryOf.get(id) ?? findCategory(node, (of) => byId.get(callerOf.get(of.id) ?? 0));
    categoryOf.set(id, category);
    timeOf.set(category, (timeOf.get(category) ?? 0) + (timeDeltas[at] ?? 0));
    all += timeDeltas[at] ?? 0;
  });
  return new Map([...timeOf].map(([category, us]) => [category, us / all]));
}

/** A C++ function has no script, and counts for the category of its caller. */
function findCategory(node: Node, callerOf: (node: Node) => Node | undefined): Category {
  for (let each: Node | undefined = node; each !== undefined; each = callerOf(each)) {
    const { url, functionName } = each.callFrame;
    const found = RULES.find(([, pattern]) => pattern.test(url || functionName));
    if (found !== undefined) return found[0];
  }
  return REST;
}
