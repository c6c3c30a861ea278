import { z, type ZodType } from 'zod';
import { LoginError } from '../../core/errors.js';
import { refusal } from '../../vonage/errors.js';
import type { Answer, Call, Transport } from '../../http/transport.js';

const Id = z.string().min(1).max(100);

const TemplateAnswer = z
  .object({ template_id: Id, name: z.string(), is_default: z.boolean() })
  .transform(({ template_id: id, name, is_default: isDefault }) => ({ id, name, isDefault }));

/** Unknown channels are accepted, so that an account stays readable if Vonage adds one. */
const FragmentAnswer = z
  .object({ template_fragment_id: Id, channel: z.string(), locale: z.string(), text: z.string() })
  .transform(({ template_fragment_id: id, channel, locale, text }) => ({ id, channel, locale, text }));

export type Template = z.output<typeof TemplateAnswer>;
export type Fragment = z.output<typeof FragmentAnswer>;

/** A page of a HAL collection. As in Vonage's own client, `_embedded` may be absent. */
const Page = z.object({
  total_pages: z.number(),
  _embedded: z.record(z.string(), z.array(z.unknown())).optional(),
});

const InvalidParameter = z.object({ name: z.string(), reason: z.string() });

/** 422: a list in the reference, an object in a fixture of the PHP SDK. */
const InvalidParameters = z.object({
  invalid_parameters: z.union([
    z.array(InvalidParameter),
    InvalidParameter.transform((parameter) => [parameter]),
  ]),
});

const API = 'verify-templates';

const TIMEOUT_MS = 5000;

/** With the longest texts, a page of this size fits into the largest answer that is read. */
const PAGE_SIZE = 20;

/** An account has ten templates, so a longer list would never end. */
const MAX_PAGES = 50;

/**
 * The custom templates of Verify v2 (reference, "Templates" and "Template Fragments"). Each call
 * throws LoginError `upstream_error`, `upstream_timeout` or `unavailable`; `upstream` has Vonage's
 * error, such as `template-exists`, and `errors` the parameters that Vonage refused.
 */
export interface Templates {
  list(): Promise<Template[]>;
  create(name: string): Promise<Template>;
  update(templateId: string, change: { isDefault: boolean }): Promise<Template>;
  /** The template must have no fragments. */
  remove(templateId: string): Promise<void>;
  fragments: {
    list(templateId: string): Promise<Fragment[]>;
    create(templateId: string, words: { channel: string; locale: string; text: string }): Promise<Fragment>;
    update(templateId: string, fragmentId: string, text: string): Promise<Fragment>;
    remove(templateId: string, fragmentId: string): Promise<void>;
  };
}

export function createTemplates(deps: {
  transport: Transport;
  appToken: () => Promise<string>;
  verifyHost: string;
  requestId: string;
}): Templates {
  const ask = async (method: Call['method'], path: string, body?: object): Promise<Answer> =>
    deps.transport({
      api: API,
      method,
      url: `${deps.verifyHost}/v2/verify/templates${path}`,
      bearer: await deps.appToken(),
      ...(body && { body }),
      timeoutMs: TIMEOUT_MS,
      requestId: deps.requestId,
    });

  const listAll = async <T>(path: string, name: string, item: ZodType<T>): Promise<T[]> => {
    const all: T[] = [];
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const answer = await ask('GET', `${path}?page=${page}&page_size=${PAGE_SIZE}`);
      const { total_pages, _embedded } = expectAnswer(answer, 200, Page);
      for (const each of _embedded?.[name] ?? []) all.push(expectShape(answer, each, item));
      if (page >= total_pages) return all;
    }
    throw new LoginError('upstream_error', 'The list of templates has too many pages.', {
      upstream: { api: API },
    });
  };

  const one = (templateId: string): string => `/${encodeURIComponent(templateId)}`;
  const fragmentsOf = (templateId: string): string => `${one(templateId)}/template_fragments`;
  const fragment = (templateId: string, id: string): string =>
    `${fragmentsOf(templateId)}/${encodeURIComponent(id)}`;

  return {
    list: () => listAll('', 'templates', TemplateAnswer),
    create: async (name) => expectAnswer(await ask('POST', '', { name }), 201, TemplateAnswer),
    update: async (id, { isDefault }) =>
      expectAnswer(await ask('PATCH', one(id), { is_default: isDefault }), 200, TemplateAnswer),
    remove: async (id) => expectNothing(await ask('DELETE', one(id))),
    fragments: {
      list: (id) => listAll(fragmentsOf(id), 'template_fragments', FragmentAnswer),
      create: async (id, { channel, locale, text }) =>
        expectAnswer(await ask('POST', fragmentsOf(id), { channel, locale, text }), 201, FragmentAnswer),
      update: async (id, fragmentId, text) =>
        expectAnswer(await ask('PATCH', fragment(id, fragmentId), { text }), 200, FragmentAnswer),
      remove: async (id, fragmentId) => expectNothing(await ask('DELETE', fragment(id, fragmentId))),
    },
  };
}

function expectAnswer<T>(answer: Answer, status: number, schema: ZodType<T>): T {
  if (answer.status !== status) throw refused(answer);
  return expectShape(answer, answer.json, schema);
}

function expectShape<T>(answer: Answer, value: unknown, schema: ZodType<T>): T {
  const { success, data } = schema.safeParse(value);
  if (!success) throw refused(answer);
  return data;
}

function expectNothing(answer: Answer): void {
  if (answer.status !== 204) throw refused(answer);
}

/** The usual error; for a 422, with Vonage's reason for each parameter. */
function refused(answer: Answer): LoginError {
  const { code, detail, fields, upstream } = refusal(API, answer);
  const invalid = answer.status === 422 ? InvalidParameters.safeParse(answer.json).data : undefined;
  const errors = invalid?.invalid_parameters.map(({ name, reason }) => ({ field: name, message: reason }));
  return new LoginError(code, detail, { ...fields, ...(errors && { errors }), upstream });
}
