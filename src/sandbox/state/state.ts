import type { KeyObject } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { World } from '../../core/world.js';
import { CamaraOperator } from '../camara/operator.js';
import { Conversation, type Login } from '../conversation/conversation.js';
import { FaultInjection } from './faults.js';
import { BoundedList, createStore } from './records.js';
import type { AuthorizationCode, Authorization, Grant, Message, RecordedRequest } from './records.js';
import { Subscribers } from './subscribers.js';
import { TemplateStore } from './templates.js';
import { VerificationStore } from './verifications.js';
import { WebhookSender, type WebhookSettings } from './webhooks.js';

export interface SandboxOptions {
  applicationId: string;
  /** RSA. Verifies the application's JWTs. */
  publicKey: KeyObject;
  redirectUri: string;
  /** The base URL for devices. A function, because the port may be known only after listening. */
  publicUrl: () => string;
  /** If absent, Verify sends no webhooks. */
  webhooks?: WebhookSettings | undefined;
  world: World;
}

/** Changes to the token response. `expires_in: null` omits the field. */
export const TokenResponse = z.strictObject({
  expires_in: z.union([z.number(), z.string()]).nullable().optional(),
  token_type: z.string().optional(),
  refresh_token: z.string().optional(),
});

type Changes = { login: [Login] } & Record<'messages' | 'subscribers' | 'everything', []>;

/** Creates the state of a sandbox. All of it is in memory and bounded. */
export const createState = (options: SandboxOptions) => {
  const changes = new EventEmitter<Changes>().setMaxListeners(0);
  const conversation = new Conversation(options.world, (login) => changes.emit('login', login));
  return {
    ...options,
    changes,
    conversation,
    requests: new BoundedList<RecordedRequest>(),
    messages: new BoundedList<Message>(),
    usedStates: createStore<true>(),
    /** Unopened links of Network Enablement, by wrapped state. */
    issuedLinks: createStore<Authorization>(),
    /** Redirects to the operator, by the operator's own key. */
    operatorRequests: createStore<Authorization>(),
    /** Redirects from the operator to Vonage, by wrapped state. */
    operatorResponses: createStore<Authorization>(),
    /** Redirects from Vonage to the end of a silent step of Verify, by ticket. */
    silentAuthTickets: createStore<Authorization>(),
    codes: createStore<AuthorizationCode>(),
    tokens: createStore<Grant>(),
    tokenResponse: {} as z.infer<typeof TokenResponse>,
    camara: new CamaraOperator(options),
    subscribers: new Subscribers(),
    faults: new FaultInjection(),
    templates: new TemplateStore(options.world),
    verifications: new VerificationStore(),
    webhooks: new WebhookSender(options, conversation),
  };
};

export type SandboxState = ReturnType<typeof createState>;

/** Makes a request handler that uses the state of its sandbox. */
export type Handler = (state: SandboxState) => RequestHandler;

const isClearable = (value: unknown): value is { clear(): void } =>
  typeof value === 'object' && value !== null && 'clear' in value;

export const resetState = (state: SandboxState): void => {
  for (const each of Object.values(state)) if (isClearable(each)) each.clear();
  state.tokenResponse = {};
  state.changes.emit('everything');
};
