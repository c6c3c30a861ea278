import type { Stage } from './state.js';
import { silentAuthPath } from './paths.js';
import type { Step, VerifyRequest } from './verify-request.js';

const iso = (ms: number): string => new Date(ms).toISOString();

/** Where the device begins the silent step of this request. */
export const checkUrlOf = (stage: Stage, { id }: VerifyRequest): string =>
  stage.publicUrl() + silentAuthPath(id, 'redirect');

const event = (request: VerifyRequest, step: Step, more: object): object => ({
  request_id: request.id,
  triggered_at: iso(step.initiatedAt ?? request.submittedAt),
  type: 'event',
  channel: step.channel,
  ...more,
  ...(request.clientRef === undefined ? {} : { client_ref: request.clientRef }),
});

/** Tells the customer where to send the device, as the 202 does. */
export const sayActionPending = (stage: Stage, request: VerifyRequest, step: Step): void => {
  const { webhooks } = stage.state;
  const action = { type: 'check', check_url: checkUrlOf(stage, request) };
  webhooks.send(
    event(request, step, {
      status: 'action_pending',
      // The document's example has an array here, the OpenAPI description of the same document an object.
      action: webhooks.quirks.action_as_object ? action : [action],
    }),
  );
};

/** Tells how a silent step ended. Steps that send a code have no events of their own, only the summary. */
export const sayEnded = (stage: Stage, request: VerifyRequest, step: Step, at: number): void => {
  if (step.channel !== 'silent_auth') return;
  stage.state.webhooks.send(event(request, step, { status: step.status, finalized_at: iso(at) }));
};

export type RequestStatus = 'completed' | 'failed' | 'expired';

/** Tells how the request ended, step by step. */
export const saySummary = (stage: Stage, request: VerifyRequest, status: RequestStatus): void =>
  stage.state.webhooks.send({
    request_id: request.id,
    submitted_at: iso(request.submittedAt),
    status,
    type: 'summary',
    channel_timeout: request.channelTimeout,
    workflow: request.steps.map((step) => ({
      channel: step.channel,
      ...(step.initiatedAt === undefined ? {} : { initiated_at: iso(step.initiatedAt) }),
      status: step.status,
    })),
    ...(request.clientRef === undefined ? {} : { client_ref: request.clientRef }),
  });
