import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { nowInSeconds, type World } from '../../core/world.js';
import type { Conversation } from '../conversation/conversation.js';
import { BoundedList } from './records.js';

/** Where the customer receives webhooks, and the account's secrets that sign them. */
export interface WebhookSettings {
  url: () => string;
  apiKey: string;
  signatureSecret: string;
}

const Options = z.strictObject({
  /** Each is sent twice, with one signature. */
  duplicate: z.boolean(),
  /** The next one is sent without a signature at first. */
  unsigned_once: z.boolean(),
  /** They are held back until `QUIET_MS` pass without a new one, and sent in reverse order. */
  out_of_order: z.boolean(),
  action_as_object: z.boolean(),
  /** They are held back until this is unset. */
  paused: z.boolean(),
});

type Options = z.infer<typeof Options>;

/** The body of `PUT /__sandbox/webhooks`. Options that it does not name keep their value. */
export const WebhookOptions = Options.partial();

const usualOptions = (): Options => ({
  duplicate: false,
  unsigned_once: false,
  out_of_order: false,
  action_as_object: false,
  paused: false,
});

const QUIET_MS = 300;
const MAX_TRIES = 5;
const FIRST_RETRY_MS = 1_000;
const ANSWER_TIMEOUT_MS = 5_000;

/** A webhook as it was sent. `status` is that of the last try, null if there was no answer. */
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

/** Sends webhooks until they are accepted. Without settings it sends none. */
export class WebhookSender {
  readonly options = usualOptions();
  readonly sent = new BoundedList<SentWebhook>();
  #held: object[] = [];
  /** First tries are sent one after another, so that they arrive in order. */
  #firstTries: Promise<unknown> = Promise.resolve();
  /** Counts resets: the webhooks of before are not sent any more. */
  #generation = 0;
  #quietTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sender: SenderOptions,
    private readonly conversation: Conversation,
  ) {}

  set(options: z.infer<typeof WebhookOptions>): Readonly<Options> {
    Object.assign(this.options, options);
    this.#release();
    return this.options;
  }

  send(body: object): void {
    if (!this.sender.webhooks) return;
    this.#held.push(body);
    clearTimeout(this.#quietTimer);
    if (!this.options.out_of_order) this.#release();
    else this.#quietTimer = setTimeout(() => this.#release(), QUIET_MS).unref();
  }

  clear(): void {
    this.#generation += 1;
    Object.assign(this.options, usualOptions());
    this.#held = [];
    this.sent.clear();
    this.#firstTries = Promise.resolve();
  }

  /** Sends what was held back. */
  #release(): void {
    const { webhooks: settings } = this.sender;
    if (!settings || this.options.paused) return;
    const bodies = this.#held.splice(0);
    if (this.options.out_of_order) bodies.reverse();
    for (const body of bodies) {
      const token = this.#sign(settings, body);
      for (let copies = this.options.duplicate ? 2 : 1; copies > 0; copies -= 1) {
        this.#deliver(settings.url(), body, token);
      }
    }
  }

  /** Vonage's signature: `payload_hash` covers the bytes of the body. */
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

  #deliver(url: string, body: object, token: Promise<string>): void {
    const at = new Date(this.sender.world.now()).toISOString();
    const webhook: SentWebhook = { at, url, headers: {}, body, status: null, tries: 0 };
    const generation = this.#generation;
    const isWanted = (): boolean => this.#generation === generation;
    const isUnsigned = this.options.unsigned_once;
    this.options.unsigned_once = false;
    this.sent.add(webhook);
    this.#firstTries = this.#firstTries.then(async () => {
      if (isWanted()) await this.#post(webhook, isUnsigned ? undefined : await token);
    });
    void this.#firstTries.then(() => this.#retry(webhook, token, isWanted));
  }

  /** Sends a webhook again, signed, until it is accepted. Waits in real time. */
  async #retry(webhook: SentWebhook, token: Promise<string>, isWanted: () => boolean): Promise<void> {
    const isAccepted = (): boolean => webhook.status === 200 || webhook.status === 204;
    for (let wait = FIRST_RETRY_MS; isWanted() && !isAccepted(); wait *= 2) {
      if (webhook.tries >= MAX_TRIES) return;
      await pause(wait, undefined, { ref: false });
      if (isWanted()) await this.#post(webhook, await token);
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
    // A recording proxy before the server records it as well.
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
