import type { EngineName } from '../../src/config/login.js';
import type { Game } from './adversary/moves.js';

interface Regression {
  /** The fault that the game once found. */
  broke: string;
  engine: EngineName;
  /** With a hook that requires a code in addition to the SIM. */
  stepUp?: boolean;
  game: Game;
}

/** Games that once found a fault. Every run plays them first. */
export const REGRESSIONS: readonly Regression[] = [
  {
    broke: 'a refused request wrote its session after its answer, and the connection was cut',
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
    broke: 'the same after a silent login',
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
    broke: 'a logout during POST /login in the same session left its user logged in',
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
    broke: 'a logout did not end a session in which a thief had begun a login with a copied cookie',
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
    broke: 'a login that was cancelled during POST /verify logged its user in',
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
    broke: 'the code of a SIM counted as that of an SMS that was never sent, and passed a step-up',
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
    broke: 'a chain that was not cancelled sent an SMS and a call, and only one was counted',
    engine: 'verify',
    game: [
      { do: 'begin', jar: 'alice', number: 'alice', client: 'app', challenge: false },
      { do: 'turn', seconds: 61 },
      { do: 'turn', seconds: 301 },
    ],
  },
  {
    broke: 'a code of a SIM was checked at Vonage as a typed one after its login had moved on to a message',
    engine: 'verify',
    game: [
      { do: 'begin', jar: 'alice', number: 'alice', client: 'app', challenge: false },
      { do: 'open', on: 'alice', link: 0, as: 'app', hops: 9 },
      { do: 'next', jar: 'alice', channel: 'sms' },
      { do: 'post', jar: 'alice', code: 1, careless: false },
      { do: 'post', jar: 'alice', code: 1, careless: false },
    ],
  },
  {
    broke: 'the code of a call counted as one of the SMS before, in a login that took over a verification',
    engine: 'verify',
    game: [
      { do: 'begin', jar: 'alice', number: 'alice', client: 'app', challenge: false },
      { do: 'open', on: 'eve', link: 0, as: 'app', hops: 9 },
      { do: 'post', jar: 'eve', code: 0, careless: false },
      { do: 'turn', seconds: 301 },
      { do: 'begin', jar: 'alice', number: 'alice', client: 'app', challenge: false },
      { do: 'open', on: 'alice', link: 0, as: 'app', hops: 9 },
      { do: 'post', jar: 'alice', code: 0, careless: false },
    ],
  },
];
