import type { Answer } from './answer.js';
import type { Heard, Trouble } from './wire.js';

/** What the SDK hands to the app. Where it hands over nothing at all, `nothing` says what happens instead. */
export type SdkResult =
  | { http_status: number; response_body?: Record<string, unknown>; response_raw_body?: string }
  | { error: string; error_description: string }
  | { nothing: 'it waits' | 'it crashes' | 'it throws' };

/** An error in the words of an SDK. */
export const sdkError = (code: string, description: string): SdkResult => ({
  error: code,
  error_description: description,
});

/** What happens on the way: an address is about to be asked, and what came back from there. */
export type Step =
  | { is: 'request'; url: string; text: string }
  | { is: 'answer'; url: string; heard: Heard; trouble?: Trouble };

/** What a walk needs of the world, and how long it waits. All times are milliseconds. */
export interface Device {
  now: () => number;
  uuid: () => string;
  /** To connect, for iOS. */
  connectMs: number;
  /** For the whole chain, for Android. */
  chainMs: number;
  /** Where an SDK waits for ever, we do not. */
  patienceMs: number;
  /** How long we go on to hear the last answer when the SDK has what it wants, to see what it missed. */
  listenOnMs: number;
}

/** What is known of one hop, for the rules to judge. */
export interface Evidence {
  url: URL;
  /** How many requests there were, this one included. */
  requests: number;
  answer?: Answer;
  trouble?: Trouble;
}

/** Something the SDK demands of an answer, and what to say where it does not get it. */
export interface Rule {
  name: string;
  isBrokenBy(evidence: Evidence): boolean;
  /** Why the SDK cannot read it, in a sentence. */
  says(evidence: Evidence): string;
  /** What to change in server or proxy, in a sentence. */
  mend: string;
}

/** A rule that was broken, in words. */
export interface BrokenRule {
  rule: string;
  says: string;
  mend: string;
}

export interface Sdk {
  name: string;
  version: string;
  /** Opens a link like this SDK. `headers` are those that the app gave it. */
  walk(link: string, headers: Record<string, string>, device: Device): AsyncGenerator<Step, SdkResult>;
  rules: readonly Rule[];
}
