import type { MessageFailure } from '../core/errors.js';
import type { Channel, Login, OtpChannel, Run, RunStep } from './login.js';
import { z } from 'zod';
import { createKeyring, createRecordFormat } from '../store/seal.js';
import { COMMAND_TIMEOUT_MS } from '../store/options.js';
import type { Store } from '../store/store.js';
import type { World } from '../core/world.js';
import type { VerifyNews } from '../vonage/webhook.js';
import { createLock } from '../store/lock.js';

/** What webhooks told of a Verify request. Nothing in it can complete a login. */
export interface Report {
  /** The last channel that is known to be over; `all` when the whole request is. */
  over?: Channel | 'all';
  /** Milliseconds since the epoch at which we heard of it. */
  at: number;
  /** The link of the silent step, when it came by webhook. */
  checkUrl?: string;
  /** Why the last channel that is over ended, where the app can make something of it. */
  reason?: MessageFailure | undefined;
}

/** Where a login stands, as it is told to the app. */
export interface Progress {
  status: 'pending' | 'expired' | 'failed' | 'completed' | 'cancelled';
  channel: Channel | null;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  nextChannels: readonly OtpChannel[];
  /** The Verify request as it stands now; absent when there is none, or it is over. */
  run?: Run;
  /** The link of the silent step that is under way. */
  checkUrl?: string;
  /** Why it failed, where Vonage says so. */
  reason?: MessageFailure;
}

/**
 * A Verify request as it stands at `now`. Vonage sends no event when SMS or voice begins, only a summary at the end, so
 * the clock of each step is kept here; what a webhook said earlier than the clock would is believed.
 * @returns undefined when it has gone through all its steps
 */
export function runAt(run: Run, now: number, report?: Report): Run | undefined {
  if (report?.over === 'all') return undefined;
  let { step, since } = run;
  const reported =
    report?.over === undefined ? 0 : run.steps.findIndex(({ channel }) => channel === report.over) + 1;
  if (report && reported > step) [step, since] = [reported, report.at];
  else if (run.stopsAt !== undefined && now >= run.stopsAt) return undefined;
  for (let current = run.steps[step]; current; current = run.steps[step]) {
    const end = since + current.seconds * 1000;
    if (now < end) return { ...run, step, since };
    [step, since] = [step + 1, end];
  }
  return undefined;
}

/** The step that a request under way is at: {@link runAt} knows which are, and the others are at none. */
export const stepOf = ({ steps, step }: Run): RunStep => steps[step] as RunStep;

/** The Verify request that a login has under way, or found under way when it began. */
export const leftUnderWay = (login: Login, now: number): Run | undefined =>
  [login.run, login.formerRun].map((run) => run && runAt(run, now)).find((run) => run !== undefined);

/** Milliseconds since the epoch at which the step that is under way ends. */
export const endOfStep = (run: Run): number =>
  Math.min(run.since + stepOf(run).seconds * 1000, run.stopsAt ?? Infinity);

/** Where `login` stands. @param fallbacks the channels the settings allow, in order */
export function progressOf(
  login: Login,
  now: number,
  fallbacks: readonly OtpChannel[],
  report?: Report,
): Progress {
  const run = login.run && runAt(login.run, now, report);
  const open = login.status !== 'completed' && login.locked === undefined;
  const nextChannels = open ? channelsLeft(login.run, run, fallbacks) : [];
  const base = { expiresAt: login.expiresAt, nextChannels };
  if (login.status !== undefined) return { ...base, status: login.status, channel: login.channel };
  if (run === undefined) {
    const reason = report?.reason;
    const failed = report?.over === 'all' || reason !== undefined;
    const status = failed ? 'failed' : login.run || now >= login.expiresAt ? 'expired' : 'pending';
    return { ...base, status, channel: login.channel, ...(reason && { reason }) };
  }
  const { channel } = stepOf(run);
  const checkUrl = channel === 'silent_auth' ? (run.checkUrl ?? report?.checkUrl) : undefined;
  return {
    ...base,
    status: 'pending',
    channel,
    expiresAt: endOfStep(run),
    run,
    ...(checkUrl !== undefined && { checkUrl }),
  };
}

/**
 * The channels whose messages Vonage is known to have sent by itself, in a request that began
 * silently: all steps up to the one that is under way. How far a request came that a webhook ended
 * is told by that webhook.
 */
export function sentByVonage({ run, status }: Login, now: number, report?: Report): Channel[] {
  const isChain = run?.steps[0]?.channel === 'silent_auth';
  if (!isChain || status !== undefined || report?.over === 'all') return [];
  const last = runAt(run, now, report)?.step ?? run.steps.length - 1;
  return run.steps.slice(1, last + 1).map(({ channel }) => channel);
}

