import type { KeyObject } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { z } from 'zod';
import type { World } from '../../core/world.js';
import { Conversation, type Login } from '../conversation/conversation.js';
import { FaultInjection } from './faults.js';
import { BoundedList, createStore } from './records.js';
import type { AuthorizationCode, Authorization, Grant, Message, RecordedRequest } from './records.js';
import { Subscribers } from './subscribers.js';
import { TemplateStore } from './templates.js';
import { VerificationStore } from './verifications.js';
import { WebhookSender, type WebhookSettings } from './webhooks.js';

/** The application as the Vonage dashboard knows it. */
export interface SandboxOptions {
  applicationId: string;
  /** RSA; the application signs its JWTs with the private half. */
  publicKey: KeyObject;
  /** Compared exactly. */
  redirectUri: string;
  /** The base URL for devices. A function, because tests learn the port after listening. */
  publicUrl: () => string;
  /** Without these settings Verify sends no webhooks. */
  webhooks?: WebhookSettings | undefined;
  world: World;
  /** The folder of the package, which contains the page. */
  root: string;
}

/** How the token response differs from the usual one. `expires_in: null` omits the field. */
export const TokenResponse = z.strictObject({
  expires_in: z.union([z.number(), z.string()]).nullable().optional(),
  token_type: z.string().optional(),
  refresh_token: z.string().optional(),
});

/** The events of changes that the page shows, and their arguments. */
type Changes = { login: [Login] } & Record<'messages' | 'subscribers' | 'everything', []>;

/** Creates the state of a sandbox, all of it in memory and bounded. */
export const createState = (options: SandboxOptions) => {
  const changes = new EventEmitter<Changes>().setMaxListeners(0);
  const conversation = new Conversation(options.world, (login) => changes.emit('login', login));
  return {
    ...options,
    changes,
    conversation,
    requests: new BoundedList<RecordedRequest>(),
    messages: new BoundedList<Message>(),
    /** The customer's states that were used: each may be used once. */
    usedStates: createStore<true>(),
    /** Links of Network Enablement that no device has opened, by wrapped state. */
    issuedLinks: createStore<Authorization>(),
    /** Devices on their way to the operator, by the operator's own key. */
    atOperator: createStore<Authorization>(),
    /** Devices on their way back to Vonage, by wrapped state. */
    returning: createStore<Authorization>(),
    /** Devices on their way to the end of a silent step of Verify, by ticket. */
    completing: createStore<Authorization>(),
    codes: createStore<AuthorizationCode>(),
    tokens: createStore<Grant>(),
    tokenResponse: {} as z.infer<typeof TokenResponse>,
    subscribers: new Subscribers(),
    faults: new FaultInjection(),
    templates: new TemplateStore(options.world),
    verifications: new VerificationStore(),
    webhooks: new WebhookSender(options, conversation),
  };
};

/** The state of a sandbox and the options it was created with. */
export type SandboxState = ReturnType<typeof createState>;

const isClearable = (value: unknown): value is { clear(): void } =>
  typeof value === 'object' && value !== null && 'clear' in value;

/** Returns to the state of a new sandbox. */
export const resetState = (state: SandboxState): void => {
  for (const each of Object.values(state)) if (isClearable(each)) each.clear();
  state.tokenResponse = {};
  state.changes.emit('everything');
};
