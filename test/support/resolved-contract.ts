import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export type Schema = Record<string, unknown>;

/** The `$id` under which the schemas of openapi.yaml refer to each other. */
export const CONTRACT_ID = 'contract';

/** openapi.yaml with every `$ref` resolved except between schemas, and without unknown fields. */
export const resolvedContract = (): Schema =>
  close(follow(parse(readFileSync('openapi.yaml', 'utf8')) as Schema));

function follow(document: Schema): Schema {
  const at = (pointer: string): unknown =>
    pointer
      .slice('#/'.length)
      .split('/')
      .reduce<unknown>((node, name) => (node as Schema)[name], document);
  const resolve = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(resolve);
    if (typeof node !== 'object' || node === null) return node;
    const { $ref, ...rest } = node as Schema;
    const resolved = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, resolve(value)]));
    if (typeof $ref !== 'string') return resolved;
    return $ref.startsWith('#/components/schemas/')
      ? { $ref: CONTRACT_ID + $ref, ...resolved }
      : { ...(resolve(at($ref)) as object), ...resolved };
  };
  return resolve(document) as Schema;
}

/** Apps have to accept unknown fields; the tests do not. */
function close<T>(node: T): T {
  if (typeof node !== 'object' || node === null) return node;
  if ('type' in node && node.type === 'object' && 'properties' in node) {
    Object.assign(node, { additionalProperties: false });
  }
  Object.values(node).forEach(close);
  return node;
}
