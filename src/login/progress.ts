import { z } from 'zod';
import type { CodeChannel } from '../config/login.js';
import { MESSAGE_FAILURES, type MessageFailure } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { World } from '../core/world.js';
import { COMMAND_TIMEOUT_MS } from '../store/options.js';
import { createKeyring, createRecordFormat } from '../store/seal.js';
import { createLock, type Store } from '../store/store.js';
import type { VerifyNews } from '../vonage/webhook.js';
import { isOver, type Channel, type Login, type Verification } from './login.js';

/** How a step or a verification ended. */
const End = z.object({
  /** Why its message brought no code. */
  reason: z.enum(MESSAGE_FAILURES).optional(),
  /** No code was entered in time. */
  isExpired: z.exactOptional(z.literal(true)),
});

const EndedStep = End.extend({
  channel: z.string(),
  /** When the webhook came (ms since the epoch). */
  at: z.number(),
});
type EndedStep = z.infer<typeof EndedStep>;

/** What webhooks have said of a verification. Nothing in it can complete a login. */
const Report = z.object({
  /** The steps that are known to be over, in the order in which their webhooks came. */
  over: z.array(EndedStep),
  /** The whole verification is over. */
  ended: z.exactOptional(End),
  /** The link of the silent step, where a webhook has it. */
  checkUrl: z.exactOptional(z.string()),
});
export type Report = z.infer<typeof Report>;

const FORMAT = createRecordFormat(2, Report);

/** The progress of a login, as the app sees it. */
export interface Progress {
  status: 'pending' | 'expired' | 'failed' | 'completed';
  channel: Channel | null;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  nextChannels: readonly CodeChannel[];
  /** The verification at its current step; absent if there is none, or it is over. */
  verification?: Verification;
  /** The link of the silent step that is under way. */
  checkUrl?: string;
  /** Why the login failed, where Vonage says so. */
  reason?: MessageFailure;
}

export type ReadProgress = (login: Login) => Promise<Progress>;

/** Reads the progress of a login, and counts the messages that Vonage is found to have sent. */
export function createReadProgress(deps: {
  reports: Reports;
  world: Pick<World, 'now'>;
  fallbacks: readonly CodeChannel[];
}): ReadProgress {
  const { reports, world } = deps;
  return async (login) => {
    const { verification, phoneNumber } = login;
    const report = verification && (await reports.of(verification.id));
    const now = world.now();
    if (verification) await reports.countMessages(verification.id, sentByVonage(login, now, report));
    return progressOf(login, { now, report, fallbacks: codeChannelsOf(phoneNumber, deps.fallbacks) });
  };
}

/**
 * The channels of codes that a number can use. Numbers of Vonage's Virtual Operator (+990) answer
 * only silently (Verify guides, "Virtual Operator").
 */
export const codeChannelsOf = (
  phoneNumber: PhoneNumber,
  fallbacks: readonly CodeChannel[],
): readonly CodeChannel[] => (phoneNumber.startsWith('+990') ? [] : fallbacks);

/**
 * A verification at `now`. Vonage sends no webhook when SMS or voice begins, only a summary at the
 * end, so the time of each step is kept here. A webhook that says a step is over comes first.
 * @returns undefined if all its steps are over
 */
export function verificationAt(
  verification: Verification,
  now: number,
  report?: Report,
): Verification | undefined {
  if (report?.ended) return undefined;
  const { steps } = verification;
  let { step, since } = verification;
  const reported = 1 + steps.findLastIndex(({ channel }) => endOf(channel, report));
  const end = endOf(steps[reported - 1]?.channel, report);
  // The clock began this step, and a late webhook says that the step before had ended earlier.
  const isEarlier = reported === step && end !== undefined && end.at < since;
  if (end && (reported > step || isEarlier)) [step, since] = [reported, end.at];
  for (let current = steps[step]; current; current = steps[step]) {
    const end = since + current.seconds * 1000;
    if (now < end) return { ...verification, step, since };
    [step, since] = [step + 1, end];
  }
  return undefined;
}

const endOf = (channel?: string, report?: Report): EndedStep | undefined =>
  report?.over.find((step) => step.channel === channel);

