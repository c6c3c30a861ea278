import type { Answer } from '../../src/tools/phone/answer.js';
import type { SdkResult, Step } from '../../src/tools/phone/sdk.js';
import { openLink, SDKS } from '../../src/tools/phone/open-link.js';

/** The last answer of a redirect chain: the result of the SDK, and the received answer. */
export interface Walk {
  status: number;
  json: Record<string, unknown> | undefined;
  headers: Record<string, string>;
  body: string;
  /** The requested URLs, in order. */
  hops: string[];
  /** The number of received segments; the SDK for iOS reads one. */
  reads: number;
}

export interface WalkOptions {
  /** The number of the SIM in the device. Default: the number of the login. */
  sim?: string;
  /** Stops before the hop whose URL begins with this. */
  stopBefore?: string;
  sdk?: keyof typeof SDKS;
}

/** Opens a link with one of Vonage's SDKs. @throws the error that the SDK returns */
export async function walk(link: string, { sim, stopBefore, sdk = 'ios' }: WalkOptions = {}): Promise<Walk> {
  const hops: string[] = [];
  const stopped = new Error('the walk was stopped');
  const onStep = (step: Step): void => {
    if (step.is === 'answer') return;
    hops.push(step.url);
    if (stopBefore !== undefined && hops.length > 1 && step.url.startsWith(stopBefore)) throw stopped;
  };
  const headers: Record<string, string> = sim === undefined ? {} : { 'x-sandbox-sim': sim };
  try {
    const { result, answer } = await openLink(link, SDKS[sdk], { headers, onStep });
    return { ...handedOver(result), ...partsOf(answer), hops };
  } catch (error) {
    if (error !== stopped) throw error;
    return { status: 0, json: undefined, ...partsOf(undefined), hops };
  }
}

function handedOver(result: SdkResult): Pick<Walk, 'status' | 'json'> {
  if ('http_status' in result) return { status: result.http_status, json: result.response_body };
  throw new Error('error' in result ? `${result.error}: ${result.error_description}` : result.nothing);
}

const partsOf = (answer: Answer | undefined): Pick<Walk, 'headers' | 'body' | 'reads'> => ({
  headers: Object.fromEntries(answer?.headers.map(({ name, value }) => [name, value]) ?? []),
  body: answer?.body.toString() ?? '',
  reads: answer?.raw.segments.length ?? 0,
});
