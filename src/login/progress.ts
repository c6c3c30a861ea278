import { z } from 'zod';
import type { MessageFailure } from '../core/errors.js';
import type { PhoneNumber } from '../core/phone-number.js';
import type { World } from '../core/world.js';
import { createLock } from '../store/lock.js';
import { COMMAND_TIMEOUT_MS } from '../store/options.js';
import { createKeyring, createRecordFormat } from '../store/seal.js';
import type { Store } from '../store/store.js';
import type { VerifyNews } from '../vonage/webhook.js';
import type { Channel, CodeChannel, Login, Verification, VerificationStep } from './login.js';

/** What webhooks have said of a verification. Nothing in it can complete a login. */
export interface Report {
  /** The last channel that is known to be over; `all` if the verification is. */
  over?: Channel | 'all';
  /** When the webhook came (ms since the epoch). */
  at: number;
  /** The link of the silent step, where a webhook has it. */
  checkUrl?: string;
  /** Why the last channel that is over ended, where an app can act on it. */
  reason?: MessageFailure | undefined;
}

/** The progress of a login, as the app sees it. */
export interface Progress {
  status: 'pending' | 'expired' | 'failed' | 'completed' | 'cancelled';
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
  if (report?.over === 'all') return undefined;
  const { steps, stopsAt } = verification;
  let { step, since } = verification;
  const reported =
    report?.over === undefined ? 0 : steps.findIndex(({ channel }) => channel === report.over) + 1;
  // A step that the clock began may have begun before: its webhook was not known yet.
  const isEarlier = report !== undefined && reported === step && step > 0 && report.at < since;
  if (report && (reported > step || isEarlier)) [step, since] = [reported, report.at];
  else if (stopsAt !== undefined && now >= stopsAt) return undefined;
  for (let current = steps[step]; current; current = steps[step]) {
    const end = since + current.seconds * 1000;
    if (now < end) return { ...verification, step, since };
    [step, since] = [step + 1, end];
  }
  return undefined;
}

/** The current step of a verification that is under way, as {@link verificationAt} computes it. */
export const stepOf = ({ steps, step }: Verification): VerificationStep => steps[step] as VerificationStep;

/** The verification that a login has under way, or that it found under way when it began. */
export const verificationUnderWay = (login: Login, now: number): Verification | undefined =>
  [login.verification, login.formerVerification]
    .map((verification) => verification && verificationAt(verification, now))
    .find((verification) => verification !== undefined);

/** When the current step ends (ms since the epoch). */
export const endOfStep = (verification: Verification): number =>
  Math.min(
    verification.since + stepOf(verification).seconds * 1000,
    verification.stopsAt ?? Number.POSITIVE_INFINITY,
  );

/**
 * @param at the channels that the number can use, in order, the time, and what webhooks have said
 */
