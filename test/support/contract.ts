import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { ERRORS, type ErrorCode } from '../../src/core/errors.js';
import { CONTRACT_ID, type Schema } from './resolved-contract.js';

export interface Header {
  required?: boolean;
  schema: Schema;
}
interface Content {
  schema: Schema;
  examples?: Record<string, { value: unknown }>;
}
export interface Answer {
  headers?: Record<string, Header>;
  content?: Record<string, Content>;
}
export type Answers = Record<string, Answer>;
export interface Operation {
  operationId: string;
  requestBody?: { content: Record<string, Content> };
  responses: Answers;
}
interface Contract {
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
  'x-other-requests': Answers;
}

/** openapi.yaml as `resolvedContract` returns it: global setup resolves it once for all suites. */
export const contract = JSON.parse(
  readFileSync(join(process.env['TEST_FOLDER'] ?? '', 'openapi.json'), 'utf8'),
) as Contract;

const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false, meta: false });
addFormats.default(ajv);
ajv.addSchema({ components: { schemas: contract.components.schemas } }, CONTRACT_ID);
const compiled = new Map<Schema, ValidateFunction>();

/** The errors of a value by its schema. */
export function faultsOf(schema: Schema, value: unknown): string[] {
  const validate = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, validate);
  return validate(value)
    ? []
    : (validate.errors ?? []).map((each) => `${each.instancePath} ${each.message ?? ''}`);
}

/** Every operation, with its method in upper case and its path. */
export const operations = Object.entries(contract.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);

/** Whether a path is the one of the document, in which `{name}` stands for a segment. */
const isAt = (template: string, path: string): boolean =>
  new RegExp(`^${template.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(path);

export const find = (method: string, path: string): Operation | undefined =>
  operations.find((each) => each.method === method && isAt(each.path, path))?.operation;

/** The files of a page have no entry of their own. */
const isPartOfPage = (path: string): boolean => /^\/(?:(?:vendor|page)\/[\w.-]+|[\w-]+\.\w+)$/.test(path);

/** The declared answers to a request by status. `HEAD` has those of `GET`, except `/callback`. */
export function answersTo(method: string, path: string): Answers {
  const asked = method === 'HEAD' && path !== '/callback' ? 'GET' : method;
  const operation = find(asked, path);
  if (operation !== undefined) return operation.responses;
  const other = contract['x-other-requests'];
  if (asked !== 'GET' || !isPartOfPage(path)) return other;
  return { ...other, 200: {}, 206: {}, 304: {} };
}

/** The declared errors of an answer. */
export function errorsOf(answer: Answer): ErrorCode[] {
  const schema = answer.content?.['application/problem+json']?.schema as
    | { properties: { error: { enum: ErrorCode[] } } }
    | undefined;
  return schema?.properties.error.enum ?? [];
}

/** The declared outcomes of a request, such as `200` and `400 invalid_code`. */
export const outcomesOf = (method: string, path: string): string[] =>
  Object.entries(answersTo(method, path)).flatMap(([status, answer]) => {
    const errors = errorsOf(answer);
    return errors.length === 0 ? [status] : errors.map((error) => `${ERRORS[error][0]} ${error}`);
  });
