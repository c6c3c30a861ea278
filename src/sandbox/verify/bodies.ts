import { z } from 'zod';
import type { InvalidParameter } from '../http/problems.js';
import { isPhoneNumber } from '../state/subscribers.js';

/** E.164 without the plus sign. */
const PhoneNumber = z.string().refine((to) => isPhoneNumber(`+${to}`), 'Phone number is invalid');

const text = (longest: number) => z.string().min(1).max(longest);

const SilentStep = z.strictObject({
  channel: z.literal('silent_auth'),
  to: PhoneNumber,
  redirect_url: z.url('must be a URL').optional(),
  coverage_check: z.boolean().optional(),
});

const SmsStep = z.strictObject({
  channel: z.literal('sms'),
  to: PhoneNumber,
  from: text(15).optional(),
  entity_id: text(20).optional(),
  content_id: text(20).optional(),
  app_hash: z.string().length(11, 'must have 11 characters').optional(),
});

const VoiceStep = z.strictObject({ channel: z.literal('voice'), to: PhoneNumber });

const STEPS = [SilentStep, SmsStep, VoiceStep] as const;
const BRAND = /^[^/{}:$]*$/;
const CLIENT_REF = /^[a-zA-Z0-9]*$/;
const CUSTOM_CODE = /^[a-zA-Z0-9]{4,10}$/;

const LOCALE = /^(?:[a-z]{2}|[a-z]{2,3}-[a-z]{2})$/;

const StartBody = z.strictObject({
  brand: text(18).regex(BRAND, 'must not contain any of / { } : $'),
  workflow: z
    .array(z.discriminatedUnion('channel', STEPS, 'must be silent_auth, sms or voice'))
    .min(1, 'must have at least one step')
    .max(3, 'must have at most three steps'),
  locale: z.string().regex(LOCALE, 'must be a language such as en-us').default('en-us'),
  channel_timeout: z.int().min(15).max(900).default(180),
  client_ref: text(40).regex(CLIENT_REF, 'must be letters and digits').optional(),
  code_length: z.int().min(4).max(10).default(4),
  code: z.string().regex(CUSTOM_CODE, 'must be 4 to 10 letters and digits').optional(),
  template_id: text(64).optional(),
  fraud_check: z.boolean().optional(),
});

/** The body of `POST /v2/verify`, defaults included. */
export type StartBody = z.infer<typeof StartBody>;

/** Vonage's names of parameters: `brand`, or `workflow[1]` with the field in the reason. */
const invalidParametersOf = (issues: z.core.$ZodIssue[]): InvalidParameter[] =>
  issues.flatMap((issue) => {
    const [first = 'body', index, ...inner] = issue.path.map(String);
    const name = index === undefined ? first : `${first}[${index}]`;
    if (issue.code !== 'unrecognized_keys') {
      const field = inner.length > 0 ? `\`${inner.join('.')}\` ` : '';
      return [{ name, reason: field + issue.message }];
    }
    return issue.keys.map((key) =>
      index === undefined
        ? { name: key, reason: 'is not a known parameter' }
        : { name, reason: `\`${key}\` is not a known parameter` },
    );
  });

const isVirtual = (to: string): boolean => to.startsWith('990');

const invalidSteps = (workflow: StartBody['workflow']): InvalidParameter[] => {
  const isSilent = (index: number): boolean => workflow[index]?.channel === 'silent_auth';
  if (workflow.some(({ to }) => isVirtual(to)) && !(workflow.length === 1 && isSilent(0))) {
    const others = workflow.flatMap(({ to }, index) =>
      isVirtual(to) && !isSilent(index)
        ? [{ name: `workflow[${index}]`, reason: '`to` Phone number is invalid' }]
        : [],
    );
    const reason = '`silent_auth` must be the only channel when virtual operator is used';
    return [{ name: 'workflow', reason }, ...others];
  }
  const isLate = workflow.some((_, index) => index > 0 && isSilent(index));
  return isLate ? [{ name: 'workflow', reason: '`silent_auth` must be the first channel' }] : [];
};

export const readStart = (json: unknown): StartBody | InvalidParameter[] => {
  const { success, data, error } = StartBody.safeParse(json);
  if (!success) return invalidParametersOf(error.issues);
  const invalid = invalidSteps(data.workflow);
  return invalid.length > 0 ? invalid : data;
};

const CheckBody = z.strictObject({ code: z.string().min(4).max(10) });

export const readCheck = (json: unknown): { code: string } | InvalidParameter[] => {
  const { success, data, error } = CheckBody.safeParse(json);
  return success ? data : invalidParametersOf(error.issues);
};
