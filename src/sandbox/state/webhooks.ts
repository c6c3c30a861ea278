import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { nowInSeconds, type World } from '../../core/world.js';
import type { Conversation } from '../conversation/conversation.js';
import { BoundedList } from './records.js';

export interface WebhookSettings {
  url: () => string;
  apiKey: string;
  signatureSecret: string;
}

const DEFAULTS = {
  /** Sends each webhook twice, with one signature. */
  duplicate: false,
  /** Omits the signature from the first attempt of the next webhook. */
  unsigned_once: false,
  /** Holds webhooks until `REORDER_IDLE_MS` pass without a new one, and reverses their order. */
  out_of_order: false,
  action_as_object: false,
  /** Sends the events of messages too, not only their summary. */
  message_events: false,
  /** Holds webhooks until it is unset. */
  paused: false,
};

const NAMES = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];

/** The body of `PUT /__sandbox/webhooks`. Absent options keep their value. */
export const WebhookOptions = z.partialRecord(z.enum(NAMES), z.boolean());

const REORDER_IDLE_MS = 300;
const MAX_ATTEMPTS = 5;
const FIRST_RETRY_DELAY_MS = 1_000;
const ANSWER_TIMEOUT_MS = 5_000;

/** A webhook as sent. `status` is that of the last attempt, null if there was no answer. */
interface SentWebhook {
  at: string;
  url: string;
  headers: Record<string, string>;
  body: object;
  status: number | null;
  tries: number;
}

interface SenderOptions {
  applicationId: string;
  webhooks?: WebhookSettings | undefined;
  world: World;
}

/** Sends webhooks, and repeats those that are not accepted. Without settings it sends none. */
export class WebhookSender {
  readonly options = { ...DEFAULTS };
  readonly sent = new BoundedList<SentWebhook>();
  #pending: object[] = [];
  /** First attempts are sequential, so that they arrive in order. */
  #firstAttempts: Promise<unknown> = Promise.resolve();
  /** Incremented by resets, which cancel earlier webhooks. */
  #generation = 0;
  #reorderTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sender: SenderOptions,
    private readonly conversation: Conversation,
  ) {}

  set(options: z.infer<typeof WebhookOptions>): object {
    Object.assign(this.options, options);
    this.#sendPending();
    return this.options;
  }

  send(body: object): void {
    if (!this.sender.webhooks) return;
    this.#pending.push(body);
    clearTimeout(this.#reorderTimer);
    if (!this.options.out_of_order) this.#sendPending();
    else this.#reorderTimer = setTimeout(() => this.#sendPending(), REORDER_IDLE_MS).unref();
  }

  clear(): void {
    this.#generation += 1;
    Object.assign(this.options, DEFAULTS);
    this.#pending = [];
    this.sent.clear();
    this.#firstAttempts = Promise.resolve();
  }

  /** Resolves when each webhook so far was tried once. */
  async settled(): Promise<void> {
    await this.#firstAttempts;
  }

  #sendPending(): void {
    const { webhooks: settings } = this.sender;
    if (!settings || this.options.paused) return;
    const bodies = this.#pending.splice(0);
    if (this.options.out_of_order) bodies.reverse();
    for (const body of bodies) {
      const token = this.#sign(settings, body);
      for (let copies = this.options.duplicate ? 2 : 1; copies > 0; copies -= 1) {
        this.#sendMessage(settings.url(), body, token);
      }
    }
  }

  /** Signs as Vonage does: `payload_hash` covers the bytes of the body. */
  #sign({ apiKey, signatureSecret }: WebhookSettings, body: object): Promise<string> {
    const { applicationId, world } = this.sender;
    const payload_hash = createHash('sha256').update(JSON.stringify(body)).digest('hex');
    return new SignJWT({ payload_hash, api_key: apiKey, application_id: applicationId })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer('Vonage')
      .setIssuedAt(nowInSeconds(world))
      .setJti(randomUUID())
      .sign(Buffer.from(signatureSecret));
  }

  #sendMessage(url: string, body: object, token: Promise<string>): void {
    const at = new Date(this.sender.world.now()).toISOString();
    const webhook: SentWebhook = { at, url, headers: {}, body, status: null, tries: 0 };
    const generation = this.#generation;
    const isCurrent = (): boolean => this.#generation === generation;
    const isUnsigned = this.options.unsigned_once;
    this.options.unsigned_once = false;
    this.sent.add(webhook);
    this.#firstAttempts = this.#firstAttempts.then(async () => {
      if (isCurrent()) await this.#post(webhook, isUnsigned ? undefined : await token);
    });
    void this.#firstAttempts.then(() => this.#retry(webhook, token, isCurrent));
  }

  /** Repeats a webhook, signed, until it is accepted. Waits in real time. */
  async #retry(webhook: SentWebhook, token: Promise<string>, isCurrent: () => boolean): Promise<void> {
    const isAccepted = (): boolean => webhook.status === 200 || webhook.status === 204;
    for (let wait = FIRST_RETRY_DELAY_MS; isCurrent() && !isAccepted(); wait *= 2) {
      if (webhook.tries >= MAX_ATTEMPTS) return;
      await pause(wait, undefined, { ref: false });
      if (isCurrent()) await this.#post(webhook, await token);
    }
  }

  async #post(webhook: SentWebhook, token: string | undefined): Promise<void> {
    webhook.tries += 1;
    webhook.headers = {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    const { url, headers } = webhook;
    const request = { method: 'POST', headers, body: JSON.stringify(webhook.body) };
    // A recording proxy in front of the server records the call itself.
    const recorder = this.conversation.includesServer
      ? undefined
      : this.conversation.record({ ...request, url, headers: Object.entries(headers) });
    try {
      const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
      const answer = await fetch(url, { ...request, redirect: 'manual', signal });
      const body = await answer.text();
      webhook.status = answer.status;
      recorder?.answer({ status: answer.status, headers: [...answer.headers], body });
    } catch {
      webhook.status = null;
      recorder?.breakOff();
    }
  }
}
