import { z } from 'zod';

/**
 * Templates of Verify v2 as they come over the wire. A fragment's channel is read as it comes: `sms` and `voice` are
 * documented, and an account must stay readable when Vonage adds another.
 */

const Id = z.string().min(1).max(100);

export const TemplateAnswer = z
  .object({ template_id: Id, name: z.string(), is_default: z.boolean() })
  .transform(({ template_id: id, name, is_default: isDefault }) => ({ id, name, isDefault }));

export const FragmentAnswer = z
  .object({ template_fragment_id: Id, channel: z.string(), locale: z.string(), text: z.string() })
  .transform(({ template_fragment_id: id, channel, locale, text }) => ({ id, channel, locale, text }));

export type Template = z.output<typeof TemplateAnswer>;
export type Fragment = z.output<typeof FragmentAnswer>;

/** One page of a HAL collection. Vonage's own client gets by without `_embedded`, and so does this one. */
export const Page = z.object({
  total_pages: z.number(),
  _embedded: z.record(z.string(), z.array(z.unknown())).optional(),
});

const InvalidParameter = z.object({ name: z.string(), reason: z.string() });

/** 422. A list in the reference; one object in a fixture of the PHP SDK. */
export const InvalidParameters = z.object({
  invalid_parameters: z.union([
    z.array(InvalidParameter),
    InvalidParameter.transform((parameter) => [parameter]),
  ]),
});
