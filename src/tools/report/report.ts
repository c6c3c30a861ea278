import { sum, type Sample } from './samples.js';

const BEGUN = 'silent_auth_logins_begun_total';
const LOGINS = 'silent_auth_logins_total';
const SENDS = 'silent_auth_paid_sends_total';

/** Why silence did not work, in words for people who read no code. A reason that is not here stands for itself. */
const WORDS: Readonly<Record<string, string>> = {
  number_mismatch: 'the SIM has another number',
  number_not_supported: 'no operator offers it for the number',
  not_on_cellular: 'the link was not opened over the mobile network',
  denied: 'the operator refused',
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

/** How often each reason ended the silent way, the most frequent first. */
function failures(samples: readonly Sample[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { name, labels, value } of samples) {
    if (name !== LOGINS || labels['channel'] !== 'silent_auth' || labels['outcome'] !== 'failed') continue;
    const reason = labels['reason'] ?? '';
    counts.set(reason, (counts.get(reason) ?? 0) + value);
  }
  return [...counts].filter(([, count]) => count > 0).sort(([, one], [, other]) => other - one);
}

/** Since when it was counted: since the first of the processes started. */
const since = (samples: readonly Sample[]): string => {
  const starts = samples
    .filter(({ name }) => name === 'process_start_time_seconds')
    .map(({ value }) => value);
  return starts.length === 0
    ? ''
    : ` since ${new Date(Math.min(...starts) * 1000).toISOString().slice(0, 16)}Z`;
};

/** How often silence worked, why it did not, and what it saved. @param processes how many tell of it */
export function reportOf(samples: readonly Sample[], processes: number): string {
  const begun = sum(samples, BEGUN);
  const done = (channel: string) => sum(samples, LOGINS, { channel, outcome: 'completed' });
  const silent = done('silent_auth');
  const isSilent = samples.some(({ name, labels }) => name === BEGUN && labels['engine'] !== 'off');
  const failed = failures(samples);
  const open = Math.max(0, begun - silent - failed.reduce((total, [, count]) => total + count, 0));
  const row = (label: string, count: number) => [label, `${count}`, percent(count, begun)];
  const sent = (channel: string) => [
    `by ${channel === 'sms' ? 'SMS' : 'voice'}`,
    `${sum(samples, SENDS, { channel })} sent`,
    `${done(channel)} logged in`,
  ];
  const typed = ['', 'Codes to type', ...table([sent('sms'), sent('voice')])];
  const head = `${begun} logins${since(samples)}, ${processes} ${processes === 1 ? 'process' : 'processes'}`;
  if (!isSilent) return [head, ...typed, ''].join('\n');
  const reasons = failed.map(([reason, count]) => row(WORDS[reason] ?? reason, count));
  return [
    head,
    '',
    `Silence worked for ${silent} of ${begun}: ${percent(silent, begun)}`,
    '',
    'Where it did not',
    ...table([...reasons, row('nobody came back, or not yet', open)]),
    ...typed,
    '',
    `Messages saved: ${silent}, one for each login that was silent`,
    '',
  ].join('\n');
}
