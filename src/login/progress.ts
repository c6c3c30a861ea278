import type { MessageFailure } from '../errors.js';
import type { Channel, Login, OtpChannel, Run, RunStep } from './login.js';

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
