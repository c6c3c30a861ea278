import { FIELDS } from './adversary/run-games.js';
import { describeAdversary } from './adversary/suite.js';

/** `npm run test:hostile -- --games=100000` plays more. */
const games = Number(process.env['ADVERSARY_GAMES'] ?? 3640);

// A new seed for each run. A failing game is printed with its seed; add it to regressions.ts.
describeAdversary({ runs: Math.ceil(games / FIELDS.length), seed: Date.now() % 2 ** 31 });
