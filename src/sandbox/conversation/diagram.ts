import { PATHS } from '../http/paths.js';
import type { Lane } from './calls.js';
import type { DescribedCall, Login } from './conversation.js';
import { bad, MESSAGES, plain } from './descriptions.js';
import type { LoginFacts, Step, Caption } from './descriptions.js';

type DrawnCall = ReturnType<typeof drawCall>;

/** The request of a call, or its end: the answer, or a broken connection. */
interface Arrow {
  /** The id of the call. */
  call: number;
  isEnd: boolean;
  /** How many calls wait for this one. */
  depth: number;
  /** The lanes that work on an answer, above and below the arrow. */
  activeBefore: Lane[];
  activeAfter: Lane[];
}

/** A step of a login. Its arrows are in the order of time, and may end calls of earlier steps. */
interface DrawnStep {
  calls: DrawnCall[];
  arrows: Arrow[];
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

type DrawnSteps = Map<Step, DrawnStep>;

/** The titles of the steps, which differ between the engines. */
const titlesOf = (steps: DrawnSteps): Record<Step, string> => {
  const asksVerify = ({ asked }: DrawnCall): boolean => asked.url.includes(PATHS.verifyRequests);
  const isVerify = steps.get('2')?.calls.some(asksVerify) ?? false;
  const isDirect = !steps.has('2') && steps.has('3');
  return {
    ...TITLES,
    ...(isVerify && { '4': 'The device returns to Vonage, which issues a code' }),
    ...(isDirect && { '2': 'The server builds the link itself, without a request' }),
  };
};

const stateOf = ({ answered, broken, description }: DescribedCall) => {
  if (!description.answer) return 'sent';
  if (broken) return 'broken';
  return answered ? 'answered' : 'waiting';
};

const describeAnswer = (call: DescribedCall, facts: LoginFacts): Caption | null => {
  if (call.broken) return bad('The connection was closed before the answer.');
  const { answered, description } = call;
  return (answered && description.answer?.({ ...call, answered, ...facts })) ?? null;
};

/** `says` describes the request, `heard` the answer, if there is one. */
const drawCall = (call: DescribedCall, facts: LoginFacts) => {
  const { id, at, asked, answered, description } = call;
  const { from, to, request } = description;
  const says = typeof request === 'string' ? request : request(call);
  const heard = describeAnswer(call, facts);
  return { id, at, from, to, says, heard, state: stateOf(call), asked, answered };
};

const factsOf = ({ number, calls }: Login): LoginFacts => {
  const message = calls.findLast(({ asked }) => asked.url.startsWith('tel:'))?.asked.method;
  return { number, seen: calls.findLast(({ seen }) => seen)?.seen, sentBy: MESSAGES[message ?? '']?.by };
};

/** The last outcome, or the success: later refusals do not change it. */
const outcomeOf = ({ calls }: Login, facts: LoginFacts): Caption => {
  const outcomes = calls
    .flatMap((call) => (call.answered ? [{ ...call, answered: call.answered, ...facts }] : []))
    .sort((one, other) => Number(other.ended) - Number(one.ended))
    .flatMap((call) => call.description.outcome?.(call) ?? []);
  return outcomes.find(({ tone }) => tone === 'good') ?? outcomes[0] ?? plain('The login has started.');
};

/** The requests and the ends of calls, in the order of time. */
const momentsOf = (calls: DescribedCall[]): { call: DescribedCall; isEnd: boolean; at: number }[] =>
  calls
    .flatMap((call) => [
      { call, isEnd: false, at: call.began },
      ...(call.ended === null ? [] : [{ call, isEnd: true, at: call.ended }]),
    ])
    .sort((one, other) => one.at - other.at);

const activeLanes = (open: Map<DescribedCall, number>): Lane[] => [
  ...new Set([...open.keys()].map(({ description }) => description.to)),
];

/** The depth of a call: one more than that of the open call for whose answer its sender works. */
const depthIn = (open: Map<DescribedCall, number>, { description }: DescribedCall): number => {
  const parent = [...open].findLast(
    ([{ description: other }]) => other.to === description.from && !other.isPoll,
  );
  return parent ? parent[1] + 1 : 0;
};

const drawSteps = ({ calls }: Login, facts: LoginFacts): DrawnSteps => {
  const steps: DrawnSteps = new Map();
  const open = new Map<DescribedCall, number>();
  let current: Step = '1';
  for (const { call, isEnd } of momentsOf(calls)) {
    const { step, answer } = call.description;
    if (!isEnd && step !== 'same') current = step;
    const drawn = steps.get(current) ?? { calls: [], arrows: [] };
    steps.set(current, drawn);
    if (!isEnd) drawn.calls.push(drawCall(call, facts));
    const depth = open.get(call) ?? depthIn(open, call);
    const activeBefore = activeLanes(open);
    if (isEnd) open.delete(call);
    else if (answer) open.set(call, depth);
    drawn.arrows.push({ call: call.id, isEnd, depth, activeBefore, activeAfter: activeLanes(open) });
  }
  return steps;
};

/** The steps with calls. Includes the empty ones of the five, unless a code is typed instead. */
const stepsOf = (steps: DrawnSteps) => {
  const isShown = (step: Step): boolean => steps.has(step) || (/\d/.test(step) && !steps.has('code'));
  return (Object.entries(titlesOf(steps)) as [Step, string][])
    .filter(([step]) => isShown(step))
    .map(([step, title]) => ({ step, title, ...(steps.get(step) ?? { calls: [], arrows: [] }) }));
};

export const EMPTY_STEPS = stepsOf(new Map());

export const diagramOf = (login: Login) => {
  const facts = factsOf(login);
  return {
    id: login.id,
    at: login.calls[0]?.at ?? '',
    number: login.number,
    seen: facts.seen ?? null,
    ending: outcomeOf(login, facts),
    steps: stepsOf(drawSteps(login, facts)),
  };
};
