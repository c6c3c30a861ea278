import { z } from 'zod';
import { createRecordFormat } from '../store/record.js';
import { COMMAND_TIMEOUT_MS } from '../store/options.js';
import { createKeyring } from '../store/seal.js';
import type { Store } from '../store/store.js';
import type { World } from '../world.js';
import type { VerifyNews } from '../vonage/webhook.js';
import { createLock } from './lock.js';
import type { Channel } from './login.js';
import type { Report } from './progress.js';

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
