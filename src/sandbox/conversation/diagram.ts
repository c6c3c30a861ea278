import { PATHS } from '../http/paths.js';
import type { Call, Seen } from './calls.js';
import type { DescribedCall, Login } from './conversation.js';
import { bad, plain } from './descriptions.js';
import type { CallDescription, LoginFacts, Step, Words } from './descriptions.js';

/** One arrow of the diagram. `heard` is null for messages and while there is no answer. */
interface Arrow extends Pick<Call, 'id' | 'at' | 'asked' | 'answered'>, Pick<CallDescription, 'from' | 'to'> {
  says: string;
  heard: Words | null;
  state: 'waiting' | 'answered' | 'broken' | 'sent';
}

/** A login as the page draws it. */
export interface Diagram {
  id: number;
  at: string;
  number: string;
  seen: Seen | null;
  /** The state of the login, and why. */
  ending: Words;
  steps: { step: Step; title: string; calls: Arrow[] }[];
}

const TITLES: Record<Step, string> = {
  '1': 'The app sends the number',
  '2': 'The server asks Vonage for a link',
  '3': 'The device opens the link over its mobile network',
  '4': 'Back at the server: the code becomes a token',
  '5': 'The app presents its code: is it this number?',
  code: 'Instead: a code to type',
  after: 'Afterwards',
};

type ArrowsByStep = Map<Step, Arrow[]>;

/** The titles, which differ between the engines. */
const titlesOf = (arrows: ArrowsByStep): Record<Step, string> => {
  const isVerify = arrows.get('2')?.some(({ asked }) => asked.url.includes(PATHS.verifyRequests)) ?? false;
  const isDirect = !arrows.has('2') && arrows.has('3');
  return {
    ...TITLES,
    ...(isVerify && { '4': 'Back at Vonage: the operator’s answer becomes a code' }),
    ...(isDirect && { '2': 'The server makes the link by itself: Vonage is not asked' }),
  };
};

const stateOf = ({ answered, broken, description }: DescribedCall): Arrow['state'] => {
  if (!description.answer) return 'sent';
  if (broken) return 'broken';
  return answered ? 'answered' : 'waiting';
};

const describeAnswer = (call: DescribedCall, facts: LoginFacts): Words | null => {
  if (call.broken) return bad('The connection broke before there was an answer.');
  const { answered, description } = call;
  return (answered && description.answer?.({ ...call, answered, ...facts })) ?? null;
};

const arrowOf = (call: DescribedCall, facts: LoginFacts): Arrow => {
  const { id, at, asked, answered, description } = call;
  const { from, to, request } = description;
  const says = typeof request === 'string' ? request : request(call);
  return {
    id,
    at,
    from,
    to,
    says,
    heard: describeAnswer(call, facts),
    state: stateOf(call),
    asked,
    answered,
  };
};

const factsOf = ({ number, calls }: Login): LoginFacts => {
  const message = calls.findLast(({ asked }) => asked.url.startsWith('tel:'))?.asked.method;
  const sentBy = message === undefined ? undefined : message === 'CALL' ? 'voice' : 'sms';
  return { number, seen: calls.findLast(({ seen }) => seen)?.seen, sentBy };
};

/** The outcome of the last answer that has one. Refusals after a success do not change it. */
const outcomeOf = ({ calls }: Login, facts: LoginFacts): Words => {
  const outcomes = calls
    .flatMap((call) => (call.answered ? [{ ...call, answered: call.answered, ...facts }] : []))
    .sort((one, other) => other.answered.order - one.answered.order)
    .flatMap((call) => call.description.outcome?.(call) ?? []);
  return outcomes.find(({ tone }) => tone === 'good') ?? outcomes[0] ?? plain('It has only begun.');
};

const arrowsByStep = ({ calls }: Login, facts: LoginFacts): ArrowsByStep => {
  const arrows: ArrowsByStep = new Map();
  let current: Step = '1';
  for (const call of calls) {
    if (call.description.step !== 'same') current = call.description.step;
    arrows.set(current, [...(arrows.get(current) ?? []), arrowOf(call, facts)]);
  }
  return arrows;
};

/** The steps with arrows, and those still to come, unless a code is typed instead. */
const stepsOf = (arrows: ArrowsByStep): Diagram['steps'] => {
  const isShown = (step: Step): boolean => arrows.has(step) || (/\d/.test(step) && !arrows.has('code'));
  return (Object.entries(titlesOf(arrows)) as [Step, string][])
    .filter(([step]) => isShown(step))
    .map(([step, title]) => ({ step, title, calls: arrows.get(step) ?? [] }));
};

/** The steps of a login that has not started. */
export const EMPTY_STEPS = stepsOf(new Map());

/** Describes a login step by step. */
export const diagramOf = (login: Login): Diagram => {
  const facts = factsOf(login);
  return {
    id: login.id,
    at: login.calls[0]?.at ?? '',
    number: login.number,
    seen: facts.seen ?? null,
    ending: outcomeOf(login, facts),
    steps: stepsOf(arrowsByStep(login, facts)),
  };
};
