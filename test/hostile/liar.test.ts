import { buildHouse, type House } from '../support/house.js';
import { WEBHOOK_ENV } from './cases/webhooks.js';
import { heapInUse } from './heap.js';
import { openLiar, type Liar } from './liar.js';
import { LIES, redirects } from './lies.js';
import { NETWORK_SCENES, tellAll, VERIFY_SCENES, type Scene, type Told } from './scenes.js';
import { openStranger, type Stranger } from './stranger.js';
import { tally } from './tally.js';

const HOUSES: [what: string, env: Record<string, string>, scenes: Scene[]][] = [
  ['Network Enablement and Number Verification', {}, NETWORK_SCENES],
  ['Verify', { ...WEBHOOK_ENV, SILENT_AUTH: 'verify', FALLBACK_CHANNELS: 'sms,voice' }, VERIFY_SCENES],
];

/** What an app may be told when Vonage is not to be understood; a login that has another way goes on without the silent one. */
const HONEST = new Set(['upstream_error', 'upstream_timeout', 'unavailable']);
const names = Object.keys({ ...LIES, ...redirects('') });

describe.each(HOUSES)('%s as a liar', (_what, env, scenes) => {
  let house: House;
  let liar: Liar;
  let stranger: Stranger;
  let heapBefore: number;
  beforeAll(async () => {
    [liar, stranger] = [await openLiar(), await openStranger()];
    house = await buildHouse({ env, between: liar.standBefore });
    heapBefore = heapInUse();
  });
  afterAll(async () => {
    await house.stop();
    liar.stop();
    stranger.stop();
  });

  describe.each(scenes.map((scene) => [scene.endpoint, scene] as const))(
    'asked for %s',
    (_endpoint, scene) => {
      let told: Map<string, Told>;
      beforeAll(async () => {
        told = await tellAll({ house, liar }, scene, { ...LIES, ...redirects(stranger.url) });
        tally({
          'cases tried': told.size,
          'cases refused': [...told.values()].filter(({ authenticated }) => !authenticated).length,
        });
      }, 60_000);

      test.each(names)('with %s is not believed, and answered in time', (name) => {
        const { status, body, took, authenticated } = told.get(name) as Told;
        expect(authenticated).toBe(false);
        expect(took).toBeLessThan(scene.deadline + 2000);
        if (scene.endpoint === 'next' && status === 200) return;
        if (status === 201) expect(body).toMatchObject({ channel: null, auth_url: null });
        else expect(HONEST).toContain(body['error']);
      });
    },
  );

  test('no stranger heard a word, no connection is left open, and no memory is kept', async () => {
    expect(stranger.heard()).toBe(0);
    while (liar.held() > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heapInUse() - heapBefore).toBeLessThan(30);
    expect(house.world.logged()).not.toMatch(/internal_error|7700110/);
  });
});