export function progressOf(
  login: Login,
  { now, fallbacks, report }: { now: number; fallbacks: readonly CodeChannel[]; report?: Report | undefined },
): Progress {
  const verification = login.verification && verificationAt(login.verification, now, report);
  const isOpen = login.status !== 'completed' && login.locked === undefined;
  const nextChannels = isOpen ? channelsLeft(login.verification, verification, fallbacks) : [];
  const base = { channel: login.channel, expiresAt: login.expiresAt, nextChannels };
  if (login.status !== undefined) return { ...base, status: login.status };
  if (verification === undefined) {
    const reason = report?.reason;
    const hasFailed = report?.over === 'all' || reason !== undefined;
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
 * The channels whose messages Vonage has sent by itself, in a chain that began silently: all steps
 * up to the current one. The summary of a verification that is over says it for all of them.
 */
function sentByVonage({ verification, status }: Login, now: number, report?: Report): Channel[] {
  const isChain = verification?.steps[0]?.channel === 'silent_auth';
  if (!isChain || status !== undefined || report?.over === 'all') return [];
  const last = verificationAt(verification, now, report)?.step ?? verification.steps.length - 1;
  return verification.steps.slice(1, last + 1).map(({ channel }) => channel);
}

/**
 * The channels that are left to a login: those behind the last one it reached, in the order of the
 * settings.
 */
function channelsLeft(
  begun: Verification | undefined,
  current: Verification | undefined,
  fallbacks: readonly CodeChannel[],
): CodeChannel[] {
  // A cancelled verification never came to its later steps; any other that is over went through
  // all.
  const last = current ?? (begun?.stopsAt === undefined ? undefined : begun);
  const reached = begun?.steps.slice(0, last && last.step + 1).map(({ channel }) => channel) ?? [];
  return fallbacks.slice(
    1 + Math.max(-1, ...fallbacks.map((each, at) => (reached.includes(each) ? at : -1))),
  );
}

/** Longer than any verification lives. */
const REPORT_TTL_SECONDS = 900;

/**
 * Longer than a verification lives and its webhook may be late, so that no message is counted
 * twice.
 */
const COUNTED_TTL_SECONDS = 1800;

/** Milliseconds that a report takes to be read and written. */
const ADD_TIMEOUT_MS = 2 * COMMAND_TIMEOUT_MS;

const FORMAT = createRecordFormat<Report>(
  1,
  z.object({
    over: z.exactOptional(z.enum(['silent_auth', 'sms', 'voice', 'all'])),
    at: z.number(),
    checkUrl: z.exactOptional(z.string()),
    reason: z.literal('blocked').optional(),
  }),
);

/** What webhooks have said of verifications, stored by verification: a webhook knows no session. */
export interface Reports {
  of(verificationId: string): Promise<Report | undefined>;
  /**
   * Adds what a webhook says.
   * @param jti the id of the webhook; one seen before changes nothing
   * @returns whether it was new
   * @throws LoginError `login_in_progress` while another webhook of the same verification is added,
   * so that Vonage sends it again
   */
  add(news: VerifyNews, jti: string): Promise<boolean>;
  /** Counts each message that is known to have been sent once, for the metrics. Never fails. */
  countMessages(verificationId: string, channels: readonly Channel[]): Promise<void>;
}

export function createReports(
  store: Store,
  secrets: readonly string[],
  world: Pick<World, 'now' | 'random' | 'meter'>,
): Reports {
  const keyring = createKeyring(secrets, 'verify report');
  const lock = createLock(store, world);

  const of = async (verificationId: string): Promise<Report | undefined> => {
    const key = `verify:${verificationId}`;
    const text = keyring.open(key, (await store.get(key)) ?? '');
    return text === undefined ? undefined : FORMAT.read(text);
  };

  const write = (news: News): Promise<boolean> =>
    lock.hold(news.verificationId, ADD_TIMEOUT_MS, async () => {
      const known = await of(news.verificationId);
      const report = { ...known, ...asReport(news, known), at: world.now() };
      if (!isNews(news, report, known)) return false;
      const key = `verify:${news.verificationId}`;
      await store.set(key, keyring.seal(key, FORMAT.write(report)), REPORT_TTL_SECONDS);
      return true;
    });

  const countMessages: Reports['countMessages'] = async (verificationId, channels) => {
    for (const channel of channels) {
      if (channel === 'silent_auth') continue;
      const key = `verify:${verificationId}:${channel}`;
      // While the store is away, a message is counted at least once.
      const isFirst = await store.add(key, '1', COUNTED_TTL_SECONDS).catch(() => true);
      if (isFirst) world.meter.sent(channel);
    }
  };

  return {
    of,
    countMessages,
    async add(news, jti) {
      await countMessages(news.verificationId, news.sent);
      if (news.kind === 'nothing' || (await store.get(`jti:${jti}`)) !== null) return false;
      const isNew = await write(news);
      // Last, so that a webhook that was not stored is read when it comes again.
      await store.set(`jti:${jti}`, '1', REPORT_TTL_SECONDS);
      return isNew;
    },
  };
}

type News = Exclude<VerifyNews, { kind: 'nothing' }>;

/** Webhooks come in any order: what is known to be over stays over, and a known link stays. */
const isNews = ({ kind }: VerifyNews, report: Report, known: Report | undefined): boolean =>
  kind === 'link' ? known === undefined : ORDER.indexOf(report.over) > ORDER.indexOf(known?.over);

/** The order in which our workflows go through the channels. */
const ORDER: readonly Report['over'][] = [undefined, 'silent_auth', 'sms', 'voice', 'all'];

function asReport(news: News, known: Report | undefined): Partial<Report> {
  if (news.kind === 'link') return { checkUrl: news.checkUrl };
  const reason = news.blocked && 'blocked';
  if (news.kind === 'over') return { over: news.channel as Report['over'] & string, reason };
  return { over: 'all', reason: reason ?? known?.reason };
}
