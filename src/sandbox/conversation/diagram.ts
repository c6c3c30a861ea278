import { PATHS } from '../http/paths.js';
import type { Call, OperatorView } from './calls.js';
import type { DescribedCall, Login } from './conversation.js';
import { bad, MESSAGES, plain } from './descriptions.js';
import type { CallDescription, LoginFacts, Step, Caption } from './descriptions.js';

/** One arrow of the diagram. `says` describes the request, `heard` the answer, if there is one. */
interface Arrow extends Pick<Call, 'id' | 'at' | 'asked' | 'answered'>, Pick<CallDescription, 'from' | 'to'> {
  says: string;
  heard: Caption | null;
  state: 'waiting' | 'answered' | 'broken' | 'sent';
}

export interface Diagram {
  id: number;
  at: string;
  number: string;
  seen: OperatorView | null;
  ending: Caption;
  steps: { step: Step; title: string; calls: Arrow[] }[];
}

const TITLES: Record<Step, string> = {
  '1': 'The app sends the number',
  '2': 'The server asks Vonage for a link',
  '3': 'The device opens the link over its mobile network',
  '4': 'The device returns, and the server exchanges the code for a token',
  '5': 'The app presents its code, and the server verifies the number',
  code: 'Instead: the user types a code',
  after: 'Afterwards',
};

type ArrowsByStep = Map<Step, Arrow[]>;

/** The titles of the steps, which differ between the engines. */
const titlesOf = (arrows: ArrowsByStep): Record<Step, string> => {
  const isVerify = arrows.get('2')?.some(({ asked }) => asked.url.includes(PATHS.verifyRequests)) ?? false;
  const isDirect = !arrows.has('2') && arrows.has('3');
  return {
    ...TITLES,
    ...(isVerify && { '4': 'The device returns to Vonage, which issues a code' }),
    ...(isDirect && { '2': 'The server builds the link itself, without a request' }),
  };
};

const stateOf = ({ answered, broken, description }: DescribedCall): Arrow['state'] => {
  if (!description.answer) return 'sent';
  if (broken) return 'broken';
  return answered ? 'answered' : 'waiting';
};

const describeAnswer = (call: DescribedCall, facts: LoginFacts): Caption | null => {
  if (call.broken) return bad('The connection was closed before the answer.');
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
  return { number, seen: calls.findLast(({ seen }) => seen)?.seen, sentBy: MESSAGES[message ?? '']?.by };
};

/** The last outcome, or the success: later refusals do not change it. */
const outcomeOf = ({ calls }: Login, facts: LoginFacts): Caption => {
  const outcomes = calls
    .flatMap((call) => (call.answered ? [{ ...call, answered: call.answered, ...facts }] : []))
    .sort((one, other) => other.answered.order - one.answered.order)
    .flatMap((call) => call.description.outcome?.(call) ?? []);
  return outcomes.find(({ tone }) => tone === 'good') ?? outcomes[0] ?? plain('The login has started.');
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

/** The steps with arrows. Includes the empty ones of the five, unless a code is typed instead. */
const stepsOf = (arrows: ArrowsByStep): Diagram['steps'] => {
  const isShown = (step: Step): boolean => arrows.has(step) || (/\d/.test(step) && !arrows.has('code'));
  return (Object.entries(titlesOf(arrows)) as [Step, string][])
    .filter(([step]) => isShown(step))
    .map(([step, title]) => ({ step, title, calls: arrows.get(step) ?? [] }));
};

export const EMPTY_STEPS = stepsOf(new Map());

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
