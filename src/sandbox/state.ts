import type { KeyObject } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { World } from '../world.js';
import { FaultInjection } from './control/faults.js';
import { Conversation, type Login } from './conversation/conversation.js';
import { Subscribers } from './operator/subscribers.js';
import { BoundedList, createStore } from './records.js';
import type { AuthorizationCode, AuthorizationRequest, Grant, Message, RecordedRequest } from './records.js';
import { TemplateStore } from './templates/store.js';
import { VerificationStore } from './verify/verifications.js';
import { WebhookSender, type WebhookSettings } from './verify/webhooks.js';

/** The application as the Vonage dashboard knows it. */
export interface SandboxOptions {
  applicationId: string;
  /** RSA; the application signs its JWTs with the private half. */
  publicKey: KeyObject;
  /** Compared exactly. */
  redirectUri: string;
  /** The base URL of the sandbox for devices. A function, because tests learn the port after listening. */
  publicUrl: () => string;
  /** Without these settings Verify sends no webhooks. */
  webhooks?: WebhookSettings | undefined;
  world: World;
  /** The folder of the package, which contains the page. */
  root: string;
}

/** How the token response differs from the usual one. `expires_in: null` omits the field. */
export interface TokenResponse {
  expires_in?: number | string | null | undefined;
  token_type?: string | undefined;
  refresh_token?: string | undefined;
}

/** Changes that the page shows. */
interface Changes {
  login: [Login];
  messages: [];
  subscribers: [];
  everything: [];
}

/** Creates the state of a sandbox, all of it in memory and bounded. */
export const createState = (options: SandboxOptions) => {
  const { applicationId, publicKey, redirectUri, publicUrl, world } = options;
  const changes = new EventEmitter<Changes>().setMaxListeners(0);
  const conversation = new Conversation(world, (login) => changes.emit('login', login));
  return {
    applicationId,
    publicKey,
    redirectUri,
    publicUrl,
    world,
    changes,
    conversation,
    requests: new BoundedList<RecordedRequest>(),
    messages: new BoundedList<Message>(),
    /** The customer's states that were used: each may be used once. */
    usedStates: createStore<true>(),
    /** Links of Network Enablement that no device has opened, by wrapped state. */
    issuedLinks: createStore<AuthorizationRequest>(),
    /** Devices on their way to the operator, by the operator's own key. */
    atOperator: createStore<AuthorizationRequest>(),
    /** Devices on their way back to Vonage, by wrapped state. */
    returning: createStore<AuthorizationRequest>(),
    /** Devices on their way to the end of a silent step of Verify, by ticket. */
    completing: createStore<AuthorizationRequest>(),
    codes: createStore<AuthorizationCode>(),
    tokens: createStore<Grant>(),
    tokenResponse: {} as TokenResponse,
    subscribers: new Subscribers(),
    faults: new FaultInjection(),
    templates: new TemplateStore(world),
    verifications: new VerificationStore(),
    webhooks: new WebhookSender(options, conversation),
  };
};

/** The state of a sandbox and the options it was created with. */
export type SandboxState = ReturnType<typeof createState>;

/** Returns to the state of a new sandbox. */
export const resetState = (state: SandboxState): void => {
  const { requests, messages, usedStates, issuedLinks, atOperator, returning, completing } = state;
  const { codes, tokens, subscribers, faults, templates, verifications, webhooks, conversation } = state;
  const records = [requests, messages, usedStates, issuedLinks, atOperator, returning, completing];
  const stores = [codes, tokens, subscribers, faults, templates, verifications, webhooks, conversation];
  for (const each of [...records, ...stores]) each.clear();
  state.tokenResponse = {};
  state.changes.emit('everything');
};
