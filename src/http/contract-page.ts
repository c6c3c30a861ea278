import { marked } from 'marked';
import { escapeHtml, htmlDocument, STYLE } from './page-template.js';

/** The parts of OpenAPI 3.1 that openapi.yaml uses. */
interface Schema {
  $ref?: string;
  description?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  const?: unknown;
  enum?: unknown[];
  items?: Schema;
  oneOf?: Schema[];
  required?: string[];
  properties?: Record<string, Schema>;
}
type Examples = Record<string, { summary?: string; value: unknown }>;
type Content = Record<string, { schema: Schema; examples?: Examples }>;
interface Described {
  $ref?: string;
  description?: string;
}
interface Answer extends Described {
  headers?: Record<string, Described>;
  content?: Content;
}
interface Operation extends Described {
  operationId: string;
  tags: string[];
  summary: string;
  security: Record<string, unknown>[];
  parameters?: (Described & { name: string; required?: boolean; schema: Schema })[];
  requestBody?: Described & { content: Content };
  responses: Record<string, Answer>;
}
export interface Contract {
  info: { title: string; version: string; description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  'x-other-requests': Record<string, Answer>;
  components: { schemas: Record<string, Schema>; headers: Record<string, Described> };
}

const code = (text: unknown): string => `<code>${escapeHtml(String(text))}</code>`;
const prose = (markdown = ''): string => marked.parse(markdown, { async: false });
const nameIn = ($ref: string): string => $ref.slice($ref.lastIndexOf('/') + 1);

/** @param entries terms and definitions as HTML */
const list = (entries: string[][]): string =>
  entries.length === 0
    ? ''
    : `<dl>${entries.map(([term, text]) => `<div><dt>${term}</dt><dd>${text}</dd></div>`).join('\n')}</dl>`;

/** The headers of almost every answer. */
const COMMON_HEADERS = ['X-Request-Id', 'Server-Timing'];

/** The contract as a page without scripts. @param base the origin in the examples */
export function contractPage(contract: Contract, base: string): string {
  const follow = <T extends object>(node: T & { $ref?: string }): T =>
    node.$ref === undefined
      ? node
      : (node.$ref
          .slice('#/'.length)
          .split('/')
          .reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], contract) as T);

  const typeOf = (schema: Schema): string => {
    if (schema.$ref) return `<a href="#${nameIn(schema.$ref)}">${nameIn(schema.$ref)}</a>`;
    if (schema.oneOf) return schema.oneOf.map(typeOf).join(' or ');
    if ('const' in schema) return code(JSON.stringify(schema.const));
    if (schema.enum) return schema.enum.map((each) => code(JSON.stringify(each))).join(', ');
    if (schema.items) return `list of ${typeOf(schema.items)}`;
    const kind = [schema.type ?? []].flat().join(' or ');
    return `${kind}${schema.format ? `, ${schema.format}` : ''}${schema.pattern ? ` ${code(schema.pattern)}` : ''}`;
  };
  const field = (name: string, schema: Schema, isRequired: boolean): string[] => [
    `${code(name)} ${typeOf(schema)}${isRequired ? ', required' : ''}`,
    prose(schema.description ?? follow(schema).description),
  ];
  const fieldsOf = ({ properties = {}, required = [] }: Schema): string =>
    list(Object.entries(properties).map(([name, each]) => field(name, each, required.includes(name))));

  const examplesOf = (examples: Examples = {}): string =>
    Object.entries(examples)
      .map(
        ([name, { summary, value }]) =>
          `<details><summary>Example: ${marked.parseInline(summary ?? name, { async: false })}</summary><pre>${escapeHtml(JSON.stringify(value, null, 2))}</pre></details>`,
      )
      .join('\n');
  const contentOf = (content: Content = {}): string =>
    Object.entries(content)
      .map(([type, { schema, examples }]) => `<p>${code(type)}: ${typeOf(schema)}</p>${examplesOf(examples)}`)
      .join('\n');

  /** An error has links to its explanations instead of a body. */
  const answer = ([status, given]: [string, Answer]): string[] => {
    const { description, headers = {}, content = {} } = follow(given);
    const errors = content['application/problem+json']?.schema.properties?.['error']?.enum ?? [];
    if (errors.length > 0)
      return [
        status,
        errors.map((each) => `<a href="/errors.md#${String(each)}">${code(each)}</a>`).join(', '),
      ];
    const own = Object.keys(headers).filter((name) => !COMMON_HEADERS.includes(name));
    const sent =
      own.length === 0
        ? ''
        : `<p>Headers: ${own.map((name) => `<a href="#${name}">${name}</a>`).join(', ')}</p>`;
    return [status, prose(description) + sent + contentOf(content)];
  };

  const sessionOf = (security: Operation['security']): string =>
    security.some((each) => 'session' in each)
      ? `<p>The session cookie is ${security.length > 1 ? 'optional' : 'required'}.</p>`
      : '';
  const curl = (method: string, path: string, content: Content): string => {
    const [example] = Object.values(content['application/json']?.examples ?? {});
    if (example === undefined) return '';
    const text = `curl -X ${method} ${base}${path} -b jar -c jar -H 'Content-Type: application/json' -d '${JSON.stringify(example.value)}'`;
    return `<pre>${escapeHtml(text)}</pre>`;
  };
  const operations = Object.entries(contract.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, each]) => ({ ...each, path, method: method.toUpperCase() })),
  );
  const operation = (each: (typeof operations)[number]): string => {
    const { operationId, summary, description, security, method, path } = each;
    const { parameters = [], requestBody, responses } = each;
    return `<section id="${operationId}">
<h3>${code(`${method} ${path}`)} ${escapeHtml(summary)}</h3>
${prose(description)}${sessionOf(security)}
${parameters.length > 0 ? '<h4>Query</h4>' : ''}${list(parameters.map(({ name, required = false, schema, description: text = '' }) => field(name, { ...schema, description: text }, required)))}
${requestBody ? `<h4>Request</h4>${prose(requestBody.description)}${contentOf(requestBody.content)}${curl(method, path, requestBody.content)}` : ''}
<h4>Answers</h4><div class="answers">${list(Object.entries(responses).map(answer))}</div>
</section>`;
  };

  const { info, tags, components } = contract;
  const withTag = (tag: string) => operations.filter((each) => each.tags.includes(tag));
  const contents = tags.map(
    ({ name }) =>
      `<li><a href="#${name}">${name}</a><ul>${withTag(name)
        .map(({ operationId, method, path }) => `<li><a href="#${operationId}">${method} ${path}</a></li>`)
        .join('')}</ul></li>`,
  );
  const schemas = Object.entries(components.schemas).map(
    ([name, each]) =>
      `<section id="${name}"><h3>${name}</h3>${prose(each.description)}<p>${each.properties ? '' : typeOf(each)}</p>${fieldsOf(each)}</section>`,
  );
  const main = `<h1>${escapeHtml(info.title)} ${escapeHtml(info.version)}</h1>
${prose(info.description)}
<p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<nav aria-label="Contents"><ul>${contents.join('\n')}<li><a href="#schemas">Schemas</a></li></ul></nav>
${tags.map(({ name, description }) => `<h2 id="${name}">${name}</h2>${prose(description)}${withTag(name).map(operation).join('\n')}`).join('\n')}
<h2>Other requests</h2><div class="answers">${list(Object.entries(contract['x-other-requests']).map(answer))}</div>
<h2>Headers</h2>${list(Object.entries(components.headers).map(([name, each]) => [`<span id="${name}">${code(name)}</span>`, prose(each.description)]))}
<h2 id="schemas">Schemas</h2>${schemas.join('\n')}`;
  return htmlDocument({
    lang: 'en',
    title: 'HTTP contract',
    style: STYLE,
    main: `<article>${main}</article>`,
  });
}
