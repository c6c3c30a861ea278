import { buildHouse, type House } from '../support/house.js';
import { heapInUse } from './heap.js';
import { openFalsifyingProxy, type FalsifyingProxy } from './falsifying-proxy.js';
import { FALSE_ANSWERS, redirects } from './false-answers.js';
import { ANSWERS_BY_ENDPOINT } from './false-answers-by-endpoint.js';
import { answerAll, type Scene, type Told } from './vonage-calls.js';
import { openForeignHost, type ForeignHost } from './foreign-host.js';
import { addToSummary } from './summary.js';

/** What an app may be told when Vonage is not to be understood. */
const HONEST = ['upstream_error', 'upstream_timeout', 'unavailable'];

const answersFor = (scene: Scene, stranger: string) => ({
  ...FALSE_ANSWERS,
  ...redirects(stranger),
  ...ANSWERS_BY_ENDPOINT[scene.endpoint],
});

/** Beyond the deadline of a call: what a busy machine needs to notice. */
const NOTICE = 2000;

function expectDisbelief({ status, body, took, authenticated }: Told, { endpoint, deadline }: Scene): void {
  expect(authenticated).toBe(false);
  expect(took).toBeLessThan(deadline + NOTICE);
  // The body of a yes to `next` says nothing, so its status is all there is to believe; nobody
  // waits for `cancel`.
  if (endpoint === 'next' && status === 200) return;
  if (endpoint === 'cancel' && status === 204) return;
  // A login that has another way than the silent one goes on without it.
  if (status === 201) expect(body).toMatchObject({ channel: null, auth_url: null });
  else expect(HONEST).toContain(body['error']);
}

/** Tells a server every falseAnswer there is, at each of these calls. */
export function describeFalseAnswers(
  what: string,
  env: Record<string, string>,
  scenes: readonly Scene[],
): void {
  describe(`${what} as a falsifier`, () => {
    let house: House;
    let falsifier: FalsifyingProxy;
    let stranger: ForeignHost;
    let heapBefore: number;
    const told = new Map<Scene, Map<string, Promise<Told>>>();
    beforeAll(async () => {
      [falsifier, stranger] = [await openFalsifyingProxy(), await openForeignHost()];
      house = await buildHouse({ env, between: (sandbox) => falsifier.placeBefore(sandbox) });
      heapBefore = heapInUse();
      for (const scene of scenes)
        told.set(scene, await answerAll({ house, falsifier }, scene, answersFor(scene, stranger.url)));
      const outcomes = await Promise.all([...told.values()].flatMap((each) => [...each.values()]));
      const refused = outcomes.filter(({ authenticated }) => !authenticated);
      addToSummary({ 'cases tried': outcomes.length, 'cases refused': refused.length });
    }, 120_000);
    afterAll(async () => {
      await house.stop();
      falsifier.stop();
      stranger.stop();
    });

    describe.each(scenes.map((scene) => [scene.endpoint, scene] as const))(
      'asked for %s',
      (_endpoint, scene) => {
        test.each(Object.keys(answersFor(scene, '')))(
          'with %s is not believed, and answered in time',
          async (name) => {
            expectDisbelief((await told.get(scene)?.get(name)) as Told, scene);
          },
        );
      },
    );

    test('no stranger heard a word, no connection is left open, and no memory is kept', async () => {
      expect(stranger.heard()).toBe(0);
      while (falsifier.held() > 0) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(heapInUse() - heapBefore).toBeLessThan(30);
      expect(house.world.logged()).not.toMatch(/internal_error|447700-?110/);
    });
  });
}
