import { header, type Answer } from './answer.js';
import type { RawAnswer, ConnectionFailure } from './wire.js';

/**
 * What the SDK hands to the app. Where it hands over nothing at all, `nothing` says what happens
 * instead.
 */
export type SdkResult =
  | { http_status: number; response_body?: Record<string, unknown>; response_raw_body?: string }
  | { error: string; error_description: string }
  | { nothing: 'it waits' | 'it crashes' | 'it throws' };

/** An error of an SDK, by its own code and description. */
export const sdkError = (code: string, description: string): SdkResult => ({
  error: code,
  error_description: description,
});

/** One step of opening a link: a URL is about to be requested, or has answered. */
export type Step =
  | { is: 'request'; url: string; text: string }
  | { is: 'answer'; url: string; raw: RawAnswer; failure?: ConnectionFailure };

/** What opening a link depends on, and its timeouts in milliseconds. */
export interface Device {
  now: () => number;
  uuid: () => string;
  /** To connect, for iOS. */
  connectTimeoutMs: number;
  /** For the whole chain, for Android. */
  chainTimeoutMs: number;
  /** For an answer that an SDK would wait for without end. */
  answerTimeoutMs: number;
  /** For the rest of the last answer once the SDK has read enough, to see what it missed. */
  readRestMs: number;
}

/** What the rules are applied to: one hop of the chain. */
export interface Evidence {
  url: URL;
  /** How many requests there were, this one included. */
  requests: number;
  answer?: Answer;
  failure?: ConnectionFailure;
}

/** A demand of the SDK on an answer, and what to report where it is broken. */
export interface Rule {
  name: string;
  isBrokenBy(evidence: Evidence): boolean;
  /** Why the SDK cannot read it, in a sentence. */
  says(evidence: Evidence): string;
  /** What to change in server or proxy, in a sentence. */
  mend: string;
}

/** A broken rule, as it is reported. */
export interface BrokenRule {
  rule: string;
  says: string;
  mend: string;
}

export interface Sdk {
  name: string;
  version: string;
  /** Opens a link like this SDK. `headers` are those that the app gave it. */
  open(link: string, headers: Record<string, string>, device: Device): AsyncGenerator<Step, SdkResult>;
  rules: readonly Rule[];
}

/** A rule about answers is not broken where no answer came. */
export const whenAnswered =
  (isBroken: (answer: Answer, url: URL) => boolean) =>
  ({ answer, url }: Evidence): boolean =>
    answer !== undefined && answer.raw.segments.length > 0 && isBroken(answer, url);

/** There was a connection, and no answer over it. */
export const isUnanswered = ({ answer, failure }: Evidence): boolean =>
  answer?.raw.segments.length === 0 && failure?.kind !== 'connect' && failure?.kind !== 'tls';

export const isRedirect = ({ status }: Answer): boolean => status >= 300 && status < 400;

export const isCompressed = (answer: Answer): boolean =>
  !/^(?:identity)?$/i.test(header(answer, 'content-encoding')?.value ?? '');

/** A header's name and the two characters after it, as they were sent. */
export const spellingOf = ({ answer }: Evidence, name: string): string =>
  (answer && header(answer, name)?.line.slice(0, name.length + 2)) ?? name;

/** The rules that are broken. The SDK can read an answer that breaks none. */
export const brokenRules = (sdk: Sdk, evidence: Evidence): BrokenRule[] =>
  sdk.rules
    .filter((rule) => rule.isBrokenBy(evidence))
    .map((rule) => ({ rule: rule.name, says: rule.says(evidence), mend: rule.mend }));