/** The channels a login can still go on by: those behind the last one it reached, in the order of the settings. */
function channelsLeft(
  begun: Run | undefined,
  now: Run | undefined,
  fallbacks: readonly OtpChannel[],
): OtpChannel[] {
  // One that we stopped never came to its later steps; any other that is over went through all of them.
  const last = now ?? (begun?.stopsAt === undefined ? undefined : begun);
  const reached = begun?.steps.slice(0, last && last.step + 1).map(({ channel }) => channel) ?? [];
  return fallbacks.slice(
    1 + Math.max(-1, ...fallbacks.flatMap((each, at) => (reached.includes(each) ? [at] : []))),
  );
}

/** Seconds: longer than any request of ours lives. */
const LIFE = 900;

/**
 * Longer than a request lives and a webhook about it may be late, so that no message is counted
 * twice.
 */
const COUNTED_TTL_SECONDS = 1800;

/** Milliseconds that a report takes at the most: it is read and written. */
const ADDING_TIMEOUT_MS = 2 * COMMAND_TIMEOUT_MS;

const FORMAT = createRecordFormat<Report>(
  1,
  z.object({
    over: z.exactOptional(z.enum(['silent_auth', 'sms', 'voice', 'all'])),
    at: z.number(),
    checkUrl: z.exactOptional(z.string()),
    reason: z.literal('blocked').optional(),
  }),
);

/** What webhooks told of Verify requests, kept under the request's id: they know nothing of sessions. */
export interface Reports {
  of(requestId: string | undefined): Promise<Report | undefined>;
  /**
   * Adds what a webhook said, once.
   * @param jti its id; one seen before changes nothing
   * @returns whether it was new
   * @throws LoginError `login_in_progress` while another one about the same request is added: Vonage sends it again
   */
  add(news: VerifyNews, jti: string): Promise<boolean>;
  /**
   * Counts messages that are known to have gone out, for the metrics: each once, however often and
   * by whomever it becomes known. Silence is no message. Never fails.
   */
  countMessages(requestId: string, channels: readonly Channel[]): Promise<void>;
}

export function createReports(
  store: Store,
  secrets: readonly string[],
  world: Pick<World, 'now' | 'random' | 'meter'>,
): Reports {
  const keyring = createKeyring(secrets, 'verify report');
  const lock = createLock(store, world);

  const of = async (requestId: string | undefined): Promise<Report | undefined> => {
    if (requestId === undefined) return undefined;
    const at = `verify:${requestId}`;
    const text = keyring.open(at, (await store.get(at)) ?? '');
    return text === undefined ? undefined : FORMAT.read(text);
  };

  const keep = (news: News): Promise<boolean> =>
    lock.hold(news.requestId, ADDING_TIMEOUT_MS, async () => {
      const known = await of(news.requestId);
      const report = { ...known, ...asReport(news, known), at: world.now() };
      if (!isNews(news, report, known)) return false;
      const at = `verify:${news.requestId}`;
      await store.set(at, keyring.seal(at, FORMAT.write(report)), LIFE);
      return true;
    });

  const countMessages: Reports['countMessages'] = async (requestId, channels) => {
    for (const channel of channels) {
      if (channel === 'silent_auth') continue;
      const key = `verify:${requestId}:${channel}`;
      // A message that went out while the store is away is counted at least once.
      const isFirst = await store.set(key, '1', COUNTED_TTL_SECONDS, 'new').catch(() => true);
      if (isFirst) world.meter.sent(channel);
    }
  };

  return {
    of,
    countMessages,
    async add(news, jti) {
      await countMessages(news.requestId, news.sent);
      if (news.kind === 'nothing' || (await store.get(`jti:${jti}`)) !== null) return false;
      const isNew = await keep(news);
      // Last, so that a webhook that could not be kept is heard when it comes again.
      await store.set(`jti:${jti}`, '1', LIFE);
      return isNew;
    },
  };
}

type News = Exclude<VerifyNews, { kind: 'nothing' }>;

/** Webhooks come in any order: what is known to be over is never taken back, nor a link that is already there. */
const isNews = ({ kind }: VerifyNews, report: Report, known: Report | undefined): boolean =>
  kind === 'link' ? known === undefined : ORDER.indexOf(report.over) > ORDER.indexOf(known?.over);

/** Our workflows go through the channels in this order. */
const ORDER: readonly Report['over'][] = [undefined, 'silent_auth', 'sms', 'voice', 'all'];

function asReport(news: News, known: Report | undefined): Partial<Report> {
  if (news.kind === 'link') return { checkUrl: news.checkUrl };
  const reason = news.blocked && 'blocked';
  if (news.kind === 'over') return { over: news.channel as Report['over'] & string, reason };
  return { over: 'all', reason: reason ?? known?.reason };
}
