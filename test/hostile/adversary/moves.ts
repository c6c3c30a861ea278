import fc from 'fast-check';
import type { EngineName } from '../../../src/config/login.js';
import { PLACES, type Place } from './servers.js';

/** Two honest users and an attacker. */
export const PEOPLE = ['alice', 'bob', 'eve'] as const;
export type Who = (typeof PEOPLE)[number];

/**
 * Cookie jars. Alice has two devices, and ends sessions of one from the other. The attacker has two
 * jars, to move codes and cookies between sessions.
 */
export const JARS = {
  alice: 'alice',
  alice2: 'alice',
  bob: 'bob',
  eve: 'eve',
  eve2: 'eve',
} as const satisfies Record<string, Who>;
export type Jar = keyof typeof JARS;
const ALL_JARS = Object.keys(JARS) as Jar[];
const EVES_JARS: readonly Jar[] = ['eve', 'eve2'];

/**
 * One step. Steps are data, so that a failing game can be shrunk, printed and stored. Links,
 * codes and cookies are identified by their age: 0 is the latest that the player has.
 */
export type Step =
  | {
      do: 'begin';
      jar: Jar;
      number: Who;
      client: 'app' | 'browser';
      challenge: boolean;
      /** It re-authenticates the user of the session. */
      again?: boolean;
    }
  /** A device opens a link with its own SIM. `shy` is a browser without `Sec-Fetch` headers. */
  | { do: 'open'; on: Who; link: number; as: 'app' | 'browser' | 'shy'; hops: number }
  /** Combines the parameters of two callbacks. */
  | { do: 'mix'; on: Who; state: number; code: number }
  | { do: 'post'; jar: Jar; code: number; careless: boolean }
  | { do: 'guess'; jar: Jar; code: string }
  | { do: 'next'; jar: Jar; channel: 'sms' | 'voice' | null }
  | { do: 'look'; jar: Jar }
  | { do: 'cancel'; jar: Jar }
  | { do: 'logout'; jar: Jar }
  /** Sends an unsigned webhook that reports a Verify request as completed. */
  | { do: 'forge'; request: number }
  | { do: 'list'; jar: Jar }
  /** Ends a session by an id, which may be of another user. */
  | { do: 'end'; jar: Jar; id: number }
  | { do: 'end others'; jar: Jar; all: boolean }
  /** An operator ends the sessions of a number. */
  | { do: 'revoke'; number: Who }
  | { do: 'assert'; jar: Jar; maxAge: number | null };

/** Where a game is played, and the rules of its numbers. */
export interface Setup {
  do: 'setup';
  place: Place;
  /** The number whose SIM has changed. */
  swapped: Who;
  /** What a hook answers for a number whose SIM was proved; `refuse` also for its codes. */
  hook: { number: Who; answer: 'refuse' | 'stepUp' } | null;
}

export type Move =
  | Step
  | Setup
  /** Puts a cookie of the attacker into another jar, or an old one into his own. */
  | { do: 'plant'; jar: Jar; cookie: number }
  /** Copies a cookie of another player into a jar of the attacker. */
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

const again = begin.map((each) => ({ ...each, again: true, number: JARS[each.jar] }));

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
  { weight: 1, arbitrary: record({ do: constant('list'), jar }) },
  { weight: 1, arbitrary: record({ do: constant('end'), jar, id: age }) },
  { weight: 1, arbitrary: record({ do: constant('end others'), jar, all: fc.boolean() }) },
  { weight: 1, arbitrary: record({ do: constant('revoke'), number: who }) },
  { weight: 2, arbitrary: record({ do: constant('assert'), jar, maxAge: constantFrom(null, 0, 60) }) },
  { weight: 1, arbitrary: again },
  { weight: 1, arbitrary: begin.map((each) => ({ ...each, again: true })) },
);

const order = fc.array(fc.nat({ max: 3 }), { minLength: 4, maxLength: 12 });
const race = record({
  do: constant('race'),
  steps: fc.array(step, { minLength: 2, maxLength: 3 }),
  order,
});
const plant = record({ do: constant('plant'), jar, cookie: age });
const copy = record({ do: constant('copy'), from: victim, jar: evesJar });
// After 59 s the silent step of Verify has ended here, and not yet at Vonage, where it began later.
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
const openLatest = (on: Who, mode: Mode): Step => ({ do: 'open', on, link: 0, as: mode, hops: 9 });
const beginAs = (by: Jar, number: Who, mode: Mode): Step => ({
  do: 'begin',
  jar: by,
  number,
  client: mode,
  challenge: false,
});
const postLatest = (by: Jar): Step => ({ do: 'post', jar: by, code: 0, careless: false });

