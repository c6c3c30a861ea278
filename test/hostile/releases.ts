import type { ZodType } from 'zod';
import type { createApp } from '../../src/app.js';
import type { createSilentAuth } from '../../src/index.js';
import type { RecordFormat } from '../../src/store/seal.js';

type Fields = Record<string, unknown>;

/**
 * The kinds of record that processes of two releases share, each by a field that those behind it
 * do not have.
 */
const KINDS = {
  session: 'handle',
  'code ticket': 'accessToken',
  'state ticket': 'loginId',
  'verify report': 'at',
} as const;
export type Kind = keyof typeof KINDS;

const kindOf = (fields: Fields): Kind | undefined =>
  (Object.keys(KINDS) as Kind[]).find((kind) => KINDS[kind] in fields);

/** What another release writes in place of our fields, given the version of ours. */
export type Write = (fields: Fields, version: number) => unknown;

export const RELEASES: Record<string, Write> = {
  'that knew no versions': (fields) => fields,
  'before this one': (fields, version) => ({ v: version - 1, ...fields }),
  'after this one': (fields, version) => ({ v: version + 1, ...fields }),
  'whose version is text': (fields, version) => ({ v: `${version}`, ...fields }),
  'that wrote all of it under other names': (fields) => ({ v: 0, data: JSON.stringify(fields) }),
  'that wrote a list': (fields) => [fields],
  'that wrote no object': (fields) => JSON.stringify(fields),
  'that wrote nothing': () => null,
};

/** A build that is this one, but for the way in which it writes one kind of record. */
export interface OtherRelease {
  /** The server by itself. */
  createApp: typeof createApp;
  /** What another app mounts. */
  createSilentAuth: typeof createSilentAuth;
  /** From now on it writes this kind of record in this way, and the others as we do. */
  writes(kind: Kind, how: Write): void;
}

export async function openOtherRelease(): Promise<OtherRelease> {
  let altered: { kind: Kind; how: Write } | undefined;
  const seal = jest.requireActual<typeof import('../../src/store/seal.js')>('../../src/store/seal.js');
  const { createRecordFormat: ours } = seal;
  /** What it wrote in its own way. The text alone may say nothing. */
  const written = new Map<string, string>();
  const createRecordFormat = <T extends object>(version: number, schema: ZodType<T>): RecordFormat<T> => {
    const format = ours(version, schema);
    return {
      write(value) {
        if (altered === undefined || kindOf(value as Fields) !== altered.kind) return format.write(value);
        const text = JSON.stringify(altered.how(value as Fields, version));
        written.set(text, format.write(value));
        return text;
      },
      read: (text) => format.read(written.get(text) ?? text),
    };
  };
  const builds: object[] = [];
  await jest.isolateModulesAsync(async () => {
    jest.doMock('../../src/store/seal.js', () => ({ ...seal, createRecordFormat }));
    builds.push(await import('../../src/app.js'), await import('../../src/index.js'));
    jest.dontMock('../../src/store/seal.js');
  });
  return {
    ...(Object.assign({}, ...builds) as Omit<OtherRelease, 'writes'>),
    writes: (kind, how) => (altered = { kind, how }),
  };
}
