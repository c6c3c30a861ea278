import type { EngineName } from '../../src/login/engines/engines.js';
import type { Game, Jar, Step } from './adversary/moves.js';

interface Regression {
  name: string;
  engine: EngineName;
  game: Game;
}

const begin = (jar: Jar): Step => ({ do: 'begin', jar, number: 'alice', client: 'app', challenge: false });
const post = (jar: Jar): Step => ({ do: 'post', jar, code: 0, careless: false });

/** Games that once broke something, as they were printed, and are played first in every run. */
export const REGRESSIONS: readonly Regression[] = [
  ...[
    [0, 0, 0, 0],
    [1, 0, 0, 0, 3],
    [3, 0, 0, 0, 3],
    [1, 0, 3, 0, 0, 0],
  ].map((order) => ({
    name: 'a request that was refused wrote its session back behind its answer, and the connection was cut',
    engine: 'off' as const,
    game: [
      begin('alice'),
      { do: 'next', jar: 'alice', channel: null } as const,
      post('alice'),
      {
        do: 'race',
        steps: [
          { do: 'next', jar: 'alice', channel: null },
          { do: 'logout', jar: 'alice' },
        ],
        order,
      } as const,
      begin('alice'),
      { do: 'cancel', jar: 'alice' } as const,
      { do: 'look', jar: 'alice' } as const,
    ] as Game,
  })),
];
