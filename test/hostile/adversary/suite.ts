import { FIELDS, hunt } from './run-games.js';
import { REGRESSIONS } from '../regressions.js';
import { addToSummary } from '../summary.js';

/**
 * Depths that games have to reach, or they prove nothing: a model that logs nobody in, or attacks
 * nobody, finds nothing. How many of them there are, at the least, for every hundred games.
 */
const DEPTHS = {
  'honest logins': 50,
  'logins of the attacker as himself': 15,
  'logins begun by the attacker with a number of others': 50,
  'codes that a victim was given at the end of a link of the attacker': 10,
  'codes that the attacker was given at the end of a link of a victim': 1,
  'codes brought to a session that did not begin their login': 5,
  'numbers that the operator denied': 2,
  'messages to victims that the attacker asked for': 1,
  'logins of victims in a session that was planted': 3,
  'cookies that were brought back after their end': 1,
  'callbacks put together from two': 1,
  'codes that were guessed': 5,
  races: 40,
  'cookies of victims who are logged in that were copied': 5,
  'logouts with a cookie whose place another one took': 3,
  'games whose messages were counted': 20,
};

/**
 * @param runs games for each engine over each store; each field draws its own
 * @param seed of the first field
 */
export function describeAdversary({ runs, seed }: { runs: number; seed: number }): void {
  describe('an attacker between two honest users', () => {
    const total = new Map<string, number>();
    let [played, breaks] = [0, 0];

    test.each(FIELDS.map((field, at) => ({ ...field, seed: seed + at })))(
      'takes nobody else’s place, with $engine over $store (step-up: $stepUp, seed $seed)',
      async (field) => {
        const known = REGRESSIONS.filter(
          ({ engine, stepUp = false }) => engine === field.engine && stepUp === field.stepUp,
        ).map(({ game }) => game);
        const found = await hunt({ ...field, runs, known });
        played += found.played;
        breaks += found.broken === undefined ? 0 : 1;
        for (const [what, count] of found.counts) total.set(what, (total.get(what) ?? 0) + count);
        expect(found.broken).toBeUndefined();
      },
      60_000 + runs * 2000,
    );

    test('gets deep enough for that to mean something, and honest users log in', () => {
      process.stderr.write(
        [
          `${played} interleavings, ${breaks} broken; among them`,
          ...[...total].map(([what, n]) => `  ${n} ${what}`),
          '',
        ].join('\n'),
      );
      const shallow = Object.entries(DEPTHS).filter(
        ([what, least]) => (total.get(what) ?? 0) < (played / 100) * least,
      );
      expect(shallow).toEqual([]);
    });

    afterAll(() => addToSummary({ 'interleavings tried': played, 'invariant breaks': breaks }));
  });
}