interface LoginOptions {
  by: Jar;
  mode: Mode;
  /** By a typed code instead of the SIM. */
  typed: boolean;
}

/** A complete login of a player with his own number. */
const login = (engine: EngineName, { by, mode, typed }: LoginOptions): Game => [
  beginAs(by, JARS[by], mode),
  engine === 'off' || typed ? { do: 'next', jar: by, channel: null } : openLatest(JARS[by], mode),
  postLatest(by),
];

/** Known attacks, up to the request that the server has to refuse. */
const OPENINGS: Record<string, (by: Jar, victim: 'alice' | 'bob', mode: Mode) => Game> = {
  "the victim's phone opens the link that was begun with the victim's number": (by, on, mode) => [
    beginAs(by, on, mode),
    openLatest(on, mode),
  ],
  "the same with the cookie of that login in the victim's jar, whose page or app then completes it": (
    by,
    on,
    mode,
  ) => [beginAs(by, on, mode), { do: 'plant', jar: on, cookie: 0 }, openLatest(on, mode), postLatest(on)],
  "the attacker opens the link of a login with the victim's number with his own SIM": (by, on, mode) => [
    beginAs(by, on, mode),
    openLatest('eve', mode),
    postLatest(by),
  ],
  "a code from one of the attacker's sessions is posted in another one that began for the victim": (
    _by,
    on,
    mode,
  ) => [
    beginAs('eve', on, mode),
    beginAs('eve2', 'eve', 'app'),
    openLatest('eve', 'app'),
    postLatest('eve'),
    postLatest('eve2'),
  ],
  "the attacker opens the victim's link and keeps the code": (by, on, mode) => [
    beginAs(on, on, mode),
    openLatest('eve', mode),
    postLatest(by),
  ],
  'a code is posted without the verifier of its challenge': (_by, on, mode) => [
    { ...beginAs(on, on, mode), challenge: true },
    openLatest(on, mode),
    { ...postLatest(on), careless: true },
  ],
  'the attacker has a message sent to the victim, and guesses its code': (by, on) => [
    beginAs(by, on, 'app'),
    { do: 'turn', seconds: 31 },
    { do: 'next', jar: by, channel: null },
    { do: 'guess', jar: by, code: '000000' },
  ],
  'a session that changed its id is used by its old cookie': (by, on) => [
    beginAs(by, 'eve', 'app'),
    beginAs(by, on, 'app'),
    { do: 'plant', jar: by, cookie: 1 },
    postLatest(by),
  ],
};
const opening = tuple(constantFrom(...Object.values(OPENINGS)), evesJar, victim, client).map(
  ([open_, by, on, mode]) => open_(by, on, mode),
);

/** A request that writes to the session of a jar. */
const writing = (by: Jar, what: 'begin' | 'cancel' | 'next' | 'post'): Step => {
  if (what === 'begin') return beginAs(by, JARS[by], 'app');
  if (what === 'next') return { do: what, jar: by, channel: null };
  return what === 'post' ? postLatest(by) : { do: what, jar: by };
};
const writings = constantFrom('begin', 'cancel', 'next', 'post');

/** A logout while another request writes to the same session. */
const logoutDuringWrite = (engine: EngineName) =>
  tuple(jar, writings, order).map(([by, what, drawn]): Game => [
    ...login(engine, { by, mode: 'app', typed: false }),
    { do: 'race', steps: [writing(by, what), { do: 'logout', jar: by }], order: drawn },
  ]);

/** The attacker uses a copied cookie of a logged-in user, and then its owner logs out. */
const copiedCookie = (engine: EngineName) =>
  tuple(victim, evesJar, fc.array(writings, { minLength: 1, maxLength: 3 })).map(([on, by, what]): Game => [
    ...login(engine, { by: on, mode: 'app', typed: false }),
    { do: 'copy', from: on, jar: by },
    ...what.map((each) => writing(by, each)),
    { do: 'logout', jar: on },
  ]);

/** A login is cancelled while its code is posted. */
const cancelDuringPost = (engine: EngineName) =>
  tuple(jar, order).map(([by, drawn]): Game => [
    ...login(engine, { by, mode: 'app', typed: false }).slice(0, 2),
    { do: 'race', steps: [postLatest(by), { do: 'cancel', jar: by }], order: drawn },
  ]);

/** Requests that end sessions of a number: of its user, by another device, or of an operator. */
const endings = (number: Who, from: Jar): Step[] => [
  { do: 'end others', jar: from, all: false },
  { do: 'end others', jar: from, all: true },
  { do: 'end', jar: from, id: 0 },
  { do: 'revoke', number },
];

