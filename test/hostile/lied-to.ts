import { buildHouse, type House } from '../support/house.js';
import { heapInUse } from './heap.js';
import { openLiar, type Liar } from './liar.js';
import { LIES, redirects } from './lies.js';
import { OWN_LIES } from './own-lies.js';
import { tellAll, type Scene, type Told } from './scenes.js';
import { openStranger, type Stranger } from './stranger.js';
import { tally } from './tally.js';

/** What an app may be told when Vonage is not to be understood. */
const HONEST = ['upstream_error', 'upstream_timeout', 'unavailable'];

const liesTo = (scene: Scene, stranger: string) => ({
  ...LIES,
  ...redirects(stranger),
  ...OWN_LIES[scene.endpoint],
});

/** Beyond the deadline of a call: what a busy machine needs to notice. */
const NOTICE = 2000;

function expectDisbelief({ status, body, took, authenticated }: Told, { endpoint, deadline }: Scene): void {
  expect(authenticated).toBe(false);
  expect(took).toBeLessThan(deadline + NOTICE);
  // The body of a yes to `next` says nothing, so its status is all there is to believe; nobody waits for `cancel`.
  if (endpoint === 'next' && status === 200) return;
  if (endpoint === 'cancel' && status === 204) return;
  // A login that has another way than the silent one goes on without it.
  if (status === 201) expect(body).toMatchObject({ channel: null, auth_url: null });
  else expect(HONEST).toContain(body['error']);
}

/** Tells a server every lie there is, at each of these calls. */
export function describeLies(what: string, env: Record<string, string>, scenes: readonly Scene[]): void {
  describe(`${what} as a liar`, () => {
    let house: House;
    let liar: Liar;
    let stranger: Stranger;
    let heapBefore: number;
    const told = new Map<Scene, Map<string, Promise<Told>>>();
    beforeAll(async () => {
      [liar, stranger] = [await openLiar(), await openStranger()];
      house = await buildHouse({ env, between: (sandbox) => liar.standBefore(sandbox) });
      heapBefore = heapInUse();
      for (const scene of scenes)
        told.set(scene, await tellAll({ house, liar }, scene, liesTo(scene, stranger.url)));
      const outcomes = await Promise.all([...told.values()].flatMap((each) => [...each.values()]));
      const refused = outcomes.filter(({ authenticated }) => !authenticated);
      tally({ 'cases tried': outcomes.length, 'cases refused': refused.length });
    }, 120_000);
    afterAll(async () => {
      await house.stop();
      liar.stop();
      stranger.stop();
    });

    describe.each(scenes.map((scene) => [scene.endpoint, scene] as const))(
      'asked for %s',
      (_endpoint, scene) => {
        test.each(Object.keys(liesTo(scene, '')))(
          'with %s is not believed, and answered in time',
          async (name) => {
            expectDisbelief((await told.get(scene)?.get(name)) as Told, scene);
          },
        );
      },
    );

    test('no stranger heard a word, no connection is left open, and no memory is kept', async () => {
      expect(stranger.heard()).toBe(0);
      while (liar.held() > 0) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(heapInUse() - heapBefore).toBeLessThan(30);
      expect(house.world.logged()).not.toMatch(/internal_error|447700-?110/);
    });
  });
}
