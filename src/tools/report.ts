import { readFile } from 'node:fs/promises';
import { CODE_CHANNELS, type CodeChannel } from '../config/login.js';
import { defineCommand, messageOf, UsageError } from './command.js';

export const report = defineCommand({
  usage: `Usage: silent-auth report <source>…
Says how often silent login worked, why it failed, and what it saved, by the counters of all processes together.

  <source>  the /metrics of one process, as http://127.0.0.1:9464/metrics, or a file of such text; one for each process
  --help    shows this

Reads no settings. Exits with 0 when all sources were read, 1 when one cannot be read, 2 when it was called wrongly.`,
  options: {},
  async run({ positionals: sources }, { out, err }) {
    if (sources.length === 0) throw new UsageError('A source is wanted.');
    const read = await Promise.all(sources.map((source) => samplesOf(source, err)));
    const samples = read.filter((each) => each !== undefined);
    if (samples.length < sources.length) return 1;
    out(reportOf(samples.flat(), sources.length));
    return 0;
  },
});

/** @returns undefined where the source cannot be read, which is reported */
async function samplesOf(source: string, err: (line: string) => void): Promise<Sample[] | undefined> {
  try {
    return readSamples(await read(source));
  } catch (error) {
    err(`${source} cannot be read: ${messageOf(error)}`);
    return undefined;
  }
}

const READ_TIMEOUT_MS = 5000;

async function read(source: string): Promise<string> {
  if (!/^https?:/.test(source)) return readFile(source, 'utf8');
  const answer = await fetch(source, { signal: AbortSignal.timeout(READ_TIMEOUT_MS) });
  if (!answer.ok) throw new Error(`it answers with ${answer.status}`);
  return answer.text();
}

/** One line of `/metrics`. */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/g;

/**
 * Reads the text format of Prometheus (version 0.0.4).
 * @throws Error for a text that is something else
 */
export function readSamples(text: string): Sample[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined) throw new Error('this is not the text format of Prometheus');
    const pairs = [...labels.matchAll(LABEL)].map(([, key = '', text = '']) => [
      key,
      text.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
    ]);
    return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) };
  });
}

/** The sum of a metric with these labels, over all processes. */
export const sum = (samples: readonly Sample[], name: string, labels: Sample['labels'] = {}): number =>
  samples
    .filter(
      (each) =>
        each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
    )
    .reduce((total, { value }) => total + value, 0);

const BEGUN = 'silent_auth_logins_begun_total';
const LOGINS = 'silent_auth_logins_total';
const SENDS = 'silent_auth_paid_sends_total';

const NAMES: Record<CodeChannel, string> = { sms: 'SMS', rcs: 'RCS', whatsapp: 'WhatsApp', voice: 'voice' };

/** Why silent login failed, as the report says it. Any other reason is shown as it is. */
const REASONS: Readonly<Record<string, string>> = {
  number_mismatch: 'the SIM has another number',
  number_not_supported: 'no operator offers it for the number',
  not_on_cellular: 'the link was not opened over the mobile network',
  denied: 'the operator refused',
  consent_required: 'the operator wanted the consent of the user first',
  operator_error: 'the operator failed',
  upstream_error: 'Vonage or the operator gave no usable answer',
  upstream_timeout: 'Vonage or the operator did not answer in time',
  unavailable: 'Vonage asked to be left alone',
  step_up_required: 'it worked, and your own rules wanted a code as well',
  login_refused: 'it worked, and your own rules refused',
};

const percent = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map(([label = '', ...cells]) =>
    `  ${label.padEnd(widths[0] ?? 0)}${cells.map((cell, at) => `  ${cell.padStart(widths[at + 1] ?? 0)}`).join('')}`.trimEnd(),
  );
}

/** How often silent login failed for each reason, the most frequent first. */
function failures(samples: readonly Sample[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { name, labels, value } of samples) {
    if (name !== LOGINS || labels['channel'] !== 'silent_auth' || labels['outcome'] !== 'failed') continue;
    const reason = labels['reason'] ?? '';
    counts.set(reason, (counts.get(reason) ?? 0) + value);
  }
  return [...counts].filter(([, count]) => count > 0).sort(([, one], [, other]) => other - one);
}

/** Counting began when the first of the processes started. */
const since = (samples: readonly Sample[]): string => {
  const starts = samples
    .filter(({ name }) => name === 'process_start_time_seconds')
    .map(({ value }) => value);
  return starts.length === 0
    ? ''
    : ` since ${new Date(Math.min(...starts) * 1000).toISOString().slice(0, 16)}Z`;
};

/**
 * How often silent login worked, why it failed, and what it saved.
 * @param processes how many were read
 */
export function reportOf(samples: readonly Sample[], processes: number): string {
  const begun = sum(samples, BEGUN);
  const done = (channel: string) => sum(samples, LOGINS, { channel, outcome: 'completed' });
  const silent = done('silent_auth');
  const isSilent = samples.some(({ name, labels }) => name === BEGUN && labels['engine'] !== 'off');
  const failed = failures(samples);
  const ended = silent + failed.reduce((total, [, count]) => total + count, 0);
  const sent = CODE_CHANNELS.map((channel) => [
    `by ${NAMES[channel]}`,
    `${sum(samples, SENDS, { channel })} sent`,
    `${done(channel)} logged in`,
  ]);
  const typed = ['', 'Codes to type', ...table(sent)];
  const head = `${begun} logins${since(samples)}, ${processes} ${processes === 1 ? 'process' : 'processes'}`;
  if (!isSilent) return [head, ...typed].join('\n');
  const reasons = failed.map(([reason, count]) => [
    REASONS[reason] ?? reason,
    `${count}`,
    percent(count, ended),
  ]);
  return [
    head,
    '',
    `Silence worked for ${silent} of ${ended} that ended: ${percent(silent, ended)}`,
    // A restarted process has lost the count of logins that began in it and ended in others.
    `Without an end, or not yet: ${Math.max(0, begun - ended)}`,
    ...(reasons.length > 0 ? ['', 'Where it did not', ...table(reasons)] : []),
    ...typed,
    '',
    `Messages saved: ${silent}, one for each login that was silent`,
  ].join('\n');
}
