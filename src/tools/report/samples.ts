/** One line of what `/metrics` tells. */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/g;

/** Reads the text format of Prometheus (version 0.0.4). @throws Error for a text that is something else */
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

/** What all processes together counted under a name, with these labels. */
export const sum = (samples: readonly Sample[], name: string, labels: Sample['labels'] = {}): number =>
  samples
    .filter(
      (each) =>
        each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
    )
    .reduce((total, { value }) => total + value, 0);