/** The current step of a verification that is under way, as {@link verificationAt} computes it. */
export const stepOf = ({ steps, step }: Verification) => steps[step] as Verification['steps'][number];

/** The verification that a login has under way, or that it found under way when it began. */
export const verificationUnderWay = (login: Login, now: number): Verification | undefined =>
  [login.verification, login.formerVerification]
    .map((verification) => verification && verificationAt(verification, now))
    .find((verification) => verification !== undefined);

/** When the current step ends (ms since the epoch). */
export const endOfStep = (verification: Verification): number =>
  verification.since + stepOf(verification).seconds * 1000;

/** When the last step ends (ms since the epoch). */
export const endOfLastStep = ({ since, step, steps }: Verification): number =>
  since + steps.slice(step).reduce((sum, { seconds }) => sum + seconds, 0) * 1000;

/** The progress of a login at `now`. `fallbacks` are the channels that its number can use. */
export function progressOf(
  login: Login,
  { now, fallbacks, report }: { now: number; fallbacks: readonly CodeChannel[]; report?: Report | undefined },
): Progress {
  const verification = login.verification && verificationAt(login.verification, now, report);
  const nextChannels = isOver(login) ? [] : channelsLeft(login.verification, verification, fallbacks);
  const base = { channel: login.channel, expiresAt: login.expiresAt, nextChannels };
  if (login.status !== undefined) return { ...base, status: login.status };
  if (verification === undefined) {
    // The event of the last step comes before the summary of the verification.
    const ends = [report?.ended, endOf(login.verification?.steps.at(-1)?.channel, report)];
    const reason = ends.find((end) => end?.reason)?.reason;
    const hasFailed = ends.some((end) => end && (end.reason !== undefined || !end.isExpired));
    const hasExpired = login.verification !== undefined || now >= login.expiresAt;
    const status = hasFailed ? 'failed' : hasExpired ? 'expired' : 'pending';
    return { ...base, status, ...(reason && { reason }) };
  }
  const { channel } = stepOf(verification);
  const checkUrl = channel === 'silent_auth' ? (verification.checkUrl ?? report?.checkUrl) : undefined;
  return {
    ...base,
    status: 'pending',
    channel,
    expiresAt: endOfStep(verification),
    verification,
    ...(checkUrl !== undefined && { checkUrl }),
  };
}

/**
 * The channels whose messages Vonage has sent by itself in a chain: all steps after the first, up
 * to the current one. Of a verification that is over, the summary reports them.
 */
function sentByVonage({ verification, status }: Login, now: number, report?: Report): Channel[] {
  if (verification === undefined || status !== undefined || report?.ended) return [];
  const last = verificationAt(verification, now, report)?.step ?? verification.steps.length - 1;
  return verification.steps.slice(1, last + 1).map(({ channel }) => channel);
}

/**
 * The channels that are left to a login: those after the last one it reached, in the order of the
 * settings.
 */
function channelsLeft(
  begun: Verification | undefined,
  current: Verification | undefined,
  fallbacks: readonly CodeChannel[],
): CodeChannel[] {
  const reached = begun?.steps.slice(0, current && current.step + 1).map(({ channel }) => channel) ?? [];
  return fallbacks.slice(
    1 + Math.max(-1, ...fallbacks.map((each, at) => (reached.includes(each) ? at : -1))),
  );
}

/**
 * Longer than any verification lives: three steps of at most 900 seconds, the silent one of 60.
 * A webhook may be late.
 */
const REPORT_TTL_SECONDS = 3600;

const cancelledKey = (verificationId: string): string => `verify:${verificationId}:cancelled`;

/** The key of the tries of a code. */
export const triesKey = (verificationId: string, kind: 'silent' | 'typed'): string =>
  `limit:otp:${verificationId}:${kind}`;

/** Milliseconds that a report takes to be read and written. */
const ADD_TIMEOUT_MS = 2 * COMMAND_TIMEOUT_MS;

export type Reports = ReturnType<typeof createReports>;

