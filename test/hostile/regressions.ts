import type { EngineName } from '../../src/config/login.js';
import type { Game } from './adversary/moves.js';

interface Regression {
  /** What it once showed. */
  broke: string;
  engine: EngineName;
  /** With a hook that wants a code on top of the SIM. */
  stepUp?: boolean;
  game: Game;
}

/** Games that once broke something, as they were printed, and are played first in every run. */
export const REGRESSIONS: readonly Regression[] = [
  {
    broke: 'a request that was refused wrote its session back behind its answer, and the connection was cut',
    engine: 'off',
    game: [
      { do: 'begin', jar: 'alice', number: 'alice', client: 'app', challenge: false },
      { do: 'next', jar: 'alice', channel: null },
      { do: 'post', jar: 'alice', code: 0, careless: false },
      {
        do: 'race',
        steps: [
          { do: 'next', jar: 'alice', channel: null },
          { do: 'logout', jar: 'alice' },
        ],
        order: [0, 0, 0, 0],
      },
      { do: 'cancel', jar: 'alice' },
      { do: 'look', jar: 'alice' },
    ],
  },
  {
    broke: 'the same, behind a silent login',
    engine: 'network-enablement',
    game: [
      { do: 'begin', jar: 'alice', number: 'alice', client: 'app', challenge: false },
      { do: 'open', on: 'alice', link: 0, as: 'app', hops: 9 },
      { do: 'post', jar: 'alice', code: 0, careless: false },
      {
        do: 'race',
        steps: [
          { do: 'next', jar: 'alice', channel: null },
          { do: 'logout', jar: 'alice' },
        ],
        order: [0, 1, 0, 1],
      },
      { do: 'begin', jar: 'alice', number: 'alice', client: 'app', challenge: false },
      { do: 'next', jar: 'alice', channel: null },
      { do: 'post', jar: 'alice', code: 0, careless: false },
    ],
  },
  {
    broke: 'a logout beside a login that was begun in the same session left its user logged in',
    engine: 'verify',
    game: [
      { do: 'begin', jar: 'eve2', number: 'eve', client: 'app', challenge: false },
      { do: 'open', on: 'eve', link: 0, as: 'app', hops: 9 },
      { do: 'post', jar: 'eve2', code: 0, careless: false },
      {
        do: 'race',
        steps: [
          { do: 'begin', jar: 'eve2', number: 'alice', client: 'app', challenge: true },
          { do: 'mix', on: 'alice', state: 0, code: 0 },
          { do: 'logout', jar: 'eve2' },
        ],
        order: [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
      },
      { do: 'plant', jar: 'alice', cookie: 0 },
      { do: 'plant', jar: 'alice', cookie: 0 },
      { do: 'post', jar: 'alice', code: 0, careless: false },
    ],
  },
  {
    broke: 'a logout ended nothing where a thief had begun a login with a copy of the cookie',
    engine: 'off',
    game: [
      { do: 'begin', jar: 'alice', number: 'alice', client: 'app', challenge: false },
      { do: 'next', jar: 'alice', channel: null },
      { do: 'post', jar: 'alice', code: 0, careless: false },
      { do: 'copy', from: 'alice', jar: 'eve' },
      { do: 'begin', jar: 'eve', number: 'eve', client: 'app', challenge: false },
      { do: 'logout', jar: 'alice' },
    ],
  },
  {
    broke: 'a login was given up while its code was being proved, and logged its user in all the same',
    engine: 'verify',
    game: [
      { do: 'begin', jar: 'alice', number: 'alice', client: 'app', challenge: false },
      { do: 'open', on: 'alice', link: 0, as: 'app', hops: 9 },
      {
        do: 'race',
        steps: [
          { do: 'post', jar: 'alice', code: 0, careless: false },
          { do: 'cancel', jar: 'alice' },
        ],
        order: [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
      },
    ],
  },
  {
    broke: 'the code of a SIM was taken for one of an SMS that was never sent, and passed a step-up',
    engine: 'verify',
    stepUp: true,
    game: [
      { do: 'begin', jar: 'alice', number: 'alice', client: 'app', challenge: false },
      { do: 'open', on: 'alice', link: 0, as: 'app', hops: 9 },
      { do: 'turn', seconds: 59 },
      { do: 'post', jar: 'alice', code: 0, careless: false },
    ],
  },
  {
    broke: 'a chain that nobody stopped sent a text and a call, of which one was counted',
    engine: 'verify',
    game: [
      { do: 'begin', jar: 'alice', number: 'alice', client: 'app', challenge: false },
      { do: 'turn', seconds: 61 },
      { do: 'turn', seconds: 301 },
    ],
  },
  {
    broke:
      'a code of a SIM was tried at Vonage as one that is typed, once its login had gone on to a message',
    engine: 'verify',
    game: [
      { do: 'begin', jar: 'alice', number: 'alice', client: 'app', challenge: false },
      { do: 'open', on: 'alice', link: 0, as: 'app', hops: 9 },
      { do: 'next', jar: 'alice', channel: 'sms' },
      { do: 'post', jar: 'alice', code: 1, careless: false },
      { do: 'post', jar: 'alice', code: 1, careless: false },
    ],
  },
];
