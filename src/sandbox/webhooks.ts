import { z } from 'zod';
import type { World } from '../world.js';
import type { Conversation } from './conversation/conversation.js';
import { createTape } from './ledger.js';
import { insist, post, sign } from './webhook-delivery.js';
import type { SentWebhook, WebhookSettings } from './webhook-delivery.js';

/** The body of `PUT /__sandbox/webhooks`: what is not named stays as it is. */
export const WebhookQuirks = z
  .strictObject({
    /** Each comes twice, with one signature. */
    duplicate: z.boolean(),
    /** The next one comes without a signature at first. */
    unsigned_once: z.boolean(),
    /** They are kept until a moment of quiet, and then the last one comes first. */
    out_of_order: z.boolean(),
    action_as_object: z.boolean(),
    /** They are kept until they are let go. */
    paused: z.boolean(),
  })
  .partial();

type Quirks = Required<z.infer<typeof WebhookQuirks>>;

const USUAL: Quirks = {
  duplicate: false,
  unsigned_once: false,
  out_of_order: false,
  action_as_object: false,
  paused: false,
};

/** How much quiet ends the keeping of `out_of_order`, in milliseconds. */
const QUIET_MS = 300;

export interface Webhooks {
  readonly quirks: Readonly<Quirks>;
  send(body: object): void;
  set(quirks: z.infer<typeof WebhookQuirks>): void;
  sent(): readonly SentWebhook[];
  reset(): void;
}

/** Sends webhooks until they are accepted; without settings it sends none. */
export const createWebhooks = (
  deps: {
    applicationId: string;
    webhooks?: WebhookSettings | undefined;
    world: World;
  },
  conversation: Conversation,
): Webhooks => {
  const { webhooks: settings, world } = deps;
  const quirks = { ...USUAL };
  const sent = createTape<SentWebhook>();
  const kept: object[] = [];
  // First tries go out one after another: they arrive in order, unless asked not to.
  let lane: Promise<unknown> = Promise.resolve();
  // A reset begins a new era, and forgets what the old one still had to send.
  let era = 0;
  let quiet: NodeJS.Timeout | undefined;

  const dispatch = (to: WebhookSettings, body: object, token: Promise<string>): void => {
    const born = era;
    const isUnsigned = quirks.unsigned_once;
    quirks.unsigned_once = false;
    const at = new Date(world.now()).toISOString();
    const webhook: SentWebhook = { at, url: to.url(), headers: {}, body, status: null, tries: 0 };
    sent.add(webhook);
    const isWanted = (): boolean => era === born;
    const first = lane.then(async () => {
      if (isWanted()) await post(webhook, isUnsigned ? undefined : await token, conversation);
    });
    lane = first;
    void first.then(() => (isWanted() ? insist(webhook, token, isWanted, conversation) : undefined));
  };

  const release = (): void => {
    if (!settings || quirks.paused) return;
    const bodies = kept.splice(0);
    if (quirks.out_of_order) bodies.reverse();
    for (const body of bodies) {
      const token = sign(deps, settings, body);
      dispatch(settings, body, token);
      if (quirks.duplicate) dispatch(settings, body, token);
    }
  };

  return {
    quirks,
    send: (body) => {
      if (!settings) return;
      kept.push(body);
      clearTimeout(quiet);
      if (quirks.out_of_order) quiet = setTimeout(release, QUIET_MS).unref();
      else release();
    },
    set: (wanted) => {
      Object.assign(quirks, wanted);
      release();
    },
    sent: () => sent.all(),
    reset: () => {
      era += 1;
      Object.assign(quirks, USUAL);
      kept.splice(0);
      sent.clear();
      lane = Promise.resolve();
    },
  };
};
