import type { ZodType } from 'zod';

/** How one kind of record is written as text, and read back. */
export interface RecordFormat<T> {
  write(value: T): string;
  /** `undefined` for a record of another version or another shape: it counts as absent. */
  read(text: string): T | undefined;
}

/**
 * Makes the format of one kind of record. Processes of two releases share a store while one
 * replaces the other, so each record says its version.
 * @param version raised with every change after which an older or newer process would misread the
 * record
 */
export function createRecordFormat<T extends object>(version: number, schema: ZodType<T>): RecordFormat<T> {
  return {
    write: (value) => JSON.stringify({ v: version, ...value }),
    read(text) {
      const { v, ...value } = (JSON.parse(text) ?? {}) as Record<string, unknown>;
      return v === version ? schema.safeParse(value).data : undefined;
    },
  };
}
