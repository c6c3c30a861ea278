import type { EngineName } from '../../src/login/engines/engines.js';
import type { Game } from './adversary/moves.js';

interface Regression {
  /** What it once showed. */
  broke: string;
  engine: EngineName;
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
];
