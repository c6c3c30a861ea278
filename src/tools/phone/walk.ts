import { randomUUID } from 'node:crypto';
import { ANDROID } from './android/sdk.js';
import { answerOf, type Answer } from './answer.js';
import { IOS } from './ios/sdk.js';
import { brokenRules } from './judging.js';
import type { BrokenRule, Device, Evidence, Sdk, SdkResult, Step } from './sdk.js';

export const SDKS = { ios: IOS, android: ANDROID } satisfies Record<string, Sdk>;

/** A device of this world, with the times of the SDKs. */
export const thisDevice = (): Device => ({
  now: () => performance.now(),
  uuid: randomUUID,
  connectMs: 5_000,
  chainMs: 30_000,
  patienceMs: 30_000,
  listenOnMs: 1_000,
});

/** A link that was walked. */
export interface Walk {
  /** What the SDK hands to the app. */
  result: SdkResult;
  /** The last answer that was heard; it may be empty. */
  answer: Answer | undefined;
  /** The addresses that were asked, in order. */
  hops: string[];
  /** What the SDK stumbles over in the last answer. */
  broken: BrokenRule[];
}

export interface WalkOptions {
  device?: Device;
  /** What the app gives the SDK to send along. */
  headers?: Record<string, string>;
  /** Is told each step before the next is taken. */
  onStep?: (step: Step) => void;
}

/** Opens a link as an SDK does, and looks what it stumbles over. @throws what `onStep` throws */
export async function walk(link: string, sdk: Sdk, options: WalkOptions = {}): Promise<Walk> {
  const { device = thisDevice(), headers = {}, onStep = () => undefined } = options;
  const steps = sdk.walk(link, headers, device);
  const hops: string[] = [];
  let evidence: Evidence = { url: new URL(link), requests: 0 };
  try {
    for (;;) {
      const { done, value } = await steps.next();
      if (done) return { result: value, answer: evidence.answer, hops, broken: brokenRules(sdk, evidence) };
      onStep(value);
      if (value.is === 'request') hops.push(value.url);
      else evidence = evidenceOf(value, hops.length);
    }
  } finally {
    // Closes the connections of a walk that `onStep` ended; the result that has to be named is nobody's.
    await steps.return({ nothing: 'it waits' });
  }
}

const evidenceOf = ({ url, heard, trouble }: Step & { is: 'answer' }, requests: number): Evidence => ({
  ...{ url: new URL(url), requests, answer: answerOf(heard) },
  ...(trouble && { trouble }),
});
