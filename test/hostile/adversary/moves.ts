import fc from 'fast-check';
import type { EngineName } from '../../../src/config/login.js';

/** Two honest users, and the one who is not. */
export const PEOPLE = ['alice', 'bob', 'eve'] as const;
export type Who = (typeof PEOPLE)[number];

/**
 * Cookie jars: the attacker has two, so that he can carry things from one session of his to
 * another.
 */
export const JARS = { alice: 'alice', bob: 'bob', eve: 'eve', eve2: 'eve' } as const satisfies Record<
  string,
  Who
>;
export type Jar = keyof typeof JARS;
const ALL_JARS = Object.keys(JARS) as Jar[];
const EVES_JARS: readonly Jar[] = ['eve', 'eve2'];

/**
 * One move. Moves are plain data, so that a failing game can be shrunk, printed and kept. Things
 * that were seen are named by their age: 0 is the latest link, code or cookie that the one who
 * moves can lay hands on.
 */
export type Step =
  | { do: 'begin'; jar: Jar; number: Who; client: 'app' | 'browser'; challenge: boolean }
  /**
   * A device opens a link, whoever's it is, with its own SIM; the attacker may stop before any
   * hop. `shy` is a browser that says nothing of itself.
   */
  | { do: 'open'; on: Who; link: number; as: 'app' | 'browser' | 'shy'; hops: number }
  /** The parts of two callbacks that were seen, put together anew. */
  | { do: 'mix'; on: Who; state: number; code: number }
  | { do: 'post'; jar: Jar; code: number; careless: boolean }
  | { do: 'guess'; jar: Jar; code: string }
  | { do: 'next'; jar: Jar; channel: 'sms' | 'voice' | null }
  | { do: 'look'; jar: Jar }
  | { do: 'cancel'; jar: Jar }
  | { do: 'logout'; jar: Jar }
  /** A Verify request that was seen is reported as completed, by somebody who is not Vonage. */
  | { do: 'forge'; request: number };

export type Move =
  | Step
  /**
   * A cookie of the attacker comes to falseAnswer in somebody else's jar, or an old one in his
   * own.
   */
  | { do: 'plant'; jar: Jar; cookie: number }
  /** The attacker copies a cookie out of somebody else's jar into one of his own. */
  | { do: 'copy'; from: Jar; jar: Jar }
  | { do: 'turn'; seconds: number }
  | { do: 'race'; steps: Step[]; order: number[] };

export type Game = Move[];

const { constant, constantFrom, record, tuple } = fc;
const age = fc.oneof({ weight: 4, arbitrary: constant(0) }, fc.nat({ max: 5 }));
const jar = constantFrom(...ALL_JARS);
const evesJar = constantFrom(...EVES_JARS);
const who = constantFrom(...PEOPLE);
const client = constantFrom('app', 'browser');
const victim = constantFrom('alice', 'bob');
const rarely = fc.nat({ max: 5 }).map((n) => n === 0);
const as = constantFrom('app', 'browser', 'shy');
const guesses = constantFrom('000000', '123456', '0000', 'A'.repeat(43), '+447700900000');

const begin = record({ do: constant('begin'), jar, number: who, client, challenge: rarely });
const open = record({
  do: constant('open'),
  on: who,
  link: age,
  as,
  hops: fc.oneof({ weight: 3, arbitrary: constant(9) }, fc.integer({ min: 1, max: 5 })),
});
const post = record({ do: constant('post'), jar, code: age, careless: rarely });
const next = record({ do: constant('next'), jar, channel: constantFrom('sms', 'voice', null) });

const step = fc.oneof<fc.WeightedArbitrary<Step>[]>(
  { weight: 4, arbitrary: begin },
  { weight: 6, arbitrary: open },
  { weight: 6, arbitrary: post },
  { weight: 3, arbitrary: next },
  { weight: 2, arbitrary: record({ do: constant('mix'), on: who, state: age, code: age }) },
  { weight: 1, arbitrary: record({ do: constant('guess'), jar: evesJar, code: guesses }) },
  { weight: 1, arbitrary: record({ do: constant('look'), jar }) },
  { weight: 1, arbitrary: record({ do: constant('cancel'), jar }) },
  { weight: 1, arbitrary: record({ do: constant('logout'), jar }) },
  { weight: 1, arbitrary: record({ do: constant('forge'), request: age }) },
);

const order = fc.array(fc.nat({ max: 3 }), { minLength: 4, maxLength: 12 });
const race = record({
  do: constant('race'),
  steps: fc.array(step, { minLength: 2, maxLength: 3 }),
  order,
});
const plant = record({ do: constant('plant'), jar, cookie: age });
const copy = record({ do: constant('copy'), from: victim, jar: evesJar });
// 59: the silent step of Verify is over here, and not yet at Vonage, which heard of it later.
const turn = record({ do: constant('turn'), seconds: constantFrom(1, 31, 59, 61, 301, 1801) });

const single: fc.Arbitrary<Game> = fc
  .oneof<fc.WeightedArbitrary<Move>[]>(
    { weight: 10, arbitrary: step },
    { weight: 2, arbitrary: race },
    { weight: 1, arbitrary: plant },
    { weight: 1, arbitrary: copy },
    { weight: 1, arbitrary: turn },
  )
  .map((move) => [move]);

