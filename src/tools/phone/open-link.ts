import { randomUUID } from 'node:crypto';
import { ANDROID } from './android/sdk.js';
import { answerOf, type Answer } from './answer.js';
import { IOS } from './ios/sdk.js';
import {
  brokenRules,
  type BrokenRule,
  type Device,
  type Evidence,
  type Sdk,
  type SdkResult,
  type Step,
} from './sdk.js';

export const SDKS = { ios: IOS, android: ANDROID } satisfies Record<string, Sdk>;

/** A device with the system's clock and the timeouts of the SDKs. */
export const systemDevice = (): Device => ({
  now: () => performance.now(),
  uuid: randomUUID,
  connectTimeoutMs: 5_000,
  chainTimeoutMs: 30_000,
  answerTimeoutMs: 30_000,
  readRestMs: 1_000,
});

/** The result of opening a link. */
export interface OpenedLink {
  /** What the SDK hands to the app. */
  result: SdkResult;
  /** The last answer; it may be empty. */
  answer: Answer | undefined;
  /** The URLs that were requested, in order. */
  hops: string[];
  /** The rules of the SDK that the last answer breaks. */
  broken: BrokenRule[];
}

export interface OpenOptions {
  device?: Device;
  /** What the app gives the SDK to send along. */
  headers?: Record<string, string>;
  /** Called with each step before the next is taken. */
  onStep?: (step: Step) => void;
}

/**
 * Opens a link as an SDK does, and checks the last answer by its rules.
 * @throws what `onStep` throws
 */
export async function openLink(link: string, sdk: Sdk, options: OpenOptions = {}): Promise<OpenedLink> {
  const { device = systemDevice(), headers = {}, onStep = () => undefined } = options;
  const steps = sdk.open(link, headers, device);
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
    // Closes the connections where `onStep` threw. The result is required by the type, and not
    // used.
    await steps.return({ nothing: 'it waits' });
  }
}

const evidenceOf = ({ url, raw, failure }: Step & { is: 'answer' }, requests: number): Evidence => ({
  ...{ url: new URL(url), requests, answer: answerOf(raw) },
  ...(failure && { failure }),
});
