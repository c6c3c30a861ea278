import { z } from 'zod';

/** The names of Vonage's fields, and the shapes its answers come in. Nothing outside this folder knows them. */

export const VERIFY_SCOPE = 'dpv:FraudPreventionAndDetection#number-verification-verify-read';

/**
 * Network Enablement, 200: each scope has a link, or an error of its own. Only our scope is read:
 * an answer may name others, in shapes that nobody announced, and they do not concern this server.
 */
export const EnablementAnswer = z.object({
  scopes: z.object({
    [VERIFY_SCOPE]: z.union([
      z.object({ auth_url: z.string() }),
      // Whatever the error looks like, it says that silence is impossible.
      z.object({ error: z.union([z.object({}), z.string()]) }),
    ]),
  }),
});

/**
 * Token endpoint, 200 (RFC 6749 section 5.1). Seen in Vonage's guides and the fixtures of its SDKs: `Bearer` and
 * `bearer`, a life of 29 or 3600 seconds, as number or as string, or none at all; a `refresh_token`, which is ignored.
 */
export const TokenAnswer = z.object({
  // Visible ASCII (RFC 6749 appendix A.12).
  access_token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).nullish(),
});

/** Number Verification, 200. Only a boolean counts: `"true"`, `1` and `{}` are not answers. */
export const VerificationAnswer = z.object({ devicePhoneNumberVerified: z.boolean() });

const OAuthError = z.object({ error: z.string(), error_description: z.string().optional() });
const CamaraError = z.object({ status: z.number(), code: z.string(), message: z.string().optional() });
const ProblemError = z.object({
  title: z.string().optional(),
  type: z.string().optional(),
  instance: z.string().optional(),
});

export interface UpstreamError {
  /** `invalid_grant`, `PERMISSION_DENIED`, the fragment of a problem's `type`, or its title. */
  code: string;
  instance?: string;
}

/**
 * Reads the error shapes that these APIs use: OAuth `{error}`, CAMARA `{status, code, message}` and Vonage's problem
 * `{type, title, detail, instance}`. The host in a problem's `type` varies, so only what follows `#` is believed.
 */
export function readError(json: unknown): UpstreamError | undefined {
  const oauth = OAuthError.safeParse(json);
  if (oauth.success) return { code: oauth.data.error };
  const camara = CamaraError.safeParse(json);
  if (camara.success) return { code: camara.data.code };
  const problem = ProblemError.safeParse(json);
  if (!problem.success) return undefined;
  const { type, title, instance } = problem.data;
  const code = type?.split('#')[1] ?? title;
  return code === undefined ? undefined : { code, ...(instance !== undefined && { instance }) };
}

/** An id of Verify v2, which becomes part of paths. They are UUIDs; nothing says that they always will be. */
const RequestId = z.string().regex(/^[A-Za-z0-9_-]{1,100}$/);

/** Verify v2, 202. What a `check_url` is that is no string decides whoever needs it. */
export const VerifyStarted = z.object({ request_id: RequestId, check_url: z.unknown().optional() });

/**
 * Finds the id of a Verify v2 request in an answer that is otherwise not to be read, or broke off.
 */
export const findRequestId = (text: string): string | undefined =>
  /"request_id"\s*:\s*"([A-Za-z0-9_-]{1,100})"/.exec(text)?.[1];

/** Verify v2, 200 to a check: the code was right, and this is the request it was right for. */
export const VerifyChecked = z.object({ request_id: RequestId, status: z.literal('completed') });

/** Verify v2, a conflict (409 or 422): names the request that is under way. */
export const VerifyConcurrent = z.object({ request_id: RequestId });

/** Channels of Verify v2 that carry a code for people. Each message costs money. */
export const MESSAGE_CHANNELS = ['sms', 'voice'] as const;
export type MessageChannel = (typeof MESSAGE_CHANNELS)[number];

const Word = z.string().max(40);
/** It goes into the log, which no number may reach. */
const Channel = z.string().regex(/^[a-z_-]{1,40}$/i);
const reason = z.string().optional().catch(undefined);

/** What the request was started with as `client_ref`: a login id of ours. Anything else says nothing. */
const LoginId = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .optional()
  .catch(undefined);

/**
 * The webhooks of Verify v2 about one step. `action` is an array in the document's example and the
 * fixtures of the PHP SDK, an object in the OpenAPI of the Node SDK; both are read. Statuses and
 * channels nobody told us of are read as such. Some come without a `type`.
 */
export const VerifyEvent = z.object({
  request_id: RequestId,
  type: z.literal('event').nullish(),
  channel: Channel,
  client_ref: LoginId,
  status: Word,
  reason,
  action: z
    .union([
      z.array(z.object({ check_url: z.string().optional() })),
      z.object({ check_url: z.string().optional() }),
    ])
    .optional(),
});

const ReportedStep = z.object({ channel: Channel, status: Word, reason });
export type ReportedStep = z.infer<typeof ReportedStep>;
const Workflow = z.array(ReportedStep.nullable().catch(null));
const Summary = z.object({
  request_id: RequestId,
  client_ref: LoginId,
  status: Word,
  reason,
  workflow: Workflow.catch([]).default([]),
});
const NoType = { type: z.null().optional() };

/**
 * The webhook about a whole request. Without a `type` it is told from an event by its steps, or by
 * naming no channel.
 */
export const VerifySummary = z.union([
  Summary.extend({ type: z.literal('summary') }),
  Summary.extend({ ...NoType, workflow: Workflow }),
  Summary.extend({
    ...NoType,
    channel: z.undefined().optional(),
    status: z.enum(['completed', 'failed', 'expired', 'blocked']),
  }),
]);

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