type Mode = 'app' | 'browser';
const wayTo = (on: Who, mode: Mode): Step => ({ do: 'open', on, link: 0, as: mode, hops: 9 });
const beginAs = (by: Jar, number: Who, mode: Mode): Step => ({
  do: 'begin',
  jar: by,
  number,
  client: mode,
  challenge: false,
});
const show = (by: Jar): Step => ({ do: 'post', jar: by, code: 0, careless: false });

/**
 * A whole login as an honest user does it, or the attacker for himself: silently, or by a code to
 * type.
 */
const login = (engine: EngineName, by: Jar, mode: Mode, typed: boolean): Game => [
  beginAs(by, JARS[by], mode),
  engine === 'off' || typed ? { do: 'next', jar: by, channel: null } : wayTo(JARS[by], mode),
  show(by),
];

/** The openings of the attacker: known attacks, up to the point where the product has to say no. */
const OPENINGS: Record<string, (by: Jar, victim: 'alice' | 'bob', mode: Mode) => Game> = {
  "the victim's phone opens the link that was begun with the victim's number": (by, on, mode) => [
    beginAs(by, on, mode),
    wayTo(on, mode),
  ],
  "and the cookie of that login falseAnswers in the victim's jar, whose page or app then finishes it": (
    by,
    on,
    mode,
  ) => [beginAs(by, on, mode), { do: 'plant', jar: on, cookie: 0 }, wayTo(on, mode), show(on)],
  "the attacker walks a login of the victim's number with his own SIM": (by, on, mode) => [
    beginAs(by, on, mode),
    wayTo('eve', mode),
    show(by),
  ],
  'a code from one session of his in another one that was begun for the victim': (_by, on, mode) => [
    beginAs('eve', on, mode),
    beginAs('eve2', 'eve', 'app'),
    wayTo('eve', 'app'),
    show('eve'),
    show('eve2'),
  ],
  "the attacker opens the victim's link and keeps the code": (by, on, mode) => [
    beginAs(on, on, mode),
    wayTo('eve', mode),
    show(by),
  ],
  'a code is brought without the answer to its challenge': (_by, on, mode) => [
    { ...beginAs(on, on, mode), challenge: true },
    wayTo(on, mode),
    { ...show(on), careless: true },
  ],
  'a session that changed its id is asked for by its old one': (by, on) => [
    beginAs(by, 'eve', 'app'),
    beginAs(by, on, 'app'),
    { do: 'plant', jar: by, cookie: 1 },
    show(by),
  ],
};
const opening = tuple(constantFrom(...Object.values(OPENINGS)), evesJar, victim, client).map(
  ([open_, by, on, mode]) => open_(by, on, mode),
);

/** A request that writes to the session of a jar. */
const writing = (by: Jar, what: 'begin' | 'cancel' | 'next' | 'post'): Step => {
  if (what === 'begin') return beginAs(by, JARS[by], 'app');
  if (what === 'next') return { do: what, jar: by, channel: null };
  return what === 'post' ? show(by) : { do: what, jar: by };
};
const writings = constantFrom('begin', 'cancel', 'next', 'post');

/** Somebody who is logged in logs out while another request writes to the same session. */
const leaving = (engine: EngineName) =>
  tuple(jar, writings, order).map(([by, what, drawn]): Game => [
    ...login(engine, by, 'app', false),
    { do: 'race', steps: [writing(by, what), { do: 'logout', jar: by }], order: drawn },
  ]);

/**
 * A cookie of somebody who is logged in is copied, and goes on in the hands of the attacker; then
 * its owner logs out.
 */
const copied = (engine: EngineName) =>
  tuple(victim, evesJar, fc.array(writings, { minLength: 1, maxLength: 3 })).map(([on, by, what]): Game => [
    ...login(engine, on, 'app', false),
    { do: 'copy', from: on, jar: by },
    ...what.map((each) => writing(by, each)),
    { do: 'logout', jar: on },
  ]);

/** Somebody gives a login up while the code of it is on its way. */
const givingUp = (engine: EngineName) =>
  tuple(jar, order).map(([by, drawn]): Game => [
    ...login(engine, by, 'app', false).slice(0, 2),
    { do: 'race', steps: [show(by), { do: 'cancel', jar: by }], order: drawn },
  ]);

/** Games of up to a dozen turns, each a move or a few that belong together. */
export const games = (engine: EngineName): fc.Arbitrary<Game> => {
  const logins = tuple(jar, client, rarely).map(([by, mode, typed]) => login(engine, by, mode, typed));
  const turns = fc.oneof(
    { weight: 12, arbitrary: single },
    { weight: 3, arbitrary: logins },
    { weight: 3, arbitrary: opening },
    { weight: 1, arbitrary: leaving(engine) },
    { weight: 1, arbitrary: copied(engine) },
    { weight: 1, arbitrary: givingUp(engine) },
  );
  return fc.array(turns, { minLength: 3, maxLength: 12, size: 'max' }).map((each) => each.flat());
};
