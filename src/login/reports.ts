import { z } from 'zod';
import { createRecordFormat } from '../store/record.js';
import { COMMAND_TIMEOUT_MS } from '../store/options.js';
import { createKeyring } from '../store/seal.js';
import type { Store } from '../store/store.js';
import type { World } from '../world.js';
import type { VerifyNews } from '../vonage/webhook.js';
import { createLock } from './lock.js';
import type { Report } from './progress.js';

/** Seconds: longer than any request of ours lives. */
const LIFE = 900;

const FORMAT = createRecordFormat<Report>(
  1,
  z.object({
    over: z.exactOptional(z.enum(['silent_auth', 'sms', 'voice', 'all'])),
    at: z.number(),
    checkUrl: z.exactOptional(z.string()),
  }),
);
/** Milliseconds that a report takes at the most: it is read and written. */
const ADDING_TIMEOUT_MS = 2 * COMMAND_TIMEOUT_MS;

/** What webhooks told of Verify requests, kept under the request's id: they know nothing of sessions. */
export interface Reports {
  of(requestId: string | undefined): Promise<Report | undefined>;
  /**
   * Adds what a webhook said, once.
   * @param jti its id; one seen before changes nothing
   * @throws LoginError `login_in_progress` while another one about the same request is added: Vonage sends it again
   */
  add(news: VerifyNews, jti: string): Promise<void>;
}

export function createReports(
  store: Store,
  secrets: readonly string[],
  world: Pick<World, 'now' | 'random'>,
): Reports {
  const keyring = createKeyring(secrets, 'verify report');
  const lock = createLock(store, world);

  const of = async (requestId: string | undefined): Promise<Report | undefined> => {
    if (requestId === undefined) return undefined;
    const at = `verify:${requestId}`;
    const text = keyring.open(at, (await store.get(at)) ?? '');
    return text === undefined ? undefined : FORMAT.read(text);
  };

  return {
    of,
    async add(news, jti) {
      if (news.kind === 'nothing' || (await store.get(`jti:${jti}`)) !== null) return;
      await lock.hold(news.requestId, ADDING_TIMEOUT_MS, async () => {
        const known = await of(news.requestId);
        const report = { ...known, ...asReport(news), at: world.now() };
        if (!isNews(news, report, known)) return;
        const at = `verify:${news.requestId}`;
        await store.set(at, keyring.seal(at, FORMAT.write(report)), LIFE);
      });
      // Last, so that a webhook that could not be kept is heard when it comes again.
      await store.set(`jti:${jti}`, '1', LIFE);
    },
  };
}

/** Webhooks come in any order: what is known to be over is never taken back, nor a link that is already there. */
const isNews = ({ kind }: VerifyNews, report: Report, known: Report | undefined): boolean =>
  kind === 'link' ? known === undefined : ORDER.indexOf(report.over) > ORDER.indexOf(known?.over);

/** Our workflows go through the channels in this order. */
const ORDER: readonly Report['over'][] = [undefined, 'silent_auth', 'sms', 'voice', 'all'];

function asReport(news: Exclude<VerifyNews, { kind: 'nothing' }>): Partial<Report> {
  if (news.kind === 'link') return { checkUrl: news.checkUrl };
  return { over: news.kind === 'ended' ? 'all' : (news.channel as Report['over'] & string) };
}
