import { PATHS } from '../paths.js';
import type { Asked, Answered, Call, Lane, Seen } from './call.js';
import type { Login } from './logins.js';
import { heardOf, rowOf, saysOf } from './story.js';
import type { Known, Row, Step, Words } from './words.js';
import { plain } from './words.js';

/** One arrow of the diagram. `heard` is null while there is no answer, and for messages, which have none. */
export interface Arrow {
  id: number;
  at: string;
  from: Lane;
  to: Lane;
  says: string;
  heard: Words | null;
  state: 'waiting' | 'answered' | 'broken' | 'sent';
  asked: Asked;
  answered: Answered | null;
}

/** A login as it is told on the page. */
export interface Story {
  id: number;
  at: string;
  number: string;
  seen: Seen | null;
  /** Where it stands, and why. */
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

type Steps = Map<Step, Arrow[]>;

/** Each engine walks the five steps in its own way. */
const titlesOf = (arrows: Steps): Record<Step, string> => {
  const isVerify = arrows.get('2')?.some(({ asked }) => asked.url.includes(PATHS.verifyRequests)) ?? false;
  const isDirect = !arrows.has('2') && arrows.has('3');
  return {
    ...TITLES,
    ...(isVerify && { '4': 'Back at Vonage: the operator’s answer becomes a code' }),
    ...(isDirect && { '2': 'The server makes the link by itself: Vonage is not asked' }),
  };
};

const stateOf = ({ answered, broken }: Call, { hears }: Row): Arrow['state'] => {
  if (!hears) return 'sent';
  if (broken) return 'broken';
  return answered ? 'answered' : 'waiting';
};

const arrowOf = (call: Call, row: Row, known: Known): Arrow => ({
  id: call.id,
  at: call.at,
  from: row.from,
  to: row.to,
  says: saysOf(row, call),
  heard: heardOf(row, call, known) ?? null,
  state: stateOf(call, row),
  asked: call.asked,
  answered: call.answered,
});

const knownOf = ({ number, calls }: Login): Known => {
  const message = calls.findLast(({ asked }) => asked.url.startsWith('tel:'))?.asked.method;
  return {
    number,
    seen: calls.findLast(({ seen }) => seen)?.seen,
    sent: message === undefined ? undefined : message === 'CALL' ? 'voice' : 'sms',
  };
};

/** What the last answer that meant something meant. */
const endingOf = ({ calls }: Login, known: Known): Words => {
  const told = calls
    .flatMap((call) => (call.answered ? [{ ...call, answered: call.answered, ...known }] : []))
    .sort((one, other) => other.answered.order - one.answered.order);
  const said = told.flatMap((each) => rowOf(each.asked)?.stands?.(each) ?? []);
  // A login that worked is over: what is refused after it changes nothing.
  return said.find(({ tone }) => tone === 'good') ?? said[0] ?? plain('It has only begun.');
};

const arrowsOf = ({ calls }: Login, known: Known): Steps => {
  const arrows: Steps = new Map();
  let current: Step = '1';
  for (const call of calls) {
    const row = rowOf(call.asked);
    if (!row) continue;
    if (row.step !== 'same') current = row.step;
    arrows.set(current, [...(arrows.get(current) ?? []), arrowOf(call, row, known)]);
  }
  return arrows;
};

const stepsOf = (arrows: Steps): Story['steps'] => {
  // A step that is still to come is shown; one that a code to type took the place of is not.
  const isShown = (step: Step): boolean => arrows.has(step) || (/\d/.test(step) && !arrows.has('code'));
  const titles = Object.entries(titlesOf(arrows)) as [Step, string][];
  return titles
    .filter(([step]) => isShown(step))
    .map(([step, title]) => ({ step, title, calls: arrows.get(step) ?? [] }));
};

/** The steps of a login that is still to come. */
export const STEPS_TO_COME = stepsOf(new Map());

/** Tells a login step by step, in words for somebody who sees one for the first time. */
export const tell = (login: Login): Story => {
  const known = knownOf(login);
  return {
    id: login.id,
    at: login.calls[0]?.at ?? '',
    number: login.number,
    seen: known.seen ?? null,
    ending: endingOf(login, known),
    steps: stepsOf(arrowsOf(login, known)),
  };
};
