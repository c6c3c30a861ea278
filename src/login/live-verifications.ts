import { z } from 'zod';
import type { PhoneNumber } from '../core/phone-number.js';
import type { World } from '../core/world.js';
import type { Caller } from '../limits/limits.js';
import { createKeyring, createNaming, createRecordFormat } from '../store/seal.js';
import type { Store } from '../store/store.js';
import type { Verification } from './login.js';
import { endOfLastStep } from './progress.js';

/**
 * Seconds after its start from which Vonage lets a verification be cancelled (Verify v2 reference,
 * "Cancel").
 */
export const CANCELLABLE_AFTER_SECONDS = 30;

/** Seconds for which a client in the queue has its turn alone. */
const TURN_SECONDS = 5;

/** The longest queue, and the most places in it for one address. */
const MAX_WAITING = 10;
const MAX_WAITING_OF_ADDRESS = 2;

/** Seconds after which a client that does not ask again loses its place. */
const PLACE_TTL_SECONDS = 60;

/** Seconds after which a client asks again where the age of a verification is not known. */
const UNKNOWN_AGE_RETRY_SECONDS = 5;

/** A client that was refused. */
const Waiting = z.object({
  /** The id of the login that its session holds. */
  claimant: z.string(),
  /** Its address, as a keyed name. */
  address: z.string(),
  /** When it asked last (ms since the epoch). */
  at: z.number(),
});
type Waiting = z.infer<typeof Waiting>;

/** The latest verification of a number. */
const LiveVerification = z.object({
  /** Vonage's `request_id`. */
  id: z.string(),
  /** Milliseconds since the epoch. */
  startedAt: z.number(),
  /** When its last step ends (ms since the epoch). */
  endsAt: z.number(),
  /** How many steps have begun. Vonage cancels a verification only during the first. */
  begun: z.number(),
  /** The clients that wait for it to end, in the order in which they came. */
  queue: z.array(Waiting),
});
const FORMAT = createRecordFormat(1, LiveVerification);

/** A client whose start Vonage refuses, because a verification of the number is under way. */
export interface Refused {
  phoneNumber: PhoneNumber;
  caller: Pick<Caller, 'address'>;
  /** The id of the login that the session of the client holds now and when it asks again. */
  claimant: string;
  /** Vonage's `request_id` of the verification that is under way, if Vonage names it. */
  concurrentId: string | undefined;
}

export type LiveVerifications = ReturnType<typeof createLiveVerifications>;

/**
 * Keeps, per number, which verification is under way and which clients wait for the next one.
 * Vonage allows one verification per number, whatever session it belongs to.
 */
export function createLiveVerifications(store: Store, secrets: readonly string[], world: Pick<World, 'now'>) {
  const keyring = createKeyring(secrets, 'live verification', FORMAT);
  const nameOf = createNaming(secrets[0] ?? '', 'live verification');
  const secondsTo = (ms: number): number => Math.max(0, Math.ceil((ms - world.now()) / 1000));

  const read = async (phoneNumber: PhoneNumber) => {
    const key = `verify:live:${nameOf(phoneNumber)}`;
    const stored = (await store.get(key)) ?? '';
    return { key, stored, live: keyring.open(key, stored) };
  };

  const sealed = (key: string, live: z.infer<typeof LiveVerification>): [string, number] => [
    keyring.seal(key, live),
    Math.max(CANCELLABLE_AFTER_SECONDS + MAX_WAITING * TURN_SECONDS, secondsTo(live.endsAt)),
  ];

  return {
    /**
     * Notes a verification at its current step, after its start or a later step. The clients that
     * wait keep their places, except `claimant`, which has had its turn. Never fails.
     */
    async note(phoneNumber: PhoneNumber, verification: Verification, claimant: string): Promise<void> {
      try {
        const { key, live } = await read(phoneNumber);
        const queue = (live?.queue ?? []).filter((each) => each.claimant !== claimant);
        const { id, startedAt, step } = verification;
        const noted = { id, startedAt, endsAt: endOfLastStep(verification), begun: step + 1, queue };
        await store.set(key, ...sealed(key, noted));
      } catch {
        // Without the record, the next client asks Vonage again every few seconds.
      }
    },

    /**
     * Answers when a refused client may cancel the verification under way: in `seconds`, 0 for now.
     * A client that has to wait gets a place in the queue. The first in the queue has five seconds
     * for itself, then the second, and so on; after that any client may go on.
     */
    async turnOf({ phoneNumber, caller, claimant, concurrentId }: Refused) {
      const { key, stored, live } = await read(phoneNumber);
      // Another server or an answer that was lost may have started it: only Vonage knows its age.
      if (live === undefined || (concurrentId !== undefined && concurrentId !== live.id))
        return { concurrentId, seconds: concurrentId === undefined ? UNKNOWN_AGE_RETRY_SECONDS : 0 };
      const queue = withPlace(live.queue, { claimant, address: nameOf(caller.address), at: world.now() });
      const place = queue.findIndex((each) => each.claimant === claimant);
      const opens = live.startedAt + CANCELLABLE_AFTER_SECONDS * 1000;
      const turn = opens + (place < 0 ? queue.length : place) * TURN_SECONDS * 1000;
      const seconds = secondsTo(turn);
      if (seconds > 0) {
        const [text, ttl] = sealed(key, { ...live, queue });
        await store.replace(key, { from: stored, to: text }, ttl);
      }
      return { concurrentId: live.id, seconds };
    },

    /** Seconds until it makes sense to ask again, where Vonage refuses to cancel a verification. */
    async secondsToRetry(phoneNumber: PhoneNumber, concurrentId: string): Promise<number> {
      const { live } = await read(phoneNumber);
      const isPastFirstStep = live?.id === concurrentId && live.begun > 1;
      return isPastFirstStep ? Math.max(1, secondsTo(live.endsAt)) : UNKNOWN_AGE_RETRY_SECONDS;
    },
  };
}

/** The queue with a place for a client, if there is room. Drops those that do not ask again. */
function withPlace(queue: Waiting[], client: Waiting): Waiting[] {
  const present = queue.filter(({ at }) => client.at - at < PLACE_TTL_SECONDS * 1000);
  if (present.some(({ claimant }) => claimant === client.claimant))
    return present.map((each) => (each.claimant === client.claimant ? client : each));
  const ofAddress = present.filter(({ address }) => address === client.address).length;
  const isFull = present.length >= MAX_WAITING || ofAddress >= MAX_WAITING_OF_ADDRESS;
  return isFull ? present : [...present, client];
}
