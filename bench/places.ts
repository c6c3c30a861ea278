import type { Profiler } from 'node:inspector';

/** Where a process can be: who wrote what it runs. The first that matches the URL of a script, or what V8 calls a function without one. */
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
  ['ours: login, vonage', /\/dist\/(?:login|vonage|errors|json|phone|world|telemetry)\b/],
  ['ours: web', /\/dist\/(?:web|app|routes)\b/],
  ['ours: store, session, limits', /\/dist\/(?:store|session|limits)\b/],
  ['ours: floor.ts', /\/bench\/floor/],
  ['Node: crypto', /^node:internal\/crypto/],
  ['Node: HTTP', /^node:(?:_http|internal\/http)/],
  [
    'Node: sockets, streams, the calls to the system',
    /^node:(?:net|tls|internal\/(?:streams?|stream_base_commons|js_stream))|^node:fs/,
  ],
  ['Node: URL, buffers, timers, events', /^node:/],
  ['promises', /^runMicrotasks$/],
] as const;
const REST = "Node's own C++, the event loop";

export type Place = (typeof RULES)[number][0] | typeof REST;
export const PLACES: readonly Place[] = [...RULES.map(([place]) => place), REST];

type Node = Profiler.ProfileNode;

/** How the main thread shared out its time; waiting for something to do is none. */
export function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Map<Place, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const callerOf = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const placeOf = new Map<number, Place>();
  const spent = new Map<Place, number>();
  let all = 0;
  samples.forEach((id, at) => {
    const node = byId.get(id) as Node;
    if (node.callFrame.functionName === '(idle)') return;
    const place = placeOf.get(id) ?? placeIn(node, (of) => byId.get(callerOf.get(of.id) ?? 0));
    placeOf.set(id, place);
    spent.set(place, (spent.get(place) ?? 0) + (timeDeltas[at] ?? 0));
    all += timeDeltas[at] ?? 0;
  });
  return new Map([...spent].map(([place, us]) => [place, us / all]));
}

/** A function of C++ has no script: it counts where it was called from. */
function placeIn(node: Node, callerOf: (of: Node) => Node | undefined): Place {
  for (let each: Node | undefined = node; each !== undefined; each = callerOf(each)) {
    const { url, functionName } = each.callFrame;
    const found = RULES.find(([, pattern]) => pattern.test(url || functionName));
    if (found !== undefined) return found[0];
  }
  return REST;
}
