import { z } from 'zod';

// The fields of Vonage's answers. No code outside this folder uses their names.

export const VERIFY_SCOPE = 'dpv:FraudPreventionAndDetection#number-verification-verify-read';

/** Network Enablement, 200: a link or an error for each scope. Other scopes are ignored. */
export const EnablementAnswer = z.object({
  scopes: z.object({
    [VERIFY_SCOPE]: z.union([
      z.object({ auth_url: z.string() }),
      // An error of any shape means that silent authentication is impossible.
      z.object({ error: z.union([z.looseObject({}), z.string()]) }),
    ]),
  }),
});

/**
 * Token endpoint, 200 (RFC 6749 section 5.1). Vonage's guides and the fixtures of its SDKs have
 * `Bearer` and `bearer`, and an `expires_in` of 29 or 3600, as number, as string or absent.
 */
export const TokenAnswer = z.object({
  // Visible ASCII (RFC 6749 appendix A.12).
  access_token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).nullish(),
});

/** Number Verification, 200. Only a boolean is valid, not `"true"`, `1` or `{}`. */
export const VerificationAnswer = z.object({ devicePhoneNumberVerified: z.boolean() });

/**
 * Identity Insights, 200: its reference names the field `is_swapped`, and some guides have it
 * without a value under a code other than `OK`.
 */
export const InsightsAnswer = z.object({
  insights: z.object({
    sim_swap: z.object({
      is_swapped: z.boolean().nullish(),
      status: z.object({ code: z.string() }).optional().catch(undefined),
    }),
  }),
});

const OAuthError = z.object({ error: z.string() });
const CamaraError = z.object({ code: z.string() });
/** Infobip's own shape, which it also uses for CAMARA. */
const ServiceError = z.object({
  requestError: z.object({ serviceException: z.object({ messageId: z.string() }) }),
});
const ProblemError = z.object({
  title: z.string().nullish(),
  type: z.string().nullish(),
  error_type: z.string().nullish(),
  instance: z.string().nullish(),
});

/**
 * Reads the errors of these APIs: OAuth `{error}`, CAMARA `{status, code, message}`, Infobip's
 * `{requestError: {serviceException: {messageId, text}}}` and Vonage's problem `{type, title,
 * detail, instance}`, of whose `type` only the fragment is stable; Network Enablement has
 * `error_type` in its place. Fields that are not used may be null or of another type.
 * @returns `code`: such as `invalid_grant` or `PERMISSION_DENIED`; of a problem the fragment of its
 * `type`, or its title
 */
export function readError(json: unknown): { code: string; instance?: string } | undefined {
  const oauth = OAuthError.safeParse(json);
  if (oauth.success) return { code: oauth.data.error };
  const camara = CamaraError.safeParse(json);
  if (camara.success) return { code: camara.data.code };
  const service = ServiceError.safeParse(json);
  if (service.success) return { code: service.data.requestError.serviceException.messageId };
  const problem = ProblemError.safeParse(json);
  if (!problem.success) return undefined;
  const { type, title, instance, error_type: errorType } = problem.data;
  const code = type?.split('#')[1] ?? errorType ?? title;
  return typeof code === 'string' ? { code, ...(typeof instance === 'string' && { instance }) } : undefined;
}

/** An id of Verify v2, which is put into paths. Ids are UUIDs, but undocumented as such. */
const RequestId = z.string().regex(/^[A-Za-z0-9_-]{1,100}$/);

/** Verify v2, 202. `check_url` is checked only where a link is needed. */
export const VerifyStarted = z.object({ request_id: RequestId, check_url: z.unknown().optional() });

export const findRequestId = (text: string): string | undefined =>
  /"request_id"\s*:\s*"([A-Za-z0-9_-]{1,100})"/.exec(text)?.[1];

export const VerifyChecked = z.object({ request_id: RequestId, status: z.literal('completed') });

/** Verify v2, a conflict (409 or 422): the verification that is under way. */
export const VerifyConcurrent = z.object({ request_id: RequestId });

const Word = z.string().max(40);
/** It is logged, so it must not be able to hold a number. */
const Channel = z.string().regex(/^[a-z_-]{1,40}$/i);
const reason = z.string().optional().catch(undefined);

/** The `client_ref` of the start, which is our login id. Any other text is ignored. */
const LoginId = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .optional()
  .catch(undefined);

const Action = z.object({ check_url: z.string().nullish() }).nullable();

/**
 * A webhook about one step; some have no `type`. `action` is an array in the reference's example
 * and the fixtures of the PHP SDK, and an object in the OpenAPI of the Node SDK. Unknown statuses
 * and channels are accepted.
 */
export const VerifyEvent = z.object({
  request_id: RequestId,
  type: z.literal('event').nullish(),
  channel: Channel,
  client_ref: LoginId,
  status: Word,
  reason,
  action: z.union([z.array(Action), Action]).optional(),
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

/** The webhook about a whole verification. Without `type`, it has steps or no channel. */
export const VerifySummary = z.union([
  Summary.extend({ type: z.literal('summary') }),
  Summary.extend({ ...NoType, workflow: Workflow }),
  Summary.extend({
    ...NoType,
    channel: z.undefined().optional(),
    status: z.enum(['completed', 'failed', 'expired', 'blocked']),
  }),
]);