/** A stolen cookie is ended from the other device of its user, or by an operator. */
const endedFromOutside = (engine: EngineName) =>
  tuple(evesJar, fc.nat({ max: 3 })).map(([by, which]): Game => [
    ...login(engine, { by: 'alice', mode: 'app', typed: false }),
    { do: 'list', jar: 'alice' },
    { do: 'copy', from: 'alice', jar: by },
    ...login(engine, { by: 'alice2', mode: 'app', typed: false }),
    ...endings('alice', 'alice2').slice(which, which + 1),
    { do: 'assert', jar: by, maxAge: null },
  ]);

/** Sessions of a number are ended while one of its logins completes. */
const endedDuringLogin = (engine: EngineName) =>
  tuple(fc.nat({ max: 3 }), fc.boolean(), order).map(([which, atOnce, drawn]): Game => {
    const begun = login(engine, { by: 'alice2', mode: 'app', typed: false });
    const ending = endings('alice', 'alice')[which] as Step;
    const post = postLatest('alice2');
    const both: Game = atOnce ? [{ do: 'race', steps: [post, ending], order: drawn }] : [ending, post];
    return [
      ...login(engine, { by: 'alice', mode: 'app', typed: false }),
      { do: 'turn', seconds: 31 },
      ...begun.slice(0, 2),
      ...both,
    ];
  });

/** The attacker ends a session of his that has become one of a victim. */
const formerlyOwn = (engine: EngineName) =>
  tuple(victim, client).map(([on, mode]): Game => [
    ...login(engine, { by: 'eve', mode, typed: false }),
    { do: 'list', jar: 'eve' },
    { do: 'plant', jar: on, cookie: 0 },
    ...login(engine, { by: on, mode, typed: false }),
    { do: 'turn', seconds: 31 },
    ...login(engine, { by: 'eve2', mode, typed: false }),
    { do: 'list', jar: 'eve2' },
    { do: 'end', jar: 'eve2', id: 1 },
    { do: 'end others', jar: 'eve2', all: false },
  ]);

/** A user proves the number again; the assertion has to say when, and how. */
const freshProof = (engine: EngineName) =>
  tuple(jar, rarely, who).map(([by, typed, number]): Game => {
    const [begun, ...rest] = login(engine, { by, mode: 'app', typed }) as [Step & { do: 'begin' }, ...Game];
    return [
      ...login(engine, { by, mode: 'app', typed: false }),
      { do: 'turn', seconds: 61 },
      { do: 'assert', jar: by, maxAge: 60 },
      { ...begun, number, again: true },
      { ...begun, again: true },
      ...rest,
      { do: 'assert', jar: by, maxAge: 60 },
    ];
  });

/** A login by the SIM and a code, where a hook asks for both. */
const steppedUp = (engine: EngineName) =>
  tuple(jar, constantFrom('sms', 'voice')).map(([by, channel]): Game => [
    ...login(engine, { by, mode: 'app', typed: false }),
    { do: 'turn', seconds: 31 },
    { do: 'next', jar: by, channel },
    postLatest(by),
    { do: 'assert', jar: by, maxAge: null },
  ]);

const setup: fc.Arbitrary<Setup> = record({
  do: constant('setup'),
  place: constantFrom(...(Object.keys(PLACES) as Place[])),
  swapped: who,
  hook: fc.option(record({ number: who, answer: constantFrom('refuse', 'stepUp') }), { freq: 3 }),
});

/** Games of up to twelve turns, each one move or a sequence. */
export const games = (engine: EngineName): fc.Arbitrary<Game> => {
  const logins = tuple(jar, client, rarely).map(([by, mode, typed]) => login(engine, { by, mode, typed }));
  const turns = fc.oneof(
    { weight: 12, arbitrary: single },
    { weight: 3, arbitrary: logins },
    { weight: 5, arbitrary: opening },
    { weight: 1, arbitrary: logoutDuringWrite(engine) },
    { weight: 1, arbitrary: copiedCookie(engine) },
    { weight: 1, arbitrary: cancelDuringPost(engine) },
    ...[endedFromOutside, endedDuringLogin, formerlyOwn, freshProof, steppedUp].map((sequence) => ({
      weight: 1,
      arbitrary: sequence(engine),
    })),
  );
  const played = fc.array(turns, { minLength: 3, maxLength: 12, size: 'max' });
  return tuple(setup, played).map(([first, each]) => [first, ...each.flat()]);
};
