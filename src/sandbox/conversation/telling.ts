import type { Asked, Answered, Call, Lane, Seen } from './call.js';
import type { Login } from './logins.js';
import { heardOf, rowOf, saysOf } from './story.js';
import type { Row, Step, Told, Words } from './words.js';
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

/** With Verify, Vonage itself gives the device its code, and the server has no token. */
const OF_VERIFY: Partial<Record<Step, string>> = { '4': 'Vonage gives the device a code' };

const FIVE = ['1', '2', '3', '4', '5'];

const stateOf = ({ answered, broken }: Call, { isOneWay }: Row): Arrow['state'] => {
  if (isOneWay) return 'sent';
  if (broken) return 'broken';
  return answered ? 'answered' : 'waiting';
};

const arrowOf = (call: Call, row: Row, told: Omit<Told, 'asked' | 'answered'>): Arrow => ({
  id: call.id,
  at: call.at,
  from: row.from,
  to: row.to,
  says: saysOf(row, call.asked),
  heard: heardOf(row, { ...call, ...(told.seen && { seen: told.seen }) }, told.number) ?? null,
  state: stateOf(call, row),
  asked: call.asked,
  answered: call.answered,
});

/** What the last answer that meant something meant. */
const endingOf = (login: Login, seen: Seen | undefined): Words => {
  const answered = login.calls
    .flatMap((call) => (call.answered ? [{ asked: call.asked, answered: call.answered }] : []))
    .sort((one, other) => other.answered.order - one.answered.order);
  const said = answered.flatMap(
    (each) => rowOf(each.asked)?.stands?.({ ...each, number: login.number, seen }) ?? [],
  );
  // A login that worked is over: what is refused after it changes nothing.
  return said.find(({ tone }) => tone === 'good') ?? said[0] ?? plain('It has only begun.');
};

/** Tells a login step by step, in words for somebody who sees one for the first time. */
export const tell = (login: Login): Story => {
  const { id, number, calls } = login;
  const seen = calls.findLast((call) => call.seen)?.seen;
  const arrows = new Map<Step, Arrow[]>();
  let current: Step = '1';
  for (const call of calls) {
    const row = rowOf(call.asked);
    if (!row) continue;
    if (row.step !== 'same') current = row.step;
    arrows.set(current, [...(arrows.get(current) ?? []), arrowOf(call, row, { number, seen })]);
  }
  const byVerify = arrows.get('2')?.some(({ asked }) => asked.url.includes('/v2/verify')) ?? false;
  const titles = Object.entries({ ...TITLES, ...(byVerify && OF_VERIFY) }) as [Step, string][];
  return {
    id,
    at: calls[0]?.at ?? '',
    number,
    seen: seen ?? null,
    ending: endingOf(login, seen),
    steps: titles
      .map(([step, title]) => ({ step, title, calls: arrows.get(step) ?? [] }))
      .filter((each) => FIVE.includes(each.step) || each.calls.length > 0),
  };
};
