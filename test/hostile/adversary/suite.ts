import { FIELDS, runGames } from './run-games.js';
import { PLACES } from './servers.js';
import { REGRESSIONS } from '../regressions.js';
import { addToSummary } from '../summary.js';

/**
 * Events that games have to reach, at least so often per hundred games: a model that neither logs
 * in nor attacks cannot find anything.
 */
const LEAST_EVENTS = {
  'honest logins': 50,
  'logins of the attacker as himself': 15,
  'logins that the attacker began with the number of a victim': 50,
  'codes that a victim received through a link of the attacker': 10,
  'codes that the attacker received through a link of a victim': 1,
  'codes posted to a session that did not begin their login': 5,
  'numbers that the operator denied': 2,
  'messages to victims that the attacker requested': 1,
  'logins of victims in a planted session': 3,
  'dead cookies that were used again': 1,
  'callbacks combined from two': 1,
  'guessed codes': 5,
  races: 40,
  'copied cookies of logged-in victims': 5,
  'logouts with a replaced cookie': 3,
  'games whose messages were counted': 20,
  ...Object.fromEntries(Object.keys(PLACES).map((place) => [`games with ${place}`, 5])),
  'lists of sessions': 20,
  'sessions ended by their id': 3,
  'ids of sessions of another user that were to be ended': 2,
  'revocations by users': 10,
  'revocations by operators': 10,
  're-authentications': 5,
  're-authentications with another number': 5,
  assertions: 15,
  'assertions refused as too old': 3,
};

/** @param runs games per field @param seed of the first field; each further field adds 1 */
export function describeAdversary({ runs, seed }: { runs: number; seed: number }): void {
  describe('an attacker between two honest users', () => {
    const total = new Map<string, number>();
    let [played, breaks] = [0, 0];

    test.each(FIELDS.map((field, at) => ({ ...field, seed: seed + at })))(
      'breaks no rule, with $engine and the store $store (step-up: $stepUp, seed $seed)',
      async (field) => {
        const known = REGRESSIONS.filter(
          ({ engine, stepUp = false }) => engine === field.engine && stepUp === field.stepUp,
        ).map(({ game }) => game);
        const result = await runGames({ ...field, runs, known });
        played += result.played;
        breaks += result.broken === undefined ? 0 : 1;
        for (const [what, count] of result.counts) total.set(what, (total.get(what) ?? 0) + count);
        expect(result.broken).toBeUndefined();
      },
      60_000 + runs * 2000,
    );

    test('reaches enough events of each kind, and honest users log in', () => {
      process.stderr.write(
        [
          `${played} interleavings, ${breaks} with a broken rule; events:`,
          ...[...total].map(([what, n]) => `  ${n} ${what}`),
          '',
        ].join('\n'),
      );
      const tooFew = Object.entries(LEAST_EVENTS).filter(
        ([what, least]) => (total.get(what) ?? 0) < (played / 100) * least,
      );
      expect(tooFew).toEqual([]);
    });

    afterAll(() => addToSummary({ 'interleavings tried': played, 'invariant breaks': breaks }));
  });
}
