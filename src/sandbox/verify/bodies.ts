import { z } from 'zod';
import { Problem, type InvalidParameter } from '../http/problems.js';
import { isPhoneNumber } from '../state/subscribers.js';

/** E.164 without the plus sign. */
const PhoneNumber = z.string().refine((to) => isPhoneNumber(`+${to}`), 'Phone number is invalid');

const text = (longest: number) => z.string().min(1).max(longest);

/** A sender id of Vonage's SMS: letters and digits, or a number without its plus sign. */
const SMS_SENDER = /^(?:[a-zA-Z0-9]{3,11}|[1-9][0-9]{6,14})$/;

/** The ids that India's operators register for senders and texts. */
const RegisteredId = z.string().regex(/^[0-9]{1,20}$/, 'must be 1 to 20 digits');

const stepOf = <Channel extends string>(channel: Channel) => ({
  channel: z.literal(channel),
  to: PhoneNumber,
});

const SilentStep = z.strictObject({
  ...stepOf('silent_auth'),
  redirect_url: z.url('must be a URL').optional(),
  coverage_check: z.boolean().optional(),
});

const SmsStep = z.strictObject({
  ...stepOf('sms'),
  from: z.string().regex(SMS_SENDER, 'must be a number, or 3 to 11 letters and digits').optional(),
  entity_id: RegisteredId.optional(),
  content_id: RegisteredId.optional(),
  app_hash: z.string().length(11, 'must have 11 characters').optional(),
});

const RcsStep = z.strictObject({ ...stepOf('rcs'), from: text(50).optional() });

/** The sender is a WhatsApp Business number of the account. */
const WhatsappStep = z.strictObject({ ...stepOf('whatsapp'), from: PhoneNumber });

const VoiceStep = z.strictObject(stepOf('voice'));

const STEPS = [SilentStep, SmsStep, RcsStep, WhatsappStep, VoiceStep] as const;
/** Vonage has `email` too: it proves nothing of a number, and the sandbox has no mailbox. */
const NO_CHANNEL = 'must be silent_auth, sms, rcs, whatsapp or voice: the sandbox plays no other channel';
const BRAND = /^[^/{}:$]*$/;
const CLIENT_REF = /^[a-zA-Z0-9]*$/;
const CUSTOM_CODE = /^[a-zA-Z0-9]{4,10}$/;

const LOCALE = /^(?:[a-z]{2}|[a-z]{2,3}-[a-z]{2})$/;

const StartBody = z.strictObject({
  brand: text(18).regex(BRAND, 'must not contain any of / { } : $'),
  workflow: z
    .array(z.discriminatedUnion('channel', STEPS, NO_CHANNEL))
    .min(1, 'must have at least one step')
    .max(3, 'must have at most three steps'),
  /** Absent: Vonage chooses by the number. */
  locale: z.string().regex(LOCALE, 'must be a language such as en-us').optional(),
  /** In seconds. */
  channel_timeout: z.int().min(15).max(900).default(180),
  client_ref: text(40).regex(CLIENT_REF, 'must be letters and digits').optional(),
  code_length: z.int().min(4).max(10).default(4),
  /** The customer's own code for messages. */
  code: z.string().regex(CUSTOM_CODE, 'must be 4 to 10 letters and digits').optional(),
  template_id: text(64).optional(),
  /** Whether Vonage's fraud rules apply. */
  fraud_check: z.boolean().default(true),
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

const parse = <T>(schema: z.ZodType<T>, json: unknown): T => {
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  throw new Problem('invalidParams', { invalid_parameters: invalidParametersOf(error.issues) });
};

/** @throws Problem */
export const readStart = (json: unknown): StartBody => {
  const body = parse(StartBody, json);
  const invalid_parameters = invalidSteps(body.workflow);
  if (invalid_parameters.length > 0) throw new Problem('invalidParams', { invalid_parameters });
  return body;
};

const CheckBody = z.strictObject({ code: z.string().min(4).max(10) });

/** @throws Problem */
export const readCheck = (json: unknown) => parse(CheckBody, json);
