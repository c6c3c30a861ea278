import { header, type Answer } from './answer.js';
import type { BrokenRule, Evidence, Sdk } from './sdk.js';

/** A rule about answers is broken by none that did not come. */
export const whenAnswered =
  (isBroken: (answer: Answer, url: URL) => boolean) =>
  ({ answer, url }: Evidence): boolean =>
    answer !== undefined && answer.heard.segments.length > 0 && isBroken(answer, url);

/** A connection stood, and nothing came over it. */
export const isUnanswered = ({ answer, trouble }: Evidence): boolean =>
  answer?.heard.segments.length === 0 && trouble?.kind !== 'connect' && trouble?.kind !== 'tls';

export const isRedirect = ({ status }: Answer): boolean => status >= 300 && status < 400;

export const isCompressed = (answer: Answer): boolean =>
  !/^(?:identity)?$/i.test(header(answer, 'content-encoding')?.value ?? '');

/** How a header was spelt, up to and with what follows its name. */
export const namesOf = ({ answer }: Evidence, name: string): string =>
  (answer && header(answer, name)?.line.slice(0, name.length + 2)) ?? name;

/** What of this the SDK stumbles over. An answer of which nothing is found can be read by it. */
export const brokenRules = (sdk: Sdk, evidence: Evidence): BrokenRule[] =>
  sdk.rules
    .filter((rule) => rule.isBrokenBy(evidence))
    .map((rule) => ({ rule: rule.name, says: rule.says(evidence), mend: rule.mend }));