/** What webhooks have said of verifications, stored by verification: a webhook names no session. */
export function createReports(
  store: Store,
  secrets: readonly string[],
  world: Pick<World, 'now' | 'random' | 'meter'>,
) {
  const keyring = createKeyring(secrets, 'verify report', FORMAT);
  const lock = createLock(store, world);

  const of = async (verificationId: string): Promise<Report | undefined> => {
    const key = `verify:${verificationId}`;
    return keyring.open(key, (await store.get(key)) ?? '');
  };

  const write = (news: News): Promise<boolean> =>
    lock.hold(news.verificationId, ADD_TIMEOUT_MS, async () => {
      const known = await of(news.verificationId);
      const report = reportWith(news, known, world.now());
      if (report === undefined) return false;
      const key = `verify:${news.verificationId}`;
      await store.set(key, keyring.seal(key, report), REPORT_TTL_SECONDS);
      const { failure } = news;
      return failure !== undefined && !known?.over.some(({ reason }) => reason === failure.reason);
    });

  /**
   * Whether a step failed for another reason than an unreachable number: Vonage reports the same
   * for a verification that was cancelled, or for which wrong codes were typed.
   */
  const isExplained = async ({ failure, verificationId }: News): Promise<boolean> =>
    failure?.reason === 'unreachable' &&
    ((await store.get(triesKey(verificationId, 'typed'))) !== null ||
      (await store.get(cancelledKey(verificationId))) !== null);

  /** Counts each message that is known to have been sent once, for the metrics. Never fails. */
  const countMessages = async (verificationId: string, channels: readonly Channel[]): Promise<void> => {
    for (const channel of channels) {
      if (channel === 'silent_auth') continue;
      const key = `verify:${verificationId}:${channel}`;
      // While the store is away, a message is counted at least once.
      const isFirst = await store.add(key, '1', REPORT_TTL_SECONDS).catch(() => true);
      if (isFirst) world.meter.sent(channel);
    }
  };

  return {
    of,
    countMessages,
    /**
     * Notes that this server cancels a verification. Vonage's webhooks about it then say that its
     * message failed, which gives no reason. Never fails.
     */
    async cancelling(verificationId: string): Promise<void> {
      await store.set(cancelledKey(verificationId), '1', REPORT_TTL_SECONDS).catch(() => undefined);
    },
    /** Notes that a verification has ended. Never fails. */
    async end(verificationId: string): Promise<void> {
      await write({ verificationId, sent: [], kind: 'ended', isExpired: false }).catch(() => undefined);
    },
    /**
     * Adds what a webhook says.
     * @param jti the id of the webhook; one seen before changes nothing
     * @returns whether it reports a failed message that was not known; a summary repeats what an
     * event has reported
     * @throws LoginError `login_in_progress` while another webhook of the same verification is
     * added, so that Vonage sends it again
     */
    async add(news: VerifyNews, jti: string): Promise<boolean> {
      await countMessages(news.verificationId, news.sent);
      if (news.kind === 'nothing' || (await store.get(`jti:${jti}`)) !== null) return false;
      const isNew = await write((await isExplained(news)) ? { ...news, failure: undefined } : news);
      // Last, so that a webhook that was not stored is read when it comes again.
      await store.set(`jti:${jti}`, '1', REPORT_TTL_SECONDS);
      return isNew;
    },
  };
}

type News = Exclude<VerifyNews, { kind: 'nothing' }>;

/**
 * What is known with one webhook more. Webhooks come in any order: what is over stays over, and a
 * known link stays.
 * @returns undefined if the webhook says nothing new
 */
function reportWith(news: News, known: Report | undefined, at: number): Report | undefined {
  const { over, ...rest } = known ?? { over: [] };
  if (news.kind === 'link') return known ? undefined : { over, checkUrl: news.checkUrl };
  const end = { reason: news.failure?.reason, ...(news.isExpired && { isExpired: true as const }) };
  if (rest.ended !== undefined) return undefined;
  if (news.kind === 'ended') return { over, ...rest, ended: end };
  if (endOf(news.channel, known)) return undefined;
  return { over: [...over, { channel: news.channel, at, ...end }], ...rest };
}
