import type { KeyObject } from 'node:crypto';
import type { World } from '../world.js';
import { createConversation } from './conversation/conversation.js';
import type { Conversation } from './conversation/conversation.js';
import { createFaults } from './faults.js';
import type { Faults } from './faults.js';
import { createLedger } from './ledger.js';
import type { Ledger } from './ledger.js';
import { createNews } from './news.js';
import type { News } from './news.js';
import { createSubscribers } from './subscribers.js';
import type { Subscribers } from './subscribers.js';
import { createTemplateShelf } from './template-shelf.js';
import type { TemplateShelf } from './template-shelf.js';
import { createVerifyBook } from './verify-request.js';
import type { VerifyBook } from './verify-request.js';
import type { WebhookSettings } from './webhook-delivery.js';
import { createWebhooks } from './webhooks.js';
import type { Webhooks } from './webhooks.js';

/** What the Vonage dashboard knows of the application, and the world. */
export interface SandboxDeps {
  applicationId: string;
  /** RSA, the half of the application's key pair that Vonage keeps. */
  publicKey: KeyObject;
  /** The redirect URI of the dashboard: matched exactly. */
  redirectUri: string;
  /** The base URL that browsers use for the sandbox; a function because tests learn the port only after listening. */
  publicUrl: () => string;
  /** Without them Verify sends no webhooks. */
  webhooks?: WebhookSettings | undefined;
  world: World;
  /** The folder of the package: the page is served from there. */
  root: string;
}

/** How the token answer differs from the usual one. `expires_in: null` leaves the field out. */
export interface TokenAnswer {
  expires_in?: number | string | null | undefined;
  token_type?: string | undefined;
  refresh_token?: string | undefined;
}

export interface SandboxState {
  ledger: Ledger;
  subscribers: Subscribers;
  faults: Faults;
  tokenAnswer: TokenAnswer;
  templates: TemplateShelf;
  verifyBook: VerifyBook;
  webhooks: Webhooks;
  conversation: Conversation;
  news: News;
  reset(): void;
}

/** What every room of the sandbox is given. */
export interface Stage extends SandboxDeps {
  state: SandboxState;
}

export const createState = (deps: SandboxDeps): SandboxState => {
  const news = createNews();
  const conversation = createConversation(deps.world, (login) => news.tell({ topic: 'login', login }));
  const state: SandboxState = {
    ledger: createLedger(),
    subscribers: createSubscribers(),
    faults: createFaults(),
    tokenAnswer: {},
    templates: createTemplateShelf(deps.world),
    verifyBook: createVerifyBook(),
    webhooks: createWebhooks(deps, conversation),
    conversation,
    news,
    reset: () => {
      state.ledger.clear();
      state.subscribers.reset();
      state.faults.reset();
      state.tokenAnswer = {};
      state.templates.reset();
      state.verifyBook.clear();
      state.webhooks.reset();
      conversation.clear();
      news.tell({ topic: 'everything' });
    },
  };
  return state;
};
