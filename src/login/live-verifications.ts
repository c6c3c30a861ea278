import { z } from 'zod';
import type { PhoneNumber } from '../core/phone-number.js';
import type { World } from '../core/world.js';
import type { Caller } from '../limits/limits.js';
import { createKeyring, createNaming, createRecordFormat } from '../store/seal.js';
import type { Store } from '../store/store.js';
import type { Verification } from './login.js';

/**
 * Seconds after its start from which Vonage lets a verification be cancelled (Verify v2 reference,
 * "Cancel").
 */
export const CANCELLABLE_AFTER_SECONDS = 30;

/**
 * Seconds for which the client that was refused first has the next turn alone. Without it, a client
 * that begins again every 30 seconds could keep all others out.
 */
const TURN_SECONDS = 5;

/** The verification of a number that was started last. */
interface LiveVerification {
  /** Vonage's `request_id`. */
  id: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** When its last step ends (ms since the epoch). */
  endsAt: number;
  /** The address that started it, as a keyed name. */
  address: string;
  /** The address that waits for the next turn, as a keyed name. */
  waiting?: string;
}

const FORMAT = createRecordFormat<LiveVerification>(
  1,
  z.object({
    id: z.string(),
    startedAt: z.number(),
    endsAt: z.number(),
    address: z.string(),
    waiting: z.exactOptional(z.string()),
  }),
);

/** A client that is refused because of a verification under way. */
export interface Refused {
  phoneNumber: PhoneNumber;
  caller: Pick<Caller, 'address'>;
  /** Vonage's `request_id` of the verification that is under way. */
  rivalId: string;
  /** Whether that one belongs to the session of this client. */
  isOwn: boolean;
}

/**
 * Which verification of a number is under way. Vonage allows one per number, whatever session it
 * belongs to, so the next one has to know when it may take its place.
 */
export interface LiveVerifications {
  /** Notes the verification that was just started. Never fails. */
  note(phoneNumber: PhoneNumber, verification: Verification, caller: Pick<Caller, 'address'>): Promise<void>;
  /**
   * Seconds until the client may take the place of the verification under way; 0 if it may now. A
   * client that has to wait is noted for the next turn.
   */
  secondsToTurn(refused: Refused): Promise<number>;
  /**
   * Seconds until a verification ends that Vonage refuses to cancel: it is past its first steps, or
   * another server has started it within the last 30 seconds.
   */
  secondsToEnd(refused: Refused): Promise<number>;
}

export function createLiveVerifications(
  store: Store,
  secrets: readonly string[],
  world: Pick<World, 'now'>,
): LiveVerifications {
  const keyring = createKeyring(secrets, 'live verification');
  const nameOf = createNaming(secrets[0] ?? '', 'live verification');
  const keyOf = (phoneNumber: PhoneNumber): string => `verify:live:${nameOf(phoneNumber)}`;
  const secondsTo = (ms: number): number => Math.max(0, Math.ceil((ms - world.now()) / 1000));

  const sealed = (key: string, live: LiveVerification): [string, number] => [
    keyring.seal(key, FORMAT.write(live)),
    Math.max(CANCELLABLE_AFTER_SECONDS + TURN_SECONDS, secondsTo(live.endsAt)),
  ];

  const read = async (phoneNumber: PhoneNumber) => {
    const key = keyOf(phoneNumber);
    const stored = (await store.get(key)) ?? '';
    const text = keyring.open(key, stored);
    return { key, stored, live: text === undefined ? undefined : FORMAT.read(text) };
  };

  /** Clients of other addresses than that of the current verification come first. */
  const mayWait = ({ address, waiting }: LiveVerification, name: string): boolean =>
    waiting === undefined || (waiting === address && name !== address);

  return {
    async note(phoneNumber, { id, steps, startedAt }, { address }) {
      const key = keyOf(phoneNumber);
      const endsAt = startedAt + steps.reduce((sum, { seconds }) => sum + seconds, 0) * 1000;
      const live = { id, startedAt, endsAt, address: nameOf(address) };
      await store.set(key, ...sealed(key, live)).catch(() => undefined);
    },

    async secondsToTurn({ phoneNumber, caller, rivalId, isOwn }) {
      const { key, stored, live } = await read(phoneNumber);
      // A verification that another server started may be as young as can be, so Vonage is asked.
      if (live?.id !== rivalId) return 0;
      const name = nameOf(caller.address);
      const turn = live.startedAt + CANCELLABLE_AFTER_SECONDS * 1000;
      const isNext = live.waiting === undefined || (live.waiting === name && !isOwn);
      if (world.now() >= turn) return isNext ? 0 : secondsTo(turn + TURN_SECONDS * 1000);
      if (isOwn || !mayWait(live, name)) return secondsTo(isNext ? turn : turn + TURN_SECONDS * 1000);
      const [text, seconds] = sealed(key, { ...live, waiting: name });
      await store.replace(key, { from: stored, to: text }, seconds);
      return secondsTo(turn);
    },

    async secondsToEnd({ phoneNumber, rivalId }) {
      const { key, live } = await read(phoneNumber);
      if (live?.id === rivalId) return Math.max(1, secondsTo(live.endsAt));
      const found = { id: rivalId, startedAt: world.now(), endsAt: world.now(), address: '' };
      await store.set(key, ...sealed(key, found));
      return CANCELLABLE_AFTER_SECONDS;
    },
  };
}
