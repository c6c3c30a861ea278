import type { ZodType } from 'zod';
import type { createApp } from '../../src/app.js';
import type { createSilentAuth } from '../../src/index.js';
import type { RecordFormat } from '../../src/store/seal.js';

type Fields = Record<string, unknown>;

/**
 * Records that two releases share, each identified by a field that the kinds after it do not
 * have.
 */
const KINDS = {
  session: 'handle',
  'code ticket': 'accessToken',
  'state ticket': 'loginId',
  'verify report': 'over',
} as const;
export type Kind = keyof typeof KINDS;

const kindOf = (fields: Fields): Kind | undefined =>
  (Object.keys(KINDS) as Kind[]).find((kind) => KINDS[kind] in fields);

/** Converts our fields to the record of another release. @param version of our records */
export type Write = (fields: Fields, version: number) => unknown;

export const RELEASES: Record<string, Write> = {
  'without versions': (fields) => fields,
  'before this one': (fields, version) => ({ v: version - 1, ...fields }),
  'after this one': (fields, version) => ({ v: version + 1, ...fields }),
  'whose version is text': (fields, version) => ({ v: `${version}`, ...fields }),
  'with other field names': (fields) => ({ v: 0, data: JSON.stringify(fields) }),
  'that wrote a list': (fields) => [fields],
  'that wrote no object': (fields) => JSON.stringify(fields),
  'that wrote nothing': () => null,
};

/** This build, except for the format of one kind of record. */
export interface OtherRelease {
  createApp: typeof createApp;
  createSilentAuth: typeof createSilentAuth;
  /** Sets the kind of record that differs, and its format. */
  writes(kind: Kind, how: Write): void;
}

export async function openOtherRelease(): Promise<OtherRelease> {
  let altered: { kind: Kind; how: Write } | undefined;
  const seal = jest.requireActual<typeof import('../../src/store/seal.js')>('../../src/store/seal.js');
  const { createRecordFormat: ours } = seal;
  /**
   * The records in our format by their text in the other format, which may not contain all
   * fields.
   */
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
