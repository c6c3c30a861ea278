/**
 * What is told to whoever counts. Words come from closed lists, and none of them names a person: each becomes a label, and a
 * label with many values costs whoever keeps them.
 */
export interface Meter {
  /** A login began. */
  began(): void;
  /** A step of a login is over, refused ones among them. */
  step(step: string, outcome: string, reason: string, status: number, ms: number): void;
  /** What a login tried by `channel` came to its end. */
  ended(channel: string, outcome: 'completed' | 'failed', reason: string): void;
  /** An answer of Vonage, by the class of its status (`2xx`); or that none came (`timeout`, `connection`). */
  called(api: string, status: string, ms: number): void;
  /** Something was refused by a limit. */
  refused(limit: string): void;
  /**
   * Vonage took an order for a message that costs money, or sent one by itself in a chain that was
   * ordered.
   */
  sent(channel: string): void;
  /** The store answered, or failed to. */
  stored(operation: string, failed: boolean, ms: number): void;
}

const nothing = (): void => undefined;

/** Nobody counts. */
export const NO_METER: Meter = {
  began: nothing,
  step: nothing,
  ended: nothing,
  called: nothing,
  refused: nothing,
  sent: nothing,
  stored: nothing,
};

/** What a trace may know: neither number nor code nor token, and no address with a query. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/**
 * Does `work` as one span of a trace, within the one it is called from. What is told with `error.type` in it has failed (OpenTelemetry,
 * "Recording errors").
 */
export type Span = <T>(
  name: string,
  kind: 'internal' | 'client',
  work: (tell: (attributes: Attributes) => void) => Promise<T>,
) => Promise<T>;

/** Nobody traces. */
export const NO_SPAN: Span = (_name, _kind, work) => work(nothing);
